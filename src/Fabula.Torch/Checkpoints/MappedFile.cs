using System.IO.MemoryMappedFiles;

namespace Fabula.Torch;

/// <summary>
/// A whole file mapped read-only into memory, kept mapped for as long as someone holds it. A tensor made over its bytes calls
/// <see cref="Retain"/> when it is made and <see cref="Release"/> when it is freed, from any thread, and so may outlive its checkpoint.
/// </summary>
/// <remarks>
/// Pages are read from disk when first touched, and writing to them ends the process. The length is taken once, when the file is
/// opened: if another process shortens the file afterwards, touching the lost pages ends this process with SIGBUS, which nothing
/// can catch. Replace a checkpoint by renaming a new file over it (as <see cref="SafetensorsWriter"/> does), never in place.
/// </remarks>
public sealed unsafe class MappedFile
{
    readonly MemoryMappedViewAccessor? _view;
    readonly nint _data;
    int _holders = 1;

    /// <summary>Bytes that somebody else keeps in place, read as if they were a file called <paramref name="path"/>.</summary>
    internal MappedFile(string path, nint data, long length) => (Path, _data, Length) = (path, data, length);

    MappedFile(string path, MemoryMappedViewAccessor view, long length)
    {
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        (Path, _view, _data, Length) = (path, view, (nint)start, length);
    }

    /// <summary>The path as it was given, for messages.</summary>
    public string Path { get; }

    /// <summary>Bytes in the file.</summary>
    public long Length { get; }

    /// <summary>Address of the first byte; aligned to a page.</summary>
    /// <exception cref="ObjectDisposedException">The last holder has let go.</exception>
    public nint Data
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _holders) == 0, this);
            return _data;
        }
    }

    /// <summary>Maps a file; the caller is its first holder.</summary>
    /// <exception cref="CheckpointException">The file is missing, empty, no regular file, or cannot be opened or mapped.</exception>
    public static MappedFile Open(string path)
    {
        RegularFile.Require(path);
        try
        {
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var length = RandomAccess.GetLength(handle);
            if (length == 0) throw new CheckpointException(path, null, "is empty: copy or download it again");
            using var map = MemoryMappedFile.CreateFromFile(
                handle, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            return new MappedFile(path, map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read), length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new CheckpointException(path, null, $"cannot be opened ({e.Message.TrimEnd('.')})", e);
        }
    }

    /// <summary>One more holder.</summary>
    /// <exception cref="ObjectDisposedException">The last holder has let go already.</exception>
    public void Retain()
    {
        for (var seen = Volatile.Read(ref _holders); ;)
        {
            ObjectDisposedException.ThrowIf(seen == 0, this);
            var before = Interlocked.CompareExchange(ref _holders, seen + 1, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    /// <summary>One holder fewer; the last one unmaps the file.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) != 0 || _view is null) return;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
    }

    /// <summary>Bytes of the file, in place.</summary>
    /// <exception cref="CheckpointException">They are not all inside the file.</exception>
    internal ReadOnlySpan<byte> Span(long offset, int length)
    {
        if (offset < 0 || offset > Length - length) throw Fault($"ends at byte {Length}, before data that it points to: it was cut off");
        return new((byte*)Data + offset, length);
    }

    internal CheckpointException Fault(string fault, Exception? cause = null) => new(Path, null, fault, cause);

    internal CheckpointException Fault(string tensor, string fault) => new(Path, tensor, fault);
}
