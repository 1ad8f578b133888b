// A film in small: two inputs, three shots that remember the one before, an assembly. Its recipes work in rounds and save themselves after
// each, as a denoising loop does, so that a kill can hit everything that a real film does to the disk.
using System.Text;

namespace Fabula.Build.TestHost;

public static class SmallFilm
{
    const int Rounds = 3;

    /// <param name="source">A file from outside, which the first step reads.</param>
    /// <param name="point">Told of every write of the recipes, as the disk is of every other.</param>
    public static BuildGraph Graph(string source, Action<string, string> point)
    {
        var paint = new Recipe("paint", 1, (run, cancel) => Work(run, point, cancel));
        var film = new Recipe("film", 2, (run, cancel) => Work(run, point, cancel)) { Check = Decode };
        var portrait = new Step("ada/portrait", paint, Settings.Of(new { words = "a girl in green", seed = 7 }),
            [new SourceInput("reference", source, Artifact.OfFile(source))], ["portrait.png", "mask.png"]);
        var steps = new List<Step> { portrait };
        for (var i = 1; i <= 3; i++)
        {
            List<Input> inputs = [portrait.As("face"), portrait.As("mask", "mask.png")];
            if (i > 1) inputs.Add(steps[^1].As("before"));
            steps.Add(new Step($"shot-{i}", film, Settings.Of(new { action = $"Ada takes step {i}", seed = 40 + i }),
                inputs, ["clip.mp4"]));
        }
        steps.Add(new Step("film", film, Settings.None, [.. steps.Skip(1).Select((shot, i) => shot.As($"clip-{i + 1}"))], ["film.mp4"]));
        return BuildGraph.Create(steps);
    }

    static async Task Work(StepRun run, Action<string, string> point, CancellationToken cancel)
    {
        var state = run.Load("state") is { } saved ? Encoding.UTF8.GetString(saved) : Start(run);
        for (var round = int.Parse(state.Split('|')[0]); round < Rounds; round++)
        {
            cancel.ThrowIfCancellationRequested();
            run.Report(round, Rounds);
            state = $"{round + 1}|{Digest.Of($"{state.Split('|')[1]} {run.Settings} {round}")}";
            run.Save("state", Encoding.UTF8.GetBytes(state));
            await Task.Yield();
        }
        foreach (var name in run.Step.Outputs)
        {
            point("recipe writes", name);
            await File.WriteAllTextAsync(run.Output(name), $"{name} half of it", CancellationToken.None);
            point("recipe writes on", name);
            await File.WriteAllTextAsync(run.Output(name), $"{name} {state} END", CancellationToken.None);
        }
    }

    static string Start(StepRun run) =>
        $"0|{Digest.Of(string.Concat(run.Step.Inputs.Select(input => Artifact.OfFile(run.Input(input.Name)).Digest)))}";

    static async Task Decode(string name, string path, CancellationToken cancel)
    {
        if (!(await File.ReadAllTextAsync(path, cancel)).EndsWith(" END", StringComparison.Ordinal))
            throw new InvalidDataException($"'{name}' breaks off");
    }
}
