using Fabula.Torch;

namespace Fabula.Models.Tests;

public class WanTransformerTests
{
    static readonly WanConfig Small = new() { Dim = 96, FfnDim = 256, Heads = 4, Layers = 3, FreqDim = 32, TextDim = 24, TextLen = 64 };
    static readonly RandomSource Random = new(5);

    static Tensor Run(WanTransformer model, Tensor latents, Tensor context, double timestep)
    {
        using var prompt = model.Prepare([context]);
        using var time = model.Modulate(WanTime.Of(timestep));
        using var rotation = model.Rotate([.. Enumerable.Range(0, (int)latents.Size(2)).Select(f => (double)f)],
            (int)latents.Size(3) / 2, (int)latents.Size(4) / 2);
        return model.Forward(latents, time, prompt, rotation);
    }

    [Fact]
    public void A_batch_gives_what_its_samples_give_alone() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Small, weights);
        var latents = Random.Normal("x", 0, 2, 16, 2, 4, 6);
        Tensor[] contexts = [Random.Normal("c", 0, 9, 24), Random.Normal("c", 1, 30, 24)];
        using var prompt = model.Prepare(contexts);
        using var time = model.Modulate(WanTime.Of(700));
        using var rotation = model.Rotate([0, 1], 2, 3);
        var together = model.Forward(latents, time, prompt, rotation);
        for (var i = 0; i < 2; i++)
            Close.To(Run(model, latents.Narrow(0, i, 1), contexts[i], 700), together.Narrow(0, i, 1), 1e-5);
    });

    [Fact]
    public void Equal_timesteps_per_token_are_one_timestep() => OnTorch.Run(() =>
    {
        var time = WanTime.PerToken([3, 3, 3, 3]);
        Assert.Null(time.Index);
        Assert.Equal([0, 0, 1, 1], WanTime.PerToken([0, 0, 9, 9]).Index!);
    });

    [Fact]
    public void Only_differences_of_positions_matter() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var model = new WanTransformer(Small, weights);
        var latents = Random.Normal("x", 0, 1, 16, 3, 4, 4);
        using var prompt = model.Prepare([Random.Normal("c", 0, 5, 24)]);
        using var time = model.Modulate(WanTime.Of(300));
        using var here = model.Rotate([0, 1, 2], 2, 2);
        using var there = model.Rotate([-40, -39, -38], 2, 2);
        using var apart = model.Rotate([-10, 1, 2], 2, 2);
        var reference = model.Forward(latents, time, prompt, here);
        Close.To(reference, model.Forward(latents, time, prompt, there), 2e-5);
        Assert.True((reference - model.Forward(latents, time, prompt, apart)).Abs().Max().Item() > 1e-3);
    });

    [Fact]
    public void Gradients_with_and_without_checkpointing_agree() => OnTorch.Run(() =>
    {
        Dictionary<string, float[]> Gradients(bool checkpoint)
        {
            using var scope = TensorScope.Open();
            using var weights = Weights.Fresh(3, DType.F32, Device.Cpu);
            var model = new WanTransformer(Small, weights) { GradientCheckpointing = checkpoint };
            weights.Trainable();
            using (Autograd.Enable()) Run(model, Random.Normal("x", 0, 1, 16, 1, 4, 4), Random.Normal("c", 0, 5, 24), 500).Square().Mean()
                .Backward();
            return weights.Parameters.ToDictionary(pair => pair.Key, pair => pair.Value.Grad!.ToFloats());
        }
        var (plain, again) = (Gradients(false), Gradients(true));
        foreach (var (name, expected) in plain)
        {
            Assert.Contains(expected, value => value != 0);
            for (var i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - again[name][i]) < 1e-5, name);
        }
    });

    [Fact]
    public void A_prompt_longer_than_the_model_takes_is_refused() => OnTorch.Run(() =>
    {
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var model = new WanTransformer(Small, weights);
        Assert.Contains("65 tokens; this model takes 64", Assert.Throws<ArgumentException>(() =>
            model.Prepare([Random.Normal("c", 0, 65, 24)])).Message);
        Assert.Contains("no image branch", Assert.Throws<ArgumentException>(
            () => model.Prepare([Random.Normal("c", 0, 5, 24)], Random.Normal("clip", 0, 1, 257, 8))).Message);
    });

    /// <summary>What `fabula models inspect` promises before anything is loaded.</summary>
    [Theory]
    [InlineData(256, 1024, 900), InlineData(512, 1024, 2400), InlineData(384, 2048, 1500)]
    public void The_memory_foretold_is_the_memory_used(int dim, int ffn, int tokens) => OnTorch.Run(() =>
    {
        var config = Small with { Dim = dim, FfnDim = ffn, Heads = dim / 128, Layers = 2 };
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var before = LibTorch.Memory.Live;
        var model = new WanTransformer(config, weights);
        Assert.InRange((LibTorch.Memory.Live - before) / (double)config.WeightBytes(DType.F32), 0.9, 1.15);
        var latents = Random.Normal("x", 0, 1, 16, 1, 2 * tokens / 30, 60);
        using var prompt = model.Prepare([Random.Normal("c", 0, 5, 24)]);
        using var time = model.Modulate(WanTime.Of(500));
        using var rotation = model.Rotate([0], tokens / 30, 30);
        var start = LibTorch.Memory.Live;
        LibTorch.ResetPeak();
        _ = model.Forward(latents, time, prompt, rotation);
        // The fixed 64 MB stand for attention's scores and oneDNN's buffers, which the tensor allocator does not see.
        var foretold = config.StepBytes(tokens, DType.F32) - (64 << 20);
        Assert.InRange((LibTorch.Memory.Peak - start) / (double)foretold, 0.75, 1.25);
    });
}
