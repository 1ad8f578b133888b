using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>
/// The options of tiny models: WanConfig.LearnedPositions, AnswersClean, TakesDrafts and PoolsText, and a timestep per sample.
/// </summary>
public class PocketOptionsTests
{
    static readonly WanConfig Config = new()
    {
        Kind = "i2v",
        Dim = 24,
        FfnDim = 32,
        Heads = 2,
        Layers = 2,
        InDim = 12,
        OutDim = 4,
        FreqDim = 16,
        TextDim = 8,
        TextLen = 16,
        LearnedPositions = (2, 3),
        AnswersClean = true,
    };

    static (Tensor Noisy, Tensor Known) Latents(RandomSource random, int samples)
    {
        var (noisy, known) = (random.Normal("noisy", 0, samples, 4, 3, 4, 6), random.Normal("known", 0, samples, 4, 3, 4, 6));
        var mask = Tensor.Zeros([samples, 4, 3, 4, 6], DType.F32, Device.Cpu);
        mask.Narrow(2, 0, 1).Fill_(1);                          // the first frame is known whole,
        mask.Narrow(2, 2, 1).Narrow(1, 3, 1).Fill_(1);          // of the last only its last picture
        return (Tensor.Cat(1, noisy, mask, known), known);
    }

    static Tensor Velocity(WanTransformer model, Tensor latents, Tensor[] rows, params double[] times) =>
        Trusting(0, model, latents, rows, times);

    static Tensor Trusting(double trust, WanTransformer model, Tensor latents, Tensor[] rows, params double[] times)
    {
        using var rotation = model.Rotate([0, 1, 2], 2, 3);
        using var prompt = model.Prepare(rows);
        using var time = model.Modulate(times.Length == 1 ? WanTime.Of(times[0]) : WanTime.Each(times));
        return model.Forward(latents, time, prompt, rotation, draftTrust: trust);
    }

    [Fact]
    public void What_is_known_whole_is_answered_as_it_is_and_everything_else_by_the_network() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Config, weights);
        var random = new RandomSource(2);
        var (latents, known) = Latents(random, 1);
        foreach (var t in new[] { 1.0, 0.6, 0.05 })
        {
            var clean = latents.Narrow(1, 0, 4) - Velocity(model, latents, [random.Normal("rows", 0, 5, 8)], 1000 * t) * t;
            Close.To(known.Narrow(2, 0, 1), clean.Narrow(2, 0, 1), 1e-4);
            for (var frame = 1; frame < 3; frame++)
                Assert.True((clean - known).Narrow(2, frame, 1).Abs().Min().Item() > 1e-6);
        }
        // Noise next to nothing is divided by no less than the least that counts.
        Assert.True(Velocity(model, latents, [random.Normal("rows", 0, 5, 8)], 0).AllFinite());
    });

    [Fact]
    public void The_noise_over_what_is_known_whole_changes_nothing() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Config, weights);
        var random = new RandomSource(2);
        var (latents, _) = Latents(random, 1);
        Tensor Clean() => latents.Narrow(1, 0, 4) - Velocity(model, latents, [random.Normal("rows", 0, 5, 8)], 600) * 0.6;
        var before = Clean();
        latents.Narrow(1, 0, 4).Narrow(2, 0, 1).Add_(random.Normal("other", 0, 1, 4, 1, 4, 6));
        Close.To(before, Clean(), 1e-4);
        latents.Narrow(1, 0, 4).Narrow(2, 1, 1).Add_(random.Normal("other", 1, 1, 4, 1, 4, 6));
        Assert.True((before - Clean()).Abs().Max().Item() > 1e-3);
    });

    [Fact]
    public void Where_a_draft_stands_the_head_says_how_much_of_it_is_kept() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Config with { TakesDrafts = true }, weights);
        var random = new RandomSource(4);
        var (noisy, known) = (random.Normal("noisy", 0, 1, 4, 3, 4, 6), random.Normal("known", 0, 1, 4, 3, 4, 6));
        var mask = Tensor.Zeros([1, 4, 3, 4, 6], DType.F32, Device.Cpu);
        mask.Narrow(2, 1, 1).Fill_(0.5);                            // of the second frame there is a draft; of the others nothing
        var bias = weights.Parameters["head.head.bias"];
        Tensor Clean(double gate, double? second = null, double trust = 0)
        {
            foreach (var (name, tensor) in weights.Parameters)
                if (name == "head.head.weight") tensor.Narrow(0, 16, 4).Zero_();
            bias.Narrow(0, 16, 4).Fill_(gate);
            bias.Narrow(0, 17, 1).Fill_(second ?? gate);
            return noisy - Trusting(trust, model, Tensor.Cat(1, noisy, mask, known), [random.Normal("rows", 0, 5, 8)], 800) * 0.8;
        }
        var (own, half, draft) = (Clean(-30), Clean(0), Clean(30));
        Close.To(known.Narrow(2, 1, 1), draft.Narrow(2, 1, 1), 1e-4);
        Close.To((own.Narrow(2, 1, 1) + draft.Narrow(2, 1, 1)) * 0.5, half.Narrow(2, 1, 1), 1e-4);
        foreach (var frame in new[] { 0, 2 }) Close.To(own.Narrow(2, frame, 1), draft.Narrow(2, frame, 1), 1e-6);
        // Trust in drafts is the same as a head that says so.
        Close.To(Clean(3), Clean(0, trust: 3), 1e-4);
        Assert.True((own - draft).Narrow(2, 1, 1).Abs().Max().Item() > 1e-2);
        // Each cell of a token has a gate of its own: the second one is above to the right.
        var mixed = Clean(-30, 30);
        Tensor Cell(Tensor of, int row, int column) => of.Narrow(2, 1, 1).Narrow(3, 2 + row, 1).Narrow(4, 4 + column, 1);
        foreach (var (row, column) in new[] { (0, 0), (0, 1), (1, 0), (1, 1) })
            Close.To(Cell((row, column) == (0, 1) ? known : own, row, column), Cell(mixed, row, column), 1e-4);
    });

    [Fact]
    public void A_draft_is_in_doubt_where_somebody_is_to_stand_for_each_in_a_channel_of_their_own()
    {
        const int Rows = 2, Columns = 4, Frames = 3;
        var cells = new float[4 * Frames * Rows * Columns];
        // The first covers the left half of the upper row, the second is not there yet, the third has the last column.
        StageBox[] staging = [new(0, 0, 0.5, 0.4), default, new(0.8, 0, 1, 1)];
        Conditioning.WriteMask(cells, Conditioning.DraftMask(1, Frames, false, false, true), 1, Frames, Rows, Columns, staging);
        float[] Channel(int channel) => cells[((channel * Frames + 1) * Rows * Columns)..((channel * Frames + 2) * Rows * Columns)];
        Assert.Equal([0.25f, 0.25f, 0.5f, 0.25f, 0.5f, 0.5f, 0.5f, 0.25f], Channel(0));
        Assert.Equal([0.25f, 0.25f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f], Channel(1));
        Assert.All(Channel(2), value => Assert.Equal(0.5f, value));
        Assert.Equal([0.5f, 0.5f, 0.5f, 0.25f, 0.5f, 0.5f, 0.5f, 0.25f], Channel(3));
        Assert.All(cells[..(Rows * Columns)], value => Assert.Equal(0, value));                 // other frames are left alone
    }

    [Fact]
    public void Samples_of_a_batch_each_have_their_own_time() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Config with { PoolsText = true }, weights);
        var random = new RandomSource(3);
        var (latents, _) = Latents(random, 2);
        Tensor[] rows = [random.Normal("rows", 0, 5, 8), random.Normal("rows", 1, 3, 8)];
        var together = Velocity(model, latents, rows, 900, 200);
        Close.To(together.Narrow(0, 0, 1), Velocity(model, latents.Narrow(0, 0, 1), [rows[0]], 900), 1e-4);
        Close.To(together.Narrow(0, 1, 1), Velocity(model, latents.Narrow(0, 1, 1), [rows[1]], 200), 1e-4);
    });

    [Fact]
    public void Pooled_words_count_by_their_mean_and_for_every_sample_its_own() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Config with { PoolsText = true }, weights);
        foreach (var (name, tensor) in weights.Parameters)
            if (name.Contains("cross_attn.o", StringComparison.Ordinal)) tensor.Zero_();        // words come in no other way
        var random = new RandomSource(3);
        var (latents, _) = Latents(random, 2);
        Tensor first = random.Normal("rows", 0, 5, 8), second = random.Normal("rows", 1, 3, 8);
        var together = Velocity(model, latents, [first, second], 500);                          // one time for both
        Close.To(together.Narrow(0, 1, 1), Velocity(model, latents.Narrow(0, 1, 1), [second], 500), 1e-4);
        Close.To(together.Narrow(0, 0, 1), Velocity(model, latents.Narrow(0, 0, 1), [first.Flip(0)], 500), 1e-4);
        Assert.True((together.Narrow(0, 0, 1) - Velocity(model, latents.Narrow(0, 0, 1), [second], 500)).Abs().Max().Item() > 1e-3);
    });

    [Fact]
    public void A_learned_position_is_of_one_size_of_picture() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Config, weights);
        using var rotation = model.Rotate([0], 3, 3);
        using var prompt = model.Prepare([new RandomSource(1).Normal("rows", 0, 5, 8)]);
        using var time = model.Modulate(WanTime.Of(500));
        var wrong = Assert.Throws<ArgumentException>(() =>
            model.Forward(Tensor.Zeros([1, 12, 1, 6, 6], DType.F32, Device.Cpu), time, prompt, rotation));
        Assert.Contains("3x2 tokens, not 3x3", wrong.Message);
    });
}
