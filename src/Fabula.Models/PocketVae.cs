// The pocket models' video VAE: Wan 2.1's geometry (8 x 8 pixels and 4 frames to a latent), small enough to learn and run on two cores.
//
// Ours; it goes group by group through the same caches as WanVae.cs. Convolutions are 2-D; over time there are only products of a frame
// with the frames before it, so that time folds into the batch ((2+1)-D as in "A Closer Look at Spatiotemporal Convolutions", Tran et al.
// 2018). Pictures are folded and unfolded (space to depth) instead of strided. Beside the network runs a plain linear map from each block
// of
// pixels to its latents and back, which begins as the principal components of such blocks: the network only has to learn what no linear
// map can do. A decoded group of frames sees the frame before it and chooses, pixel by pixel, how much of it to keep: what stands still
// stays sharp, whatever the latents can carry. Why not Wan's own network at a small width: docs/LOG.md.
// The posterior has a fixed deviation (Ghosh et al., "From Variational to Deterministic Autoencoders", 2020), so only means are made.
//
// Shapes: B clips; T frames; H, W rows and columns of the layer; C channels. Inside, activations are [B, T, H, W, C].
using Fabula.Torch;

namespace Fabula.Models;

public sealed class PocketVae : WanVae
{
    readonly PocketConv _encoderIn, _encoderOut, _decoderIn, _decoderPast, _decoderHalf, _decoderOut;
    readonly PocketConv[] _down, _up;
    readonly PocketBlock[] _encoder, _decoder;
    readonly PocketBlock _encoderLast, _decoderFirst, _decoderSecond;
    readonly PocketTime[] _encoderTime, _decoderTime, _halve, _double;
    readonly Linear _toFirst, _toGroup, _fromFirst, _fromGroup;

    public PocketVae(WanVaeConfig config, Weights weights) : base(config, weights)
    {
        if (!config.IsPocket || config.DimMult.Count != 3 || config.TemporalStride != 4)
            throw new ArgumentException("A pocket VAE has three widths and halves time between them.");
        int[] wide = [.. config.DimMult.Select(times => config.Dim * times)], tall = [.. config.DimMult.Select(times =>
            config.DecDim * times)];
        var encoder = weights["encoder"];
        _encoderIn = new(encoder["in"], 48, wide[0]);
        _encoder = [.. wide.Select((width, i) => new PocketBlock(encoder["blocks"][i], width))];
        _down = [new(encoder["down"][0], 4 * wide[0], wide[1], 1), new(encoder["down"][1], wide[1], wide[2], 1)];
        _encoderTime = [new(encoder["time"][0], wide[1]), new(encoder["time"][1], wide[2])];
        _halve = [new(encoder["halve"][0], wide[1]), new(encoder["halve"][1], wide[2])];
        _encoderLast = new(encoder["blocks"][3], wide[2]);
        _encoderOut = new(encoder["out"], wide[2], config.ZDim, 1);
        (_toFirst, _toGroup) = (new(encoder["first"], Block, config.ZDim), new(encoder["group"], 4 * Block, config.ZDim));

        var decoder = weights["decoder"];
        _decoderIn = new(decoder["in"], config.ZDim, tall[2]);
        _decoderFirst = new(decoder["blocks"][3], tall[2]);
        _decoder = [.. tall.Select((width, i) => new PocketBlock(decoder["blocks"][i], width))];
        _decoderSecond = new(decoder["blocks"][4], tall[1]);
        _decoderTime = [new(decoder["time"][0], tall[1]), new(decoder["time"][1], tall[2])];
        _double = [new(decoder["double"][0], tall[1], 2), new(decoder["double"][1], tall[2], 2)];
        _up = [new(decoder["up"][0], tall[0], 4 * (tall[0] / 2), 1), new(decoder["up"][1], tall[1], 4 * tall[0], 1),
            new(decoder["up"][2], tall[2], tall[1], 1)];
        _decoderHalf = new(decoder["half"], tall[0] / 2, tall[0] / 2);
        _decoderPast = new(decoder["past"], 48, tall[0]);
        _decoderOut = new(decoder["out"], tall[0] / 2, 4 * (3 + 1));
        (_fromFirst, _fromGroup) = (new(decoder["first"], config.ZDim, Block), new(decoder["group"], config.ZDim, 4 * Block));
        weights.EnsureAllUsed();
    }

    /// <summary>Numbers in the block of pixels that one latent stands for, in one frame.</summary>
    public const int Block = 8 * 8 * 3;

    /// <summary>Frames [B, T, 3, H, W] as blocks [B, h, w, T 192]: what the linear maps read and write.</summary>
    public static Tensor Blocks(Tensor frames)
    {
        using var scope = TensorScope.Open();
        var x = Fold(frames.Permute(0, 1, 3, 4, 2), 8);                                          // [B, T, h, w, 192]
        return scope.Keep(x.Permute(0, 2, 3, 1, 4).Flatten(3));
    }

    private protected override Tensor Encoder(Tensor frames, WanVaeCache cache, Trace? trace)
    {
        var linear = (cache.IsFirst ? _toFirst : _toGroup).Forward(Blocks(frames)).Unsqueeze(1);     // [B, 1, h, w, z]
        var x = Fold(frames.Permute(0, 1, 3, 4, 2), 4);                                          // [B, T, H/4, W/4, 48]
        x = _encoder[0].Forward(_encoderIn.Forward(x));
        x = _encoder[1].Forward(_down[0].Forward(Fold(x, 2)));                                   // [B, T, H/8, W/8, C]
        x = _halve[0].Halve(_encoderTime[0].Mix(x, cache), cache);                               // [B, T/2, ...]
        x = _encoder[2].Forward(_down[1].Forward(x));                                            // [B, T/2, h, w, C]
        x = _encoderTime[1].Mix(_halve[1].Halve(x, cache), cache);                               // [B, T/4, ...]
        return (_encoderOut.Forward(_encoderLast.Forward(x)) + linear).Permute(0, 1, 4, 2, 3);   // [B, 1, z, h, w]
    }

    private protected override Tensor Decoder(Tensor latents, WanVaeCache cache, Trace? trace)
    {
        var z = latents.Permute(0, 1, 3, 4, 2);                                                  // [B, 1, h, w, z]
        var linear = (cache.IsFirst ? _fromFirst : _fromGroup).Forward(z.Squeeze(1));            // [B, h, w, T 192]
        var (batch, rows, columns) = (z.Size(0), z.Size(2), z.Size(3));
        linear = Unfold(linear.Reshape(batch, rows, columns, -1, Block).Permute(0, 3, 1, 2, 4), 8); // [B, T, 8h, 8w, 3]
        var x = _decoderFirst.Forward(_decoderIn.Forward(z));                                    // [B, 1, h, w, C]
        x = _double[1].Double(_decoder[2].Forward(_decoderTime[1].Mix(x, cache)), cache);
        x = _decoder[1].Forward(_up[2].Forward(x));                                              // [B, 2, h, w, C]
        x = _decoderSecond.Forward(_double[0].Double(_decoderTime[0].Mix(x, cache), cache));     // [B, 4, h, w, C]
        x = Unfold(_up[1].Forward(x), 2);                                                        // [B, 4, 2h, 2w, C]
        var past = cache.Past(this);                                                             // [B, 1, 8h, 8w, 3]
        if (past is not null) x += _decoderPast.Forward(Fold(past, 4));
        x = _decoder[0].Forward(x);
        x = Unfold(_up[0].Forward(x), 2);                                                        // [B, 4, 4h, 4w, C/2]
        x += _decoderHalf.Forward(x.Silu()).Silu();
        x = Unfold(_decoderOut.Forward(x), 2);                                                   // [B, 4, 8h, 8w, 3 + 1]
        var frames = x.Narrow(4, 0, 3) + linear;
        if (past is not null) frames += (past - frames) * x.Narrow(4, 3, 1).Sigmoid();
        cache.Remember(this, frames.Narrow(1, frames.Size(1) - 1, 1).Clamp(-1, 1));
        return frames.Permute(0, 1, 4, 2, 3);                                                    // [B, 4, 3, 8h, 8w]
    }

    /// <summary>Space to depth: [B, T, H, W, C] -> [B, T, H/n, W/n, n n C].</summary>
    static Tensor Fold(Tensor x, long n)
    {
        var (b, t, h, w, c) = (x.Size(0), x.Size(1), x.Size(2) / n, x.Size(3) / n, x.Size(4));
        return x.Reshape(b, t, h, n, w, n, c).Permute(0, 1, 2, 4, 3, 5, 6).Reshape(b, t, h, w, n * n * c);
    }

    /// <summary>Depth to space, the reverse.</summary>
    static Tensor Unfold(Tensor x, long n)
    {
        var (b, t, h, w, c) = (x.Size(0), x.Size(1), x.Size(2), x.Size(3), x.Size(4) / (n * n));
        return x.Reshape(b, t, h, w, n, n, c).Permute(0, 1, 2, 4, 3, 5, 6).Reshape(b, t, h * n, w * n, c);
    }
}

/// <summary>A convolution within each frame, over [B, T, H, W, C]; the kernel is 3 x 3 or 1 x 1.</summary>
sealed class PocketConv(Weights weights, long inputs, long outputs, int kernel = 3)
{
    static readonly Op Conv2d = new("aten::conv2d");
    readonly Tensor _weight = weights.Get("weight", outputs, inputs, kernel, kernel), _bias = weights.Get("bias", outputs);

    public Tensor Forward(Tensor x)
    {
        if (kernel == 1) return Linear.Apply(x, _weight.Flatten(1), _bias);
        var frames = x.To(_weight.DType).Flatten(0, 1).Permute(0, 3, 1, 2);                      // channels last, which oneDNN likes
        var y = Conv2d.Call(frames, _weight, _bias, new long[] { 1, 1 }, new long[] { 1, 1 });
        return y.Permute(0, 2, 3, 1).Reshape(x.Size(0), x.Size(1), x.Size(2), x.Size(3), outputs);
    }
}

/// <summary>x + conv(silu(conv(silu(norm(x))))).</summary>
sealed class PocketBlock(Weights weights, long width)
{
    readonly PocketNorm _norm = new(weights["norm"], width);
    readonly PocketConv _conv1 = new(weights["conv1"], width, width), _conv2 = new(weights["conv2"], width, width);

    public Tensor Forward(Tensor x)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(x + _conv2.Forward(_conv1.Forward(_norm.Forward(x).Silu()).Silu()));
    }
}

/// <summary>Layer norm over the channels of each pixel.</summary>
sealed class PocketNorm(Weights weights, long width)
{
    static readonly Op LayerNorm = new("aten::layer_norm");
    readonly Tensor _weight = weights.Get("weight", width), _bias = weights.Get("bias", width);

    public Tensor Forward(Tensor x) => LayerNorm.Call(x.Float(), new[] { width }, _weight.Float(), _bias.Float(), 1e-5).To(_weight.DType);
}

/// <summary>
/// Over time: a frame with the frames before it. Before the first frame stands the first frame. Halve and Double change the rate as Wan's
/// VAE does: 1 + 2n frames and 1 + n.
/// </summary>
sealed class PocketTime(Weights weights, long width, int rate = 1)
{
    readonly PocketNorm _norm = new(weights["norm"], width);
    readonly PocketConv _conv = new(weights["conv"], (rate == 1 ? 3 : 2) * width, rate * width, 1);

    /// <summary>x + conv of a frame and the two before it.</summary>
    public Tensor Mix(Tensor x, WanVaeCache cache)
    {
        var h = _norm.Forward(x).Silu();
        var all = WithPast(h, 2, cache);                                                         // [B, 2 + T, ...]
        var frames = x.Size(1);
        return x + _conv.Forward(Tensor.Cat(-1, h, all.Narrow(1, 1, frames), all.Narrow(1, 0, frames)));
    }

    /// <summary>Of each two frames and the one before them, one: the first frame alone gives one.</summary>
    public Tensor Halve(Tensor x, WanVaeCache cache)
    {
        var h = _norm.Forward(x);
        if (cache.IsFirst)
        {
            cache.Remember(this, h.Clone());
            return x + _conv.Forward(Tensor.Cat(-1, h, h, h));
        }
        var all = WithPast(h, 1, cache);                                                         // [B, 1 + T, ...]
        var frames = x.Size(1);
        var joined = Tensor.Cat(-1, all.Slice(1, 0, frames, 2), all.Slice(1, 1, frames + 1, 2), all.Slice(1, 2, frames + 1, 2));
        return x.Slice(1, 1, frames, 2) + _conv.Forward(joined);
    }

    /// <summary>Of each frame and the one before it, two; of the first, one.</summary>
    public Tensor Double(Tensor x, WanVaeCache cache)
    {
        var first = cache.IsFirst;
        var h = _norm.Forward(x);
        var all = WithPast(h, 1, cache);
        var two = _conv.Forward(Tensor.Cat(-1, h, all.Narrow(1, 0, x.Size(1))));                 // [B, T, H, W, 2 C]
        var (b, t, rows, columns) = (x.Size(0), x.Size(1), x.Size(2), x.Size(3));
        two = two.Reshape(b, t, rows, columns, 2, width).Permute(0, 1, 4, 2, 3, 5).Reshape(b, 2 * t, rows, columns, width)
            + x.RepeatInterleave(2, 1);
        return first ? two.Narrow(1, 1, 2 * t - 1) : two;
    }

    Tensor WithPast(Tensor h, int count, WanVaeCache cache)
    {
        var past = cache.Past(this) ?? h.Narrow(1, 0, 1).RepeatInterleave(count, 1);
        var all = Tensor.Cat(1, past, h);
        cache.Remember(this, all.Narrow(1, all.Size(1) - count, count).Clone());
        return all;
    }
}
