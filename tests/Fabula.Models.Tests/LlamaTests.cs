using Fabula.Torch;

namespace Fabula.Models.Tests;

public class LlamaTests
{
    static readonly LlamaConfig Small = new()
    {
        Vocabulary = 30,
        Dim = 24,
        FfnDim = 40,
        Layers = 2,
        Heads = 6,
        KeyHeads = 2,
        MaxTokens = 64,
    };

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 4)]
    [InlineData(5, 1)]
    [InlineData(5, 3)]
    [InlineData(1, 2)]
    public void With_a_cache_each_row_gets_what_it_gets_in_one_go(int window, int atOnce) => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new Llama(Small with { Window = window }, weights);
        var rows = Noise("rows", 2, 23, 24);
        var whole = model.Forward(rows);
        using var cache = new LlamaCache(2);
        var parts = new List<Tensor>();
        for (var at = 0; at < 23; at += atOnce) parts.Add(model.Forward(rows.Narrow(1, at, Math.Min(atOnce, 23 - at)), cache));
        Close.To(whole, Tensor.Cat(1, [.. parts]), 1e-5);
        Assert.Equal(23, cache.Tokens);
    });

    [Fact]
    public void A_long_row_in_blocks_of_queries_equals_its_parts_with_a_cache() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var model = new Llama(Small with { Window = 700, MaxTokens = 2000 }, weights);
        var rows = Noise("rows", 1, 1200, 24);
        using var cache = new LlamaCache();
        var parts = new[] { (0, 900), (900, 1), (901, 299) }.Select(part => model.Forward(rows.Narrow(1, part.Item1, part.Item2), cache));
        Close.To(model.Forward(rows), Tensor.Cat(1, [.. parts]), 1e-5);
    });

    [Fact]
    public void With_a_window_a_row_knows_only_the_latest_and_memory_does_not_grow() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(3, DType.F32, Device.Cpu);
        // With one layer a row sees exactly its window.
        var model = new Llama(Small with { Window = 8, Layers = 1 }, weights);
        var rows = Noise("rows", 1, 400, 24);
        var others = Tensor.Cat(1, Noise("others", 1, 390, 24), rows.Narrow(1, 390, 10));
        Close.To(model.Forward(rows).Narrow(1, 397, 3), model.Forward(others).Narrow(1, 397, 3), 1e-5);

        using var cache = new LlamaCache();
        var highest = new List<long>();
        for (var at = 0; at < 400; at++)
        {
            using var step = TensorScope.Open();
            model.Forward(rows.Narrow(1, at, 1), cache);
            Assert.InRange(cache.Held, 1, 16);
            highest.Add(LibTorch.Memory.Live);
        }
        Assert.Equal(highest[..100].Max(), highest[300..].Max());
        Assert.Equal(400, cache.Tokens);
    });

    [Fact]
    public void What_the_mask_hides_has_no_influence() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(4, DType.F32, Device.Cpu);
        var model = new Llama(Small, weights);
        var (a, b) = (Noise("a", 1, 6, 24), Noise("b", 1, 1, 24));
        var other = Tensor.Cat(1, a.Narrow(1, 0, 2), b, a.Narrow(1, 3, 3));
        var mask = Tensor.From(new long[] { 1, 1, 0, 1, 1, 1 }, 1, 6);
        Close.To(model.Forward(a, mask: mask).Narrow(1, 3, 3), model.Forward(other, mask: mask).Narrow(1, 3, 3), 0);
        Assert.NotEqual(model.Forward(a).Narrow(1, 3, 3).ToFloats(), model.Forward(other).Narrow(1, 3, 3).ToFloats());
        Close.To(model.Forward(a).Narrow(1, 0, 2), model.Forward(other).Narrow(1, 0, 2), 0);
    });

    [Fact]
    public void Shared_key_heads_equal_heads_of_their_own_with_the_same_weights() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(5, DType.F32, Device.Cpu);
        var rows = Noise("rows", 1, 7, 24);
        var expected = new Llama(Small, weights).Forward(rows);
        using var file = new SafetensorsFile(weights.Parameters.Select(pair => (pair.Key,
            pair.Key.Contains("k_proj", StringComparison.Ordinal) || pair.Key.Contains("v_proj", StringComparison.Ordinal)
                ? pair.Value.Reshape(2, 1, 4, 24).Expand(2, 3, 4, 24).Reshape(24, 24) : pair.Value)));
        using var read = Weights.Open(file.Path, DType.F32, Device.Cpu);
        Close.To(expected, new Llama(Small with { KeyHeads = 6 }, read).Forward(rows), 1e-5);
    });

    [Fact]
    public void A_tied_head_scores_with_the_table_of_tokens_and_none_scores_nothing() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var tied = Weights.Fresh(6, DType.F32, Device.Cpu);
        using var headless = Weights.Fresh(6, DType.F32, Device.Cpu);
        var ids = Tensor.From(new long[] { 3, 4 }, 1, 2);
        var model = new Llama(Small with { TiedHead = true }, tied);
        var hidden = model.Forward(model.Embed(ids));
        Close.To(hidden.Matmul(tied.Parameters["model.embed_tokens.weight"].Transpose(0, 1)), model.Logits(hidden), 1e-5);
        var other = new Llama(Small with { HasHead = false }, headless);
        Close.To(hidden, other.Forward(other.Embed(ids)), 0);
        Assert.Contains("without a head", Assert.Throws<InvalidOperationException>(() => other.Logits(hidden)).Message,
            StringComparison.Ordinal);
    });

    [Fact]
    public void Gradients_reach_every_weight() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(7, DType.F32, Device.Cpu);
        var model = new Llama(Small with { AttentionBias = true }, weights);
        weights.Trainable();
        var ids = Tensor.From(new long[] { 3, 4, 5, 9 }, 1, 4);
        using (Autograd.Enable()) model.Logits(model.Forward(model.Embed(ids))).Square().Sum().Backward();
        // A bias of keys moves all scores of a query alike and changes nothing but by rounding.
        Assert.All(weights.Parameters, pair => Assert.True(pair.Value.Grad is { } grad && grad.Abs().Max().Item() > 0, pair.Key));
    });

    [Fact]
    public void What_does_not_fit_is_refused_in_a_sentence() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(8, DType.F32, Device.Cpu);
        var model = new Llama(Small, weights);
        using var cache = new LlamaCache();
        Refused("[1, 3, 23]", () => model.Forward(Noise("x", 1, 3, 23)));
        Refused("65 tokens", () => model.Forward(Noise("x", 1, 65, 24)));
        Refused("[2, 3, 24]", () => model.Forward(Noise("x", 2, 3, 24), cache));
        Refused("do not go together", () => model.Forward(Noise("x", 1, 3, 24), cache, Tensor.From(new long[] { 1, 1, 1 }, 1, 3)));
        Refused("Token 30", () => model.Embed(Tensor.From(new long[] { 30 }, 1, 1)));
        model.Forward(Noise("x", 1, 60, 24), cache);
        Refused("65 tokens", () => model.Forward(Noise("x", 1, 5, 24), cache));
        foreach (var (words, config) in new[]
        {
            ("5 heads", Small with { Heads = 5, KeyHeads = 5 }), ("4 key heads", Small with { KeyHeads = 4 }),
            ("window", Small with { Window = 65 }), ("at least 1", Small with { Layers = 0 }), ("eps 0", Small with { Eps = 0 }),
        })
            Refused(words, () => new Llama(config, weights));

        static void Refused(string words, Func<object> action) =>
            Assert.Contains(words, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
    });

    static Tensor Noise(string purpose, params long[] shape) => new RandomSource(9).Normal(purpose, 0, shape);
}
