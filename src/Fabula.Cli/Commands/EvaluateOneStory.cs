// `fabula evaluate onestory`: OneStory's benchmark in the drawn world, or, with --write, its cases as data.
using System.CommandLine;
using Fabula.Models;
using Fabula.Training;
using Fabula.Training.Evaluation;

namespace Fabula.Cli.Commands;

static class EvaluateOneStory
{
    public static Command Create()
    {
        var models = new Option<string[]>("--model")
        {
            Description = "Folders of pocket models, one row or more each; models/pocket unless given.",
            AllowMultipleArgumentsPerToken = true,
        };
        var judge = new Option<string?>("--judge")
        {
            Description = "A judge's folder; models/judge unless given. Where there is none only the choice and the cost are measured.",
        };
        var cases = new Option<int>("--cases") { Description = "Cases of each kind.", DefaultValueFactory = _ => 64 };
        var shots = new Option<int>("--shots") { Description = "Shots of a case.", DefaultValueFactory = _ => 6 };
        var ways = new Option<MemoryWay[]>("--with")
        {
            Description = "Ways to remember: none, last-frame, storymem, onestory; all unless given.",
            AllowMultipleArgumentsPerToken = true,
            CustomParser = result => [.. result.Tokens.Select(token => Way(token.Value))],
        };
        var plates = new Option<bool>("--plates")
        {
            Description = "Gives the empty place of every shot, and lays people on it as remembered frames show them: "
                + "only looks come from memory.",
        };
        var write = new Option<string?>("--write") { Description = "Only writes the cases into this folder." };
        var command = new Command("onestory", "OneStory's benchmark on held-out people: 64 stories from words, 64 from a picture.")
        {
            models, judge, cases, shots, ways, plates, write,
        };
        command.SetAction(parsed => Outcome.Of(() =>
        {
            if (parsed.GetValue(cases) is < 1 or > 1000) throw new FormatException("--cases is a number from 1 to 1000.");
            if (parsed.GetValue(shots) is < 5 or > 24) throw new FormatException("--shots is a number from 5 to 24.");
            using var report = new OneStoryReport(parsed.GetValue(cases), parsed.GetValue(shots), parsed.GetValue(plates),
                Console.WriteLine);
            if (parsed.GetValue(write) is { } folder)
            {
                report.Write(folder);
                return 0;
            }
            Measure(report, parsed.GetValue(models) is { Length: > 0 } named ? named : [FilmArguments.Pocket()
                ?? throw new FormatException("There is no pocket model to measure. Name its folder with --model.")],
                parsed.GetValue(ways) is { Length: > 0 } asked ? asked : Enum.GetValues<MemoryWay>(),
                parsed.GetValue(judge) ?? FilmArguments.Shipped("judge"));
            return 0;
        }));
        return command;
    }

    static void Measure(OneStoryReport report, string[] folders, MemoryWay[] ways, string? judge)
    {
        var models = folders.Select(folder => (Name: Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)),
            Model: FilmModel.Open(folder))).ToList();
        try
        {
            foreach (var (name, model) in models)
                if (model.Facts is not { Width: JudgeConfig.Width, Height: JudgeConfig.Height })
                    throw new FormatException($"{name} was not taught on Paper Theatre: its film.json names no "
                        + $"{JudgeConfig.Width} x {JudgeConfig.Height}.");
            foreach (var (name, model) in models.Where(entry => entry.Model.Facts.Modes.HasFlag(FilmModes.Story)))
            {
                report.Selection(name, model);
                report.Cost(name, model);
            }
            if (judge is null)
            {
                Console.WriteLine("\nThe nine columns need a reader of frames: name one with --judge.");
                return;
            }
            using var reader = Judge.Open(judge);
            report.Columns(models, ways, reader);
        }
        finally
        {
            foreach (var (_, model) in models) model.Dispose();
        }
    }

    static MemoryWay Way(string name) => name switch
    {
        "none" => MemoryWay.None,
        "last-frame" => MemoryWay.LastFrame,
        "storymem" => MemoryWay.StoryMem,
        "onestory" => MemoryWay.OneStory,
        _ => throw new FormatException($"There is no way to remember called '{name}': --with takes none, last-frame, storymem, onestory."),
    };
}
