// `fabula evaluate moviedreamer`: the tokenizer, the planner and the length of what they tell, on held-out stories.
using System.CommandLine;
using Fabula.Models;
using Fabula.Production;
using Fabula.Torch;
using Fabula.Training;
using Fabula.Training.Evaluation;
using Fabula.Training.PaperTheatre;

namespace Fabula.Cli.Commands;

static class EvaluateMovieDreamer
{
    public static Command Create()
    {
        var model = new Option<string?>("--model") { Description = "A pocket model's folder; models/pocket unless given." };
        var keyframes = new Option<string?>("--keyframes")
        {
            Description = "The folder of tokenizer and planner; moviedreamer in the model's unless given. Where there is no planner, the "
                + "tokenizer alone is measured.",
        };
        var judge = new Option<string?>("--judge") { Description = "A judge's folder (fabula train judge); models/judge unless given." };
        var stories = new Option<int>("--stories") { Description = "Held-out stories.", DefaultValueFactory = _ => 32 };
        var length = new Option<int>("--length")
        {
            Description = "Keyframes of the long film; 0: leave it out.",
            DefaultValueFactory = _ => 1000,
        };
        var temperature = new Option<double>("--temperature")
        {
            Description = "Scales the deviation of what is drawn for a token.",
            DefaultValueFactory = _ => KeyframeModel.Temperature,
        };
        var other = new Option<string?>("--other")
        {
            Description = "The folder of another planner: how much worse each of the two foresees held-out stories than learned ones.",
        };
        var sheet = new Option<string?>("--sheet") { Description = "A PNG file: keyframes of four stories, drawn and told; no tables." };
        var anchor = new Option<int>("--anchor")
        {
            Description = "Clips that are continued five times with and without their first frame in view; 0: leave it out.",
            DefaultValueFactory = _ => 16,
        };
        var command = new Command("moviedreamer", "Measure MovieDreamer's tokenizer and planner on held-out stories.")
        {
            model, keyframes, judge, stories, length, temperature, other, sheet, anchor,
        };
        command.SetAction(parsed => Outcome.Of(() =>
        {
            if (parsed.GetValue(stories) is < 1 or > 10_000) throw new FormatException("--stories is a number from 1 to 10000.");
            if (parsed.GetValue(length) is < 0 or > 1_000_000) throw new FormatException("--length is a number from 0 to 1000000.");
            if (parsed.GetValue(anchor) is < 0 or > 10_000) throw new FormatException("--anchor is a number from 0 to 10000.");
            if (parsed.GetValue(temperature) is not (>= 0 and <= 10)) throw new FormatException("--temperature is a number from 0 to 10.");
            var folder = parsed.GetValue(model) ?? FilmArguments.Pocket()
                ?? throw new FormatException("There is no pocket model to measure. Name its folder with --model.");
            var networks = parsed.GetValue(keyframes) ?? Path.Combine(folder, KeyframeModel.FolderName);
            using var reader = Judge.Open(parsed.GetValue(judge) ?? FilmArguments.Shipped("judge")
                ?? throw new FormatException("There is no judge to read frames. Name its folder with --judge."));
            var (tools, weights) = LibTorch.Run(() => PocketFolder.OpenTools(folder));
            var (tokenizer, planner) = LibTorch.Run(() => (KeyframeFiles.OpenTokenizer(networks),
                KeyframeFiles.AreIn(networks) ? KeyframeFiles.OpenPlanner(networks) : null));
            var held = LibTorch.Run(() => Held(tools, parsed.GetValue(stories)));
            using var report = new MovieDreamerReport(tools, tokenizer.Network, planner?.Network, reader, held,
                parsed.GetValue(temperature));
            if (parsed.GetValue(sheet) is { } path)
            {
                if (planner is null) throw new FormatException($"{networks} has no planner, and a sheet shows what one tells.");
                using var file = File.Create(path);
                report.Sheet(file, 4);
            }
            else
            {
                foreach (var row in report.Tokenizer().Concat(planner is null ? [] : Rows(report, parsed.GetValue(length),
                    parsed.GetValue(other), planner.Network, tools, parsed.GetValue(stories))))
                    Console.WriteLine($"| {row.Name} | {row.Value} | {row.Bar} |");
                foreach (var row in Continued(folder, reader, parsed.GetValue(anchor)))
                    Console.WriteLine($"| {row.Name} | {row.Value} | {row.Bar} |");
            }
            LibTorch.Run(() =>
            {
                foreach (var weight in weights.Append(tokenizer.Weights)) weight.Dispose();
                planner?.Dispose();
            });
            return 0;
        }));
        return command;
    }

    static IEnumerable<Measured> Rows(MovieDreamerReport report, int length, string? other, KeyframePlanner planner, VideoTools tools,
        int stories)
    {
        foreach (var row in report.Planner()) yield return row;
        if (other is not null)
        {
            var second = LibTorch.Run(() => KeyframeFiles.OpenPlanner(other));
            foreach (var row in report.Generalisation([("this planner", planner), ("the other one", second.Network)],
                LibTorch.Run(() => Told(tools, stories, heldOut: false)))) yield return row;
            LibTorch.Run(second.Dispose);
        }
        if (length == 0) yield break;
        foreach (var row in report.Length(length)) yield return row;
    }

    static IEnumerable<Measured> Continued(string folder, Judge judge, int clips)
    {
        if (clips == 0) return [];
        using var renderer = new ModelRenderer(FilmModel.Open(folder));
        using var filming = new Filming(renderer);
        using var table = new AnchorTable(filming, judge, seed: 3);
        return [.. AnchorTable.Rows([.. Enumerable.Range(0, clips).SelectMany(table.Observe)])];
    }

    static KeyframeExamples Held(VideoTools tools, int stories) => Told(tools, stories, heldOut: true);

    static KeyframeExamples Told(VideoTools tools, int stories, bool heldOut)
    {
        using var off = Autograd.Disable();
        const ulong Seed = 3;
        var store = new LatentStories(tools.Vae, Path.GetTempPath(), Seed);
        var told = Enumerable.Range(0, stories).Select(i => LatentStories.Tell(Seed, i, heldOut));
        return new([.. told.Select(store.Keyframes)], [], tools.Vae.Config.ZDim, 16, 28);
    }
}
