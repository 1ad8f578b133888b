// The blocks that Stable Diffusion's networks are made of, under the names of diffusers: SdVae.cs, SdxlUnet.cs, SvdVae.cs and SvdUnet.cs
// put them together. The stream between blocks is fp32 whatever the weights' type.
//
// Reference: huggingface/diffusers @ 7f551e2 (v0.25.0), models/resnet.py, attention.py, attention_processor.py, embeddings.py.
//
// Shapes: B images; T frames of a clip, clip after clip in the batch; C channels; H, W rows and columns; L tokens; E width of time.
using Fabula.Torch;

namespace Fabula.Models;

static class Sd
{
    /// <summary>Cosines, then sines, of numbers at dim/2 frequencies from 1 down towards 1/10000; in fp32 as learnt.</summary>
    /// <param name="numbers">[n], any type.</param>
    /// <returns>[n, dim] fp32.</returns>
    public static Tensor Sinusoid(Tensor numbers, int dim)
    {
        using var scope = TensorScope.Open();
        var exponents = Tensor.Arange(0, dim / 2, DType.F32, numbers.Device) * -Math.Log(10000) / (dim / 2);
        var angles = numbers.Float().Unsqueeze(1) * exponents.Exp().Unsqueeze(0);                // [n, dim/2]
        return scope.Keep(Tensor.Cat(1, angles.Cos(), angles.Sin()));
    }

    /// <summary>Images [B, C, H, W] as tokens [B, H W, C].</summary>
    public static Tensor Tokens(Tensor x) => x.Flatten(2).Transpose(1, 2);

    /// <summary>Tokens [B, H W, C] as images of this shape.</summary>
    public static Tensor Images(Tensor tokens, long[] shape) => tokens.Transpose(1, 2).Reshape(shape);

    /// <summary>A 3 x 3 convolution that keeps the sides.</summary>
    public static Conv Conv3(Weights weights, int inputs, int outputs) => new(weights, inputs, outputs, [3, 3], padding: [1, 1]);

    /// <exception cref="ArgumentException">Widths or layers are no network's, or the groups do not divide the widths.</exception>
    public static void RequireWidths(string model, IReadOnlyList<int> widths, int layersPerBlock, int groups)
    {
        if (widths.Count is < 1 or > 8 || widths.Min() < 1 || layersPerBlock is < 1 or > 16)
            throw new ArgumentException($"{model} has 1 to 8 widths above 0 and 1 to 16 layers per block.");
        if (groups < 1 || widths.Any(width => width % groups != 0))
            throw new ArgumentException($"{groups} norm groups do not divide {model}'s widths {string.Join(", ", widths)}.");
    }
}

/// <summary>A sinusoid or a row of them to the width of time: two linear layers.</summary>
sealed class SdTimeEmbedding(Weights weights, int inputs, int hidden, int outputs)
{
    readonly Linear _first = new(weights["linear_1"], inputs, hidden), _second = new(weights["linear_2"], hidden, outputs);

    /// <summary>[n, inputs] -> [n, outputs].</summary>
    public Tensor Forward(Tensor x) => _second.Forward(_first.Forward(x).Silu()).Float();
}

/// <summary>Two convolutions with norms, time added between them, added to the input [resnet.py ResnetBlock2D].</summary>
/// <param name="time">E, or 0 for a block without time.</param>
sealed class SdResnet(Weights weights, int inputs, int outputs, int groups, double eps, int time = 0)
{
    readonly GroupNorm _norm1 = new(weights["norm1"], inputs, groups, eps), _norm2 = new(weights["norm2"], outputs, groups, eps);
    readonly Conv _conv1 = Sd.Conv3(weights["conv1"], inputs, outputs), _conv2 = Sd.Conv3(weights["conv2"], outputs, outputs);
    readonly Linear? _time = time > 0 ? new Linear(weights["time_emb_proj"], time, outputs) : null;
    readonly Conv? _shortcut = inputs != outputs ? new Conv(weights["conv_shortcut"], inputs, outputs, [1, 1]) : null;

    /// <summary>x [B, inputs, H, W] -> [B, outputs, H, W] fp32.</summary>
    /// <param name="emb">[B, E], where the block has time.</param>
    public Tensor Forward(Tensor x, Tensor? emb = null)
    {
        using var scope = TensorScope.Open();
        var y = _conv1.Forward(_norm1.Forward(x).Silu());
        if (_time is not null) y += _time.Forward(emb!.Silu()).Unsqueeze(2).Unsqueeze(3);
        y = _conv2.Forward(_norm2.Forward(y).Silu());
        return scope.Keep((_shortcut?.Forward(x) ?? x).Float() + y);
    }
}

/// <summary>Half the sides. A VAE pads below and to the right only, a U-Net all around.</summary>
sealed class SdDown(Weights weights, int channels, bool isVae)
{
    readonly Conv _conv = new(weights["conv"], channels, channels, [3, 3], [2, 2], isVae ? [0, 0] : [1, 1]);

    public Tensor Forward(Tensor x)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(_conv.Forward(isVae ? x.Pad([0, 1, 0, 1]) : x).Float());
    }
}

/// <summary>Twice the sides: every pixel four times, then a convolution.</summary>
sealed class SdUp(Weights weights, int channels)
{
    readonly Conv _conv = Sd.Conv3(weights["conv"], channels, channels);

    public Tensor Forward(Tensor x)
    {
        using var scope = TensorScope.Open();
        var (b, c, h, w) = (x.Size(0), x.Size(1), x.Size(2), x.Size(3));
        var doubled = x.Reshape(b, c, h, 1, w, 1).Expand(b, c, h, 2, w, 2).Reshape(b, c, 2 * h, 2 * w);
        return scope.Keep(_conv.Forward(doubled).Float());
    }
}

/// <summary>Attention to itself or to a context [attention_processor.py Attention].</summary>
/// <param name="bias">Whether q, k and v have one; the output always has.</param>
sealed class SdAttention(Weights weights, int dim, int contextDim, int heads, bool bias = false)
{
    readonly Linear _q = new(weights["to_q"], dim, dim, bias), _k = new(weights["to_k"], contextDim, dim, bias),
        _v = new(weights["to_v"], contextDim, dim, bias), _out = new(weights["to_out"][0], dim, dim);

    /// <summary>x [B, L, dim], context [B, S, contextDim] or x itself -> [B, L, dim].</summary>
    public Tensor Forward(Tensor x, Tensor? context = null)
    {
        context ??= x;
        var y = Fused.Attention(Split(_q.Forward(x)), Split(_k.Forward(context)), Split(_v.Forward(context)),
            1 / Math.Sqrt(dim / heads));                                                         // [B, L, heads, d]
        return _out.Forward(y.Reshape(x.Shape));
    }

    Tensor Split(Tensor x) => x.Reshape(x.Size(0), x.Size(1), heads, dim / heads);
}

/// <summary>Four times as wide inside, gated by a GELU of its own half.</summary>
sealed class SdFeedForward(Weights weights, int dim)
{
    readonly Linear _proj = new(weights["net"][0]["proj"], dim, 8 * dim), _out = new(weights["net"][2], 4 * dim, dim);

    public Tensor Forward(Tensor x)
    {
        var halves = _proj.Forward(x).Chunk(2, -1);                                              // [B, L, 4 dim] each
        return _out.Forward(halves[0] * halves[1].Gelu());
    }
}

/// <summary>Attention to itself, to the context, then feed-forward, each on a norm [attention.py BasicTransformerBlock].</summary>
sealed class SdTransformerBlock(Weights weights, int dim, int contextDim, int heads)
{
    readonly LayerNorm _norm1 = new(weights["norm1"], dim, 1e-5), _norm2 = new(weights["norm2"], dim, 1e-5),
        _norm3 = new(weights["norm3"], dim, 1e-5);
    readonly SdAttention _self = new(weights["attn1"], dim, dim, heads), _cross = new(weights["attn2"], dim, contextDim, heads);
    readonly SdFeedForward _feed = new(weights["ff"], dim);

    /// <summary>x [B, L, dim] fp32, context [B, S, contextDim] -> [B, L, dim] fp32.</summary>
    public Tensor Forward(Tensor x, Tensor context)
    {
        using var scope = TensorScope.Open();
        x += _self.Forward(_norm1.Forward(x));
        x += _cross.Forward(_norm2.Forward(x), context);
        return scope.Keep(x + _feed.Forward(_norm3.Forward(x)));
    }
}

/// <summary>
/// A block on each frame, then one over time at each pixel, mixed by a learned share [resnet.py SpatioTemporalResBlock]. Norms have
/// <see cref="Groups"/> groups.
/// </summary>
/// <param name="isVae">The decoder's blocks have no time, another eps over time, and mix the other way round.</param>
sealed class SvdResnet(Weights weights, int inputs, int outputs, double eps, int time, bool isVae = false)
{
    public const int Groups = 32;
    readonly SdResnet _spatial = new(weights["spatial_res_block"], inputs, outputs, Groups, eps, time);
    readonly SvdTimeResnet _temporal = new(weights["temporal_res_block"], outputs, isVae ? 1e-5 : eps, time);
    readonly Tensor _mix = weights["time_mixer"].Get("mix_factor", DType.F32, 1);

    /// <summary>x [B T, inputs, H, W] -> [B T, outputs, H, W] fp32.</summary>
    /// <param name="emb">[B T, E], where the block has time.</param>
    public Tensor Forward(Tensor x, long frames, Tensor? emb = null)
    {
        using var scope = TensorScope.Open();
        var spatial = _spatial.Forward(x, emb);                                                  // [B T, C, H, W]
        var clip = SvdTimeResnet.Clips(spatial, frames);                                         // [B, C, T, H, W]
        var temporal = _temporal.Forward(clip, emb);
        return scope.Keep(Mix(_mix, isVae, clip, temporal).Transpose(1, 2).Reshape(spatial.Shape));
    }

    /// <summary>sigmoid(mix) of the frames by themselves and the rest of the frames over time; the other way round for a VAE.</summary>
    public static Tensor Mix(Tensor mix, bool isVae, Tensor spatial, Tensor temporal)
    {
        var share = isVae ? 1 - mix.Sigmoid() : mix.Sigmoid();
        return spatial * share + temporal * (1 - share);
    }
}

/// <summary>Two convolutions over three frames each, with norms [resnet.py TemporalResnetBlock].</summary>
sealed class SvdTimeResnet(Weights weights, int channels, double eps, int time)
{
    readonly GroupNorm _norm1 = new(weights["norm1"], channels, SvdResnet.Groups, eps),
        _norm2 = new(weights["norm2"], channels, SvdResnet.Groups, eps);
    readonly Conv _conv1 = OverTime(weights["conv1"], channels), _conv2 = OverTime(weights["conv2"], channels);
    readonly Linear? _time = time > 0 ? new Linear(weights["time_emb_proj"], time, channels) : null;

    /// <summary>x [B, C, T, H, W] -> the same, fp32; emb [B T, E].</summary>
    public Tensor Forward(Tensor x, Tensor? emb)
    {
        var y = _conv1.Forward(_norm1.Forward(x).Silu());
        if (_time is not null)
            y += _time.Forward(emb!.Silu()).Reshape(x.Size(0), x.Size(2), x.Size(1)).Transpose(1, 2).Unsqueeze(3).Unsqueeze(4);
        return x + _conv2.Forward(_norm2.Forward(y).Silu());
    }

    /// <summary>A convolution over three frames at each pixel by itself, which keeps the length.</summary>
    public static Conv OverTime(Weights weights, int channels) => new(weights, channels, channels, [3, 1, 1], padding: [1, 0, 0]);

    /// <summary>Frames [B T, C, H, W] as clips [B, C, T, H, W].</summary>
    public static Tensor Clips(Tensor x, long frames) =>
        x.Reshape(x.Size(0) / frames, frames, x.Size(1), x.Size(2), x.Size(3)).Transpose(1, 2);
}
