using System.Text.Json;

namespace Fabula.Torch;

/// <summary>
/// A checkpoint in several safetensors files ("shards") under one index, as diffusers and transformers save it:
/// {"metadata": {...}, "weight_map": {tensor: shard}}. Index and shards must agree exactly.
/// </summary>
static class SafetensorsIndex
{
    /// <param name="index">The mapped index.</param>
    /// <param name="open">Maps a shard by its file name; the caller owns what it maps.</param>
    internal static TensorTable Read(MappedFile index, Func<string, MappedFile> open)
    {
        if (index.Length > Safetensors.LongestHeader)
            throw index.Fault($"is too long for an index, {index.Length} bytes (the limit is {Safetensors.LongestHeader})");
        var metadata = new Dictionary<string, string>();
        var map = ReadIndex(new JsonCursor(index.Span(0, (int)index.Length), index, "text"), index, metadata);

        var entries = new Dictionary<string, TensorEntry>(map.Count);
        foreach (var shard in map.Values.Distinct().ToList())
        {
            var table = Safetensors.Read(open(shard));
            foreach (var (name, entry) in table.Entries)
            {
                if (!map.TryGetValue(name, out var home)) throw entry.Owner.Fault(name, $"is not listed in {index.Path}");
                if (!entries.TryAdd(name, entry)) throw entry.Owner.Fault(name, $"is also in {entries[name].File}: remove one");
                if (home != shard) throw entry.Owner.Fault(name, $"should be in '{home}', as {index.Path} lists it");
            }
            foreach (var (key, value) in table.Metadata) metadata.TryAdd(key, value);
        }
        var missing = map.Keys.Where(name => !entries.ContainsKey(name)).ToList();
        if (missing.Count == 0) return new(entries, metadata);
        throw index.Fault(
            missing[0], $"is not in '{map[missing[0]]}', as the index lists it (missing: {CheckpointException.List(missing)})");
    }

    static Dictionary<string, string> ReadIndex(JsonCursor json, MappedFile index, Dictionary<string, string> metadata)
    {
        if (json.Kind != JsonTokenType.StartObject) throw index.Fault("is not a JSON object");
        Dictionary<string, string>? map = null;
        while (json.NextKey(out var key))
        {
            if (key == "weight_map" && map is not null) throw index.Fault("has 'weight_map' twice");
            if (key == "weight_map") map = ReadMap(ref json, index);
            else if (key == "metadata" && json.Kind == JsonTokenType.StartObject) ReadMetadata(ref json, metadata);
            else json.Skip();
        }
        json.End();
        return map ?? throw index.Fault("has no 'weight_map': it is no index of a safetensors checkpoint");
    }

    /// <summary>Strings, numbers and truth values; deeper things are for other programs.</summary>
    static void ReadMetadata(ref JsonCursor json, Dictionary<string, string> metadata)
    {
        while (json.NextKey(out var key))
        {
            if (json.Kind == JsonTokenType.String) metadata[key] = json.Text();
            else if (json.Kind is JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False) metadata[key] = json.Raw;
            else json.Skip();
        }
    }

    static bool IsPlain(string file) =>
        file is not ("" or "." or "..") && file.AsSpan().IndexOfAny('/', '\\') < 0 && !file.Any(char.IsControl) && !Path.IsPathRooted(file);

    static Dictionary<string, string> ReadMap(ref JsonCursor json, MappedFile index)
    {
        if (json.Kind != JsonTokenType.StartObject) throw index.Fault("has a 'weight_map' that is not a JSON object");
        var map = new Dictionary<string, string>();
        while (json.NextKey(out var tensor))
        {
            if (json.Kind != JsonTokenType.String) throw index.Fault(tensor, "has a shard that is not a string");
            var shard = json.Text();
            if (!IsPlain(shard))
                throw index.Fault(tensor, $"names the shard '{CheckpointException.Short(shard)}', which is not a plain file name");
            if (!map.TryAdd(tensor, shard)) throw index.Fault(tensor, "is listed twice");
        }
        return map;
    }
}
