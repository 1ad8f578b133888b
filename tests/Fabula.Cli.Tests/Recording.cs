using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fabula.Cli.Tests;

/// <summary>A copy of one recorded reference, to be spoilt: its configuration, its tensors, its bytes. Deleted afterwards.</summary>
sealed class Recording : IDisposable
{
    public sealed record Entry(string DType, long[] Shape, byte[] Data)
    {
        public static Entry Of(params float[] values) => Of([values.Length], values);
        public static Entry Of(long[] shape, params float[] values) => new("F32", shape, [.. values.SelectMany(BitConverter.GetBytes)]);
        public static Entry Whole(long[] shape, params long[] values) => new("I64", shape, [.. values.SelectMany(BitConverter.GetBytes)]);
        public static Entry Zeros(params long[] shape) => new("F32", shape, new byte[4 * shape.Aggregate(1L, (a, b) => a * b)]);
    }

    public string Folder { get; }

    public Recording(string name, string? called = null)
    {
        Folder = Path.Combine(Directory.CreateTempSubdirectory("fabula-spoilt").FullName, called ?? name);
        Directory.CreateDirectory(Folder);
        foreach (var file in Directory.GetFiles(Path.Combine(Repository.Root, "tests", "golden", name)))
            File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
    }

    public string At(string file) => Path.Combine(Folder, file);

    public Recording Config(Action<JsonObject> change)
    {
        var config = JsonNode.Parse(File.ReadAllText(At("config.json")))!.AsObject();
        change(config);
        File.WriteAllText(At("config.json"), config.ToJsonString());
        return this;
    }

    /// <summary>One field of the constructor's arguments, as JSON.</summary>
    public Recording Constructor(string field, string? json) => Config(config =>
    {
        var constructor = config["constructor"]!.AsObject();
        if (json is null) constructor.Remove(field);
        else constructor[field] = JsonNode.Parse(json);
    });

    public Recording Tensors(string file, Action<Dictionary<string, Entry>> change)
    {
        var bytes = File.ReadAllBytes(At(file));
        var start = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, start - 8));
        var entries = new Dictionary<string, Entry>();
        foreach (var item in header.RootElement.EnumerateObject().Where(item => item.Name != "__metadata__"))
        {
            var offsets = item.Value.GetProperty("data_offsets");
            entries[item.Name] = new(item.Value.GetProperty("dtype").GetString()!,
                [.. item.Value.GetProperty("shape").EnumerateArray().Select(n => n.GetInt64())],
                bytes[(start + offsets[0].GetInt32())..(start + offsets[1].GetInt32())]);
        }
        change(entries);
        Write(file, entries);
        return this;
    }

    void Write(string file, Dictionary<string, Entry> entries)
    {
        var header = new JsonObject();
        var at = 0L;
        foreach (var (name, entry) in entries)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = entry.DType,
                ["shape"] = new JsonArray([.. entry.Shape.Select(n => JsonValue.Create(n))]),
                ["data_offsets"] = new JsonArray(at, at + entry.Data.Length),
            };
            at += entry.Data.Length;
        }
        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        File.WriteAllBytes(At(file), [.. BitConverter.GetBytes((long)json.Length), .. json,
            .. entries.Values.SelectMany(entry => entry.Data)]);
    }

    /// <summary>Another tensor of the name, or none.</summary>
    public Recording Put(string file, string name, Entry? entry) => Tensors(file, entries =>
    {
        entries.Remove(name);
        if (entry is not null) entries[name] = entry;
    });

    public Recording Bytes(string file, Func<byte[], byte[]> change)
    {
        File.WriteAllBytes(At(file), change(File.ReadAllBytes(At(file))));
        return this;
    }

    /// <summary>The file gone, and in its place what <paramref name="make"/> puts at its path.</summary>
    public Recording Instead(string file, Action<string> make)
    {
        File.Delete(At(file));
        make(At(file));
        return this;
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(Folder)!, recursive: true);
}
