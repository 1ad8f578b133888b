// The nouns of a graph.
namespace Fabula.Build;

/// <summary>
/// How a kind of step is made. Its name and version stand for the code: who changes what the code makes raises the version.
/// </summary>
/// <param name="name">What it is called in keys and messages: "clip", "portrait".</param>
/// <param name="version">Raised whenever the same settings and inputs would give other bytes.</param>
/// <param name="run">
/// Writes the step's outputs. It may use nothing but its settings, its inputs and its scratch folder: no clock, no chance without a seed,
/// no listing of folders. When cancelled it saves what it has (<see cref="StepRun.Save"/>) and throws.
/// </param>
public sealed class Recipe(string name, int version, Func<StepRun, CancellationToken, Task> run)
{
    public string Name { get; } = name;
    public int Version { get; } = version;
    public Func<StepRun, CancellationToken, Task> Run { get; } = run;

    /// <summary>What a step will cost, before it runs. Without it a plan goes by how long the step took last time.</summary>
    public Func<Step, StepCost>? Cost { get; init; }

    /// <summary>Decodes one output (by name and path) once, before it counts as done; throws if it is unsound.</summary>
    public Func<string, string, CancellationToken, Task>? Check { get; init; }
}

/// <param name="Seconds">Of one step alone on this machine.</param>
/// <param name="MemoryBytes">The most it holds at once; 0 if that is not known.</param>
public readonly record struct StepCost(double Seconds, long MemoryBytes = 0);

/// <param name="Id">What people call it: "shot-3/clip". Does not influence the result and is never made into a path.</param>
/// <param name="Inputs">In the order in which the recipe wants them; each name once.</param>
/// <param name="Outputs">Names of the files that the step makes: letters, digits, '.', '_' and '-'.</param>
public sealed record Step(string Id, Recipe Recipe, Settings Settings, IReadOnlyList<Input> Inputs, IReadOnlyList<string> Outputs)
{
    /// <summary>An output of this step (its first, if none is named) as an input of another.</summary>
    /// <param name="name">What the other step calls it.</param>
    public StepInput As(string name, string? output = null) => new(name, Id, output ?? Outputs[0]);

    public override string ToString() => Id;
}

/// <param name="Name">The part that the file plays in the step: "face", "earlier-shot-2".</param>
public abstract record Input(string Name);

/// <summary>What another step makes.</summary>
public sealed record StepInput(string Name, string Step, string Output) : Input(Name);

/// <summary>
/// A file from outside. Only its bytes count: the path may change, and the bytes are copied into the store before a step sees them.
/// </summary>
public sealed record SourceInput(string Name, string Path, Artifact Content) : Input(Name)
{
    /// <summary>Reads a file that must lie below a folder, links followed.</summary>
    /// <exception cref="GraphException">The path leads out of the folder, or there is no such file.</exception>
    public static SourceInput Read(string name, string root, string relativePath)
    {
        var path = Inside(root, relativePath);
        try { return new SourceInput(name, path, Artifact.OfFile(path)); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GraphException([$"The file '{Validation.Shown(relativePath)}' cannot be read ({e.Message.TrimEnd('.')})."]);
        }
    }

    static string Inside(string root, string relativePath)
    {
        var shown = Validation.Shown(relativePath);
        if (relativePath.Length == 0 || relativePath.Contains('\0') || System.IO.Path.IsPathRooted(relativePath)
            || relativePath.Split('/', '\\').Contains(".."))
            throw new GraphException([$"The path '{shown}' must be relative and may not hold '..': move the file into '{root}'."]);
        var path = System.IO.Path.GetFullPath(relativePath, System.IO.Path.GetFullPath(root));
        for (var part = path; part.Length > System.IO.Path.GetFullPath(root).Length; part = System.IO.Path.GetDirectoryName(part)!)
        {
            FileSystemInfo info = Directory.Exists(part) ? new DirectoryInfo(part) : new FileInfo(part);
            if (info.LinkTarget is not null)
                throw new GraphException([$"The path '{shown}' goes through the link '{System.IO.Path.GetFileName(part)}': "
                    + "put the file itself there."]);
        }
        return path;
    }
}
