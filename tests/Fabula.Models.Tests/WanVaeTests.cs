using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>What the recorded numbers cannot show: streaming, memory, gradients, both ways of computing, refusals.</summary>
public class WanVaeTests
{
    static readonly WanVaeConfig Small21 = new() { Dim = 4, ZDim = 3, ResBlocks = 1, Mean = [0.1f, -0.2f, 0.3f], Std = [0.5f, 1, 2] };
    static readonly WanVaeConfig Small22 = Small21 with { DecDim = 8 };
    // Wide enough for the fast way over time.
    static readonly WanVaeConfig Wide21 = new()
    {
        Dim = 64,
        ZDim = 4,
        DimMult = [1, 1, 1],
        ResBlocks = 1,
        TemporalDownsample = [true, true],
    };

    public static TheoryData<bool> Both => [false, true];

    static WanVaeConfig Small(bool second) => second ? Small22 : Small21;

    [Theory, MemberData(nameof(Both))]
    public void A_clip_decoded_step_by_step_beside_another_is_the_clip_decoded_whole(bool second) => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var vae = WanVae.Create(Small(second), weights);
        var (a, b) = (Noise("a", 1, 3, 4, 2, 3), Noise("b", 2, 3, 4, 3, 2));
        var (wholeA, wholeB) = (vae.Decode(a), vae.Decode(b));
        using var cacheA = new WanVaeCache();
        using var cacheB = new WanVaeCache();
        long at = 0;
        for (var i = 0; i < 4; i++)
        {
            var (stepA, stepB) = (vae.DecodeStep(a.Narrow(2, i, 1), cacheA), vae.DecodeStep(b.Narrow(2, i, 1), cacheB));
            Assert.Equal(i == 0 ? 1 : 4, stepA.Size(2));
            AssertClose(wholeA.Narrow(2, at, stepA.Size(2)), stepA, 0);
            AssertClose(wholeB.Narrow(2, at, stepB.Size(2)), stepB, 0);
            at += stepA.Size(2);
        }
        Assert.Equal(at, wholeA.Size(2));
        Assert.Equal([1, 3, 13, 2 * vae.Config.SpatialStride, 3 * vae.Config.SpatialStride], wholeA.Shape);
    });

    [Theory, MemberData(nameof(Both))]
    public void A_clip_encoded_group_by_group_is_the_clip_encoded_whole_and_sees_no_later_frame(bool second) => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var vae = WanVae.Create(Small(second), weights);
        var video = Noise("video", 2, 3, 9, 32, 16);
        var whole = vae.Encode(video);
        Assert.Equal([2, 3, 3, 32 / vae.Config.SpatialStride, 16 / vae.Config.SpatialStride], whole.Shape);
        AssertClose(whole.Narrow(2, 0, 2), vae.Encode(video.Narrow(2, 0, 5)), 0);
        var at = 0;
        foreach (var latent in vae.EncodeGroups([video.Narrow(2, 0, 1), video.Narrow(2, 1, 4), video.Narrow(2, 5, 4)]))
        {
            AssertClose(whole.Narrow(2, at++, 1), latent, 0);
            latent.Dispose();
        }
        Assert.Equal(3, at);
        // Clips of a batch do not see each other.
        AssertClose(whole.Narrow(0, 1, 1), vae.Encode(video.Narrow(0, 1, 1)), 1e-5);
    });

    [Theory, MemberData(nameof(Both))]
    public void A_long_clip_needs_no_more_memory_than_a_short_one(bool second) => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(3, DType.F32, Device.Cpu);
        var vae = WanVae.Create(Small(second), weights);
        var latents = Noise("z", 1, 3, 33, 4, 4);
        var frames = Noise("frames", 1, 3, 4, 64, 64);
        AssertAlike(Peak(() => Drain(vae.DecodeGroups(latents.Narrow(2, 0, 5)))), Peak(() => Drain(vae.DecodeGroups(latents))));
        AssertAlike(Peak(() => Drain(vae.EncodeGroups(Clip(5)))), Peak(() => Drain(vae.EncodeGroups(Clip(33)))));

        IEnumerable<Tensor> Clip(int groups) => Enumerable.Range(0, groups).Select(i => i == 0 ? frames.Narrow(2, 0, 1) : frames);
    });

    [Fact]
    public void With_gradients_on_the_pictures_and_latents_are_the_same() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(4, DType.F32, Device.Cpu);
        var vae = WanVae.Create(Wide21, weights);
        var (video, latents) = (Noise("video", 2, 3, 9, 16, 8), Noise("z", 2, 4, 3, 3, 2));
        var (encoded, decoded) = (vae.Encode(video), vae.Decode(latents));
        using var _ = Autograd.Enable();
        AssertClose(vae.Encode(video), encoded, 2e-5);
        AssertClose(vae.Decode(latents), decoded, 1e-5);
    });

    [Theory]
    [InlineData(false, "encoder.conv1.weight")]
    [InlineData(false, "encoder.downsamples.5.time_conv.weight")]
    [InlineData(false, "decoder.middle.1.to_qkv.weight")]
    [InlineData(true, "encoder.downsamples.0.downsamples.0.residual.3.gamma")]
    [InlineData(true, "decoder.upsamples.1.upsamples.2.time_conv.weight")]
    [InlineData(true, "decoder.upsamples.0.upsamples.2.resample.1.weight")]
    public void The_gradient_of_a_weight_is_the_slope_of_the_loss(bool second, string name) => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(5, DType.F32, Device.Cpu);
        var vae = WanVae.Create(Small(second), weights);
        weights.Trainable();
        var weight = weights.Parameters[name];
        var video = Noise("video", 1, 3, 9, 32, 32);
        using (Autograd.Enable()) Loss().Backward();
        var gradient = weight.Grad!;
        var slope = (gradient * gradient).Sum().Item();                                          // along the gradient itself
        var step = 1e-3 / Math.Sqrt(slope);                                                      // short: RMS norm bends the loss
        var loss = new double[2];
        for (var side = 0; side < 2; side++)
        {
            weight.Add_(gradient, side == 0 ? step : -2 * step);
            loss[side] = Loss().Item();
        }
        Assert.InRange((loss[0] - loss[1]) / (2 * step) / slope, 0.98, 1.02);

        // Reconstruction through both halves, against a target that makes the loss large enough to measure.
        Tensor Loss()
        {
            using var cache = new WanVaeCache();
            var latents = vae.Encode(video);
            var frames = Enumerable.Range(0, 3).Select(i => vae.DecodeStep(latents.Narrow(2, i, 1), cache, clamp: false)).ToArray();
            return (Tensor.Cat(2, frames) - video * 3.0).Square().Mean();
        }
    });

    [Theory, MemberData(nameof(Both))]
    public void Half_precision_gives_nearly_the_same_picture(bool second) => OnTorch.Run(() =>
    {
        using var wide = Weights.Fresh(6, DType.F32, Device.Cpu);
        using var narrow = Weights.Fresh(6, DType.BF16, Device.Cpu);
        var (exact, rough) = (WanVae.Create(Small(second), wide), WanVae.Create(Small(second), narrow));
        var video = Noise("video", 1, 3, 5, 32, 32);
        var latents = exact.Encode(video);
        AssertClose(latents, rough.Encode(video), 0.1 * latents.Abs().Max().Item());
        var error = (exact.Decode(latents) - rough.Decode(latents)).Abs().Mean().Item();
        Assert.InRange(error, 0, 0.02);
    });

    [Fact]
    public void Sizes_that_do_not_fit_are_refused_with_the_sizes_that_would() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(7, DType.F32, Device.Cpu);
        using var weights2 = Weights.Fresh(7, DType.F32, Device.Cpu);
        var (vae, second) = (WanVae.Create(Small21, weights), WanVae.Create(Small22, weights2));
        Assert.Equal("A picture of 20x16 pixels does not fit this VAE: both sides must be multiples of 8.",
            Refusal(() => vae.Encode(Noise("v", 1, 3, 1, 16, 20))));
        Assert.Equal("A picture of 16x24 pixels does not fit this VAE: both sides must be multiples of 16.",
            Refusal(() => second.Encode(Noise("v", 1, 3, 1, 24, 16))));
        Assert.Equal("The clip has 8 frames; this VAE takes 1 + 4n: 5 or 9.", Refusal(() => vae.Encode(Noise("v", 1, 3, 8, 16, 16))));
        Assert.Equal("A clip is [B, 3, T, H, W], not [3, 1, 16, 16].", Refusal(() => vae.Encode(Noise("v", 3, 1, 16, 16))));
        Assert.Equal("A latent frame is [B, 3, 1, h, w], not [1, 4, 1, 2, 2].", Refusal(() => vae.Decode(Noise("z", 1, 4, 2, 2, 2))));
        using var cache = new WanVaeCache();
        Assert.Equal("Group 1 of a clip has 1 frame, not 4.", Refusal(() => vae.EncodeStep(Noise("v", 1, 3, 4, 16, 16), cache)));
        vae.EncodeStep(Noise("v", 1, 3, 1, 16, 16), cache);
        Assert.Equal("This cache belongs to encoding a clip of 16x16: start each clip with a new one.",
            Refusal(() => vae.DecodeStep(Noise("z", 1, 3, 1, 2, 2), cache)));
        Assert.Equal("The VAE has 3 latent channels, but 2 means and 3 deviations are given.",
            Refusal(() => WanVae.Create(Small21 with { Mean = [0, 1] }, weights)));
    });

    static string Refusal(Action action) => Assert.Throws<ArgumentException>(action).Message;

    static Tensor Noise(string purpose, params long[] shape) => new RandomSource(11).Normal(purpose, 0, shape).Mul_(0.5);

    static void Drain(IEnumerable<Tensor> groups)
    {
        foreach (var group in groups) group.Dispose();
    }

    /// <summary>Bytes needed at the most, over what there was before.</summary>
    static long Peak(Action action)
    {
        LibTorch.ResetPeak();
        var before = LibTorch.Memory.Live;
        using (TensorScope.Open()) action();
        return LibTorch.Memory.Peak - before;
    }

    static void AssertAlike(long one, long other) => Assert.InRange((double)other / one, 0.95, 1.05);

    static void AssertClose(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.InRange((expected - actual).Abs().Max().Item(), 0, tolerance);
    }
}
