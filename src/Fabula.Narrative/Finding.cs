namespace Fabula.Narrative;

public enum Severity { Error, Warning }

/// <summary>
/// Something in a document that a person should look at. An error keeps the film from being made; a warning does not.
/// <paramref name="Where"/> is a place a person can go to ("line 12", "shots[3] (ada-waves)"), <paramref name="Fix"/> what mends it.
/// </summary>
public sealed record Finding(Severity Severity, string Where, string Problem, string Fix)
{
    public static Finding Error(string where, string problem, string fix) => new(Severity.Error, where, problem, fix);

    public static Finding Warning(string where, string problem, string fix) => new(Severity.Warning, where, problem, fix);

    public override string ToString() => $"{(Severity == Severity.Error ? "error" : "warning")}: {Where}: {Problem} {Fix}";
}
