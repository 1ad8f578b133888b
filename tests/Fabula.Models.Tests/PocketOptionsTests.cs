using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>
/// The options of tiny models: WanConfig.LearnedPositions, AnswersClean, FiltersPatches, TakesDrafts and PoolsText, and a timestep per
/// sample.
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

    static Tensor Velocity(WanTransformer model, Tensor latents, Tensor[] rows, params double[] times)
    {
        using var rotation = model.Rotate([0, 1, 2], 2, 3);
        using var prompt = model.Prepare(rows);
        using var time = model.Modulate(times.Length == 1 ? WanTime.Of(times[0]) : WanTime.Each(times));
        return model.Forward(latents, time, prompt, rotation);
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
    public void Before_the_network_says_anything_the_filter_gives_the_best_linear_guess() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Config with { FiltersPatches = true }, weights);
        foreach (var (name, tensor) in weights.Parameters)
            if (name.StartsWith("head.head", StringComparison.Ordinal)) tensor.Zero_();
        const double Mean = 0.5, Deviation = 2, T = 0.6;
        foreach (var which in new[] { "first", "later" })
        {
            weights.Parameters[$"components.{which}.mean"].Fill_(Mean);
            weights.Parameters[$"components.{which}.deviation"].Fill_(Deviation);
            weights.Parameters[$"components.{which}.directions"].CopyFrom(AnyOrthogonal);
        }
        var random = new RandomSource(4);
        var (latents, known) = Latents(random, 1);
        var noisy = latents.Narrow(1, 0, 4);
        var clean = noisy - Velocity(model, latents, [random.Normal("rows", 0, 5, 8)], 1000 * T) * T;
        // For a normal x0 of this mean and deviation, x = (1 - t) x0 + t n: E[x0 | x].
        var share = (1 - T) * Deviation * Deviation / ((1 - T) * (1 - T) * Deviation * Deviation + T * T);
        Close.To(((noisy - (1 - T) * Mean) * share + Mean).Narrow(2, 1, 2), clean.Narrow(2, 1, 2), 1e-4);
        Close.To(known.Narrow(2, 0, 1), clean.Narrow(2, 0, 1), 1e-4);
    });

    static Tensor AnyOrthogonal => Tensor.From([.. Enumerable.Range(0, 16 * 16).Select(i => i / 16 == (i + 3) % 16 ? 1f : 0)], 16, 16);

    [Fact]
    public void Where_a_draft_stands_the_filter_expects_it() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Config with { FiltersPatches = true, TakesDrafts = true }, weights);
        foreach (var (name, tensor) in weights.Parameters)
            if (name.StartsWith("head.head", StringComparison.Ordinal)) tensor.Zero_();
        const double Deviation = 2, Change = 0.3, T = 0.8;
        foreach (var which in new[] { "first", "later" })
        {
            weights.Parameters[$"components.{which}.mean"].Fill_(which == "first" ? 5 : -5);
            weights.Parameters[$"components.{which}.deviation"].Fill_(Deviation);
            foreach (var kind in new[] { "same", "change" }) weights.Parameters[$"components.{which}.{kind}"].Fill_(Change);
            weights.Parameters[$"components.{which}.share"].Fill_(0.5);
            weights.Parameters[$"components.{which}.directions"].CopyFrom(AnyOrthogonal);
        }
        var random = new RandomSource(4);
        var (noisy, known) = (random.Normal("noisy", 0, 1, 4, 3, 4, 6), random.Normal("known", 0, 1, 4, 3, 4, 6));
        var mask = Tensor.Zeros([1, 4, 3, 4, 6], DType.F32, Device.Cpu);
        mask.Narrow(2, 1, 1).Fill_(0.5);                            // of the second frame there is a draft; of the others nothing
        var clean = noisy - Velocity(model, Tensor.Cat(1, noisy, mask, known), [random.Normal("rows", 0, 5, 8)], 1000 * T) * T;
        Tensor Expected(int frame, Tensor mean, double deviation)
        {
            var share = (1 - T) * deviation * deviation / ((1 - T) * (1 - T) * deviation * deviation + T * T);
            return (noisy.Narrow(2, frame, 1) - mean * (1 - T)) * share + mean;
        }
        var one = Tensor.Ones([1, 4, 1, 4, 6], DType.F32, Device.Cpu);
        Close.To(Expected(0, one * 5, Deviation), clean.Narrow(2, 0, 1), 1e-4);
        Close.To(Expected(1, known.Narrow(2, 1, 1), Change), clean.Narrow(2, 1, 1), 1e-4);
        Close.To(Expected(2, one * -5, Deviation), clean.Narrow(2, 2, 1), 1e-4);

        // Patches that may be as the draft has them to a hundredth, or quite different: the noisy patch tells which.
        weights.Parameters["components.later.same"].Fill_(0.01);
        weights.Parameters["components.later.change"].Fill_(3);
        const double Less = 0.3;
        var draft = known.Narrow(2, 1, 1);
        noisy.Narrow(2, 1, 1).CopyFrom(draft * (1 - Less) + random.Normal("noise", 0, 1, 4, 1, 4, 6) * Less);
        noisy.Narrow(2, 1, 1).Narrow(3, 0, 2).Add_(one.Narrow(3, 0, 2) * (5 * (1 - Less)));     // the upper row of patches is 5 off
        clean = noisy - Velocity(model, Tensor.Cat(1, noisy, mask, known), [random.Normal("rows", 0, 5, 8)], 1000 * Less) * Less;
        var off = (clean.Narrow(2, 1, 1) - draft).Abs();
        Assert.True(off.Narrow(3, 2, 2).Max().Item() < 0.05, $"{off.Narrow(3, 2, 2).Max().Item()}");
        Assert.True(off.Narrow(3, 0, 2).Mean().Item() > 1, $"{off.Narrow(3, 0, 2).Mean().Item()}");
    });

    [Fact]
    public void Samples_of_a_batch_each_have_their_own_time() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Config with { FiltersPatches = true, PoolsText = true }, weights);
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
