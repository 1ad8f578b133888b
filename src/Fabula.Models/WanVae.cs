// The Wan video VAEs, 2.1 and 2.2: what the two have in common. Their networks are in WanVae21.cs and WanVae22.cs.
//
// Paper: "Wan: Open and Advanced Large-Scale Video Generative Models" (2025), section 4.1. Reference: Wan-Video/Wan2.1 @ 9737cba,
// wan/modules/vae.py, and Wan-Video/Wan2.2 @ 42bf4cf, wan/modules/vae2_2.py. Parity: tests/Fabula.Models.Tests/GoldenTests.cs.
// A clip is one frame, then groups of four: the first latent frame stands for the first frame, each further one for four. Every
// convolution over time looks back only, so a clip of any length goes through group by group, with the last frames of every layer's
// input kept in a WanVaeCache.
//
// Exact savings over the reference, each equal to it up to rounding: no multiplication by the zeros that stand before a clip's first
// frame; nearest x2 and its 3x3 convolution as four 2x2 convolutions on the small picture; over time, where the layer is wide, two
// outputs from four products instead of six (Winograd's F(2,3); Lavin and Gray, arXiv:1509.09308).
//
// Shapes: B clips; T frames; H, W rows and columns; C channels; z latent channels. Video and latents are [B, C, T, H, W] as in the
// reference; inside, frames come first, [B, T, C, H, W], so that a run of frames is one piece of memory and time folds into the batch.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The reference constructor's arguments, and the statistics of its latents.</summary>
public sealed record WanVaeConfig
{
    /// <summary>Encoder width.</summary>
    public int Dim { get; init; } = 96;
    /// <summary>Decoder width of the 2.2 architecture; 0 for the 2.1 architecture, whose decoder is as wide as its encoder.</summary>
    public int DecDim { get; init; }
    public int ZDim { get; init; } = 16;
    /// <summary>Width of each stage as a multiple; the picture is halved between stages.</summary>
    public IReadOnlyList<int> DimMult { get; init; } = [1, 2, 4, 4];
    public int ResBlocks { get; init; } = 2;
    /// <summary>Scales (1, 1/2, 1/4...) whose residual blocks are each followed by attention; 2.1 only.</summary>
    public IReadOnlyList<double> AttnScales { get; init; } = [];
    /// <summary>Between which stages time is halved too ("temperal_downsample").</summary>
    public IReadOnlyList<bool> TemporalDownsample { get; init; } = [false, true, true];
    /// <summary>Mean of each latent channel over the training data; null: the published one of 16 or 48 channels, else 0.</summary>
    public IReadOnlyList<float>? Mean { get; init; }
    /// <summary>Deviation of each latent channel; null: the published one of 16 or 48 channels, else 1.</summary>
    public IReadOnlyList<float>? Std { get; init; }

    /// <summary>The pocket models' own network (<see cref="PocketVae"/>) instead of Wan's.</summary>
    public bool IsPocket { get; init; }
    /// <summary>2.2's architecture: picture patches of 2x2, and shortcuts around every stage.</summary>
    public bool IsResidual => DecDim > 0 && !IsPocket;
    /// <summary>Pixels per side of one latent.</summary>
    public int SpatialStride => IsPocket ? 8 : (1 << (DimMult.Count - 1)) * (IsResidual ? 2 : 1);
    /// <summary>Frames per latent frame, after the first.</summary>
    public int TemporalStride => 1 << Enumerable.Range(0, DimMult.Count - 1).Count(IsTemporal);

    internal bool IsTemporal(int stage) => stage < TemporalDownsample.Count && TemporalDownsample[stage];

    public static readonly WanVaeConfig Wan21 = new();
    public static readonly WanVaeConfig Wan22 = new() { Dim = 160, DecDim = 256, ZDim = 48 };
    public static readonly WanVaeConfig Pocket = new()
    {
        IsPocket = true,
        Dim = 48,
        DecDim = 64,
        ZDim = 16,
        DimMult = [1, 2, 2],
        TemporalDownsample = [true, true],
    };

    /// <summary>Mean and 1 / deviation of each latent channel.</summary>
    /// <exception cref="ArgumentException">As many are not given as there are channels.</exception>
    internal (float[] Mean, float[] InverseStd) Statistics()
    {
        var mean = Mean?.ToArray() ?? (IsPocket ? new float[ZDim] : ZDim == 16 ? Mean16 : ZDim == 48 ? Mean48 : new float[ZDim]);
        var std = Std?.ToArray() ?? (IsPocket ? [.. Enumerable.Repeat(1f, ZDim)] : ZDim == 16 ? Std16 : ZDim == 48 ? Std48
            : [.. Enumerable.Repeat(1f, ZDim)]);
        if (mean.Length != ZDim || std.Length != ZDim)
            throw new ArgumentException(
                $"The VAE has {ZDim} latent channels, but {mean.Length} means and {std.Length} deviations are given.");
        return (mean, [.. std.Select(value => 1 / value)]);
    }

    // vae.py, class WanVAE.
    static readonly float[] Mean16 =
    [
        -0.7571f, -0.7089f, -0.9113f, 0.1075f, -0.1745f, 0.9653f, -0.1517f, 1.5508f,
        0.4134f, -0.0715f, 0.5517f, -0.3632f, -0.1922f, -0.9497f, 0.2503f, -0.2921f,
    ];
    static readonly float[] Std16 =
    [
        2.8184f, 1.4541f, 2.3275f, 2.6558f, 1.2196f, 1.7708f, 2.6052f, 2.0743f,
        3.2687f, 2.1526f, 2.8652f, 1.5579f, 1.6382f, 1.1253f, 2.8251f, 1.9160f,
    ];

    // vae2_2.py, class Wan2_2_VAE.
    static readonly float[] Mean48 =
    [
        -0.2289f, -0.0052f, -0.1323f, -0.2339f, -0.2799f, 0.0174f, 0.1838f, 0.1557f, -0.1382f, 0.0542f, 0.2813f, 0.0891f,
        0.1570f, -0.0098f, 0.0375f, -0.1825f, -0.2246f, -0.1207f, -0.0698f, 0.5109f, 0.2665f, -0.2108f, -0.2158f, 0.2502f,
        -0.2055f, -0.0322f, 0.1109f, 0.1567f, -0.0729f, 0.0899f, -0.2799f, -0.1230f, -0.0313f, -0.1649f, 0.0117f, 0.0723f,
        -0.2839f, -0.2083f, -0.0520f, 0.3748f, 0.0152f, 0.1957f, 0.1433f, -0.2944f, 0.3573f, -0.0548f, -0.1681f, -0.0667f,
    ];
    static readonly float[] Std48 =
    [
        0.4765f, 1.0364f, 0.4514f, 1.1677f, 0.5313f, 0.4990f, 0.4818f, 0.5013f, 0.8158f, 1.0344f, 0.5894f, 1.0901f,
        0.6885f, 0.6165f, 0.8454f, 0.4978f, 0.5759f, 0.3523f, 0.7135f, 0.6804f, 0.5833f, 1.4146f, 0.8986f, 0.5659f,
        0.7069f, 0.5338f, 0.4889f, 0.4917f, 0.4069f, 0.4999f, 0.6866f, 0.4093f, 0.5709f, 0.6065f, 0.6415f, 0.4944f,
        0.5726f, 1.2042f, 0.5458f, 1.6887f, 0.3971f, 1.0600f, 0.3943f, 0.5537f, 0.5444f, 0.4089f, 0.7468f, 0.7744f,
    ];
}

/// <summary>
/// What the layers remember of one clip between groups of frames. A fresh one starts a clip, in one direction (encoding or decoding);
/// its size does not grow with the clip. Dispose of it when the clip is done.
/// </summary>
public sealed class WanVaeCache : IDisposable
{
    readonly Dictionary<object, Tensor> _frames = new(ReferenceEqualityComparer.Instance);
    (string Use, long Batch, long Rows, long Columns)? _clip;

    /// <summary>Groups of frames seen so far.</summary>
    public int Groups { get; private set; }

    internal bool IsFirst => Groups == 0;

    internal Tensor? Past(object layer) => _frames.GetValueOrDefault(layer);

    /// <summary>Takes the tensor over, in place of what was remembered for the layer.</summary>
    internal void Remember(object layer, Tensor frames)
    {
        if (_frames.Remove(layer, out var earlier)) earlier.Dispose();
        _frames[layer] = frames.Own();
    }

    /// <summary>Refuses a clip other than the one this cache was begun with.</summary>
    internal void Check(string use, Tensor x)
    {
        var clip = (use, x.Size(0), x.Size(3), x.Size(4));
        _clip ??= clip;
        if (_clip != clip) throw new ArgumentException(
            $"This cache belongs to {_clip.Value.Use} a clip of {_clip.Value.Rows}x{_clip.Value.Columns}: start each clip with a new one.");
    }

    internal void Advance() => Groups++;

    public void Dispose()
    {
        foreach (var tensor in _frames.Values) tensor.Dispose();
        _frames.Clear();
    }
}

/// <summary>A Wan video VAE. Weights are borrowed: they must outlive it. On the tensor thread.</summary>
public abstract class WanVae
{
    readonly WanVaeFrameConv _moments, _latents;
    readonly float[] _mean, _inverseStd;
    readonly DType _type;
    readonly Device _device;

    public WanVaeConfig Config { get; }

    private protected WanVae(WanVaeConfig config, Weights weights)
    {
        Config = config;
        (_type, _device) = (weights.DType, weights.Device);
        (_mean, _inverseStd) = config.Statistics();
        var moments = config.IsPocket ? config.ZDim : 2 * config.ZDim;
        _moments = new WanVaeFrameConv(weights["conv1"], [moments, moments, 1, 1, 1]);
        _latents = new WanVaeFrameConv(weights["conv2"], [config.ZDim, config.ZDim, 1, 1, 1]);
    }

    /// <summary>The VAE of this configuration: <see cref="WanVae22"/> where it has a decoder width, else <see cref="WanVae21"/>.</summary>
    public static WanVae Create(WanVaeConfig config, Weights weights) =>
        config.IsPocket ? new PocketVae(config, weights) : config.IsResidual ? new WanVae22(config, weights) : new WanVae21(config,
            weights);

    /// <summary>Frames [B, T, 3, H, W] -> mean and log variance before their last convolution [B, T', 2z, h, w].</summary>
    private protected abstract Tensor Encoder(Tensor frames, WanVaeCache cache, Trace? trace);

    /// <summary>Latents [B, 1, z, h, w] -> frames [B, T, 3, H, W], not clamped.</summary>
    private protected abstract Tensor Decoder(Tensor latents, WanVaeCache cache, Trace? trace);

    /// <summary>A clip to normalised latents: the mean of the posterior.</summary>
    /// <param name="video">[B, 3, T, H, W] in [-1, 1]; T = 4n + 1 (<see cref="WanVaeConfig.TemporalStride"/>), H and W divisible by the
    /// spatial stride.</param>
    /// <returns>[B, z, n + 1, H/8, W/8] (2.2: /16), fp32.</returns>
    /// <exception cref="ArgumentException">The clip has another size.</exception>
    public Tensor Encode(Tensor video, Trace? trace = null) => Join(EncodeGroups(Groups(video), trace));

    /// <summary>Normalised latents to a clip.</summary>
    /// <param name="latents">[B, z, n, h, w].</param>
    /// <returns>[B, 3, 4(n - 1) + 1, 8h, 8w] (2.2: 16) in [-1, 1], fp32.</returns>
    public Tensor Decode(Tensor latents, Trace? trace = null) => Join(DecodeGroups(latents, trace));

    /// <summary>As <see cref="Encode"/>, latent frame by latent frame, in memory that does not grow with the clip.</summary>
    /// <param name="groups">[B, 3, 1, H, W], then [B, 3, 4, H, W] each. They stay the caller's.</param>
    /// <returns>[B, z, 1, h, w] each; the caller disposes of them.</returns>
    public IEnumerable<Tensor> EncodeGroups(IEnumerable<Tensor> groups, Trace? trace = null)
    {
        using var cache = new WanVaeCache();
        foreach (var frames in groups) yield return EncodeStep(frames, cache, trace).Own();
    }

    /// <summary>As <see cref="Decode"/>, latent frame by latent frame, in memory that does not grow with the clip.</summary>
    /// <returns>[B, 3, 1, H, W], then [B, 3, 4, H, W] each; the caller disposes of them.</returns>
    public IEnumerable<Tensor> DecodeGroups(Tensor latents, Trace? trace = null)
    {
        using var cache = new WanVaeCache();
        for (var i = 0; i < latents.Size(2); i++)
        {
            using var frame = latents.Narrow(2, i, 1);
            yield return DecodeStep(frame, cache, trace).Own();
        }
    }

    /// <summary>The next latent frame of a clip.</summary>
    /// <param name="frames">The first frame [B, 3, 1, H, W] where the cache is new, else the next four.</param>
    public Tensor EncodeStep(Tensor frames, WanVaeCache cache, Trace? trace = null)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(Normalise(MomentsStep(frames, cache, trace).Narrow(1, 0, Config.ZDim)));
    }

    /// <summary>As <see cref="EncodeStep"/>, but mean and log variance as they are: [B, 2z, 1, h, w], not normalised.</summary>
    public Tensor MomentsStep(Tensor frames, WanVaeCache cache, Trace? trace = null)
    {
        using var scope = TensorScope.Open();
        Require(frames);
        cache.Check("encoding", frames);
        var wanted = cache.IsFirst ? 1 : Config.TemporalStride;
        if (frames.Size(2) != wanted) throw new ArgumentException(
            $"Group {cache.Groups + 1} of a clip has {wanted} frame{(wanted == 1 ? "" : "s")}, not {frames.Size(2)}.");
        var x = Encoder(frames.To(_type, _device).Transpose(1, 2), cache, trace);                // [B, 1, 2z, h, w]
        trace?.Record($"enc.chunk{cache.Groups}.moments", x.Transpose(1, 2));
        cache.Advance();
        return scope.Keep(_moments.Forward(x).Float().Transpose(1, 2));                          // [B, 2z, 1, h, w]
    }

    /// <summary>The next frames of a clip: one where the cache is new, else four.</summary>
    /// <param name="latents">The next normalised latent frame [B, z, 1, h, w].</param>
    /// <param name="clamp">Whether to bring the result into [-1, 1]; a training loss wants to see what lies outside.</param>
    public Tensor DecodeStep(Tensor latents, WanVaeCache cache, Trace? trace = null, bool clamp = true)
    {
        using var scope = TensorScope.Open();
        if (latents.Dims != 5 || latents.Size(1) != Config.ZDim || latents.Size(2) != 1)
            throw new ArgumentException($"A latent frame is [B, {Config.ZDim}, 1, h, w], not [{string.Join(", ", latents.Shape)}].");
        cache.Check("decoding", latents);
        var x = _latents.Forward(Denormalise(latents).To(_type).Transpose(1, 2));                // [B, 1, z, h, w]
        trace?.Record($"dec.chunk{cache.Groups}.conv2", x.Transpose(1, 2));
        x = Decoder(x, cache, trace).Float().Transpose(1, 2);                                    // [B, 3, T, H, W]
        trace?.Record($"dec.chunk{cache.Groups}.unclamped", x);
        cache.Advance();
        return scope.Keep((clamp ? x.Clamp(-1, 1) : x).Contiguous());
    }

    /// <summary>The network's latents [B, z, ...] to mean 0 and deviation 1.</summary>
    public Tensor Normalise(Tensor latents)
    {
        using var scope = TensorScope.Open();
        return scope.Keep((latents.Float() - PerChannel(_mean)) * PerChannel(_inverseStd));
    }

    /// <summary>The reverse of <see cref="Normalise"/>; the result is on the weights' device, fp32.</summary>
    public Tensor Denormalise(Tensor latents)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(latents.To(DType.F32, _device) / PerChannel(_inverseStd) + PerChannel(_mean));
    }

    Tensor PerChannel(float[] values) => Tensor.From(values, 1, values.Length, 1, 1, 1).To(_device);

    /// <summary>A clip cut into its first frame and groups of four.</summary>
    IEnumerable<Tensor> Groups(Tensor video)
    {
        Require(video);
        var (frames, stride) = (video.Size(2), Config.TemporalStride);
        var below = Math.Max(frames - 1, 0) / stride * stride + 1;
        if (frames != below) throw new ArgumentException(
            $"The clip has {frames} frames; this VAE takes 1 + {stride}n: {below} or {below + stride}.");
        for (long at = 0; at < frames; at += at == 0 ? 1 : stride)
        {
            using var group = video.Narrow(2, at, at == 0 ? 1 : stride);
            yield return group;
        }
    }

    void Require(Tensor video)
    {
        if (video.Dims != 5 || video.Size(1) != 3)
            throw new ArgumentException($"A clip is [B, 3, T, H, W], not [{string.Join(", ", video.Shape)}].");
        var (rows, columns, stride) = (video.Size(3), video.Size(4), Config.SpatialStride);
        if (rows % stride != 0 || columns % stride != 0 || rows == 0 || columns == 0)
            throw new ArgumentException(
                $"A picture of {columns}x{rows} pixels does not fit this VAE: both sides must be multiples of {stride}.");
    }

    /// <summary>Groups of frames that the caller owns, joined along time and disposed of, whatever goes wrong on the way.</summary>
    internal static Tensor Join(IEnumerable<Tensor> groups)
    {
        var parts = new List<Tensor>();
        try
        {
            parts.AddRange(groups);
            return Tensor.Cat(2, [.. parts]);
        }
        finally
        {
            parts.ForEach(part => part.Dispose());
        }
    }
}

/// <summary>A layer over frames: [B, T, C, H, W] to the same form.</summary>
abstract class WanVaeLayer
{
    public abstract Tensor Forward(Tensor x, WanVaeCache cache);

    /// <summary>One layer after another; what one made is freed when the next has read it.</summary>
    public static Tensor Run(IEnumerable<WanVaeLayer> layers, Tensor x, WanVaeCache cache)
    {
        var input = x;
        foreach (var layer in layers)
        {
            using var scope = TensorScope.Open();
            var y = scope.Keep(layer.Forward(x, cache));
            if (x != input) x.Dispose();
            x = y;
        }
        return x;
    }
}

/// <summary>
/// A convolution within each frame. Weight [out, in, kh, kw], or [out, in, 1, kh, kw] as in the file; odd kernels are padded to keep the
/// size unless <paramref name="stride"/> is 2: then a row and a column of zeros are put below and at the right.
/// </summary>
sealed class WanVaeFrameConv(Weights weights, long[] shape, int stride = 1) : WanVaeLayer
{
    static readonly Op Conv2d = new("aten::conv2d");
    readonly Tensor _weight = weights.Get("weight", shape), _bias = weights.Get("bias", shape[0]);

    public override Tensor Forward(Tensor x, WanVaeCache cache) => Forward(x);

    /// <summary>x [B, T, in, H, W] -> [B, T, out, H/stride, W/stride].</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = TensorScope.Open();
        var weight = _weight.Dims == 5 ? _weight.Select(2, 0) : _weight;
        var frames = x.Flatten(0, 1);                                                            // [B T, in, H, W]
        frames = stride == 1 ? Apply(frames, weight, _bias, weight.Size(-1) / 2)
            : Apply(frames.Pad([0, 1, 0, 1]), weight, _bias, 0, stride);
        return scope.Keep(frames.Reshape([x.Size(0), x.Size(1), .. frames.Shape[1..]]));
    }

    /// <summary>
    /// The same after doubling each pixel in both directions: the even rows of the result see W0 of the row above and W1 + W2 of their
    /// own, the odd ones W0 + W1 of their own and W2 of the row below; columns likewise.
    /// </summary>
    public Tensor ForwardDoubled(Tensor x)
    {
        using var scope = TensorScope.Open();
        var (rows, columns) = (x.Size(3), x.Size(4));
        var frames = x.Flatten(0, 1);                                                            // [B T, in, H, W]
        var pictures = Fold(_weight.Float(), 2).Select(half => Tensor.Stack(-1,
            [.. Fold(half, 3).Select((weight, b) => Apply(frames, weight.To(_weight.DType), _bias, 1).Narrow(3, b, columns))])).ToArray();
        var y = Tensor.Stack(3, pictures[0].Narrow(2, 0, rows), pictures[1].Narrow(2, 1, rows)); // [B T, out, H, 2, W, 2]
        return scope.Keep(y.Reshape(x.Size(0), x.Size(1), y.Size(1), 2 * rows, 2 * columns));
    }

    /// <summary>Three taps over doubled pixels as two over the pixels themselves, for even and for odd places.</summary>
    static Tensor[] Fold(Tensor weight, int dim)
    {
        var taps = weight.Split([1, 1, 1], dim);
        return [Tensor.Cat(dim, taps[0], taps[1] + taps[2]), Tensor.Cat(dim, taps[0] + taps[1], taps[2])];
    }

    /// <summary>frames [n, in, H, W] in the weight's type; products in fp32 where the processor has none for bf16.</summary>
    public static Tensor Apply(Tensor frames, Tensor weight, Tensor? bias, long padding, long stride = 1)
    {
        if (weight.DType != DType.BF16 || !weight.Device.IsCpu || !Fused.WidensBf16)
            return Conv2d.Call(frames, weight, bias, new[] { stride, stride }, new[] { padding, padding });
        using var scope = TensorScope.Open();
        return scope.Keep(Apply(frames.Float(), weight.Float(), bias?.Float(), padding, stride).To(DType.BF16));
    }
}

/// <summary>
/// A convolution over a frame and the two before it, weight [out, in, 3, k, k]; before a clip's first frame lie zeros. With a norm,
/// it is preceded by RMS norm over channels and SiLU.
/// </summary>
sealed class WanVaeCausalConv(Weights weights, int inputs, int outputs, int kernel, WanVaeNorm? norm = null) : WanVaeLayer
{
    /// <summary>Channels from which on two products less are worth the additions.</summary>
    const int PairsFrom = 64;
    static readonly Op AddOut = new("aten::add", "out"), SubOut = new("aten::sub", "out");
    readonly Tensor _weight = weights.Get("weight", outputs, inputs, 3, kernel, kernel), _bias = weights.Get("bias", outputs);

    /// <summary>x [B, T, in, H, W] -> [B, T, out, H, W].</summary>
    public override Tensor Forward(Tensor x, WanVaeCache cache)
    {
        using var scope = TensorScope.Open();
        var frames = norm is null ? Following(cache.Past(this), x) : norm.ForwardSilu(x, cache.Past(this));   // [B, past + T, in, H, W]
        var (steps, known) = (x.Size(1), Math.Min(2, frames.Size(1)));
        cache.Remember(this, frames.Narrow(1, frames.Size(1) - known, known).Clone());
        var before = steps + 2 - frames.Size(1);                                                 // zero frames the kernel would see
        if (steps == 1) return scope.Keep(Windows(frames, _weight.Narrow(2, before, 3 - before), _bias));
        if (before > 0) frames = frames.Pad([0, 0, 0, 0, 0, 0, before, 0]);
        var pairs = steps % 2 == 0 && Math.Min(inputs, outputs) >= PairsFrom
            && x.DType == DType.F32 && x.Device.IsCpu && !Autograd.IsEnabled;
        return scope.Keep(pairs ? Pairs(frames, _weight, _bias) : Windows(frames, _weight, _bias));
    }

    /// <summary>
    /// As <see cref="Windows"/> with three taps, for an even number of windows: frames 2p and 2p + 1 of the result from four products
    /// instead of six. With w+- = (w0 +- w1 + w2) / 2, m0 = (x0 - x2) w0, m1 = (x1 + x2) w+, m2 = (x2 - x1) w-, m3 = (x1 - x3) w2:
    /// y0 = m0 + m1 + m2, y1 = m1 - m2 - m3.
    /// </summary>
    internal static Tensor Pairs(Tensor frames, Tensor weight, Tensor bias)
    {
        using var scope = TensorScope.Open();
        var (batch, steps, kernel) = (frames.Size(0), frames.Size(1) - 2, weight.Size(4));
        var (w0, w1, w2) = (weight.Select(2, 0), weight.Select(2, 1), weight.Select(2, 2));      // [out, in, k, k]
        var outer = (w0 + w2).Mul_(0.5);
        var m1 = Product((a, b) => a + b, 1, 2, outer + w1 * 0.5, bias);
        var m2 = Product((a, b) => a - b, 2, 1, outer.Add_(w1, -0.5), null);
        var result = Tensor.Empty([batch, steps / 2, 2, .. m1.Shape[1..]], m1.DType, m1.Device);
        var (even, odd) = (result.Select(2, 0).Flatten(0, 1), result.Select(2, 1).Flatten(0, 1));
        AddOut.Do(m1, m2, 1, even);
        SubOut.Do(m1, m2, 1, odd);
        m1.Dispose();
        m2.Dispose();
        even.Add_(Product((a, b) => a - b, 0, 2, w0, null));
        odd.Sub_(Product((a, b) => a - b, 1, 3, w2, null));
        return scope.Keep(result.Flatten(1, 2));                                                 // [B, T, out, H, W]

        Tensor Product(Func<Tensor, Tensor, Tensor> join, long i, long j, Tensor w, Tensor? b)
        {
            using var inner = TensorScope.Open();
            var joined = join(frames.Slice(1, i, i + steps - 1, 2), frames.Slice(1, j, j + steps - 1, 2)).Flatten(0, 1);
            return inner.Keep(WanVaeFrameConv.Apply(joined, w, b, kernel / 2));                  // [B T/2, out, H, W]
        }
    }

    /// <summary>
    /// Every window of n frames, <paramref name="step"/> apart, with a weight [out, in, n, k, k]: the frames of a window count as
    /// channels of one picture.
    /// </summary>
    public static Tensor Windows(Tensor frames, Tensor weight, Tensor bias, int step = 1)
    {
        var (batch, taps, kernel) = (frames.Size(0), weight.Size(2), weight.Size(4));
        var flat = weight.Transpose(1, 2).Flatten(1, 2);                                         // [out, n in, k, k]
        var windows = new List<Tensor>();
        for (long at = 0; at + taps <= frames.Size(1); at += step)
            windows.Add(WanVaeFrameConv.Apply(frames.Narrow(1, at, taps).Flatten(1, 2), flat, bias, kernel / 2));
        return windows.Count == 1 ? windows[0].Unsqueeze(1) : Tensor.Stack(1, [.. windows]);
    }

    static Tensor Following(Tensor? past, Tensor x) => past is null ? x : Tensor.Cat(1, past, x);
}

/// <summary>RMS norm over the channels of each pixel: x / |x| * sqrt(C) * gamma, in fp32.</summary>
sealed class WanVaeNorm(Weights weights, params long[] shape)
{
    static readonly Op MulOut = new("aten::mul", "out");
    readonly Tensor _gamma = weights.Get("gamma", DType.F32, shape);

    /// <summary>x [B, T, C, H, W] -> the same form and type.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = TensorScope.Open();
        var wide = x.Float();
        return scope.Keep((wide * Factor(wide) * Gamma()).To(x.DType));
    }

    /// <summary>Norm and SiLU of x [B, T, C, H, W] behind the frames before it [B, n, C, H, W], in one piece of memory.</summary>
    public Tensor ForwardSilu(Tensor x, Tensor? past)
    {
        using var scope = TensorScope.Open();
        if (Autograd.IsEnabled)
        {
            var graph = (x.Float() * Factor(x.Float()) * Gamma()).Silu().To(x.DType);
            return scope.Keep(past is null ? graph : Tensor.Cat(1, past, graph));
        }
        var n = past?.Size(1) ?? 0;
        var all = Tensor.Empty([x.Size(0), n + x.Size(1), .. x.Shape[2..]], x.DType, x.Device);
        if (past is not null) all.Narrow(1, 0, n).CopyFrom(past);
        var behind = all.Narrow(1, n, x.Size(1));
        if (x.DType == DType.F32)
        {
            MulOut.Do(x, Factor(x), behind);
            behind.Mul_(Gamma()).Silu_();
        }
        else
        {
            var wide = x.Float();
            behind.CopyFrom((wide * Factor(wide)).Mul_(Gamma()).Silu_());
        }
        return scope.Keep(all);
    }

    Tensor Gamma() => _gamma.Reshape(-1, 1, 1);

    /// <summary>sqrt(C) / |x|, [B, T, 1, H, W]; the length is at least 1e-12, as in torch's normalize.</summary>
    Tensor Factor(Tensor x) => x.Square().Sum(2, keep: true).Clamp(1e-24, double.PositiveInfinity).Rsqrt() * Math.Sqrt(shape[0]);
}

/// <summary>Norm, SiLU and causal convolution, twice, beside a shortcut.</summary>
sealed class WanVaeResBlock : WanVaeLayer
{
    readonly WanVaeCausalConv _first, _second;
    readonly WanVaeFrameConv? _shortcut;

    public WanVaeResBlock(Weights weights, int inputs, int outputs)
    {
        var residual = weights["residual"];
        _first = new WanVaeCausalConv(residual[2], inputs, outputs, 3, new WanVaeNorm(residual[0], inputs, 1, 1, 1));
        _second = new WanVaeCausalConv(residual[6], outputs, outputs, 3, new WanVaeNorm(residual[3], outputs, 1, 1, 1));
        if (inputs != outputs) _shortcut = new WanVaeFrameConv(weights["shortcut"], [outputs, inputs, 1, 1, 1]);
    }

    public override Tensor Forward(Tensor x, WanVaeCache cache)
    {
        using var scope = TensorScope.Open();
        var y = _second.Forward(_first.Forward(x, cache), cache);                                // [B, T, out, H, W]
        return scope.Keep(Add(y, _shortcut?.Forward(x) ?? x));
    }

    /// <summary>y + x, written over y where no graph needs it.</summary>
    public static Tensor Add(Tensor y, Tensor x) => Autograd.IsEnabled ? y + x : y.Add_(x);
}

/// <summary>Attention with one head among the pixels of each frame.</summary>
sealed class WanVaeAttention(Weights weights, int dim) : WanVaeLayer
{
    readonly WanVaeNorm _norm = new(weights["norm"], dim, 1, 1);
    readonly WanVaeFrameConv _qkv = new(weights["to_qkv"], [3 * dim, dim, 1, 1]), _out = new(weights["proj"], [dim, dim, 1, 1]);

    public override Tensor Forward(Tensor x, WanVaeCache cache)
    {
        using var scope = TensorScope.Open();
        var (frames, pixels) = (x.Size(0) * x.Size(1), x.Size(3) * x.Size(4));
        var qkv = _qkv.Forward(_norm.Forward(x)).Reshape(frames, 3, dim, pixels).Transpose(2, 3).Unsqueeze(3);   // [B T, 3, H W, 1, C]
        var y = Fused.Attention(qkv.Select(1, 0), qkv.Select(1, 1), qkv.Select(1, 2), 1 / Math.Sqrt(dim));       // [B T, H W, 1, C]
        y = y.Reshape(frames, pixels, dim).Transpose(1, 2).Reshape(x.Shape);                     // [B, T, C, H, W]
        return scope.Keep(WanVaeResBlock.Add(_out.Forward(y), x));
    }
}

/// <summary>Half the picture and, with time, half the frames: weights "resample.1" and "time_conv".</summary>
sealed class WanVaeDown(Weights weights, int dim, bool time) : WanVaeLayer
{
    readonly WanVaeFrameConv _picture = new(weights["resample"][1], [dim, dim, 3, 3], stride: 2);
    readonly Tensor? _weight = time ? weights["time_conv"].Get("weight", dim, dim, 3, 1, 1) : null,
        _bias = time ? weights["time_conv"].Get("bias", dim) : null;

    public override Tensor Forward(Tensor x, WanVaeCache cache)
    {
        using var scope = TensorScope.Open();
        x = _picture.Forward(x);                                                                 // [B, T, C, H/2, W/2]
        if (!time) return scope.Keep(x);
        var past = cache.Past(this);
        var all = past is null ? x : Tensor.Cat(1, past, x);                                     // one frame back
        cache.Remember(this, x.Narrow(1, x.Size(1) - 1, 1).Clone());
        // A clip's first frame stays as it is; then every second frame with its two neighbours before.
        return scope.Keep(past is null ? x : WanVaeCausalConv.Windows(all, _weight!, _bias!, step: 2));
    }
}

/// <summary>Twice the picture and, with time, twice the frames: weights "resample.1" and "time_conv".</summary>
sealed class WanVaeUp(Weights weights, int inputs, int outputs, bool time) : WanVaeLayer
{
    readonly WanVaeFrameConv _picture = new(weights["resample"][1], [outputs, inputs, 3, 3]);
    readonly WanVaeCausalConv? _time = time ? new(weights["time_conv"], inputs, 2 * inputs, 1) : null;

    public override Tensor Forward(Tensor x, WanVaeCache cache)
    {
        using var scope = TensorScope.Open();
        // A clip's first frame stays one and is not remembered: for the second group, zeros lie before (the reference's 'Rep').
        if (_time is not null && !cache.IsFirst)
            x = _time.Forward(x, cache).Reshape(x.Size(0), 2 * x.Size(1), inputs, x.Size(3), x.Size(4));
        return scope.Keep(_picture.ForwardDoubled(x));                                           // [B, 2T, out, 2H, 2W]
    }
}
