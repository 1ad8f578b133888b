using System.Text.Json;

namespace Fabula.Torch.Tests.Checkpoints;

/// <summary>Files that PyTorch 1.13 wrote (data/make.py), against the values PyTorch says are in them (data/expected.json).</summary>
public sealed class TorchFileTests
{
    sealed record Expected(string Type, long[] Shape, bool Contiguous, string Hex);

    static readonly Dictionary<string, DType> Types = new()
    {
        ["float64"] = DType.F64,
        ["float32"] = DType.F32,
        ["float16"] = DType.F16,
        ["bfloat16"] = DType.BF16,
        ["int64"] = DType.I64,
        ["int32"] = DType.I32,
        ["int16"] = DType.I16,
        ["int8"] = DType.I8,
        ["uint8"] = DType.U8,
        ["bool"] = DType.Bool,
    };

    internal static string Data(string file) => Path.Combine(AppContext.BaseDirectory, "Checkpoints", "data", file);

    static void Refused(string file, string words, string? tensor = null)
    {
        var refusal = Assert.Throws<CheckpointException>(() => Checkpoint.Open(Data(file)));
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(tensor, refusal.Tensor);
        Bytes.AssertSentence(refusal);
    }

    [Theory]
    [InlineData("state_dict.pth"), InlineData("parameters.pth"), InlineData("kinds.pth"), InlineData("views.pth")]
    [InlineData("training.pth"), InlineData("nested.pth"), InlineData("protocol4.pth")]
    public void Tensors_are_what_PyTorch_saved(string file)
    {
        var all = JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, Expected>>>(
            File.ReadAllBytes(Data("expected.json")), JsonSerializerOptions.Web)!;
        using var checkpoint = Checkpoint.Open(Data(file));
        Assert.Equal(all[file].Keys, checkpoint.Entries.Keys);
        foreach (var (name, expected) in all[file])
        {
            var entry = checkpoint.Entries[name];
            Assert.Equal((name, Types[expected.Type]), (entry.Name, entry.DType));
            Assert.Equal(expected.Shape, entry.Shape);
            Assert.Equal(expected.Contiguous, entry.Strides is null);
            Assert.True(entry.IsAligned);
            Assert.Equal(expected.Hex, Convert.ToHexStringLower(Bytes.Elements(entry)));
        }
    }

    [Fact]
    public void A_kind_of_file_is_known_by_its_bytes_and_not_by_its_name()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Put("model.safetensors", File.ReadAllBytes(Data("kinds.pth"))));
        Assert.Equal(12, checkpoint.Entries.Count);
    }

    [Fact]
    public void Views_share_their_storage()
    {
        using var checkpoint = Checkpoint.Open(Data("views.pth"));
        Assert.Equal(checkpoint.Entries["whole"].Data + 4 * 20, checkpoint.Entries["row"].Data);
        Assert.Equal([0, 1], checkpoint.Entries["repeated"].Strides!);
        Assert.Equal(3 * 8, checkpoint.Entries["repeated"].Bytes);
    }

    [Fact]
    public void A_training_checkpoint_gives_its_model_and_says_so()
    {
        using var checkpoint = Checkpoint.Open(Data("training.pth"));
        Assert.Equal("the tensors under 'model'; left out: 'optimizer'", checkpoint.Metadata["fabula.layout"]);
        Assert.Equal(("3", "0.25", "True", "a pocket run"),
            (checkpoint.Metadata["epoch"], checkpoint.Metadata["loss"], checkpoint.Metadata["best"], checkpoint.Metadata["note"]));
    }

    [Fact]
    public void Nested_dictionaries_get_dotted_names_and_say_so()
    {
        using var checkpoint = Checkpoint.Open(Data("nested.pth"));
        Assert.Equal("nested dictionaries, their keys joined with '.'", checkpoint.Metadata["fabula.layout"]);
    }

    [Fact]
    public void A_plain_state_dict_has_nothing_to_say_of_its_layout()
    {
        using var checkpoint = Checkpoint.Open(Data("state_dict.pth"));
        Assert.Empty(checkpoint.Metadata);
    }

    [Fact]
    public void A_file_that_runs_code_is_refused_with_the_name_of_the_code() =>
        Refused("runs_code.pth", "asks to run or use 'posix.system': refused");

    [Fact]
    public void An_old_pickle_is_refused_with_the_way_to_convert_it() => Refused("old.pth", "torch.save(torch.load(file), file)");

    [Fact]
    public void A_bare_tensor_is_refused() => Refused("bare_tensor.pth", "something other than a dictionary of tensors");

    [Fact]
    public void A_type_that_Fabula_lacks_is_refused_by_name() => Refused("complex.pth", "'torch.ComplexFloatStorage'");
}
