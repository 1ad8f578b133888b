// Why a step is not done.
namespace Fabula.Build;

public enum ReasonKind { New, Recipe, Version, Setting, Input, Outputs, Missing, Corrupt, Forgotten, Waits }

/// <param name="Subject">The field, input, output or step that it is about.</param>
/// <param name="Old">What it was, for changes.</param>
/// <param name="New">What it is now, or for lost artifacts what is wrong.</param>
public sealed record Reason(ReasonKind Kind, string? Subject = null, string? Old = null, string? New = null)
{
    public override string ToString() => Kind switch
    {
        ReasonKind.New => "new",
        ReasonKind.Recipe => $"recipe {Old} -> {New}",
        ReasonKind.Version => $"recipe {Subject} version {Old} -> {New}",
        ReasonKind.Setting => $"setting {Subject}: {Short(Old, New)} -> {Short(New, Old)}",
        ReasonKind.Input when Old is null => $"input {Subject} added ({New})",
        ReasonKind.Input when New is null => $"input {Subject} taken away ({Old})",
        ReasonKind.Input => $"input {Subject} changed: {Old} -> {New}",
        ReasonKind.Outputs => $"outputs {Old} -> {New}",
        ReasonKind.Missing or ReasonKind.Corrupt => $"its file {Subject} {New}",
        ReasonKind.Forgotten => "no record that it was made",
        _ => $"waits for {Subject}",
    };

    /// <summary>Fit for a line: of long texts the part around the first difference.</summary>
    static string Short(string? json, string? other)
    {
        if (json is null || json.Length <= 80) return json ?? "(none)";
        var alike = json.AsSpan().CommonPrefixLength(other);
        var start = alike <= 40 ? 0 : alike - 20;
        var part = json.AsSpan(start, Math.Min(74, json.Length - start));
        return $"{(start > 0 ? "..." : "")}{part}{(start + 74 < json.Length ? "..." : "")}";
    }

    /// <summary>All differences between a step and what was last made under its id.</summary>
    internal static List<Reason> Changes(Step step, ReadOnlySpan<Digest> inputs, StepRecord? last)
    {
        var reasons = OwnChanges(step, last);
        if (last is null) return reasons;
        var before = last.Inputs.DistinctBy(input => input.Name).ToDictionary(input => input.Name, StringComparer.Ordinal);
        for (var i = 0; i < inputs.Length; i++)
        {
            var name = step.Inputs[i].Name;
            if (!before.Remove(name, out var old)) reasons.Add(new Reason(ReasonKind.Input, name, null, From(step.Inputs[i], inputs[i])));
            else if (old.Digest != inputs[i])
                reasons.Add(new Reason(ReasonKind.Input, name, $"{old.From} {old.Digest.Brief}", From(step.Inputs[i], inputs[i])));
        }
        foreach (var gone in last.Inputs.Where(input => before.ContainsKey(input.Name)))
            reasons.Add(new Reason(ReasonKind.Input, gone.Name, $"{gone.From} {gone.Digest.Brief}"));
        if (reasons.Count == 0 && !last.Inputs.Select(input => input.Name).SequenceEqual(step.Inputs.Select(input => input.Name)))
            reasons.Add(new Reason(ReasonKind.Input, "order", string.Join(", ", last.Inputs.Select(input => input.Name)),
                string.Join(", ", step.Inputs.Select(input => input.Name))));
        return reasons.Count > 0 ? reasons : [new Reason(ReasonKind.Forgotten)];
    }

    /// <summary>The differences that show without the inputs' bytes.</summary>
    internal static List<Reason> OwnChanges(Step step, StepRecord? last)
    {
        if (last is null) return [new Reason(ReasonKind.New)];
        var reasons = new List<Reason>();
        if (last.Recipe != step.Recipe.Name) reasons.Add(new Reason(ReasonKind.Recipe, null, last.Recipe, step.Recipe.Name));
        else if (last.Version != step.Recipe.Version)
            reasons.Add(new Reason(ReasonKind.Version, last.Recipe, $"{last.Version}", $"{step.Recipe.Version}"));
        foreach (var (field, old, now) in Settings.Changes(last.Settings, step.Settings))
            reasons.Add(new Reason(ReasonKind.Setting, field, old, now));
        if (!last.Outputs.Select(output => output.Name).SequenceEqual(step.Outputs))
            reasons.Add(new Reason(ReasonKind.Outputs, null, string.Join(", ", last.Outputs.Select(output => output.Name)),
                string.Join(", ", step.Outputs)));
        return reasons;
    }

    /// <summary>What a record keeps of an input's origin.</summary>
    internal static string Origin(Input input) => input is StepInput from ? $"{from.Step}/{from.Output}" : ((SourceInput)input).Path;

    static string From(Input input, Digest digest) => $"{Origin(input)} {digest.Brief}";
}
