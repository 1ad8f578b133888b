using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>The VAEs and U-Nets of SDXL and SVD: what the recordings do not reach.</summary>
public class StableDiffusionTests
{
    static readonly SdVaeConfig Vae = new() { Widths = [8, 8, 16], LayersPerBlock = 2, Groups = 4 };
    static readonly SdVaeConfig ClipVae = new() { Widths = [32, 32], LayersPerBlock = 2 };
    static readonly SdxlUnetConfig Sdxl = new()
    {
        Widths = [8, 16, 16],
        LayersPerBlock = 2,
        TransformerLayers = [0, 1, 2],
        MiddleLayers = 2,
        Heads = [2, 2, 4],
        ContextDim = 10,
        SizeDim = 4,
        AddedDim = 30,
        Groups = 4,
    };
    static readonly SvdUnetConfig Svd = new()
    {
        Widths = [32, 32, 64],
        LayersPerBlock = 2,
        HasAttention = [true, true, false],
        Heads = [2, 4, 4],
        ContextDim = 10,
        AddedTimeDim = 4,
        AddedDim = 12,
    };

    [Fact]
    public void Pictures_of_a_batch_are_coded_as_each_alone() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(1, DType.F32, Device.Cpu);
        var vae = new SdVae(Vae, weights);
        var images = Noise("images", 2, 3, 16, 12);
        var (mean, logVariance) = vae.Encode(images);
        Assert.Equal([2L, 4, 4, 3], mean.Shape);
        Assert.Equal([2L, 4, 4, 3], logVariance.Shape);
        Close.To(mean.Narrow(0, 1, 1), vae.Encode(images.Narrow(0, 1, 1)).Mean, 1e-5);
        var decoded = vae.Decode(mean);
        Assert.Equal(images.Shape, decoded.Shape);
        Close.To(decoded.Narrow(0, 1, 1), vae.Decode(mean.Narrow(0, 1, 1)), 1e-5);
    });

    [Fact]
    public void Older_names_of_attention_give_the_same_VAE() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(2, DType.F32, Device.Cpu);
        var images = Noise("images", 1, 3, 8, 8);
        var expected = new SdVae(Vae, weights).Encode(images).Mean;
        using var file = new SafetensorsFile(weights.Parameters.Select(pair => (pair.Key
            .Replace(".to_q.", ".query.", StringComparison.Ordinal).Replace(".to_k.", ".key.", StringComparison.Ordinal)
            .Replace(".to_v.", ".value.", StringComparison.Ordinal)
            .Replace(".to_out.0.", ".proj_attn.", StringComparison.Ordinal), pair.Value)));
        using var read = Weights.Open(file.Path, DType.F32, Device.Cpu, SdVae.Rename);
        Close.To(expected, new SdVae(Vae, read).Encode(images).Mean, 0);
    });

    [Fact]
    public void Frames_of_a_clip_know_each_other_and_clips_do_not() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(3, DType.F32, Device.Cpu);
        var vae = new SvdVae(ClipVae, weights);
        var latents = Noise("latents", 6, 4, 3, 2);
        var clips = vae.Decode(latents, 3);
        Assert.Equal([6L, 3, 6, 4], clips.Shape);
        Close.To(clips.Narrow(0, 3, 3), vae.Decode(latents.Narrow(0, 3, 3), 3), 1e-5);
        Assert.NotEqual(clips.ToFloats(), vae.Decode(latents, 6).ToFloats());
    });

    [Fact]
    public void A_picture_is_cleaned_by_its_own_text_time_and_sizes() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(4, DType.F32, Device.Cpu);
        var unet = new SdxlUnet(Sdxl, weights);
        Tensor[] inputs = [Noise("latents", 2, 4, 8, 12), Tensor.From(new[] { 900f, 3 }, 2), Noise("context", 2, 5, 10),
            Noise("pooled", 2, 6), Tensor.From(new float[] { 8, 9, 0, 0, 8, 9, 4, 5, 1, 1, 8, 9 }, 2, 6)];
        var both = Run(inputs);
        Assert.Equal(inputs[0].Shape, both.Shape);
        Close.To(both.Narrow(0, 1, 1), Run([.. inputs.Select(input => input.Narrow(0, 1, 1))]), 2e-5);
        for (var changed = 0; changed < inputs.Length; changed++)
            Assert.NotEqual(both.ToFloats(), Run([.. inputs.Select((input, i) => i == changed ? input + 1 : input)]).ToFloats());

        Tensor Run(Tensor[] x) => unet.Forward(x[0], x[1], x[2], x[3], x[4]);
    });

    [Fact]
    public void A_clip_is_cleaned_by_its_own_picture_and_numbers() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var weights = Weights.Fresh(5, DType.F32, Device.Cpu);
        var unet = new SvdUnet(Svd, weights);
        Tensor[] inputs = [Noise("latents", 2, 3, 8, 4, 8), Tensor.From(new[] { 1.6f, -1 }, 2), Noise("context", 2, 1, 10),
            Tensor.From(new[] { 6f, 127, 0.02f, 7, 60, 0.1f }, 2, 3)];
        var both = Run(inputs);
        Assert.Equal([2L, 3, 4, 4, 8], both.Shape);
        Close.To(both.Narrow(0, 1, 1), Run([.. inputs.Select(input => input.Narrow(0, 1, 1))]), 2e-5);
        for (var changed = 0; changed < inputs.Length; changed++)
            Assert.NotEqual(both.ToFloats(), Run([.. inputs.Select((input, i) => i == changed ? input + 1 : input)]).ToFloats());

        Tensor Run(Tensor[] x) => unet.Forward(x[0], x[1], x[2], x[3]);
    });

    /// <summary>The smallest stage has more than one pixel: a token alone has nothing to choose from.</summary>
    [Fact]
    public void Gradients_reach_every_weight_of_both_U_Nets() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var pictures = Weights.Fresh(6, DType.F32, Device.Cpu);
        using var clips = Weights.Fresh(7, DType.F32, Device.Cpu);
        var (sdxl, svd) = (new SdxlUnet(Sdxl, pictures), new SvdUnet(Svd, clips));
        pictures.Trainable();
        clips.Trainable();
        using (Autograd.Enable())
        {
            sdxl.Forward(Noise("a", 1, 4, 8, 8), Tensor.From(new[] { 9f }, 1), Noise("b", 1, 3, 10), Noise("c", 1, 6),
                Noise("d", 1, 6)).Square().Sum().Backward();
            svd.Forward(Noise("e", 1, 2, 8, 8, 8), Tensor.From(new[] { 1f }, 1), Noise("f", 1, 2, 10), Noise("g", 1, 3)).Square().Sum()
                .Backward();
        }
        foreach (var weights in new[] { pictures, clips })
            Assert.All(weights.Parameters, pair => Assert.True(pair.Value.Grad is { } grad && grad.Abs().Max().Item() > 0, pair.Key));
    });

    [Fact]
    public void What_does_not_fit_is_refused_in_a_sentence() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        using var w = Weights.Fresh(8, DType.F32, Device.Cpu);
        using var u = Weights.Fresh(9, DType.F32, Device.Cpu);
        using var s = Weights.Fresh(10, DType.F32, Device.Cpu);
        using var c = Weights.Fresh(11, DType.F32, Device.Cpu);
        var (vae, clips, sdxl, svd) = (new SdVae(Vae, w), new SvdVae(ClipVae, c), new SdxlUnet(Sdxl, u), new SvdUnet(Svd, s));
        Refused("multiples of 4", () => vae.Encode(Noise("x", 1, 3, 16, 14)));
        Refused("[1, 5, 4, 4]", () => vae.Decode(Noise("x", 1, 5, 4, 4)));
        Refused("whole clips of 4", () => clips.Decode(Noise("x", 6, 4, 4, 4), 4));
        var (time, rows, pooled, sizes) = (Noise("t", 1), Noise("r", 1, 3, 10), Noise("p", 1, 6), Noise("s", 1, 6));
        Refused("multiples of 4", () => sdxl.Forward(Noise("x", 1, 4, 6, 8), time, rows, pooled, sizes));
        Refused("[1, 3, 10]", () => sdxl.Forward(Noise("x", 2, 4, 8, 8), Noise("t", 2), rows, pooled, sizes));
        Refused("Pooled rows", () => sdxl.Forward(Noise("x", 1, 4, 8, 8), time, rows, Noise("p", 1, 7), sizes));
        Refused("[1, 2, 4, 4, 4]", () => svd.Forward(Noise("x", 1, 2, 4, 4, 4), time, rows, Noise("n", 1, 3)));
        Refused("Added numbers", () => svd.Forward(Noise("x", 1, 2, 8, 4, 4), time, rows, Noise("n", 1, 4)));
        Refused("norm groups", () => new SdVae(Vae with { Groups = 3 }, w));
        Refused("32 norm groups", () => new SvdVae(Vae, w));
        Refused("1 or 2 layers", () => new SvdVae(ClipVae with { LayersPerBlock = 3 }, w));
        Refused("Heads 3, 2, 4", () => new SdxlUnet(Sdxl with { Heads = [3, 2, 4] }, w));
        Refused("3 stages", () => new SdxlUnet(Sdxl with { Heads = [2, 2] }, w));
        Refused("32 norm groups", () => new SvdUnet(Svd with { Widths = [32, 48, 64] }, w));
        Refused("sinusoids", () => new SvdUnet(Svd with { AddedDim = 13 }, w));

        static void Refused(string words, Func<object> action) =>
            Assert.Contains(words, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
    });

    static Tensor Noise(string purpose, params long[] shape) => new RandomSource(9).Normal(purpose, 0, shape);
}
