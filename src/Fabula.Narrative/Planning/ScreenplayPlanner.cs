// Screenplay and bible -> film plan, without any language model: the same input gives the same
// plan, for ever. docs/screenplay.md has the rules.
using Fabula.Narrative.Fountain;

namespace Fabula.Narrative;

/// <summary>Join rule, and the most shots that one shot remembers (10: more than StoryMem was trained with).</summary>
public sealed record PlanOptions(JoinRule Joins = JoinRule.SetAware, int Memory = 10);

/// <summary>A plan, and what a person should look at before it is rendered. With an error among the findings it should not be.</summary>
public sealed record Planned(FilmPlan Plan, IReadOnlyList<Finding> Findings)
{
    public bool HasErrors => Findings.Any(finding => finding.Severity == Severity.Error);
}

public static class ScreenplayPlanner
{
    public static Planned Plan(Screenplay screenplay, Bible bible, PlanOptions? options = null, string source = "fountain")
    {
        var draft = new PlanDraft(bible, screenplay.Title("Title") ?? bible.Title ?? "Untitled", options ?? new());
        draft.Findings.AddRange(screenplay.Findings);
        foreach (var element in screenplay.Elements) draft.Add(element);
        var plan = draft.Finish(source, screenplay.Title("Logline"));
        return new(plan, [.. draft.Findings, .. Continuity.Check(plan)]);
    }

    /// <summary>A fresh plan with the choices that people made in an earlier one: seeds, takes, and which take is in the film.</summary>
    public static FilmPlan KeepChoices(FilmPlan fresh, FilmPlan earlier)
    {
        var known = earlier.Shots.GroupBy(shot => shot.Id).ToDictionary(group => group.Key, group => group.First());
        return fresh with
        {
            Shots = [.. fresh.Shots.Select(shot => known.TryGetValue(shot.Id, out var old)
                ? shot with
                {
                    Seed = old.Seed,
                    Take = old.Take,
                    Takes = old.Takes,
                    KeyframeSeed = old.KeyframeSeed,
                    KeyframePicture = old.KeyframePicture,
                } : shot)],
        };
    }
}
