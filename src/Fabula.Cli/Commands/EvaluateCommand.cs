// `fabula evaluate`: measures a pocket model on held-out stories and prints every number with its 95 % interval.
using System.CommandLine;
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training;
using Fabula.Training.Evaluation;

namespace Fabula.Cli.Commands;

static class EvaluateCommand
{
    public static Command Create()
    {
        var model = new Option<string?>("--model") { Description = "A pocket model's folder; models/pocket unless given." };
        var judge = new Option<string?>("--judge")
        {
            Description = "A judge's folder (fabula train judge); without it only pixels are measured.",
        };
        var stories = new Option<int>("--stories") { Description = "Held-out stories.", DefaultValueFactory = _ => 64 };
        var command = new Command("evaluate", "Measure a pocket model on held-out stories of Paper Theatre.") { model, judge, stories };
        command.Add(EvaluateMovieDreamer.Create());
        command.SetAction(parsed => Outcome.Of(() =>
        {
            if (parsed.GetValue(stories) is < 1 or > 10_000) throw new FormatException("--stories is a number from 1 to 10000.");
            var folder = parsed.GetValue(model) ?? FilmArguments.Pocket()
                ?? throw new FormatException("There is no pocket model to measure. Name its folder with --model.");
            using var film = FilmModel.Open(folder);
            if (film.Facts is not { Width: JudgeConfig.Width, Height: JudgeConfig.Height })
                throw new FormatException($"{film.Facts.Name} was not taught on Paper Theatre: its film.json names no "
                    + $"{JudgeConfig.Width} x {JudgeConfig.Height}.");
            using var reader = parsed.GetValue(judge) is { } path ? Judge.Open(path) : null;
            var (tools, weights) = LibTorch.Run(() => PocketFolder.OpenTools(folder));
            using var report = new PocketReport(film, tools.Vae, reader, parsed.GetValue(stories));
            foreach (var row in report.Rows())
                Console.WriteLine($"{row.Name,-66}  {row.Value,-40}  {(row.Bar.Length == 0 ? "" : $"wanted {row.Bar}")}");
            LibTorch.Run(() =>
            {
                foreach (var weight in weights) weight.Dispose();
            });
            return 0;
        }));
        return command;
    }
}
