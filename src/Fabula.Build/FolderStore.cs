// The artifact store in a folder: objects/ab/cdef..., read-only files named by the digest of their bytes.
//
// The seal: a file's modification time is set to one that follows from its digest. Whoever changes the file later changes its time as well,
// so size and time tell in one look whether its bytes must be read again; a copied folder, whose times are new, is read once and sealed
// anew. No clock is asked, so a clock that jumps does nothing. Bytes that rot on the disk without a write are found by a thorough check.
namespace Fabula.Build;

public sealed class FolderStore : IArtifactStore
{
    readonly string _objects, _incoming;
    readonly Disk _disk;
    readonly bool _canWrite;
    int _copies;

    /// <param name="objects">Folder of the finished files.</param>
    /// <param name="incoming">Folder for unfinished copies, in the same file system.</param>
    internal FolderStore(string objects, string incoming, Disk disk, bool canWrite)
    {
        (_objects, _incoming, _disk, _canWrite) = (objects, incoming, disk, canWrite);
    }

    public string PathOf(Artifact artifact) => PathOf(artifact.Digest);

    string PathOf(Digest digest)
    {
        var hex = digest.ToString();
        return Path.Combine(_objects, hex[..2], hex[2..]);
    }

    public ArtifactState Check(Artifact artifact, bool thorough = false)
    {
        var path = PathOf(artifact);
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists) return new ArtifactState(ArtifactCondition.Missing, "is missing");
            if (file.Attributes.HasFlag(FileAttributes.ReparsePoint)) return Corrupt("was replaced by a link");
            if (file.Length != artifact.Size) return Corrupt($"has {file.Length} bytes where {artifact.Size} were stored");
            var sealedAt = SealOf(artifact.Digest);
            var untouched = file.LastWriteTimeUtc == sealedAt;
            if (untouched && !thorough) return default;
            if (Artifact.OfFile(path) != artifact)
            {
                // Rotten under an intact seal: break it, so that one look is enough from now on.
                if (untouched && _canWrite) _disk.Seal(path, DateTime.UnixEpoch);
                return Corrupt("no longer has the bytes that were stored");
            }
            if (!untouched && _canWrite) _disk.Seal(path, sealedAt);
            return default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Corrupt($"cannot be read ({e.Message.TrimEnd('.')})");
        }

        static ArtifactState Corrupt(string explanation) => new(ArtifactCondition.Corrupt, explanation);
    }

    public Artifact Add(string path)
    {
        var artifact = _disk.MeasureAndFlush(path);
        Place(path, artifact);
        return artifact;
    }

    public void Import(string path, Artifact expected)
    {
        if (Check(expected, thorough: true).IsSound) return;
        var copy = Path.Combine(_incoming, $"{Environment.ProcessId}-{Interlocked.Increment(ref _copies)}");
        using var source = OpenSource(path);
        if (_disk.Copy(source, copy) != expected)
        {
            _disk.DeleteFile(copy);
            throw new StepException($"the file '{path}' has changed since the graph was made. Start again, and its new content is used");
        }
        Place(copy, expected);
    }

    static FileStream OpenSource(string path)
    {
        try { return File.OpenRead(path); }
        catch (FileNotFoundException e) { throw new StepException($"the file '{path}' does not exist", e); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StepException($"the file '{path}' cannot be read ({e.Message.TrimEnd('.')})", e);
        }
    }

    void Place(string path, Artifact artifact)
    {
        if (Check(artifact, thorough: true).IsSound)
        {
            _disk.DeleteFile(path);
            return;
        }
        var target = PathOf(artifact);
        _disk.CreateFolder(Path.GetDirectoryName(target)!);
        _disk.DeleteFolder(target); // somebody put a folder where the file belongs
        _disk.Seal(path, SealOf(artifact.Digest));
        _disk.Move(path, target);
    }

    public IEnumerable<Digest> List()
    {
        if (!Directory.Exists(_objects)) yield break;
        foreach (var path in Directory.EnumerateFiles(_objects, "*", SearchOption.AllDirectories))
            if (Digest.TryParse(Path.GetFileName(Path.GetDirectoryName(path)) + Path.GetFileName(path), out var digest))
                yield return digest;
    }

    public long Remove(Digest digest)
    {
        var file = new FileInfo(PathOf(digest));
        if (!file.Exists) return 0;
        var size = file.Length;
        _disk.DeleteFile(file.FullName);
        return size;
    }

    /// <summary>Some even second between 2000 and 2017: every file system can hold it, and no clock shows it.</summary>
    internal static DateTime SealOf(Digest digest) =>
        new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddSeconds(2 * (digest.Head >> 4));
}
