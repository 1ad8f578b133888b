using Fabula.Torch;

namespace Fabula.Models.Tests;

public class Umt5EncoderTests
{
    static readonly Umt5Config Small = new()
    {
        Vocabulary = 50,
        Dim = 16,
        AttentionDim = 24,
        FfnDim = 40,
        Heads = 4,
        Layers = 2,
        Buckets = 16,
        MaxDistance = 32,
        MaxTokens = 20,
    };

    [Fact]
    public void What_padding_holds_has_no_influence_on_a_prompts_rows() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new Umt5Encoder(Small, weights);
        var mask = Tensor.From(new long[] { 1, 1, 1, 0, 0 }, 1, 5);
        var zeros = model.Forward(Ids(7, 8, 1, 0, 0), mask).Narrow(1, 0, 3);
        var others = model.Forward(Ids(7, 8, 1, 33, 49), mask).Narrow(1, 0, 3);
        Assert.Equal(zeros.ToFloats(), others.ToFloats());
        Assert.NotEqual(zeros.ToFloats(), model.Forward(Ids(7, 8, 1, 33, 49)).Narrow(1, 0, 3).ToFloats());
    });

    [Fact]
    public void A_batch_gives_each_prompt_what_it_gets_alone() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var model = new Umt5Encoder(Small, weights);
        var both = Tensor.From(new long[] { 3, 4, 5, 6, 1, 0, 9, 1, 0, 0, 0, 0 }, 2, 6);
        var together = model.Encode(both, [5, 2]);
        Assert.Equal([5L, 16], together[0].Shape);
        Assert.Equal([2L, 16], together[1].Shape);
        Near(model.Encode(Ids(3, 4, 5, 6, 1), [5])[0], together[0]);
        Near(model.Encode(Ids(9, 1), [2])[0], together[1]);
    });

    [Fact]
    public void A_prompt_longer_than_the_limit_is_refused_with_both_numbers() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(3, DType.F32, Device.Cpu);
        var model = new Umt5Encoder(Small, weights);
        var error = Assert.Throws<ArgumentException>(() => model.Encode(Ids(new long[21]), [21]));
        Assert.Contains("21", error.Message, StringComparison.Ordinal);
        Assert.Contains("20", error.Message, StringComparison.Ordinal);
        Assert.Single(model.Encode(Ids(new long[21]), [20]));
    });

    [Fact]
    public void A_token_of_another_vocabulary_is_refused_unless_it_is_padding() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(4, DType.F32, Device.Cpu);
        var model = new Umt5Encoder(Small, weights);
        Assert.Contains("50", Assert.Throws<ArgumentException>(() => model.Encode(Ids(3, 50, 1), [3])).Message, StringComparison.Ordinal);
        Assert.Single(model.Encode(Ids(3, 1, 50), [2]));
    });

    [Fact]
    public void One_shared_table_of_positions_equals_the_same_table_in_every_block() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var shared = Weights.Fresh(5, DType.F32, Device.Cpu);
        var expected = new Umt5Encoder(Small with { SharedPositions = true }, shared).Forward(Ids(3, 4, 5, 6));
        const string Table = "pos_embedding.embedding.weight";
        using var file = new SafetensorsFile(shared.Parameters.Where(pair => pair.Key != Table).Select(pair => (pair.Key, pair.Value))
            .Concat([($"blocks.0.{Table}", shared.Parameters[Table]), ($"blocks.1.{Table}", shared.Parameters[Table])]));
        using var own = Weights.Open(file.Path, DType.F32, Device.Cpu, Umt5Encoder.Rename());
        Assert.Equal(expected.ToFloats(), new Umt5Encoder(Small, own).Forward(Ids(3, 4, 5, 6)).ToFloats());
    });

    [Fact]
    public void Distances_share_a_bucket_only_when_far_and_never_across_the_query() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(6, DType.F32, Device.Cpu);
        var model = new Umt5Encoder(Small, weights);
        var before = model.RelativeBuckets(-Tensor.Arange(0, 100, DType.I64, Device.Cpu)).ToArray<long>();
        var after = model.RelativeBuckets(Tensor.Arange(1, 100, DType.I64, Device.Cpu)).ToArray<long>();
        Assert.Equal([0L, 1, 2, 3], before[..4]);
        Assert.Equal(before.Order(), before);
        Assert.All(before[32..], bucket => Assert.Equal(7, bucket));
        Assert.Equal(before[1..].Select(bucket => bucket + 8), after);
    });

    [Fact]
    public void Gradients_reach_every_weight() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(7, DType.F32, Device.Cpu);
        var model = new Umt5Encoder(Small, weights);
        weights.Trainable();
        using (Autograd.Enable()) model.Encode(Tensor.From(new long[] { 3, 4, 5, 9, 1, 0 }, 2, 3), [3, 2])[0].Square().Sum().Backward();
        Assert.All(weights.Parameters, pair => Assert.True(pair.Value.Grad is { } grad && grad.Abs().Max().Item() > 0, pair.Key));
    });

    [Theory]
    [InlineData("shared.weight")]
    [InlineData("encoder.embed_tokens.weight")]
    [InlineData("shared.weight", "encoder.embed_tokens.weight")]
    public void Hugging_Faces_names_give_the_same_encoder(params string[] tokenTables) => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(8, DType.F32, Device.Cpu);
        var expected = new Umt5Encoder(Small, weights).Forward(Ids(3, 4, 5, 6));
        using var file = new SafetensorsFile(weights.Parameters.SelectMany(pair => Theirs(pair.Key).Select(name => (name, pair.Value))));
        using var read = Weights.Open(file.Path, DType.F32, Device.Cpu, Umt5Encoder.Rename());
        Assert.Equal(expected.ToFloats(), new Umt5Encoder(Small, read).Forward(Ids(3, 4, 5, 6)).ToFloats());

        string[] Theirs(string ours)
        {
            if (ours == "token_embedding.weight") return tokenTables;
            if (ours == "norm.weight") return ["encoder.final_layer_norm.weight"];
            var (block, rest) = (ours.Split('.')[1], ours.Split('.', 3)[2]);
            return [$"encoder.block.{block}." + rest switch
            {
                "norm1.weight" => "layer.0.layer_norm.weight",
                "norm2.weight" => "layer.1.layer_norm.weight",
                "pos_embedding.embedding.weight" => "layer.0.SelfAttention.relative_attention_bias.weight",
                "ffn.gate.0.weight" => "layer.1.DenseReluDense.wi_0.weight",
                "ffn.fc1.weight" => "layer.1.DenseReluDense.wi_1.weight",
                "ffn.fc2.weight" => "layer.1.DenseReluDense.wo.weight",
                _ => "layer.0.SelfAttention." + rest["attn.".Length..],
            }];
        }
    });

    static Tensor Ids(params long[] ids) => Tensor.From(ids, 1, ids.Length);

    static void Near(Tensor expected, Tensor actual) => Assert.InRange((expected - actual).Abs().Max().Item(), 0, 1e-5);
}
