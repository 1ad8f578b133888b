using System.Text.Encodings.Web;
using System.Text.Json;
using Fabula.Build;
using Fabula.Narrative;
using Fabula.Production;

namespace Fabula.Cli.Commands;

/// <summary>The same for machines: one JSON object a line, each with an "event". docs/make.md lists them.</summary>
sealed class JsonScreen(Film film) : Screen(film, live: false)
{
    static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    readonly FilmProgress _progress = new();

    static void Write<T>(T line)
    {
        Console.Out.WriteLine(JsonSerializer.Serialize(line, Plain));
        Console.Out.Flush();
    }

    public override void Findings(IReadOnlyList<Finding> findings)
    {
        foreach (var finding in findings)
            Write(new
            {
                @event = "finding",
                severity = finding.Severity == Severity.Error ? "error" : "warning",
                where = finding.Where,
                problem = finding.Problem,
                fix = finding.Fix,
            });
    }

    public override void Plan(BuildPlan plan, bool explain)
    {
        foreach (var planned in plan.Steps)
            Write(new
            {
                @event = "planned",
                step = planned.Step.Id,
                state = planned.State.ToString().ToLowerInvariant(),
                reasons = planned.Reasons.Select(reason => reason.ToString()),
                seconds = planned.Cost.Seconds,
                memory = planned.Cost.MemoryBytes,
            });
    }

    public override void Stopping() => Write(new { @event = "stopping" });

    public override void See(BuildEvent news)
    {
        _progress.See(news);
        switch (news)
        {
            case BuildStarted: Write(new { @event = "started", total = _progress.Total, left = _progress.SecondsLeft }); break;
            case StepStarted started: Write(new { @event = "step", step = started.Step.Id, resumed = started.Resumed }); break;
            case StepProgress progress:
                Write(new
                {
                    @event = "progress",
                    step = progress.Step.Id,
                    done = progress.Done,
                    total = progress.Total,
                    left = _progress.SecondsLeft,
                });
                break;
            case StepFinished finished:
                Write(new
                {
                    @event = "made",
                    step = finished.Step.Id,
                    seconds = finished.Took.TotalSeconds,
                    outputs = finished.Outputs.Select(output => output.Digest.ToString()),
                    done = _progress.Done,
                    left = _progress.SecondsLeft,
                });
                break;
            case StepReused reused: Write(new { @event = "reused", step = reused.Step.Id }); break;
            case StepFailed failed: Write(new { @event = "failed", step = failed.Step.Id, problem = failed.Problem }); break;
            case StepSkipped skipped: Write(new { @event = "skipped", step = skipped.Step.Id, because = skipped.Because }); break;
            case StepStopped stopped: Write(new { @event = "stopped", step = stopped.Step.Id, saved = stopped.Saved }); break;
            case BuildEnded ended:
                Write(new
                {
                    @event = "ended",
                    outcome = ended.Outcome.ToString().ToLowerInvariant(),
                    made = ended.Ran,
                    unchanged = ended.Reused,
                    calls = Film.Renderer.Calls,
                    film = Film.Digest,
                    folder = Film.Output,
                    shot = Film.Shown,
                });
                break;
        }
    }
}
