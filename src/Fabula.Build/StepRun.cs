// What a recipe sees while it runs: its settings, its inputs as files to read, its outputs as files to write, and a folder that survives a
// stop.
using System.Security.Cryptography;

namespace Fabula.Build;

public sealed class StepRun
{
    readonly Scratch _scratch;
    readonly Digest _key;
    readonly IReadOnlyList<string> _inputs;
    readonly Action<StepProgress> _report;

    internal StepRun(Step step, Digest key, Scratch scratch, IReadOnlyList<string> inputs, Action<StepProgress> report)
    {
        (Step, _key, _scratch, _inputs, _report) = (step, key, scratch, inputs, report);
        Resumed = scratch.Prepare(key);
    }

    public Step Step { get; }
    public Settings Settings => Step.Settings;

    /// <summary>An earlier run of this very work was stopped, and may have left something to go on from.</summary>
    public bool Resumed { get; }

    /// <summary>
    /// A folder for unfinished work. It survives stops and crashes, is found again by the same work only, and goes when the step is done.
    /// </summary>
    public string Folder => _scratch.MakeWork(_key);

    /// <summary>The file of an input, which must only be read.</summary>
    public string Input(string name)
    {
        for (var i = 0; i < _inputs.Count; i++)
            if (Step.Inputs[i].Name == name) return _inputs[i];
        throw new StepException($"its recipe asks for the input '{name}', which the step does not have");
    }

    /// <summary>Where an output is to be written.</summary>
    public string Output(string name) => Step.Outputs.Contains(name) ? Path.Combine(_scratch.Out(_key), name)
        : throw new StepException($"its recipe writes '{name}', which the step does not declare. Add it to the step's outputs");

    /// <summary>Tells those who watch how far the step is, in units of its own.</summary>
    public void Report(double done, double total, string? note = null) => _report(new StepProgress(Step, done, total, note));

    /// <summary>Keeps a state to go on from, in one piece: after a crash either this one is found or the one before it.</summary>
    public void Save(string name, ReadOnlySpan<byte> state) => _scratch.Save(_key, Checked(name), state.ToArray());

    /// <summary>
    /// The state last saved by this very work, now or in a run that was stopped; null if there is none, or it is damaged.
    /// </summary>
    public byte[]? Load(string name) => _scratch.Load(_key, Checked(name));

    static string Checked(string name) => Validation.IsFileName(name) ? name
        : throw new StepException($"its recipe saves a state '{Validation.Shown(name)}': use letters, digits, '.', '_' and '-'");
}

/// <summary>Unfinished work, a folder per key: out/ for the outputs, emptied at every start; work/ for what the step keeps.</summary>
sealed class Scratch(string root, Disk disk)
{
    string Of(Digest key) => Path.Combine(root, key.ToString());
    public string Out(Digest key) => Path.Combine(Of(key), "out");
    public string Work(Digest key) => Path.Combine(Of(key), "work");

    /// <summary>True if an earlier run left something in work/.</summary>
    public bool Prepare(Digest key)
    {
        disk.DeleteFolder(Out(key));
        disk.CreateFolder(Out(key));
        return HasWork(key);
    }

    /// <summary>The folder work/, made when it is first wanted: most steps never do.</summary>
    public string MakeWork(Digest key)
    {
        disk.CreateFolder(Work(key));
        return Work(key);
    }

    public bool HasWork(Digest key) => Directory.Exists(Work(key)) && Directory.EnumerateFileSystemEntries(Work(key)).Any();

    public void Save(Digest key, string name, byte[] state)
    {
        var path = Path.Combine(MakeWork(key), name);
        disk.Write(path + ".new", SHA256.HashData(state), state);
        disk.Move(path + ".new", path);
    }

    public byte[]? Load(Digest key, string name)
    {
        var path = Path.Combine(Work(key), name);
        if (!File.Exists(path)) return null;
        var bytes = File.ReadAllBytes(path);
        return bytes.Length >= 32 && SHA256.HashData(bytes.AsSpan(32)).AsSpan().SequenceEqual(bytes.AsSpan(0, 32)) ? bytes[32..] : null;
    }

    public void Remove(Digest key) => disk.DeleteFolder(Of(key));

    public IEnumerable<Digest> List()
    {
        if (!Directory.Exists(root)) yield break;
        foreach (var path in Directory.GetDirectories(root))
            if (Digest.TryParse(Path.GetFileName(path), out var key)) yield return key;
    }

    /// <summary>The files that the step wrote, in the order of its outputs.</summary>
    /// <exception cref="StepException">One is missing, or is no file of its own, or there is one too many.</exception>
    public string[] Collect(Step step, Digest key)
    {
        foreach (var entry in new DirectoryInfo(Out(key)).EnumerateFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            if (!step.Outputs.Contains(entry.Name))
                throw new StepException($"its recipe wrote '{Validation.Shown(entry.Name)}', which the step does not declare. "
                    + "Add it to the step's outputs, or write it to the work folder");
            if (entry is not FileInfo || entry.LinkTarget is not null)
                throw new StepException($"its output '{entry.Name}' is a folder or a link. Only files cross the border of a step");
        }
        return [.. step.Outputs.Select(name => Path.Combine(Out(key), name) is var path && File.Exists(path) ? path
            : throw new StepException($"its recipe ended without writing '{name}'"))];
    }
}
