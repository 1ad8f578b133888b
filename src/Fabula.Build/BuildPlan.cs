// What would run, and why. Nothing is written; a plan can be made while another process builds.
//
// How far a plan can see: a step's key needs the bytes of its inputs. Beyond a step that has yet to run these are unknown, so the plan says
// "maybe": the step is redone unless the bytes come out as they were (early cutoff), or as they were once before. It says "run" beyond such
// a step only where its own recipe, settings or names were never seen, so that no bytes could save it. Where an artifact was lost, the plan
// expects that the step gives the same bytes again; the runner looks, and redoes what depends on it if not.
using System.Text;

namespace Fabula.Build;

public enum PlanState
{
    /// <summary>Made, and there.</summary>
    Done,
    /// <summary>Runs, unless another step of this plan turns out to be the very same work.</summary>
    Run,
    /// <summary>Runs only if a step before it gives other bytes than it ever gave.</summary>
    Maybe,
}

/// <param name="Key">Null where it cannot be known ahead.</param>
/// <param name="Outputs">
/// In the order of the step's outputs: what is there, or is expected to come out again; empty where that is unknown.
/// </param>
/// <param name="Cost">By the recipe, else what it took last time, else zero.</param>
public sealed record PlannedStep(Step Step, PlanState State, Digest? Key, IReadOnlyList<Artifact> Outputs, IReadOnlyList<Reason> Reasons,
    StepCost Cost);

public sealed class BuildPlan
{
    public BuildGraph Graph { get; }
    /// <summary>In the graph's order.</summary>
    public IReadOnlyList<PlannedStep> Steps { get; }

    BuildPlan(BuildGraph graph, PlannedStep[] steps) => (Graph, Steps) = (graph, steps);

    public PlannedStep this[string id] => Steps[Graph.PlaceOf(id)];

    public IEnumerable<PlannedStep> In(PlanState state) => Steps.Where(step => step.State == state);

    public bool NothingToDo => Steps.All(step => step.State == PlanState.Done);

    /// <summary>Seconds of work if no "maybe" runs, and if each does; on one worker.</summary>
    public (double Least, double Most) Seconds
    {
        get
        {
            var least = In(PlanState.Run).Sum(step => step.Cost.Seconds);
            return (least, least + In(PlanState.Maybe).Sum(step => step.Cost.Seconds));
        }
    }

    /// <summary>The most that one of the steps to be run holds.</summary>
    public long MemoryBytes =>
        Steps.Where(step => step.State != PlanState.Done).Select(step => step.Cost.MemoryBytes).DefaultIfEmpty().Max();

    /// <param name="thorough">Reads every byte of what is there.</param>
    public static BuildPlan Make(BuildGraph graph, IArtifactStore store, IStepJournal journal, bool thorough = false)
    {
        var planned = new PlannedStep[graph.Steps.Count];
        for (var i = 0; i < planned.Length; i++) planned[i] = Plan(graph, i, planned, store, journal, thorough);
        return new BuildPlan(graph, planned);
    }

    static PlannedStep Plan(BuildGraph graph, int place, PlannedStep[] planned, IArtifactStore store, IStepJournal journal, bool thorough)
    {
        var step = graph.Steps[place];
        var last = journal.Last(step.Id);
        var unknown = new List<string>();
        foreach (var earlier in graph.Before(place))
            if (planned[earlier].Outputs.Count == 0) unknown.Add(planned[earlier].Step.Id);
        if (unknown.Count > 0)
        {
            var reasons = Reason.OwnChanges(step, last);
            var state = journal.HasSeen(StepKey.Work(step)) ? PlanState.Maybe : PlanState.Run;
            return new PlannedStep(step, state, null, [], [.. reasons, new Reason(ReasonKind.Waits, string.Join(", ", unknown))],
                Cost(step, last));
        }

        var inputs = step.Inputs.Select(input => input is StepInput from ? Output(planned[graph.PlaceOf(from.Step)], from.Output)
            : ((SourceInput)input).Content).Select(artifact => artifact.Digest).ToArray();
        var key = StepKey.Of(step, inputs);
        if (Made(step, key, journal) is not { } record)
            return new PlannedStep(step, PlanState.Run, key, [], Reason.Changes(step, inputs, last), Cost(step, last));
        Artifact[] outputs = [.. record.Outputs.Select(output => output.Artifact)];
        var lost = Lost(record, store, thorough);
        return new PlannedStep(step, lost.Count == 0 ? PlanState.Done : PlanState.Run, key, outputs, lost, Cost(step, record));
    }

    /// <summary>The record of a key, if it is of this form.</summary>
    internal static StepRecord? Made(Step step, Digest key, IStepJournal journal) =>
        journal.Find(key) is { } record && record.Outputs.Select(output => output.Name).SequenceEqual(step.Outputs) ? record : null;

    internal static List<Reason> Lost(StepRecord record, IArtifactStore store, bool thorough)
    {
        var lost = new List<Reason>();
        foreach (var (name, artifact) in record.Outputs)
            if (store.Check(artifact, thorough) is { IsSound: false } state)
                lost.Add(new Reason(state.Condition == ArtifactCondition.Missing ? ReasonKind.Missing : ReasonKind.Corrupt, name,
                    New: state.Explanation));
        return lost;
    }

    static Artifact Output(PlannedStep planned, string name)
    {
        for (var i = 0; ; i++)
            if (planned.Step.Outputs[i] == name) return planned.Outputs[i];
    }

    static StepCost Cost(Step step, StepRecord? last) => step.Recipe.Cost?.Invoke(step) ?? new StepCost(last?.Seconds ?? 0);

    /// <summary>A line in sum, then a line for every step that is not done: what, and why. The same plan gives the same text.</summary>
    public string Explain()
    {
        var (run, maybe, done) = (In(PlanState.Run).Count(), In(PlanState.Maybe).Count(), In(PlanState.Done).Count());
        if (run + maybe == 0) return $"Nothing to do: {Count(done, "step")} done.";
        var text = new StringBuilder($"{Count(run, "step")} to run");
        if (maybe > 0) text.Append($", {maybe} that may follow");
        text.Append($", {done} done.");
        var (least, most) = ($"{Seconds.Least:0.#} s", $"{Seconds.Most:0.#} s");
        if (most != "0 s") text.Append($" About {least} of work").Append(most != least ? $", at most {most}." : ".");
        if (MemoryBytes is > 0 and var memory) text.Append($" Up to {memory / 1048576.0:0.#} MiB of memory for one step.");
        foreach (var step in Steps.Where(step => step.State != PlanState.Done))
            text.Append($"\n{(step.State == PlanState.Run ? "run  " : "maybe")} {step.Step.Id}: ").AppendJoin("; ", step.Reasons);
        if (maybe > 0)
            text.Append("\nA step marked maybe is redone only if what it waits for gives other bytes than before; "
                + "that cannot be known ahead.");
        return text.ToString();

        static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
    }
}
