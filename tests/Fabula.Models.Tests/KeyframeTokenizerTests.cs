using Fabula.Torch;

namespace Fabula.Models.Tests;

public class KeyframeTokenizerTests
{
    static readonly KeyframeTokenizerConfig Small = new()
    {
        Channels = 4,
        Rows = 8,
        Columns = 12,
        TokenDim = 10,
        Dim = 24,
        Heads = 2,
        FfnDim = 32,
        DecoderLayers = 2,
        ContextDim = 16,
        SentenceDim = 6,
        IdentityDim = 5,
    };

    static Tensor Noise(string purpose, params long[] shape) => new RandomSource(4).Normal(purpose, 0, shape);

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void A_picture_becomes_so_many_tokens_of_mean_0_and_deviation_1(int tokens) => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var tokenizer = new KeyframeTokenizer(Small with { Tokens = tokens }, weights);
        var made = tokenizer.Encode(Noise("pictures", 3, 4, 8, 12));
        Assert.Equal([3, tokens, 10], made.Shape);
        Assert.Equal(0, made.Mean(-1).Abs().Max().Item(), 1e-5);
        Assert.Equal(1, made.Square().Mean().Item(), 1e-3);
        Assert.NotEqual(made.Narrow(1, 0, 1).ToFloats(), made.Narrow(1, 1, 1).ToFloats());
    });

    [Fact]
    public void Every_place_of_a_picture_has_a_say_in_every_token() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var tokenizer = new KeyframeTokenizer(Small, weights);
        using var learning = Autograd.Enable();
        for (var token = 0; token < 2; token++)
        {
            var features = Noise("features", 1, Small.Places, Small.Features).RequireGrad();
            tokenizer.Compressor.Forward(features).Select(1, token).Square().Select(1, 0).Sum().Backward();
            Assert.All(features.Grad!.Abs().Sum(-1).ToFloats(), reached => Assert.True(reached > 1e-7));
        }
    });

    [Fact]
    public void The_renderer_sees_2_tokens_15_sentences_and_5_identities_and_zeros_for_what_is_missing() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var renderer = new KeyframeTokenizer(Small, weights).Renderer;
        var tokens = Noise("tokens", 2, 2, 10);
        Assert.Equal(2 + 15 + 5, Small.ContextRows);
        var plain = renderer.Rows(tokens);
        Assert.Equal([2, 22, 16], plain.Shape);
        Assert.Equal(0, plain.Narrow(1, 2, 20).Abs().Max().Item());
        var whole = renderer.Rows(tokens, Noise("sentences", 2, 3, 6), Noise("identities", 2, 1, 5));
        bool[] there = [.. whole.Abs().Sum(-1).Select(0, 1).ToFloats().Select(sum => sum > 0)];
        Assert.Equal(Enumerable.Range(0, 22).Select(row => row is < 5 or 17), there);
        Close.To(plain.Narrow(1, 0, 2), whole.Narrow(1, 0, 2), 0);
    });

    [Fact]
    public void A_masked_row_has_no_influence_and_one_that_is_seen_has() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var renderer = new KeyframeTokenizer(Small, weights).Renderer;
        var (tokens, sentences, others) = (Noise("tokens", 1, 2, 10), Noise("sentences", 1, 3, 6), Noise("others", 1, 3, 6));
        var seen = Tensor.Ones([1, 22], DType.F32, Device.Cpu);
        seen.Narrow(1, 2, 15).Fill_(0);
        Tensor Velocity(Tensor said, Tensor? mask) =>
            renderer.Velocity(Noise("noisy", 1, 4, 8, 12), [0.6], renderer.Rows(tokens, said, seen: mask));
        Close.To(Velocity(sentences, seen), Velocity(others, seen), 0);
        Assert.True((Velocity(sentences, null) - Velocity(others, null)).Abs().Max().Item() > 1e-5);
    });

    [Fact]
    public void A_picture_is_rendered_from_its_rows_alone_of_a_batch() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var renderer = new KeyframeTokenizer(Small, weights).Renderer;
        var rows = renderer.Rows(Noise("tokens", 2, 2, 10));
        var noisy = Noise("noisy", 2, 4, 8, 12);
        var both = renderer.Velocity(noisy, [0.9, 0.3], rows);
        Close.To(renderer.Velocity(noisy.Narrow(0, 1, 1), [0.3], rows.Narrow(0, 1, 1)), both.Narrow(0, 1, 1), 1e-4);
        var (a, b) = (renderer.Render(Noise("noise", 4, 8, 12), rows.Select(0, 0), Schedule.UniPC(3, 3)),
            renderer.Render(Noise("noise", 4, 8, 12), rows.Select(0, 1), Schedule.UniPC(3, 3)));
        Assert.Equal([4, 8, 12], a.Shape);
        Assert.True(a.AllFinite() && (a - b).Abs().Max().Item() > 1e-5);
    });

    [Fact]
    public void Gradients_reach_every_weight_of_both_halves() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var tokenizer = new KeyframeTokenizer(Small, weights);
        weights.Trainable();
        using (Autograd.Enable())
        {
            var rows = tokenizer.Renderer.Rows(tokenizer.Encode(Noise("pictures", 2, 4, 8, 12)), Noise("s", 2, 3, 6), Noise("i", 2, 1, 5));
            tokenizer.Renderer.Velocity(Noise("noisy", 2, 4, 8, 12), [0.9, 0.3], rows).Square().Sum().Backward();
        }
        Assert.All(weights.Parameters, pair => Assert.True(pair.Value.Grad is { } grad && grad.Abs().Max().Item() > 0, pair.Key));
    });

    [Fact]
    public void What_does_not_fit_is_refused_in_a_sentence() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var tokenizer = new KeyframeTokenizer(Small, weights);
        Refused("[1, 4, 8, 16]", () => tokenizer.Encode(Noise("x", 1, 4, 8, 16)));
        Refused("[1, 3, 10]", () => tokenizer.Renderer.Rows(Noise("x", 1, 3, 10)));
        Refused("16 are given", () => tokenizer.Renderer.Rows(Noise("x", 1, 2, 10), Noise("s", 1, 16, 6)));
        Refused("6 are given", () => tokenizer.Renderer.Rows(Noise("x", 1, 2, 10), null, Noise("i", 1, 6, 5)));
        Refused("Patches of 5", () => new KeyframeTokenizer(Small with { Patch = 5 }, weights));
        Refused("at least 1", () => new KeyframeTokenizer(Small with { Blocks = 0 }, weights));

        static void Refused(string words, Func<object> action) =>
            Assert.Contains(words, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
    });

    static readonly KeyframeTokenizerConfig Sketching = Small with { Drafts = true, SketchBlocks = 2, PlaceRow = 6 };

    [Fact]
    public void A_draft_says_what_the_seen_tokens_say_and_the_picture_follows_it() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var tokenizer = new KeyframeTokenizer(Sketching, weights);
        var (renderer, tokens) = (tokenizer.Renderer, tokenizer.Encode(Noise("pictures", 2, 4, 8, 12)));
        var seen = Tensor.From([1f, 0f, .. Enumerable.Repeat(1f, 20), 1f, 1f, .. Enumerable.Repeat(1f, 20)], 2, 22);
        var (whole, masked) = (renderer.View(tokens), renderer.View(tokens, seen: seen));
        Assert.Equal([2, 4 + 4, 8, 12], whole.Draft!.Shape);
        Assert.Equal(0.5, whole.Draft.Narrow(1, 0, 4).Mean().Item(), 1e-6);
        Close.To(renderer.Sketch(tokens), whole.Draft.Narrow(1, 4, 4), 0);
        Close.To(whole.Draft.Narrow(0, 1, 1), masked.Draft!.Narrow(0, 1, 1), 1e-6);
        Assert.True((whole.Draft - masked.Draft).Abs().Max().Item() > 1e-3);
        var noisy = Noise("noisy", 2, 4, 8, 12);
        var with = renderer.Velocity(noisy, [0.9, 0.9], whole.Rows, whole.Draft);
        Assert.True((with - renderer.Velocity(noisy, [0.9, 0.9], whole.Rows)).Abs().Max().Item() > 1e-4);
        var one = whole.Of(1);
        Close.To(with.Narrow(0, 1, 1), renderer.Velocity(noisy.Narrow(0, 1, 1), [0.9], one.Rows, one.Draft), 1e-4);
    });

    [Fact]
    public void Every_weight_of_a_sketch_is_learned_from_its_plain_error() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var tokenizer = new KeyframeTokenizer(Sketching, weights);
        weights.Trainable();
        using (Autograd.Enable())
        {
            var pictures = Noise("pictures", 2, 4, 8, 12);
            (tokenizer.Renderer.Sketch(tokenizer.Encode(pictures)) - pictures).Square().Mean().Backward();
        }
        foreach (var (name, weight) in weights.Parameters)
            Assert.Equal(name.StartsWith("compressor.", StringComparison.Ordinal)
                || name.StartsWith("renderer.sketch.", StringComparison.Ordinal),
                weight.Grad is { } grad && grad.Abs().Max().Item() > 0);
    });

    [Fact]
    public void People_are_laid_where_they_stand_and_leave_a_picture_without_people_as_it_is() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var vae = WanVae.Create(WanVaeConfig.Pocket with { Dim = 8, DecDim = 8, ZDim = 4 }, weights);
        var sketches = Noise("sketches", 2, 4, 8, 12);
        var portrait = new byte[96 * 64 * 3];
        for (var i = 0; i < 96 * 64; i++) portrait.AsSpan(3 * i, 3).Fill(i % 96 is > 40 and < 56 && i / 96 > 10 ? (byte)20 : (byte)230);
        var person = new LaidFigure(CutOut.Of(new Picture(portrait, 96, 64))!, new(0.7, 0.2, 0.9, 1));
        var laid = KeyframeCollage.Of(vae, sketches, [[person], []], [null, null]);
        Close.To(sketches.Narrow(0, 1, 1), laid.Narrow(0, 1, 1), 0);
        var (before, after) = (KeyframeCollage.Decoded(vae, sketches, 0), KeyframeCollage.Decoded(vae, laid, 0));
        Assert.Equal((96, 64), (after.Width, after.Height));
        Assert.NotEqual(before.Rgb, after.Rgb);
        // On a ground, what the tokens say of the place has no part in it.
        var ground = new Picture([.. Enumerable.Repeat((byte)90, 96 * 64 * 3)], 96, 64);
        Close.To(KeyframeCollage.Of(vae, sketches.Narrow(0, 0, 1), [[person]], [ground]),
            KeyframeCollage.Of(vae, sketches.Narrow(0, 1, 1), [[person]], [ground]), 0);
    });

    [Fact]
    public void Where_people_were_laid_the_draft_is_in_doubt() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var tokenizer = new KeyframeTokenizer(Sketching, weights);
        var view = tokenizer.Renderer.View(Noise("tokens", 1, 2, 10), staging: [[new(0, 0, 0.5, 1)]]);
        var mask = view.Draft!.Narrow(1, 0, 2);
        Assert.Equal([0.25f, 0.5f], [mask.Narrow(3, 0, 6).Mean().ToFloats()[0], mask.Narrow(3, 6, 6).Mean().ToFloats()[0]]);
    });

    [Fact]
    public void A_number_of_a_token_is_as_loud_as_it_moves_the_sketch() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var renderer = new KeyframeTokenizer(Sketching, weights).Renderer;
        var rows = weights.Parameters["renderer.sketch.rows.weight"].Detach();                   // [S r, n d]
        rows.Narrow(1, 3, 1).Fill_(0);
        rows.Narrow(1, 14, 1).Mul_(3);
        var loud = renderer.Loudness()!;
        Assert.Equal([2, 10], loud.Shape);
        Assert.Equal(1, loud.Square().Mean().Item(), 1e-4);
        var numbers = loud.ToFloats();
        Assert.Equal(0, numbers[3]);
        Assert.Equal(numbers.Max(), numbers[14]);
        using var others = Weights.Fresh(2, DType.F32, Device.Cpu);
        Assert.Null(new KeyframeTokenizer(Small, others).Renderer.Loudness());
    });

    [Fact]
    public void Loud_numbers_weigh_more_in_the_plain_losses_and_as_much_in_the_likelihood() => OnTorch.Run(() =>
    {
        var mixture = GaussianMixture.Of(Noise("numbers", 3, 2 + 2 * 2 * 5), 2, 1e-3);
        var vectors = Noise("vectors", 3, 5);
        var (plain, loud) = (mixture.Loss(vectors), mixture.Loss(vectors, Tensor.Full([3, 5], 2, DType.F32, Device.Cpu)));
        Assert.Equal(plain.Unlikelihood.Item(), loud.Unlikelihood.Item(), 1e-6);
        Assert.Equal(2 * plain.Absolute.Item(), loud.Absolute.Item(), 1e-5);
        Assert.Equal(4 * plain.Squared.Item(), loud.Squared.Item(), 1e-4);
    });
}
