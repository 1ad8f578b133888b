using System.CommandLine;
using System.Runtime.InteropServices;
using Fabula.Build;
using Fabula.Narrative;
using Fabula.Production;
using Fabula.Production.Delivery;

namespace Fabula.Cli.Commands;

/// <summary>`fabula make FOLDER`: a production becomes a film. docs/make.md has the options and exit codes.</summary>
static class MakeCommand
{
    public const int Failed = 1, BadInput = 2, Stopped = 130;

    public static Command Create()
    {
        var folder = new Argument<string>("FOLDER") { Description = "A production: screenplay.fountain and bible.yaml" };
        var dry = new Option<bool>("--dry-run") { Description = "Say what would be made, in what time and memory; make nothing" };
        var explain = new Option<bool>("--explain") { Description = "Say of every step why it would be made; make nothing" };
        var only = new Option<string?>("--only") { Description = "One shot, and what it needs" };
        var take = new Option<int?>("--take") { Description = "With --only: choose this take of the shot; a new number makes a new take" };
        var jobs = new Option<int>("--jobs") { Description = "Steps at a time", DefaultValueFactory = _ => 1 };
        var moving = new Option<string?>("--moving-picture") { Description = "Also a .webp or .gif of the film, for a web page" };
        var eyes = new Option<string?>("--eyes")
        {
            Description = "A folder with clip.* and aesthetic.*, which choose StoryMem's keyframes",
        };
        var json = new Option<bool>("--json") { Description = "One JSON object a line" };
        var film = FilmArguments.Create();
        var command = new Command("make", "Turns a production into a film; a second time only what has changed")
        {
            folder, dry, explain, only, take, jobs, moving, eyes, json,
        };
        film.AddTo(command);
        command.SetAction(parsed => Outcome.Of(() =>
        {
            if (parsed.GetValue(jobs) is < 1 or > 64) throw new FormatException("--jobs is a number from 1 to 64.");
            if (parsed.GetValue(moving) is { } wanted) MovingPicture.Format(wanted);
            var options = film.Options(parsed) with
            {
                Only = parsed.GetValue(only),
                Take = parsed.GetValue(take),
                Eyes = parsed.GetValue(eyes),
            };
            using var opened = Film.Open(parsed.GetValue(folder)!, options, path => Console.Error.WriteLine($"reading {path} once ..."));
            using var screen = Screen.Create(parsed.GetValue(json), opened);
            screen.Findings(opened.Findings);
            if (opened.Graph is null) return BadInput;
            if (parsed.GetValue(dry) || parsed.GetValue(explain)) return Look(opened, screen, parsed.GetValue(explain));
            var code = Run(opened, screen, parsed.GetValue(jobs));
            if (code == 0 && options.Only is null && parsed.GetValue(moving) is { } picture)
                MovingPicture.Write(Path.Combine(opened.Output, "film.mp4"), picture, new(), CancellationToken.None);
            return code;
        }));
        return command;
    }

    static int Look(Film film, Screen screen, bool explain)
    {
        var plan = film.Look();
        if (!plan.NothingToDo) screen.Findings(film.WordFindings());
        screen.Plan(plan, explain);
        return 0;
    }

    internal static int Run(Film film, Screen screen, int jobs)
    {
        using var stop = new CancellationTokenSource();
        void Stop(PosixSignalContext context)
        {
            if (stop.IsCancellationRequested) return;
            context.Cancel = true;
            screen.Stopping();
            stop.Cancel();
        }
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        return Follow(film, screen, jobs, stop.Token).GetAwaiter().GetResult();
    }

    static async Task<int> Follow(Film film, Screen screen, int jobs, CancellationToken stop)
    {
        var code = 0;
        await foreach (var news in film.Make(jobs, stop))
        {
            if (news is BuildStarted { Plan.NothingToDo: false }) screen.Findings(film.WordFindings());
            screen.See(news);
            if (news is BuildEnded ended)
                code = ended.Outcome switch { BuildOutcome.Succeeded => 0, BuildOutcome.Failed => Failed, _ => Stopped };
        }
        return code;
    }
}
