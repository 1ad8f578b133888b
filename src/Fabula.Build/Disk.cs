// Every change that Fabula.Build makes to a file goes through here, so that the tests can stop it at each of them in turn.
namespace Fabula.Build;

/// <summary>The file system, as far as it is written.</summary>
/// <param name="point">
/// Told of every change just before it is made: what, and to which path. Of a write also half way through. The tests throw here, which
/// stands for a killed process (everything after throws as well) or for a full disk.
/// </param>
/// <param name="flush">False where the tests make ten thousand files, and no power cut is to be survived.</param>
sealed class Disk(Action<string, string>? point = null, bool flush = true)
{
    public static Disk Real { get; } = new();

    public void At(string change, string path) => point?.Invoke(change, path);

    public void CreateFolder(string path)
    {
        if (Directory.Exists(path)) return;
        At("create folder", path);
        Directory.CreateDirectory(path);
    }

    /// <summary>Writes a new file and flushes it to the disk; an older one of this name is overwritten, so give a temporary name.</summary>
    public void Write(string path, params ReadOnlySpan<byte[]> parts)
    {
        At("write", path);
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        foreach (var part in parts) WriteHalves(file, part, path);
        At("flush", path);
        file.Flush(flushToDisk: flush);
    }

    /// <summary>Appends to an open file and flushes.</summary>
    public void Append(FileStream file, byte[] bytes, bool durable)
    {
        At("append", file.Name);
        file.Seek(0, SeekOrigin.End);
        WriteHalves(file, bytes, file.Name);
        if (!durable) return;
        At("flush", file.Name);
        file.Flush(flushToDisk: flush);
    }

    void WriteHalves(FileStream file, byte[] bytes, string path)
    {
        if (point is null)
        {
            file.Write(bytes);
            return;
        }
        file.Write(bytes, 0, bytes.Length / 2);
        At("write on", path);
        file.Write(bytes, bytes.Length / 2, bytes.Length - bytes.Length / 2);
    }

    /// <summary>Copies, measures what was copied, and flushes.</summary>
    public Artifact Copy(Stream source, string to)
    {
        At("copy", to);
        using var target = new FileStream(to, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        var copied = Artifact.Of(source, piece => WriteHalves(target, piece.ToArray(), to));
        At("flush", to);
        target.Flush(flushToDisk: flush);
        return copied;
    }

    /// <summary>Reads a finished file and makes sure that what was read lies on the disk.</summary>
    public Artifact MeasureAndFlush(string path)
    {
        At("flush", path);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, 0);
        var measured = Artifact.Of(file);
        file.Flush(flushToDisk: flush);
        return measured;
    }

    /// <summary>Sets the file's time and takes away the right to write it.</summary>
    public void Seal(string path, DateTime time)
    {
        At("seal", path);
        File.SetLastWriteTimeUtc(path, time);
        if (OperatingSystem.IsWindows()) File.SetAttributes(path, FileAttributes.ReadOnly);
        else File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    /// <summary>Within one file system, hence whole or not at all.</summary>
    public void Move(string from, string to)
    {
        At("rename", to);
        if (OperatingSystem.IsWindows() && File.Exists(to)) File.SetAttributes(to, FileAttributes.Normal);
        File.Move(from, to, overwrite: true);
    }

    public void DeleteFile(string path)
    {
        At("delete", path);
        if (OperatingSystem.IsWindows() && File.Exists(path)) File.SetAttributes(path, FileAttributes.Normal);
        File.Delete(path);
    }

    /// <summary>A link to a folder is removed, not followed.</summary>
    public void DeleteFolder(string path)
    {
        if (!Directory.Exists(path)) return;
        At("delete", path);
        Directory.Delete(path, recursive: true);
    }
}
