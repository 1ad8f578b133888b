// How two neighbouring shots join, when the story does not say.
namespace Fabula.Narrative;

/// <summary>
/// SetAware: a bridge where somebody comes or goes between two shots of one framing, a continuation where nobody does, a cut elsewhere.
/// EveryPair: a bridge between all neighbours of one scene, as InfinityStory's figure shows it. CutsOnly: as the name says.
/// </summary>
public enum JoinRule { SetAware, EveryPair, CutsOnly }

public static class Joins
{
    /// <summary>What happens between those who are seen before and those who are seen after.</summary>
    public static JoinKind Kind(IReadOnlyCollection<string> before, IReadOnlyCollection<string> after)
    {
        var (stay, exit, enter) = (before.Intersect(after).Any(), before.Except(after).Any(), after.Except(before).Any());
        return (exit, enter, stay) switch
        {
            (false, false, true) => JoinKind.Stay,
            (false, false, false) => JoinKind.Empty,
            (false, true, _) => JoinKind.Enter,
            (true, false, _) => JoinKind.Exit,
            (true, true, true) => JoinKind.Swap,
            _ => JoinKind.Replace,
        };
    }

    public static JoinMethod Method(PlanShot from, PlanShot to, JoinRule rule)
    {
        if (from.Scene != to.Scene || rule == JoinRule.CutsOnly) return JoinMethod.Cut;
        if (rule == JoinRule.EveryPair) return JoinMethod.Bridge;
        if (from.Size != to.Size || from.Angle != to.Angle) return JoinMethod.Cut;
        return from.End.ToHashSet().SetEquals(to.Start) ? JoinMethod.Continue : JoinMethod.Bridge;
    }

    /// <summary>Fills in what follows from the method and the two shots. Frames: the length of a
    /// dissolve or fade; a bridge takes a shot's.</summary>
    public static PlanTransition Make(PlanShot from, PlanShot to, JoinMethod method, int frames, Func<string, string> name, int filmSeed)
    {
        var id = $"{from.Id}--{to.Id}";
        var join = new PlanTransition
        {
            Id = id,
            From = from.Id,
            To = to.Id,
            Method = method,
            Kind = Kind(from.End, to.Start),
            Stay = [.. from.End.Intersect(to.Start)],
            Enter = [.. to.Start.Except(from.End)],
            Exit = [.. from.End.Except(to.Start)],
            Frames = frames,
        };
        return method == JoinMethod.Bridge ? join with { Prompt = Prompt(join, name), Seed = PlanIds.Seed(filmSeed, id) } : join;
    }

    static string Prompt(PlanTransition join, Func<string, string> name)
    {
        var sentences = new[]
        {
            (join.Exit, "walks out of the picture", "walk out of the picture"),
            (join.Enter, "walks into the picture", "walk into the picture"),
            (join.Stay, "stays", "stay"),
        };
        var told = sentences.Where(part => part.Item1.Count > 0)
            .Select(part => $"{List(part.Item1.Select(name))} {(part.Item1.Count == 1 ? part.Item2 : part.Item3)}.").ToList();
        return told.Count == 0 ? "Nobody is there. The camera stays." : string.Join(' ', told);
    }

    public static string List(IEnumerable<string> names) => names.ToList() switch
    {
        [] => "",
        [var one] => one,
        [.. var some, var last] => $"{string.Join(", ", some)} and {last}",
    };
}
