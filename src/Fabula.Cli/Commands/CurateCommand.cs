using System.CommandLine;
using Fabula.Training.Curation;

namespace Fabula.Cli.Commands;

/// <summary>`fabula curate FOLDER`: videos become captioned samples of shots that follow one another, to learn from.</summary>
static class CurateCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("FOLDER") { Description = "Videos; folders in it are looked into, links are not followed" };
        var output = new Option<string>("--out") { Description = "Where samples.jsonl and report.json go", Required = true };
        var config = new Option<string?>("--config") { Description = "Thresholds and words as JSON (docs/curation.md)" };
        var boundaries = new Option<string?>("--boundaries")
        {
            Description = "Weights of TransNet V2, a file; without them a detector that needs none",
        };
        var clip = new Option<string?>("--clip") { Description = "Weights of CLIP, a file; tells shots that have nothing in common" };
        var dino = new Option<string?>("--dino") { Description = "Weights of DINO, a file; tells shots that are the same" };
        var agents = AgentArguments.Create() with
        {
            Address = new("--agents")
            {
                Description = "Let a model that sees pictures write captions: its address, as http://localhost:11434/v1",
            },
            Replay = new("--replay") { Description = "Captions from the record of an earlier run, without a model" },
        };
        var command = new Command("curate", "Makes a folder of videos into captioned samples of shots, to learn from")
        {
            folder, output, config, boundaries, clip, dino, agents.Address, agents.Model, agents.KeyVariable, agents.Replay,
        };
        command.SetAction(parsed => Outcome.Of(() =>
        {
            var settings = parsed.GetValue(config) is { } path ? CurationSettings.Read(path) : new();
            using var model = agents.Endpoint(parsed);
            using var eyes = new Eyes(parsed.GetValue(boundaries), parsed.GetValue(clip), parsed.GetValue(dino));
            var report = Curator.Run(parsed.GetValue(folder)!, parsed.GetValue(output)!,
                new(settings, eyes, model, parsed.GetValue(agents.Replay)), news => Console.Error.WriteLine(Outcome.Shown(news)));
            foreach (var refused in report.Refused)
                Console.Error.WriteLine($"refused: {Outcome.Shown(refused.Why.ReplaceLineEndings(" "))}");
            foreach (var line in report.Lines()) Console.WriteLine(Outcome.Shown(line));
            return report.Refused.Count == 0 ? 0 : 1;
        }));
        return command;
    }
}
