// What a runner tells while it works: a stream that a progress bar, a page and a log can all read.
namespace Fabula.Build;

public abstract record BuildEvent;

/// <summary>Comes first.</summary>
public sealed record BuildStarted(BuildPlan Plan) : BuildEvent
{
    public override string ToString() => Plan.Explain();
}

/// <param name="Resumed">Goes on from what a stopped run left.</param>
public sealed record StepStarted(Step Step, Digest Key, bool Resumed) : BuildEvent
{
    public override string ToString() => $"{Step}: {(Resumed ? "goes on" : "starts")}";
}

/// <param name="Done">Of <paramref name="Total"/>, in units of the step's own.</param>
public sealed record StepProgress(Step Step, double Done, double Total, string? Note) : BuildEvent
{
    public override string ToString() => $"{Step}: {Done:0.##} of {Total:0.##}{(Note is null ? "" : $", {Note}")}";
}

/// <param name="Outputs">In the order of the step's outputs.</param>
public sealed record StepFinished(Step Step, Digest Key, IReadOnlyList<Artifact> Outputs, TimeSpan Took) : BuildEvent
{
    public override string ToString() => $"{Step}: done in {Took.TotalSeconds:0.0} s";
}

/// <summary>A step that might have had to run and need not: its inputs came out as they were once before.</summary>
public sealed record StepReused(Step Step, Digest Key, IReadOnlyList<Artifact> Outputs) : BuildEvent
{
    public override string ToString() => $"{Step}: unchanged";
}

/// <summary>
/// The same key gave other bytes than before: the recipe uses something that its key does not know. What depends on it is redone.
/// </summary>
public sealed record StepDiffered(Step Step, string Output, Digest Before, Digest Now) : BuildEvent
{
    public override string ToString() => $"{Step}: '{Output}' came out other than last time ({Before.Brief}, now {Now.Brief}), "
        + $"though nothing changed. "
        + $"The recipe '{Step.Recipe.Name}' uses something that is neither a setting nor an input";
}

/// <param name="Problem">The rest of a sentence that begins with the step.</param>
public sealed record StepFailed(Step Step, string Problem, Exception? Cause) : BuildEvent
{
    public override string ToString() => $"{Step} failed: {Problem}.";
}

/// <param name="Because">The failed step that it needs.</param>
public sealed record StepSkipped(Step Step, string Because) : BuildEvent
{
    public override string ToString() => $"{Step}: not made, because {Because} failed";
}

/// <summary>Stopped by the user.</summary>
/// <param name="Saved">It left something in its folder to go on from.</param>
public sealed record StepStopped(Step Step, bool Saved) : BuildEvent
{
    public override string ToString() => $"{Step}: stopped{(Saved ? "; the next run goes on from here" : "")}";
}

public enum BuildOutcome { Succeeded, Failed, Stopped }

/// <summary>Comes last, also after a stop.</summary>
public sealed record BuildEnded(BuildOutcome Outcome, int Ran, int Reused, int Failed, int Skipped, BuildResults Results) : BuildEvent
{
    public override string ToString() => Outcome switch
    {
        BuildOutcome.Succeeded => Ran == 0 ? "Nothing to do." : $"Done: {Ran} made, {Reused} unchanged.",
        BuildOutcome.Failed => $"{Failed} failed, {Skipped} not made because of that; {Ran} made. The next run begins with what failed.",
        _ => $"Stopped: {Ran} made. The next run goes on from here.",
    };
}

/// <summary>The outputs of all steps that are done.</summary>
public sealed class BuildResults
{
    readonly BuildGraph _graph;
    readonly IReadOnlyList<Artifact>?[] _outputs;

    internal BuildResults(BuildGraph graph, IReadOnlyList<Artifact>?[] outputs) => (_graph, _outputs) = (graph, outputs);

    /// <summary>An output (the first, if none is named) of a step; null if the step is not done.</summary>
    /// <exception cref="GraphException">There is no such step or output.</exception>
    public Artifact? Find(string step, string? output = null)
    {
        var place = _graph.PlaceOf(step);
        var names = _graph.Steps[place].Outputs;
        for (var i = 0; i < names.Count; i++)
            if (output is null || names[i] == output) return _outputs[place]?[i];
        throw new GraphException([$"Step '{step}' has no output '{output}', only {string.Join(", ", names)}."]);
    }
}
