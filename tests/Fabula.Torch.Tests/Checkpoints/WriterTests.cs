using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Fabula.Torch.Tests.Checkpoints;

public sealed class WriterTests
{
    static readonly DType[] Types = Enum.GetValues<DType>();

    static TensorData Data(string name, DType type, long[] shape, byte[] bytes) => TensorData.From(name, type, shape, bytes);

    static void Refused(IEnumerable<TensorData> tensors, string words, string? tensor)
    {
        using var folder = new TemporaryFolder();
        var refusal = Assert.Throws<CheckpointException>(() => SafetensorsWriter.Write(folder["w.safetensors"], tensors));
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(tensor, refusal.Tensor);
        Bytes.AssertSentence(refusal);
        Assert.Empty(Directory.GetFileSystemEntries(folder[""]));
    }

    /// <summary>The tensors as the header lists them.</summary>
    static List<string> Names(string file)
    {
        var bytes = File.ReadAllBytes(file);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, BitConverter.ToInt32(bytes)));
        return [.. header.RootElement.EnumerateObject().Select(member => member.Name)];
    }

    /// <summary>The layout that safetensors/src/tensor.rs expects of itself in its tests test_serialization and test_empty.</summary>
    [Fact]
    public void Files_are_laid_out_as_the_reference_lays_them()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.Write(folder["a"], [Data("attn.0", DType.F32, [1, 2, 3], new byte[24])]);
        Assert.Equal(
            Bytes.Safetensors("""{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}"""u8.ToArray(), new byte[24]),
            File.ReadAllBytes(folder["a"]));
        SafetensorsWriter.Write(folder["a"], [], new Dictionary<string, string> { ["framework"] = "pt" });
        Assert.Equal(Bytes.Safetensors("""{"__metadata__":{"framework":"pt"}}     """, 0), File.ReadAllBytes(folder["a"]));
        SafetensorsWriter.Write(folder["a"], []);
        Assert.Equal(Bytes.Safetensors("{}      ", 0), File.ReadAllBytes(folder["a"]));
    }

    [Fact]
    public void Wider_types_come_first_and_then_names_by_their_UTF8()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.Write(folder["a"],
        [
            .. Types.Select(type => Data($"{type}", type, [1], new byte[type.Size()])),
            Data("\ufb00", DType.I64, [0], []), Data("\U0001f600", DType.I64, [0], []), Data("A", DType.I64, [0], []),
        ]);
        using var checkpoint = Checkpoint.Open(folder["a"]);
        Assert.Equal(
            ["A", "I64", "\ufb00", "\U0001f600", "F64", "F32", "I32", "BF16", "F16", "I16", "F8E4M3", "I8", "U8", "Bool"],
            Names(folder["a"]));
        Assert.True(checkpoint.Entries.Values.All(entry => entry.IsAligned));
    }

    [Fact]
    public void What_is_written_is_read_back_and_any_order_gives_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(11);
        for (var round = 0; round < 100; round++)
        {
            var tensors = Enumerable.Range(0, random.Next(12)).Select(i =>
            {
                var type = Types[random.Next(Types.Length)];
                long[] shape = [.. Enumerable.Range(0, random.Next(4)).Select(_ => (long)random.Next(5))];
                var bytes = new byte[shape.Aggregate(1L, (a, b) => a * b) * type.Size()];
                random.NextBytes(bytes);
                return (Name: $"{i}.\"\\\u00e9\u4e2d\U0001f600\n{random.Next()}", Type: type, Shape: shape, Bytes: bytes);
            }).ToList();
            var metadata = Enumerable.Range(0, random.Next(3)).ToDictionary(i => $"k{i}\"", i => $"\u2028 {random.Next()}");
            SafetensorsWriter.Write(folder["a"], tensors.Select(t => Data(t.Name, t.Type, t.Shape, t.Bytes)), metadata);
            SafetensorsWriter.Write(folder["b"],
                tensors.AsEnumerable().Reverse().Select(t => Data(t.Name, t.Type, t.Shape, t.Bytes)), metadata.Reverse().ToDictionary());
            Assert.Equal(File.ReadAllBytes(folder["a"]), File.ReadAllBytes(folder["b"]));

            using var checkpoint = Checkpoint.Open(folder["a"]);
            Assert.Equal(metadata, checkpoint.Metadata);
            Assert.Equal(tensors.Count, checkpoint.Entries.Count);
            foreach (var (name, type, shape, bytes) in tensors)
            {
                var entry = checkpoint.Entries[name];
                Assert.Equal((type, true), (entry.DType, entry.IsAligned));
                Assert.Equal(shape, entry.Shape);
                Assert.Equal(bytes, Bytes.Elements(entry));
            }
        }
    }

    [Fact]
    public unsafe void Native_memory_is_written_where_it_lies()
    {
        using var folder = new TemporaryFolder();
        var length = (1 << 26) + 5; // more than one chunk
        var memory = (byte*)NativeMemory.AllocZeroed((nuint)length);
        try
        {
            memory[length - 1] = 7;
            SafetensorsWriter.Write(folder["a"], [TensorData.From("w", DType.U8, [length], (nint)memory, length)]);
        }
        finally
        {
            NativeMemory.Free(memory);
        }
        using var checkpoint = Checkpoint.Open(folder["a"]);
        Assert.Equal(7, ((byte*)checkpoint.Entries["w"].Data)[length - 1]);
    }

    [Fact]
    public void A_file_is_readable_by_all_and_leaves_nothing_beside_it()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.Write(folder["a"], [Data("w", DType.U8, [1], [1])]);
        Assert.Equal([folder["a"]], Directory.GetFileSystemEntries(folder[""]));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
                File.GetUnixFileMode(folder["a"]));
    }

    [Fact]
    public void A_failure_leaves_the_old_file_as_it_was()
    {
        using var folder = new TemporaryFolder();
        folder.Put("a", Encoding.UTF8.GetBytes("old"));
        Assert.Throws<InvalidOperationException>(() => SafetensorsWriter.Write(folder["a"],
            [new TensorData("w", DType.U8, [1], _ => throw new InvalidOperationException("the device went away"))]));
        Assert.Equal("old", File.ReadAllText(folder["a"]));
        Assert.Single(Directory.GetFileSystemEntries(folder[""]));
    }

    [Fact]
    public void A_name_to_be_written_twice_is_refused() =>
        Refused([Data("w", DType.U8, [1], [1]), Data("w", DType.F32, [0], [])], "is to be written twice", "w");

    [Fact]
    public void The_name_of_the_metadata_is_refused() => Refused([Data("__metadata__", DType.U8, [1], [1])], "rename it", "__metadata__");

    [Fact]
    public void Impossible_shapes_are_refused()
    {
        Refused([Data("w", DType.U8, [-1], [])], "no file can hold, [-1]", "w");
        Refused([Data("w", DType.F32, [1L << 31, 1L << 31], [])], "no file can hold", "w");
        Refused([Data("w", DType.U8, [.. Enumerable.Repeat(1L, 33)], [1])], "more than 32 dimensions", "w");
    }

    [Fact]
    public void A_tensor_that_writes_other_than_its_bytes_is_refused()
    {
        Refused([Data("w", DType.F32, [2], new byte[7])], "wrote 7 bytes where its shape needs 8", "w");
        Refused([Data("w", DType.F32, [2], new byte[9])], "wrote 9 bytes where its shape needs 8", "w");
    }

    [Fact]
    public void A_folder_that_does_not_exist_is_refused()
    {
        var refusal = Assert.Throws<CheckpointException>(() => SafetensorsWriter.Write("/nowhere/at/all/w.safetensors", []));
        Assert.Contains("cannot be written", refusal.Message, StringComparison.Ordinal);
    }
}
