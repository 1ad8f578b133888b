using System.Globalization;
using Fabula.Build;
using Fabula.Narrative;
using Fabula.Production;

namespace Fabula.Cli.Commands;

/// <summary>What a film's maker tells: lines for people, a moving last line and pictures where a terminal shows them.</summary>
class Screen(Film film, bool live) : IDisposable
{
    readonly Preview? _preview = live ? Preview.OfTerminal() : null;
    readonly FilmProgress _progress = new();
    readonly Lock _writing = new();
    string _status = "";

    public static Screen Create(bool json, Film film) => json ? new JsonScreen(film)
        : new Screen(film, !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb"));

    protected Film Film => film;

    public virtual void Findings(IReadOnlyList<Finding> findings)
    {
        foreach (var finding in findings) Console.Error.WriteLine(Outcome.Shown(finding.ToString()));
    }

    public virtual void Plan(BuildPlan plan, bool explain)
    {
        if (plan.NothingToDo || explain)
        {
            Console.WriteLine(plan.Explain());
            return;
        }
        var run = plan.Steps.Where(step => step.State != PlanState.Done).ToList();
        Console.WriteLine($"{run.Count} of {plan.Steps.Count} steps would be made:");
        foreach (var kind in run.GroupBy(step => step.Step.Id.Split('/')[0])) Console.WriteLine($"  {kind.Key,-10} {kind.Count()}");
        var clips = run.Where(step => step.Step.Recipe.Name == "clip").ToList();
        if (clips.Count > 0 && clips.All(step => step.Cost.Seconds == 0))
            Console.WriteLine("Time: not known before a first clip was made.");
        else Console.WriteLine($"Time: about {Duration(plan.Seconds.Least)}, at most {Duration(plan.Seconds.Most)}.");
        if (plan.MemoryBytes > 0) Console.WriteLine($"Memory: about {plan.MemoryBytes / 1e9:0.0} GB for one step.");
    }

    public virtual void Stopping()
    {
        lock (_writing)
        {
            Clear();
            Console.Error.WriteLine("Stopping: the step at work saves what it has (Ctrl-C again ends at once) ...");
        }
    }

    public virtual void See(BuildEvent news)
    {
        lock (_writing) Show(news);
    }

    void Show(BuildEvent news)
    {
        _progress.See(news);
        Clear();
        switch (news)
        {
            case StepStarted { Resumed: true } started: Line($"{started.Step}: goes on where it was stopped"); break;
            case StepFinished finished:
                Line($"{finished.Step}: {Duration(finished.Took.TotalSeconds)}  ({Where()})");
                if (_preview is not null && finished.Step.Recipe.Name == "clip") _preview.Draw(film, finished.Outputs[0]);
                break;
            case StepFailed or StepSkipped or StepStopped or StepDiffered: Line(news.ToString()!); break;
            case BuildEnded ended: Line(End(ended)); break;
        }
        if (!live || news is not (StepStarted or StepProgress)) return;
        var status = news is StepProgress step ? $"{step.Step}: step {step.Done:0} of {step.Total:0}  ({Where()})"
            : $"{((StepStarted)news).Step} ...  ({Where()})";
        _status = Outcome.Shown(status.Length < Width() ? status : status[..(Width() - 1)]);
        Console.Write(_status);
    }

    string Where()
    {
        var shots = _progress.Shots > 1 ? $"{_progress.ShotsDone} of {_progress.Shots} shots, " : "";
        var sure = _progress.IsAtMost ? "at most" : "about";
        var left = _progress.SecondsLeft is > 0 and var seconds ? $", {sure} {Roughly(seconds)} of rendering left" : "";
        return $"{shots}{_progress.Done} of {_progress.Total} steps{left}";
    }

    string End(BuildEnded ended)
    {
        var calls = $"{film.Renderer.Calls} calls of the model";
        return ended.Outcome switch
        {
            BuildOutcome.Succeeded when ended.Ran == 0 && film.Published == 0 =>
                $"Nothing to do: {ended.Reused} steps are done, {calls}." + (film.Shown is { } shown ? $" Look at {shown}" : ""),
            BuildOutcome.Succeeded => $"Done: {ended.Ran} steps made, {ended.Reused} unchanged, {calls}."
                + (film.Digest is not null ? $" The film is in {film.Output}" : film.Shown is { } shot ? $" Look at {shot}" : ""),
            BuildOutcome.Failed => ended.ToString(),
            _ => "Stopped. What was made is kept: the same command goes on from here.",
        };
    }

    static void Line(string text) => Console.WriteLine(Outcome.Shown(text));

    void Clear()
    {
        if (live && _status.Length > 0) Console.Write("\r\x1b[K");
        _status = "";
    }

    static int Width()
    {
        try { return Math.Max(20, Console.WindowWidth); }
        catch (IOException) { return 80; }
    }

    protected static string Duration(double seconds) => seconds < 60 ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s")
        : seconds < 3600 ? $"{(int)seconds / 60} min {(int)seconds % 60} s" : $"{(int)seconds / 3600} h {(int)seconds / 60 % 60} min";

    /// <summary>As exact as a guess is.</summary>
    static string Roughly(double seconds) => seconds < 90 ? $"{Math.Ceiling(seconds / 5) * 5:0} s"
        : seconds < 5400 ? $"{Math.Round(seconds / 60):0} min" : $"{(int)seconds / 3600} h {(int)seconds / 600 % 6 * 10} min";

    public void Dispose() => Clear();
}
