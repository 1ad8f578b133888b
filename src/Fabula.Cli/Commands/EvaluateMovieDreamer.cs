// `fabula evaluate moviedreamer`: the tokenizer, the planner and the length of what they tell, on held-out stories.
using System.CommandLine;
using Fabula.Models;
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
            Description = "The folder of tokenizer and planner; moviedreamer in the model's unless given.",
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
        var command = new Command("moviedreamer", "Measure MovieDreamer's tokenizer and planner on held-out stories.")
        {
            model, keyframes, judge, stories, length, temperature,
        };
        command.SetAction(parsed => Outcome.Of(() =>
        {
            if (parsed.GetValue(stories) is < 1 or > 10_000) throw new FormatException("--stories is a number from 1 to 10000.");
            if (parsed.GetValue(length) is < 0 or > 1_000_000) throw new FormatException("--length is a number from 0 to 1000000.");
            if (parsed.GetValue(temperature) is not (>= 0 and <= 10)) throw new FormatException("--temperature is a number from 0 to 10.");
            var folder = parsed.GetValue(model) ?? FilmArguments.Pocket()
                ?? throw new FormatException("There is no pocket model to measure. Name its folder with --model.");
            var networks = parsed.GetValue(keyframes) ?? Path.Combine(folder, KeyframeModel.FolderName);
            using var reader = Judge.Open(parsed.GetValue(judge) ?? FilmArguments.Shipped("judge")
                ?? throw new FormatException("There is no judge to read frames. Name its folder with --judge."));
            var (tools, weights) = LibTorch.Run(() => PocketFolder.OpenTools(folder));
            var (tokenizer, planner) = LibTorch.Run(() => (KeyframeFiles.OpenTokenizer(networks), KeyframeFiles.OpenPlanner(networks)));
            var held = LibTorch.Run(() => Held(tools, parsed.GetValue(stories)));
            var report = new MovieDreamerReport(tools, tokenizer.Network, planner.Network, reader, held, parsed.GetValue(temperature));
            var rows = report.Tokenizer().Concat(report.Planner());
            if (parsed.GetValue(length) > 0) rows = rows.Concat(report.Length(parsed.GetValue(length)));
            foreach (var row in rows) Console.WriteLine($"| {row.Name} | {row.Value} | {row.Bar} |");
            LibTorch.Run(() =>
            {
                foreach (var weight in weights.Append(tokenizer.Weights).Append(planner.Weights)) weight.Dispose();
            });
            return 0;
        }));
        return command;
    }

    static KeyframeExamples Held(VideoTools tools, int stories)
    {
        using var off = Autograd.Disable();
        const ulong Seed = 3;
        var store = new LatentStories(tools.Vae, Path.GetTempPath(), Seed);
        var told = Enumerable.Range(0, stories).Select(i => LatentStories.Tell(Seed, i, heldOut: true));
        return new([.. told.Select(store.Keyframes)], [], tools.Vae.Config.ZDim, 16, 28);
    }
}
