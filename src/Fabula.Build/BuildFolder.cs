// A folder of artifacts on this machine:
//   objects/ab/cdef...   finished files, named by the SHA-256 of their bytes, read-only
//   journal              a line for every finished step
//   scratch/KEY/         unfinished work: out/ (outputs being written), work/ (states to go on from)
//   incoming/            files being copied in; emptied at every start
//   lock, lock.holder    held while a process builds here, and by which one
// Everything in it can be made again; nothing in it is written but by the process that holds the lock.
using System.Globalization;

namespace Fabula.Build;

/// <param name="Files">Artifacts removed.</param>
/// <param name="Bytes">Freed, unfinished work not counted.</param>
/// <param name="Unfinished">Folders of unfinished work removed.</param>
public readonly record struct Pruned(int Files, long Bytes, int Unfinished);

public sealed class BuildFolder : IDisposable
{
    static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);

    readonly string _path;
    readonly FolderStore _store;
    readonly FileJournal _journal;
    readonly Scratch _scratch;
    readonly TimeProvider _time;
    readonly FileStream? _held;

    BuildFolder(string path, Disk disk, TimeProvider time, FileStream? held)
    {
        (_path, _time, _held) = (path, time, held);
        _store = new FolderStore(Path.Combine(path, "objects"), Path.Combine(path, "incoming"), disk, canWrite: held is not null);
        _scratch = new Scratch(Path.Combine(path, "scratch"), disk);
        _journal = new FileJournal(Path.Combine(path, "journal"), disk, canWrite: held is not null);
    }

    public IArtifactStore Store => _store;
    public IStepJournal Journal => _journal;

    /// <summary>Lines of the journal that were damaged; the steps that they stood for are redone.</summary>
    public int DamagedLines => _journal.DamagedLines;

    /// <summary>Makes the folder if need be, and holds it until disposed of.</summary>
    /// <exception cref="BuildFolderException">
    /// Another process builds in it, it cannot be written, or it was written by a newer version.
    /// </exception>
    public static BuildFolder Open(string path, TimeProvider? time = null) => Open(path, time, Disk.Real);

    internal static BuildFolder Open(string path, TimeProvider? time, Disk disk) =>
        TryOpen(path, time ?? TimeProvider.System, disk) ?? throw new BuildFolderException(
            $"Another run is at work in '{path}'{Holder(path)}. "
            + "Wait until it has ended, or stop it; a run that was killed lets go by itself.");

    /// <summary>As <see cref="Open(string, TimeProvider?)"/>, but waits for another process to end.</summary>
    public static Task<BuildFolder> OpenWhenFree(string path, TimeProvider? time = null, CancellationToken cancel = default) =>
        OpenWhenFree(path, time ?? TimeProvider.System, Disk.Real, cancel);

    internal static async Task<BuildFolder> OpenWhenFree(string path, TimeProvider time, Disk disk, CancellationToken cancel = default)
    {
        while (true)
        {
            if (TryOpen(path, time, disk) is { } folder) return folder;
            await Task.Delay(Retry, time, cancel);
        }
    }

    /// <summary>For plans and explanations: writes nothing, needs no lock, and finds nothing done where there is no folder.</summary>
    /// <exception cref="BuildFolderException">It cannot be read, or was written by a newer version.</exception>
    public static BuildFolder OpenToRead(string path)
    {
        try { return new BuildFolder(Path.GetFullPath(path), Disk.Real, TimeProvider.System, null); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BuildFolderException($"'{path}' cannot be read ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>Null if another process holds it.</summary>
    static BuildFolder? TryOpen(string path, TimeProvider time, Disk disk)
    {
        path = Path.GetFullPath(path);
        FileStream? held = null;
        try
        {
            foreach (var part in (string[])["", "objects", "scratch", "incoming"]) disk.CreateFolder(Path.Combine(path, part));
            held = Lock(Path.Combine(path, "lock"), disk);
            if (held is null) return null;
            disk.Write(Path.Combine(path, "lock.holder"), "process "u8.ToArray(), Ascii(Environment.ProcessId));
            foreach (var left in Directory.GetFiles(Path.Combine(path, "incoming"))) disk.DeleteFile(left);
            var folder = new BuildFolder(path, disk, time, held);
            foreach (var key in folder._scratch.List().ToList())
                if (folder._journal.Find(key) is not null) folder._scratch.Remove(key);
            return folder;
        }
        catch (Exception e)
        {
            held?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw new BuildFolderException(DiskAdvice.SentenceOf(e, path) ?? $"Cannot build in '{path}': {e.Message}", e);
            throw;
        }

        static byte[] Ascii(int number) => System.Text.Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
    }

    static FileStream? Lock(string path, Disk disk)
    {
        disk.At("lock", path);
        try { return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None); }
        // EWOULDBLOCK is 11 on Linux and 35 on macOS; ERROR_SHARING_VIOLATION
        catch (IOException e) when (e.HResult is 11 or 35 or unchecked((int)0x80070020)) { return null; }
    }

    static string Holder(string path)
    {
        try { return $" ({Validation.Shown(File.ReadAllText(Path.Combine(path, "lock.holder")))})"; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return ""; }
    }

    /// <summary>What would run, and why.</summary>
    public BuildPlan Plan(BuildGraph graph, bool thorough = false) => BuildPlan.Make(graph, _store, _journal, thorough);

    public Runner Runner() => _held is not null ? new Runner(_store, _journal, _scratch, _path, _time)
        : throw new InvalidOperationException("The folder was opened for reading.");

    /// <summary>
    /// Removes what none of these graphs reach: artifacts, records, unfinished work. Of a step whose key cannot be known yet, because a
    /// step before it has yet to run, what was last made under its id is kept.
    /// </summary>
    public Pruned Prune(params IEnumerable<BuildGraph> keep)
    {
        if (_held is null) throw new InvalidOperationException("The folder was opened for reading.");
        var (keys, digests) = (new HashSet<Digest>(), new HashSet<Digest>());
        foreach (var step in keep.SelectMany(graph => Plan(graph).Steps))
        {
            if ((step.Key ?? _journal.Last(step.Step.Id)?.Key) is { } key) keys.Add(key);
            // Unfinished steps explain themselves by what was last made, and an edit is often undone.
            if (step.State != PlanState.Done && _journal.Last(step.Step.Id) is { } last) keys.Add(last.Key);
            foreach (var source in step.Step.Inputs.OfType<SourceInput>()) digests.Add(source.Content.Digest);
        }
        // Records first: a record without its file would be redone, a file without its record is only garbage.
        _journal.Compact(record => keys.Contains(record.Key));
        foreach (var key in keys)
            foreach (var output in _journal.Find(key)?.Outputs ?? []) digests.Add(output.Artifact.Digest);
        var (files, bytes, unfinished) = (0, 0L, 0);
        foreach (var digest in _store.List().ToList())
        {
            if (digests.Contains(digest)) continue;
            bytes += _store.Remove(digest);
            files++;
        }
        foreach (var key in _scratch.List().ToList())
        {
            if (keys.Contains(key)) continue;
            _scratch.Remove(key);
            unfinished++;
        }
        return new Pruned(files, bytes, unfinished);
    }

    public void Dispose()
    {
        _journal.Dispose();
        _held?.Dispose();
    }
}
