using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Fabula.Torch;

/// <summary>A tensor to be written: what it is, and how to put its bytes on a stream.</summary>
/// <param name="Write">Writes exactly the tensor's bytes, row-major and little-endian; called once.</param>
public sealed record TensorData(string Name, DType DType, long[] Shape, Action<Stream> Write)
{
    const int Chunk = 1 << 26;

    public static TensorData From(string name, DType type, long[] shape, ReadOnlyMemory<byte> bytes) =>
        new(name, type, shape, stream => stream.Write(bytes.Span));

    /// <summary>A tensor in native memory, which the caller keeps in place until it is written. Nothing is copied.</summary>
    /// <param name="length">Bytes at <paramref name="address"/>.</param>
    public static unsafe TensorData From(string name, DType type, long[] shape, nint address, long length)
    {
        return new(name, type, shape, Stream);

        void Stream(Stream stream)
        {
            for (long at = 0; at < length; at += Chunk)
                stream.Write(new ReadOnlySpan<byte>((byte*)address + at, (int)Math.Min(Chunk, length - at)));
        }
    }
}

/// <summary>
/// Writes safetensors files, byte for byte as the reference does where it has an order of its own: wider types first, then by
/// name (https://github.com/huggingface/safetensors, safetensors/src/tensor.rs, prepare), and metadata by key. The same tensors
/// give the same bytes, in whatever order they come.
/// </summary>
public static class SafetensorsWriter
{
    /// <summary>The reference's order of types is that of its enumeration; the last comes first in a file.</summary>
    static readonly DType[] Order =
    [
        DType.I64, DType.F64, DType.F32, DType.I32, DType.BF16, DType.F16, DType.I16, DType.F8E4M3, DType.I8, DType.U8, DType.Bool,
    ];

    static readonly Dictionary<DType, string> Words = Safetensors.Types.ToDictionary(pair => pair.Value, pair => pair.Key);

    static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Writes a file as a whole or not at all: under a temporary name in the same folder, flushed to the disk, then renamed to
    /// <paramref name="path"/>, replacing what was there. Mode 0644 on Unix.
    /// </summary>
    /// <exception cref="CheckpointException">
    /// A name is there twice, a shape is negative or too large, a tensor writes other than its bytes, or the disk refuses.
    /// </exception>
    public static void Write(string path, IEnumerable<TensorData> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = tensors.OrderBy(tensor => Array.IndexOf(Order, tensor.DType)).ThenBy(tensor => tensor.Name, Utf8Order).ToList();
        var sizes = Check(path, ordered);
        var header = Header(ordered, sizes, metadata);
        if (header.Length - 8 > Safetensors.LongestHeader)
            throw new CheckpointException(path, null, $"would have a header over {Safetensors.LongestHeader} bytes: write several files");

        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}.tmp");
        try
        {
            WriteFile(path, temporary, header, ordered, sizes);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e)
        {
            if (File.Exists(temporary)) File.Delete(temporary);
            if (e is IOException or UnauthorizedAccessException)
                throw new CheckpointException(path, null, $"cannot be written ({e.Message.TrimEnd('.')})", e);
            throw;
        }
    }

    static void WriteFile(string path, string temporary, byte[] header, List<TensorData> tensors, List<long> sizes)
    {
        using var stream = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            BufferSize = 0,
            PreallocationSize = header.Length + sizes.Sum(),
        });
        stream.Write(header);
        foreach (var (tensor, size) in tensors.Zip(sizes))
        {
            var start = stream.Position;
            tensor.Write(stream);
            if (stream.Position - start != size)
                throw new CheckpointException(path, tensor.Name, $"wrote {stream.Position - start} bytes where its shape needs {size}");
        }
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(stream.SafeFileHandle, (UnixFileMode)0b110_100_100);
        stream.Flush(flushToDisk: true);
    }

    static List<long> Check(string path, List<TensorData> tensors)
    {
        var names = new HashSet<string>();
        var sizes = new List<long>(tensors.Count);
        long total = 0;
        foreach (var tensor in tensors)
        {
            if (!names.Add(tensor.Name)) throw new CheckpointException(path, tensor.Name, "is to be written twice");
            if (tensor.Name == "__metadata__") throw new CheckpointException(path, tensor.Name, "has the name of the metadata: rename it");
            if (tensor.Shape.Length > Safetensors.MostDimensions)
                throw new CheckpointException(path, tensor.Name, $"has more than {Safetensors.MostDimensions} dimensions");
            if (tensor.Shape.Any(extent => extent < 0) || TensorEntry.Count([.. tensor.Shape, tensor.DType.Size()]) is not { } size
                || size > long.MaxValue / 2 - total)
                throw new CheckpointException(path, tensor.Name, $"has a shape that no file can hold, [{string.Join(", ", tensor.Shape)}]");
            sizes.Add(size);
            total += size;
        }
        return sizes;
    }

    /// <summary>The length and the JSON header, padded with spaces to a multiple of 8 bytes so that the data is aligned.</summary>
    static byte[] Header(List<TensorData> tensors, List<long> sizes, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, Utf8Order)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long begin = 0;
            foreach (var (tensor, size) in tensors.Zip(sizes))
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", Words[tensor.DType]);
                WriteNumbers(json, "shape", tensor.Shape);
                WriteNumbers(json, "data_offsets", [begin, begin += size]);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        var length = (buffer.WrittenCount + 7) / 8 * 8;
        var header = new byte[8 + length];
        header.AsSpan().Fill((byte)' ');
        BinaryPrimitives.WriteInt64LittleEndian(header, length);
        buffer.WrittenSpan.CopyTo(header.AsSpan(8));
        return header;
    }

    static void WriteNumbers(Utf8JsonWriter json, string key, ReadOnlySpan<long> numbers)
    {
        json.WriteStartArray(key);
        foreach (var number in numbers) json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    /// <summary>By bytes of UTF-8, as Rust orders strings; .NET's ordinal order differs beyond U+FFFF.</summary>
    static Comparer<string> Utf8Order { get; } =
        Comparer<string>.Create((a, b) => Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b)));
}
