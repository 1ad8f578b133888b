using System.Buffers.Binary;

namespace Fabula.Torch;

/// <summary>
/// The tensors of a trained model on disk, by name, mapped into memory and not copied: safetensors, safetensors in shards, or what
/// torch.save wrote. Only headers are read when it is opened. Nothing in a checkpoint can run code.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    static readonly string[] UsualNames =
    [
        "diffusion_pytorch_model.safetensors.index.json", "model.safetensors.index.json",
        "diffusion_pytorch_model.safetensors", "model.safetensors",
    ];

    readonly List<MappedFile> _files;
    int _disposed;

    Checkpoint(string path, TensorTable table, List<MappedFile> files) =>
        (Path, Entries, Metadata, TotalBytes, _files) = (path, table.Entries, table.Metadata, SumBytes(table.Entries.Values), files);

    /// <summary>The file that was opened; if a folder was asked for, the one chosen in it.</summary>
    public string Path { get; }

    /// <summary>The tensors. Their addresses hold until <see cref="Dispose"/>, or longer for whoever retains their map.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <summary>
    /// What the file says of itself: "__metadata__", an index's "metadata", or the plain values beside a PyTorch model's tensors.
    /// "fabula.layout" tells how the tensors of a nested PyTorch file got their names.
    /// </summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Bytes of all tensors; what tensors share (PyTorch files only) counts once for each.</summary>
    public long TotalBytes { get; }

    /// <summary>
    /// Opens a .safetensors file, a .safetensors.index.json with its shards beside it, a PyTorch file (known by its first bytes, not
    /// by its name), or the one checkpoint in a folder.
    /// </summary>
    /// <exception cref="CheckpointException">There is no such checkpoint, or it is damaged, unsafe, or of an unknown kind.</exception>
    public static Checkpoint Open(string path)
    {
        if (Directory.Exists(path)) path = Find(path);
        var folder = System.IO.Path.GetDirectoryName(path) ?? "";
        return Read(MappedFile.Open(path), shard =>
        {
            var file = System.IO.Path.Combine(folder, shard);
            return File.Exists(file)
                ? MappedFile.Open(file)
                : throw new CheckpointException(
                    path, null, $"lists the shard '{CheckpointException.Short(shard)}', which is not beside it: download it");
        });
    }

    /// <summary>Lets go of the files; they stay mapped while tensors retain them.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _files.ForEach(file => file.Release());
    }

    /// <summary>Reads a mapped file, which the checkpoint then owns, and the shards that it asks for.</summary>
    internal static Checkpoint Read(MappedFile file, Func<string, MappedFile> open)
    {
        List<MappedFile> files = [file];
        try
        {
            var table = ReadTable(file, shard =>
            {
                files.Add(open(shard));
                return files[^1];
            });
            return new(file.Path, table, files);
        }
        catch
        {
            files.ForEach(mapped => mapped.Release());
            throw;
        }
    }

    static TensorTable ReadTable(MappedFile file, Func<string, MappedFile> open)
    {
        var start = file.Span(0, (int)Math.Min(file.Length, 24));
        if (start.StartsWith("PK\u0003\u0004"u8)) return TorchFile.Read(file);
        if (start.StartsWith("version https://git-lfs"u8))
            throw file.Fault("is a Git LFS pointer, not the file itself: run 'git lfs pull'");

        // A safetensors file begins with the length of its header, so its eighth byte is 0; in other kinds it is not.
        var small = start.Length >= 8 && BinaryPrimitives.ReadUInt64LittleEndian(start) <= Safetensors.LongestHeader;
        if (file.Path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || (!small && start is [(byte)'{', ..]))
            return SafetensorsIndex.Read(file, open);
        if (!small && start is [0x80, >= 2 and <= 5, ..])
            throw file.Fault("is an old PyTorch file, a bare pickle: convert it in Python with torch.save(torch.load(file), file)");
        return Safetensors.Read(file);
    }

    static string Find(string folder)
    {
        foreach (var usual in UsualNames)
            if (File.Exists(System.IO.Path.Combine(folder, usual))) return System.IO.Path.Combine(folder, usual);
        var files = FilesIn(folder);
        var indexes = files.FindAll(file => file.EndsWith(".safetensors.index.json", StringComparison.Ordinal));
        var singles = files.FindAll(file => file.EndsWith(".safetensors", StringComparison.Ordinal));
        if (indexes is [var index]) return index;
        if (indexes is [] && singles is [var single]) return single;
        List<string> candidates = [.. indexes, .. singles];
        var names = (candidates is [] ? files : candidates).ConvertAll(file => System.IO.Path.GetFileName(file));
        throw new CheckpointException(folder, null, names is []
            ? "is a folder with no files in it"
            : $"is a folder with no single checkpoint to open, name one of its files ({CheckpointException.List(names)})");
    }

    static List<string> FilesIn(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(folder, null, $"cannot be listed ({e.Message.TrimEnd('.')})", e);
        }
    }

    static long SumBytes(IEnumerable<TensorEntry> entries)
    {
        var sum = 0L;
        foreach (var entry in entries) sum = unchecked(sum + entry.Bytes);
        return sum;
    }
}
