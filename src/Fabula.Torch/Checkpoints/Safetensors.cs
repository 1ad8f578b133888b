using System.Buffers.Binary;
using System.Text.Json;

namespace Fabula.Torch;

/// <summary>What one file holds, by name, and what it says of itself.</summary>
sealed record TensorTable(Dictionary<string, TensorEntry> Entries, Dictionary<string, string> Metadata);

/// <summary>
/// The safetensors format: 8 bytes little-endian header length, a JSON header, the tensors end to end. Refuses what the reference
/// refuses (https://github.com/huggingface/safetensors, safetensors/src/tensor.rs, SafeTensors::read_metadata and
/// Metadata::validate): tensors must cover the data exactly, without gaps, overlaps or a tail.
/// </summary>
static class Safetensors
{
    /// <summary>Longest header, in bytes; the reference's limit.</summary>
    internal const long LongestHeader = 100_000_000;

    /// <summary>Most dimensions of a tensor.</summary>
    internal const int MostDimensions = 32;

    /// <summary>Types by the names of the format.</summary>
    internal static readonly Dictionary<string, DType> Types = new()
    {
        ["F64"] = DType.F64,
        ["F32"] = DType.F32,
        ["F16"] = DType.F16,
        ["BF16"] = DType.BF16,
        ["F8_E4M3"] = DType.F8E4M3,
        ["I64"] = DType.I64,
        ["I32"] = DType.I32,
        ["I16"] = DType.I16,
        ["I8"] = DType.I8,
        ["U8"] = DType.U8,
        ["BOOL"] = DType.Bool,
    };

    readonly record struct Header(DType Type, long[] Shape, long Begin, long End);

    internal static TensorTable Read(MappedFile file)
    {
        if (file.Length < 8) throw file.Fault($"is {file.Length} bytes long, too short for a safetensors file: copy or download it again");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Span(0, 8));
        if (length > LongestHeader)
            throw file.Fault($"is no safetensors file: it asks for a header of {length} bytes (the limit is {LongestHeader})");
        if ((long)length > file.Length - 8)
            throw file.Fault($"is cut off in its header, after {file.Length - 8} of {length} bytes: copy or download it again");
        var json = file.Span(8, (int)length);
        if (json is not [(byte)'{', ..]) throw file.Fault("is no safetensors file: its header does not begin with '{'");

        var headers = new Dictionary<string, Header>();
        var metadata = new Dictionary<string, string>();
        ReadHeader(new JsonCursor(json, file, "header"), file, headers, metadata);
        return new(Place(headers, file, start: 8 + (long)length), metadata);
    }

    static void ReadHeader(JsonCursor json, MappedFile file, Dictionary<string, Header> headers, Dictionary<string, string> metadata)
    {
        var metadataSeen = false;
        while (json.NextKey(out var name))
        {
            if (name != "__metadata__")
            {
                if (!headers.TryAdd(name, ReadTensor(ref json, file, name))) throw file.Fault(name, "is in the header twice");
            }
            else if (metadataSeen) throw file.Fault("has '__metadata__' twice in its header");
            else
            {
                metadataSeen = true;
                ReadMetadata(ref json, file, metadata);
            }
        }
        json.End();
    }

    static void ReadMetadata(ref JsonCursor json, MappedFile file, Dictionary<string, string> metadata)
    {
        if (json.Kind != JsonTokenType.StartObject) throw file.Fault("has a '__metadata__' that is not a JSON object");
        while (json.NextKey(out var key))
        {
            if (json.Kind != JsonTokenType.String)
                throw file.Fault($"has a '__metadata__' value that is not a string, '{CheckpointException.Short(key)}'");
            if (!metadata.TryAdd(key, json.Text())) throw file.Fault($"has '{CheckpointException.Short(key)}' twice in '__metadata__'");
        }
    }

    static Header ReadTensor(ref JsonCursor json, MappedFile file, string name)
    {
        if (json.Kind != JsonTokenType.StartObject) throw file.Fault(name, "is not described by a JSON object");
        (DType? type, long[]? shape, long[]? offsets) = (null, null, null);
        while (json.NextKey(out var field))
        {
            var twice = false;
            switch (field)
            {
                case "dtype": (twice, type) = (type is not null, ReadType(ref json, file, name)); break;
                case "shape": (twice, shape) = (shape is not null, ReadCounts(ref json, file, name, field, MostDimensions)); break;
                case "data_offsets": (twice, offsets) = (offsets is not null, ReadCounts(ref json, file, name, field, 2)); break;
                default: json.Skip(); break; // the reference ignores other fields
            }
            if (twice) throw file.Fault(name, $"has '{field}' twice");
        }
        if (type is null) throw file.Fault(name, "has no 'dtype'");
        if (shape is null) throw file.Fault(name, "has no 'shape'");
        if (offsets is not [var begin, var end]) throw file.Fault(name, "has no 'data_offsets' of two numbers");
        if (begin > end) throw file.Fault(name, $"has 'data_offsets' that end before they begin, [{begin}, {end}]");
        return new(type.Value, shape, begin, end);
    }

    static DType ReadType(ref JsonCursor json, MappedFile file, string name)
    {
        if (json.Kind != JsonTokenType.String) throw file.Fault(name, "has a 'dtype' that is not a string");
        var word = json.Text();
        if (Types.TryGetValue(word, out var type)) return type;
        throw file.Fault(name, $"has dtype '{CheckpointException.Short(word)}': convert it to one of {string.Join(", ", Types.Keys)}");
    }

    static long[] ReadCounts(ref JsonCursor json, MappedFile file, string name, string field, int most)
    {
        if (json.Kind != JsonTokenType.StartArray) throw file.Fault(name, $"has a '{field}' that is not a list");
        var counts = new List<long>(4);
        for (json.Next(); json.Kind != JsonTokenType.EndArray; json.Next())
        {
            if (json.Count() is not { } count) throw file.Fault(name, $"has a '{field}' with something other than whole numbers from 0");
            if (counts.Count == most) throw file.Fault(name, $"has a '{field}' of more than {most} numbers");
            counts.Add(count);
        }
        return [.. counts];
    }

    /// <summary>Lays the tensors over the data in order of their offsets.</summary>
    static Dictionary<string, TensorEntry> Place(Dictionary<string, Header> headers, MappedFile file, long start)
    {
        var size = file.Length - start;
        var entries = new Dictionary<string, TensorEntry>(headers.Count);
        long covered = 0;
        foreach (var (name, header) in headers.OrderBy(pair => pair.Value.Begin).ThenBy(pair => pair.Value.End))
        {
            var (type, shape, begin, end) = header;
            if (end > size)
                throw file.Fault(name, $"ends at byte {end} of {size} bytes of data: the file is cut off, copy or download it again");
            if (begin < covered) throw file.Fault(name, $"overlaps the tensor before it (it begins at byte {begin}, not {covered})");
            if (begin > covered) throw file.Fault(name, $"leaves a gap before it (it begins at byte {begin}, not {covered})");
            if (TensorEntry.Count([.. shape, type.Size()]) is not { } bytes)
                throw file.Fault(name, $"has a shape too large for any file, [{string.Join(", ", shape)}]");
            if (bytes != end - begin)
                throw file.Fault(name, $"holds {end - begin} bytes, but {type} [{string.Join(", ", shape)}] needs {bytes}");
            entries.Add(name, new TensorEntry(name, type, shape, strides: null, file, start + begin, bytes));
            covered = end;
        }
        if (covered != size) throw file.Fault($"has {size - covered} bytes after its last tensor");
        return entries;
    }
}
