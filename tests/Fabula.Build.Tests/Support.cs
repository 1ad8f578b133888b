using System.Text;

namespace Fabula.Build.Tests;

/// <summary>A folder of its own for one test.</summary>
/// <param name="inMemory">Not on the disk, where the system has such a place: for the tests that make very many files.</param>
sealed class TestFolder(bool inMemory = false) : IDisposable
{
    const string Memory = "/dev/shm";

    public string Root { get; } = inMemory && Directory.Exists(Memory)
        ? Directory.CreateDirectory(Path.Combine(Memory, $"fabula-build-{Guid.NewGuid():n}")).FullName
        : Directory.CreateTempSubdirectory("fabula-build-").FullName;

    /// <summary>The folder of artifacts; it does not exist yet.</summary>
    public string Build => Path.Combine(Root, "build");

    public string Write(string name, string text)
    {
        var path = Path.Combine(Root, name);
        File.WriteAllText(path, text);
        return path;
    }

    public SourceInput Source(string name, string text)
    {
        var path = Write(name, text);
        return new SourceInput(name, path, Artifact.OfFile(path));
    }

    public HashSet<string> Artifacts() => StoredFiles.Of(Path.Combine(Build, "objects"));

    public string ObjectOf(Artifact artifact) =>
        Path.Combine(Build, "objects", artifact.Digest.ToString()[..2], artifact.Digest.ToString()[2..]);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

/// <summary>What a run told, in parts.</summary>
sealed record Told(List<BuildEvent> Events)
{
    public BuildEnded End => (BuildEnded)Events[^1];
    public BuildPlan Plan => ((BuildStarted)Events[0]).Plan;
    public string[] Ran => [.. Events.OfType<StepFinished>().Select(done => done.Step.Id)];
    public string[] Reused => [.. Events.OfType<StepReused>().Select(done => done.Step.Id)];
    public string Failure => Assert.Single(Events.OfType<StepFailed>()).ToString();
}

static class Toys
{
    public static async Task<Told> Run(this BuildFolder folder, BuildGraph graph, RunOptions? options = null,
        CancellationToken cancel = default)
    {
        var events = new List<BuildEvent>();
        await foreach (var news in folder.Runner().Run(graph, options, cancel)) events.Add(news);
        return new Told(events);
    }

    /// <summary>Opens, runs and closes.</summary>
    public static async Task<Told> Run(this TestFolder folder, BuildGraph graph, RunOptions? options = null)
    {
        using var open = BuildFolder.Open(folder.Build);
        return await open.Run(graph, options);
    }

    /// <summary>A recipe whose every output is a text made from settings and inputs.</summary>
    public static Recipe Text(string name, Func<StepRun, string> make, int version = 1) => new(name, version, async (run, cancel) =>
    {
        foreach (var output in run.Step.Outputs) await File.WriteAllTextAsync(run.Output(output), make(run), cancel);
    });

    public static string Read(StepRun run, string input) => File.ReadAllText(run.Input(input));

    /// <summary>Writes its setting "say", then all its inputs.</summary>
    public static Recipe Say { get; } = Text("say", All);

    static string All(StepRun run)
    {
        var text = new StringBuilder(run.Settings.Read<Dictionary<string, string>>()["say"]);
        foreach (var input in run.Step.Inputs) text.Append('|').Append(Read(run, input.Name));
        return text.ToString();
    }

    public static Settings Saying(string words) => Settings.Of(new { say = words });

    public static Step Step(string id, string words, params Input[] inputs) => new(id, Say, Saying(words), inputs, ["text.txt"]);

    /// <summary>Changes bytes where they lie, as a fault or a careless hand does.</summary>
    public static void Overwrite(string path, Action<FileStream> change)
    {
        File.SetAttributes(path, FileAttributes.Normal);
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        change(file);
    }
}
