// What was found out about a video, kept as a small file with the key of everything that it depends on: with the same key it is read back,
// with another one found out again.
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Fabula.Training.Curation;

/// <param name="folder">The video's own.</param>
sealed class Kept(string folder)
{
    const long Longest = 256 << 20;

    sealed record Entry<T>(string Key, T Value);

    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        NewLine = "\n",
    };

    /// <summary>The value of a name, found out only if no file has it under this key; a damaged file counts as none.</summary>
    public T Or<T>(string name, string key, Func<T> find)
    {
        var path = Path.Combine(folder, name + ".json");
        try
        {
            if (File.Exists(path) && new FileInfo(path).Length <= Longest
                && JsonSerializer.Deserialize<Entry<T>>(File.ReadAllBytes(path), Json) is { Value: { } known } entry && entry.Key == key)
                return known;
        }
        catch (JsonException) { } // Found out again below.
        var value = find();
        Write(path, JsonSerializer.SerializeToUtf8Bytes(new Entry<T>(key, value), Json));
        return value;
    }

    /// <summary>Writes a file whole or not at all; one that has these bytes already is left alone.</summary>
    public static void Write(string path, byte[] bytes)
    {
        if (File.Exists(path) && new FileInfo(path).Length == bytes.Length && File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes)) return;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.{Environment.ProcessId}.new";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }
}
