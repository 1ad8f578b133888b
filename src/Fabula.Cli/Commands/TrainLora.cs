using System.CommandLine;
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training;

namespace Fabula.Cli.Commands;

/// <summary>`fabula train lora`: a model folder of any size learns to remember; docs/training.md.</summary>
static class TrainLora
{
    public static Command Create(Option<string> output, Option<string?> config)
    {
        var model = new Option<string>("--model") { Description = "The model's folder, in either layout.", Required = true };
        var stories = new Option<int>("--stories") { Description = "Stories to learn from.", DefaultValueFactory = _ => 200 };
        var latents = new Option<string?>("--latents") { Description = "Where encoded stories are kept; stories in the run unless given." };
        var steps = new Option<int?>("--steps") { Description = "Updates of each transformer." };
        var full = new Option<bool>("--full") { Description = "All weights learn, not a LoRA beside them." };
        var expert = new Option<string?>("--expert") { Description = "Of two experts only one: high or low." };
        var device = new Option<string>("--device") { Description = "cpu, cuda or cuda:N.", DefaultValueFactory = _ => "cpu" };
        var threads = new Option<int>("--threads") { Description = "CPU threads.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var command = new Command("lora", "A LoRA with which any Wan model remembers shots (StoryMem); or, with --full, the model itself.")
        {
            model, output, config, stories, latents, steps, full, expert, device, threads,
        };
        command.SetAction((parsed, stop) => Task.FromResult(Outcome.Of(() =>
        {
            if (parsed.GetValue(stories) is < 1 or > 1_000_000) throw new FormatException("--stories is a number from 1 to 1000000.");
            if (parsed.GetValue(threads) is < 1 or > 1024) throw new FormatException("--threads is a number from 1 to 1024.");
            var settings = new LoraSettings();
            if (parsed.GetValue(config) is { } file)
                try { settings = SettingsFile.Over(settings, File.ReadAllText(file)); }
                catch (FormatException e) { throw new FormatException($"{Outcome.Shown(file)} {e.Message}.", e); }
            settings = settings with { Steps = parsed.GetValue(steps) ?? settings.Steps, Full = settings.Full || parsed.GetValue(full) };
            return LibTorch.Run(() =>
            {
                LibTorch.Threads = parsed.GetValue(threads);
                return Train(settings, ModelFolder.Open(parsed.GetValue(model)!), parsed.GetValue(expert), parsed.GetValue(output)!,
                    parsed.GetValue(latents), parsed.GetValue(stories), Device.Parse(parsed.GetValue(device)!), stop);
            });
        })));
        return command;
    }

    static int Train(LoraSettings settings, ModelFolder folder, string? only, string output, string? latents, int stories, Device device,
        CancellationToken stop)
    {
        if (folder.Parts.FirstOrDefault(part => !part.IsUsable) is { } broken)
            throw new CheckpointException(folder.Root, null, $"cannot be used: the {broken.Role} {broken.Problem}");
        var two = folder.Transformers.Count == 2;
        int[] experts = (only, two) switch
        {
            (null, false) => [0],
            (null, true) => [0, 1],
            ("high", true) => [0],
            ("low", true) => [1],
            (_, false) => throw new FormatException($"{folder.Name} has one transformer: leave --expert out."),
            _ => throw new FormatException("--expert is high or low."),
        };
        var examples = new EncodedStories(folder, settings.SizeFor(FilmFacts.Of(folder)), latents ?? Path.Combine(output, "stories"),
            settings.Seed, device);
        examples.Make(stories, LoraRecipe.Examined, Console.WriteLine, stop);
        var computing = $"{(device.IsCpu ? $"cpu, {LibTorch.Threads} threads" : "cuda")}";
        foreach (var expert in experts)
        {
            var name = expert == 0 ? "high" : "low";
            var run = new TrainingRun(two ? Path.Combine(output, name) : output, settings.ToJson(folder, expert, stories, computing));
            LoraRecipe.Run(settings, folder, expert, stories, examples, run, device,
                line => Console.WriteLine(two ? $"{name}: {line}" : line), stop);
            if (!settings.Full)
                Console.WriteLine($"In film.json: \"loras\": [{{\"file\": \"lora{(two ? "/" + name : "")}\""
                    + $"{(two ? $", \"expert\": \"{name}\"" : "")}}}], with {Outcome.Shown(run.Folder)} copied there.");
        }
        return 0;
    }
}
