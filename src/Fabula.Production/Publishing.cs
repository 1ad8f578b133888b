// The finished film's files in out/, where people look. out/.build/published says what was put there, and when each file was last written:
// a file that is as it was is left alone, a changed or missing one is written anew, one that the film no longer has is removed.
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using Fabula.Build;

namespace Fabula.Production;

public static class Publishing
{
    const string Marker = "published";

    /// <param name="Sha256">Of its bytes.</param>
    /// <param name="Written">Its last write time in ticks.</param>
    sealed record Entry(string Path, string Sha256, long Size, long Written);

    sealed record State(string Film, IReadOnlyList<Entry> Files);

    /// <summary>Whether out/ holds exactly this film.</summary>
    public static bool IsCurrent(string output, string build, Artifact film) =>
        Load(build) is { } state && state.Film == film.Digest.ToString() && state.Files.All(entry => IsThere(output, entry));

    /// <summary>Writes what differs; returns the number of files written.</summary>
    /// <param name="point">Told of every change just before it is made.</param>
    public static int Publish(string output, string build, Artifact film, string zipFile, Action<string>? point = null)
    {
        if (IsCurrent(output, build, film)) return 0;
        var before = Load(build);
        var known = before?.Files.ToDictionary(entry => entry.Path) ?? [];
        var (entries, written) = (new List<Entry>(), 0);
        using (var zip = ZipFile.OpenRead(zipFile))
            foreach (var packed in zip.Entries)
            {
                var path = Inside(output, packed.FullName);
                string digest;
                using (var content = packed.Open()) digest = Convert.ToHexStringLower(SHA256.HashData(content));
                if (known.TryGetValue(packed.FullName, out var old) && old.Sha256 == digest && IsThere(output, old))
                {
                    entries.Add(old);
                    continue;
                }
                point?.Invoke(path);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                Unpack(packed, path);
                written++;
                entries.Add(new Entry(packed.FullName, digest, packed.Length, new FileInfo(path).LastWriteTimeUtc.Ticks));
            }
        foreach (var gone in known.Keys.Except(entries.Select(entry => entry.Path)))
        {
            point?.Invoke(gone);
            File.Delete(Inside(output, gone));
        }
        point?.Invoke(Marker);
        ProductionFolder.WriteWhole(Path.Combine(build, Marker),
            JsonSerializer.SerializeToUtf8Bytes(new State(film.Digest.ToString(), entries)));
        return written;
    }

    static void Unpack(ZipArchiveEntry packed, string path)
    {
        using var content = packed.Open();
        ProductionFolder.WriteWhole(path, content.CopyTo);
    }

    static bool IsThere(string output, Entry entry) => new FileInfo(Path.Combine(output, entry.Path)) is { Exists: true } file
        && file.Length == entry.Size && file.LastWriteTimeUtc.Ticks == entry.Written;

    static string Inside(string output, string name)
    {
        if (name.Length == 0 || Path.IsPathRooted(name) || name.Split('/', '\\').Any(part => part is "" or "." or ".."))
            throw new InvalidDataException($"The film holds a file '{name}', which would lie outside '{output}'.");
        return Path.Combine(output, name);
    }

    static State? Load(string build)
    {
        var path = Path.Combine(build, Marker);
        try { return File.Exists(path) ? JsonSerializer.Deserialize<State>(File.ReadAllBytes(path)) : null; }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException) { return null; }
    }
}
