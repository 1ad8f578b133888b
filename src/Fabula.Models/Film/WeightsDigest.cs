// The digest of a model folder: SHA-256 over the names, sizes and SHA-256 of every file that may influence a picture. Reading gigabytes
// takes long, so a digest is remembered beside the film by the file's path, size and times; a file that was written to, replaced or copied
// anew has other times and is read again. Bytes that rot on the disk without a write are not noticed here.
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models;

static class WeightsDigest
{
    static readonly string[] Endings = [".safetensors", ".pth", ".json", ".model", ".txt"];

    sealed record Known(string Path, long Size, long Written, long Created, string Sha256);

    /// <param name="cacheFile">Where known digests are kept; null: nowhere.</param>
    /// <param name="readAgain">Tells which file is being read, for the first time or again.</param>
    /// <returns>64 hexadecimal digits.</returns>
    public static string Of(string folder, string? cacheFile, Action<string>? readAgain = null) =>
        Of(Files(folder), folder, cacheFile, readAgain);

    /// <param name="files">Whose names count as they are within the folder.</param>
    /// <inheritdoc cref="Of(string, string?, Action{string}?)"/>
    public static string Of(IEnumerable<string> files, string folder, string? cacheFile, Action<string>? readAgain = null)
    {
        var known = Load(cacheFile);
        var (text, changed) = (new StringBuilder("fabula model 1\n"), false);
        foreach (var path in files)
        {
            var file = new FileInfo(path);
            var target = file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo final ? final : file;
            var (size, written, created) = (target.Length, target.LastWriteTimeUtc.Ticks, target.CreationTimeUtc.Ticks);
            if (!known.TryGetValue(target.FullName, out var entry)
                || (entry.Size, entry.Written, entry.Created) != (size, written, created))
            {
                readAgain?.Invoke(path);
                using var stream = File.OpenRead(path);
                entry = new Known(target.FullName, size, written, created, Convert.ToHexStringLower(SHA256.HashData(stream)));
                (known[target.FullName], changed) = (entry, true);
            }
            text.Append(Path.GetRelativePath(folder, path).Replace('\\', '/')).Append('\n').Append(size).Append('\n')
                .Append(entry.Sha256).Append('\n');
        }
        if (changed && cacheFile is not null) Save(cacheFile, known);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    static IEnumerable<string> Files(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 4 })
                .Where(path => Endings.Contains(Path.GetExtension(path))).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(folder, null, $"cannot be read ({e.Message.TrimEnd('.')})", e);
        }
    }

    /// <summary>What cannot be read is nothing known: it is only a cache.</summary>
    static Dictionary<string, Known> Load(string? cacheFile)
    {
        try
        {
            if (cacheFile is null || !File.Exists(cacheFile)) return [];
            return (JsonSerializer.Deserialize<List<Known>>(File.ReadAllBytes(cacheFile)) ?? [])
                .Where(entry => entry is { Path: not null, Sha256.Length: 64 })
                .DistinctBy(entry => entry.Path).ToDictionary(entry => entry.Path, StringComparer.Ordinal);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException) { return []; }
    }

    static void Save(string cacheFile, Dictionary<string, Known> known)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(cacheFile))!);
            var temporary = $"{cacheFile}.{Environment.ProcessId}.new";
            File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(known.Values.OrderBy(entry => entry.Path,
                StringComparer.Ordinal)));
            File.Move(temporary, cacheFile, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }
}
