using System.Text;

namespace Fabula.Torch.Tests.Checkpoints;

public sealed class SafetensorsTests
{
    static readonly string Two =
        $"{{\"__metadata__\":{{\"format\":\"pt\"}},{Bytes.Member("a", "F32", "2,3", 0, 24)},{Bytes.Member("b", "U8", "4", 24, 28)}}}";

    [Fact]
    public void Tensors_are_read_where_they_lie() => Bytes.Use(Bytes.Safetensors(Two, 28), checkpoint =>
    {
        Assert.Equal(["a", "b"], checkpoint.Entries.Keys);
        Assert.Equal("pt", checkpoint.Metadata["format"]);
        Assert.Equal(28, checkpoint.TotalBytes);
        var b = checkpoint.Entries["b"];
        Assert.Equal((DType.U8, 4L, (long[]?)null, Bytes.Name), (b.DType, b.Bytes, b.Strides, b.File));
        Assert.Equal([24, 25, 26, 27], Bytes.Elements(b));
        return 0;
    });

    [Theory]
    [InlineData("F64", 8), InlineData("F32", 4), InlineData("F16", 2), InlineData("BF16", 2), InlineData("I64", 8), InlineData("I32", 4)]
    [InlineData("I16", 2), InlineData("I8", 1), InlineData("U8", 1), InlineData("BOOL", 1), InlineData("F8_E4M3", 1)]
    public void Every_type_has_its_size(string type, int size)
    {
        var file = Bytes.Safetensors($"{{{Bytes.Member("w", type, "3", 0, 3 * size)}}}", 3 * size);
        Assert.Equal(3 * size, Bytes.Use(file, checkpoint => checkpoint.Entries["w"].Bytes));
    }

    [Fact]
    public void Scalars_and_empty_tensors_are_read()
    {
        var file = Bytes.Safetensors($"{{{Bytes.Member("e", "F32", "0,5", 0, 0)},{Bytes.Member("s", "I16", "", 0, 2)}}}", 2);
        Assert.Equal((0L, 2L), Bytes.Use(file, checkpoint => (checkpoint.Entries["e"].Bytes, checkpoint.Entries["s"].Bytes)));
    }

    [Fact]
    public void A_file_without_tensors_is_read() =>
        Assert.Empty(Bytes.Use(Bytes.Safetensors("{}      ", 0), file => file.Entries.Keys.ToList()));

    [Fact]
    public void Data_off_its_alignment_is_read_and_flagged()
    {
        foreach (var padding in Enumerable.Range(0, 8))
        {
            var header = """{"w":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}""" + new string(' ', padding);
            var aligned = Bytes.Use(Bytes.Safetensors(header, 8), checkpoint =>
            {
                Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7], Bytes.Elements(checkpoint.Entries["w"]));
                Assert.Equal(checkpoint.Entries["w"].Data % 8 == 0, checkpoint.Entries["w"].IsAligned);
                return checkpoint.Entries["w"].IsAligned;
            });
            Assert.Equal(header.Length % 8 == 0, aligned);
        }
    }

    [Fact]
    public void Fields_that_the_format_may_grow_are_skipped()
    {
        var file = Bytes.OneTensor(""" "dtype":"U8","scale":{"deep":[1,[2,{"x":null}]]},"shape":[1],"data_offsets":[0,1],"note":"n" """, 1);
        Assert.Equal([0], Bytes.Use(file, checkpoint => Bytes.Elements(checkpoint.Entries["w"])));
    }

    [Fact]
    public void A_file_shorter_than_its_length_field_is_refused() => Bytes.Refused([1, 2, 3], "too short");

    [Fact]
    public void A_header_of_no_bytes_is_refused() => Bytes.Refused(new byte[8], "does not begin with '{'");

    [Fact]
    public void A_header_over_the_limit_is_refused() =>
        Bytes.Refused([.. BitConverter.GetBytes(100_000_001L), (byte)'{', (byte)'}'], "100000001 bytes (the limit is 100000000)");

    [Fact]
    public void A_header_length_beyond_63_bits_is_refused() =>
        Bytes.Refused([.. BitConverter.GetBytes(ulong.MaxValue), 0], "asks for a header");

    [Fact]
    public void A_truncated_header_is_refused() => Bytes.Refused(Bytes.Safetensors(Two, 28)[..60], "is cut off in its header");

    [Fact]
    public void Truncated_data_is_refused_with_the_tensor() => Bytes.Refused(Bytes.Safetensors(Two, 27), "is cut off", "b");

    [Fact]
    public void Bytes_after_the_last_tensor_are_refused() => Bytes.Refused(Bytes.Safetensors(Two, 29), "has 1 bytes after its last tensor");

    [Fact]
    public void Text_that_is_not_UTF8_is_refused() =>
        Bytes.Refused(Bytes.Safetensors([(byte)'{', (byte)'"', 0xff, 0xfe, (byte)'"', (byte)'}'], []), "not valid UTF-8");

    [Fact]
    public void Half_of_a_surrogate_pair_is_refused() =>
        Bytes.Refused(Bytes.Safetensors("""{"\ud800":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}""", 1), "not valid Unicode");

    [Theory]
    [InlineData("{", "not valid JSON"), InlineData("{\"a\"", "not valid JSON"), InlineData("{]", "not valid JSON")]
    [InlineData("{\"__metadata__\":{},}", "not valid JSON"), InlineData("{/*c*/}", "not valid JSON"), InlineData("{} x", "not valid JSON")]
    [InlineData("{}{}", "not valid JSON"), InlineData("{\u0001}", "not valid JSON"), InlineData("[]", "does not begin with '{'")]
    [InlineData(" {}", "does not begin with '{'"), InlineData("{\"__metadata__\":[]}", "not a JSON object")]
    [InlineData("{\"__metadata__\":{\"a\":1}}", "not a string, 'a'"), InlineData("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", "'a' twice")]
    [InlineData("{\"__metadata__\":{},\"__metadata__\":{}}", "'__metadata__' twice")]
    public void An_unsound_header_is_refused(string header, string words) => Bytes.Refused(Bytes.Safetensors(header, 0), words);

    [Fact]
    public void Absurd_nesting_is_refused() =>
        Bytes.Refused(Bytes.OneTensor("\"x\":" + new string('[', 100_000), 0), "depth of 16");

    [Theory]
    [InlineData(""" "shape":[1],"data_offsets":[0,1] """, "has no 'dtype'")]
    [InlineData(""" "dtype":"U8","data_offsets":[0,1] """, "has no 'shape'")]
    [InlineData(""" "dtype":"U8","shape":[1] """, "has no 'data_offsets'")]
    [InlineData(""" "dtype":"U8","shape":[1],"data_offsets":[0] """, "has no 'data_offsets' of two numbers")]
    [InlineData(""" "dtype":"U8","shape":[1],"data_offsets":[0,1,2] """, "more than 2 numbers")]
    [InlineData(""" "dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1] """, "has 'dtype' twice")]
    [InlineData(""" "dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1] """, "has 'shape' twice")]
    [InlineData(""" "dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1] """, "has dtype 'F8_E5M2'")]
    [InlineData(""" "dtype":8,"shape":[1],"data_offsets":[0,1] """, "'dtype' that is not a string")]
    [InlineData(""" "dtype":"U8","shape":1,"data_offsets":[0,1] """, "'shape' that is not a list")]
    [InlineData(""" "dtype":"U8","shape":[-1],"data_offsets":[0,1] """, "other than whole numbers")]
    [InlineData(""" "dtype":"U8","shape":[1.0],"data_offsets":[0,1] """, "other than whole numbers")]
    [InlineData(""" "dtype":"U8","shape":["1"],"data_offsets":[0,1] """, "other than whole numbers")]
    [InlineData(""" "dtype":"U8","shape":[[1]],"data_offsets":[0,1] """, "other than whole numbers")]
    [InlineData(""" "dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1] """, "other than whole numbers")]
    [InlineData(""" "dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,1] """, "too large for any file")]
    [InlineData(""" "dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0] """, "too large for any file")]
    [InlineData(""" "dtype":"U8","shape":[1],"data_offsets":[1,0] """, "end before they begin")]
    [InlineData(""" "dtype":"U8","shape":[1],"data_offsets":[0,9223372036854775807] """, "the file is cut off")]
    [InlineData(""" "dtype":"U8","shape":[2],"data_offsets":[0,1] """, "holds 1 bytes, but U8 [2] needs 2")]
    [InlineData(""" "dtype":"U8","shape":[0],"data_offsets":[1,1] """, "leaves a gap")]
    public void An_unsound_tensor_is_refused_by_name(string fields, string words) => Bytes.Refused(Bytes.OneTensor(fields, 1), words, "w");

    [Fact]
    public void A_tensor_that_is_no_object_is_refused() => Bytes.Refused(Bytes.Safetensors("""{"w":3}""", 0), "not described by", "w");

    [Fact]
    public void A_tensor_of_33_dimensions_is_refused()
    {
        static byte[] Of(int dimensions) =>
            Bytes.Safetensors($"{{{Bytes.Member("w", "U8", string.Join(',', Enumerable.Repeat(1, dimensions)), 0, 1)}}}", 1);
        Assert.Equal(32, Bytes.Use(Of(32), checkpoint => checkpoint.Entries["w"].Shape.Length));
        Bytes.Refused(Of(33), "more than 32", "w");
    }

    [Fact]
    public void A_name_that_comes_twice_is_refused() => Bytes.Refused(Bytes.Safetensors(
        $"{{{Bytes.Member("w", "U8", "1", 0, 1)},{Bytes.Member("w", "U8", "1", 1, 2)}}}", 2), "twice", "w");

    [Fact]
    public void Overlapping_tensors_are_refused() => Bytes.Refused(Bytes.Safetensors(
        $"{{{Bytes.Member("v", "U8", "2", 0, 2)},{Bytes.Member("w", "U8", "2", 1, 3)}}}", 3), "overlaps", "w");

    [Fact]
    public void A_gap_between_tensors_is_refused() => Bytes.Refused(Bytes.Safetensors(
        $"{{{Bytes.Member("v", "U8", "1", 0, 1)},{Bytes.Member("w", "U8", "1", 2, 3)}}}", 3), "leaves a gap", "w");

    [Fact]
    public void What_a_name_holds_cannot_reach_the_terminal()
    {
        var name = "\u001b[2J" + new string('x', 5000);
        var file = Bytes.Safetensors(Encoding.UTF8.GetBytes($"{{\"\\u001b{name[1..]}\":1}}"), []);
        var refusal = Assert.Throws<CheckpointException>(() => Bytes.Use(file, _ => 0));
        Assert.Equal(name, refusal.Tensor);
        Assert.True(refusal.Message.Length < 400);
        Bytes.AssertSentence(refusal);
    }

    [Fact]
    public void A_pointer_of_Git_LFS_is_recognised() =>
        Bytes.Refused(Encoding.UTF8.GetBytes("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"), "git lfs pull");
}
