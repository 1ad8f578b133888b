using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Fabula.Torch.Tests.Checkpoints;

/// <summary>Makes tensor files byte by byte, sound and unsound, and opens them from memory.</summary>
static class Bytes
{
    internal const string Name = "made.safetensors";

    internal static byte[] Safetensors(string header, int dataBytes) =>
        Safetensors(Encoding.UTF8.GetBytes(header), [.. Enumerable.Range(0, dataBytes).Select(i => (byte)i)]);

    internal static byte[] Safetensors(byte[] header, byte[] data)
    {
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        return [.. length, .. header, .. data];
    }

    /// <summary>A tensor as it stands in a header.</summary>
    internal static string Member(string name, string type, string shape, long begin, long end) =>
        $"\"{name}\":{{\"dtype\":\"{type}\",\"shape\":[{shape}],\"data_offsets\":[{begin},{end}]}}";

    /// <summary>One tensor under the name "w", as the header has it between the braces.</summary>
    internal static byte[] OneTensor(string fields, int dataBytes) => Safetensors($"{{\"w\":{{{fields}}}}}", dataBytes);

    /// <summary>Opens bytes as if they were a file, uses them while they are pinned, and closes them.</summary>
    internal static T Use<T>(byte[] bytes, Func<Checkpoint, T> use, string name = Name, Func<string, byte[]>? shards = null)
    {
        var pins = new List<GCHandle>();
        try
        {
            using var checkpoint = Checkpoint.Read(Map(name, bytes), shard => Map(shard, shards!(shard)));
            return use(checkpoint);
        }
        finally
        {
            pins.ForEach(pin => pin.Free());
        }

        MappedFile Map(string file, byte[] content)
        {
            pins.Add(GCHandle.Alloc(content, GCHandleType.Pinned));
            return new(file, pins[^1].AddrOfPinnedObject(), content.Length);
        }
    }

    /// <summary>The bytes are refused in one sentence, which names the file, the tensor if given, and has the words.</summary>
    internal static void Refused(byte[] bytes, string words, string? tensor = null, string name = Name, Func<string, byte[]>? shards = null)
    {
        var refusal = Assert.Throws<CheckpointException>(() => Use(bytes, _ => 0, name, shards));
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(tensor, refusal.Tensor);
        AssertSentence(refusal);
    }

    internal static void AssertSentence(CheckpointException refusal)
    {
        Assert.StartsWith(refusal.File, refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(refusal.Message, char.IsControl);
        if (refusal.Tensor is { Length: < 200 } tensor && !tensor.Any(char.IsControl))
            Assert.Contains($"'{tensor}'", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>The elements of a tensor in row-major order, whatever its strides.</summary>
    internal static unsafe byte[] Elements(TensorEntry entry)
    {
        var size = entry.DType.Size();
        var count = entry.Shape.Aggregate(1L, (product, extent) => product * extent);
        var index = new long[entry.Shape.Length];
        var elements = new byte[count * size];
        for (var i = 0; i < count; i++)
        {
            var offset = entry.Strides is null ? i : index.Zip(entry.Strides, (at, stride) => at * stride).Sum();
            new ReadOnlySpan<byte>((byte*)entry.Data + offset * size, size).CopyTo(elements.AsSpan(i * size));
            for (var d = index.Length - 1; d >= 0 && ++index[d] == entry.Shape[d]; d--) index[d] = 0;
        }
        return elements;
    }
}

/// <summary>A folder for one test.</summary>
sealed class TemporaryFolder : IDisposable
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fabula-checkpoints-");

    internal string this[string file] => Path.Combine(_folder.FullName, file);

    internal string Put(string file, byte[] content)
    {
        File.WriteAllBytes(this[file], content);
        return this[file];
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
