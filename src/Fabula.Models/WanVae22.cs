// The Wan 2.2 video VAE of the TI2V-5B model: 48 latent channels, 16x16 pixels and 4 frames each.
//
// Paper: "Wan: Open and Advanced Large-Scale Video Generative Models" (2025); the 2.2 VAE is described in the repository's README only.
// Reference: Wan-Video/Wan2.2 @ 42bf4cf, wan/modules/vae2_2.py. Parity: tests/Fabula.Models.Tests/GoldenTests.cs.
// What it adds to 2.1: patches of 2x2 pixels as channels, a decoder of another width, and around every stage a shortcut that trades
// pixels and frames for channels without weights. How a clip passes group by group, and the layers: WanVae.cs.
//
// Shapes: B clips; T frames; H, W rows and columns of patches; h, w the same of the latents; C channels; z latent channels.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The 2.2 network.</summary>
public sealed class WanVae22 : WanVae
{
    const int Patch = 2, PatchChannels = 3 * Patch * Patch;
    readonly WanVaeLayer _encoderIn, _encoderOut, _decoderIn, _decoderOut;
    readonly List<WanVaeLayer> _downs = [], _encoderMiddle, _decoderMiddle, _ups = [];

    public WanVae22(WanVaeConfig config, Weights weights) : base(config, weights)
    {
        if (!config.IsResidual) throw new ArgumentException("A 2.2 VAE has a decoder width of its own.");
        var (mult, last) = (config.DimMult, config.DimMult.Count - 1);
        var encoder = weights["encoder"];
        _encoderIn = new WanVaeCausalConv(encoder["conv1"], PatchChannels, config.Dim, 3);
        var width = config.Dim;
        for (var i = 0; i <= last; width = config.Dim * mult[i++])
            _downs.Add(new WanVae22Down(encoder["downsamples"][i]["downsamples"], width, config.Dim * mult[i], config.ResBlocks,
                i < last, i < last && config.IsTemporal(i)));
        _encoderMiddle = WanVae21.Middle(encoder["middle"], width);
        _encoderOut = WanVae21.Head(encoder["head"], width, 2 * config.ZDim);

        var decoder = weights["decoder"];
        width = config.DecDim * mult[last];
        _decoderIn = new WanVaeCausalConv(decoder["conv1"], config.ZDim, width, 3);
        _decoderMiddle = WanVae21.Middle(decoder["middle"], width);
        for (var i = last; i >= 0; width = config.DecDim * mult[i--])
            _ups.Add(new WanVae22Up(decoder["upsamples"][last - i]["upsamples"], width, config.DecDim * mult[i], config.ResBlocks + 1,
                i > 0, i > 0 && config.IsTemporal(i - 1)));
        _decoderOut = WanVae21.Head(decoder["head"], width, PatchChannels);
        weights.EnsureAllUsed();
    }

    private protected override Tensor Encoder(Tensor frames, WanVaeCache cache, Trace? trace)
    {
        var x = _encoderIn.Forward(Patchify(frames), cache);                                     // [B, T, C, H, W]
        trace?.Record($"enc.chunk{cache.Groups}.conv1", x.Transpose(1, 2));
        x = WanVaeLayer.Run(_downs, x, cache);                                                   // [B, 1, C, h, w]
        trace?.Record($"enc.chunk{cache.Groups}.downsamples", x.Transpose(1, 2));
        x = WanVaeLayer.Run(_encoderMiddle, x, cache);
        trace?.Record($"enc.chunk{cache.Groups}.middle", x.Transpose(1, 2));
        return _encoderOut.Forward(x, cache);                                                    // [B, 1, 2z, h, w]
    }

    private protected override Tensor Decoder(Tensor latents, WanVaeCache cache, Trace? trace)
    {
        var x = WanVaeLayer.Run(_decoderMiddle, _decoderIn.Forward(latents, cache), cache);      // [B, 1, C, h, w]
        trace?.Record($"dec.chunk{cache.Groups}.middle", x.Transpose(1, 2));
        x = WanVaeLayer.Run(_ups, x, cache);                                                     // [B, T, C, H, W]
        trace?.Record($"dec.chunk{cache.Groups}.upsamples.last", x.Transpose(1, 2));
        return Unpatchify(_decoderOut.Forward(x, cache));                                        // [B, T, 3, 2H, 2W]
    }

    /// <summary>[B, T, 3, 2H, 2W] -> [B, T, 12, H, W]; within a colour the column of the patch counts before its row.</summary>
    static Tensor Patchify(Tensor x) => x
        .Reshape(x.Size(0), x.Size(1), 3, x.Size(3) / Patch, Patch, x.Size(4) / Patch, Patch)    // [B, T, 3, H, row, W, column]
        .Permute(0, 1, 2, 6, 4, 3, 5).Reshape(x.Size(0), x.Size(1), PatchChannels, x.Size(3) / Patch, x.Size(4) / Patch);

    /// <summary>The reverse of <see cref="Patchify"/>.</summary>
    static Tensor Unpatchify(Tensor x) => x
        .Reshape(x.Size(0), x.Size(1), 3, Patch, Patch, x.Size(3), x.Size(4))                    // [B, T, 3, column, row, H, W]
        .Permute(0, 1, 2, 5, 4, 6, 3).Reshape(x.Size(0), x.Size(1), 3, x.Size(3) * Patch, x.Size(4) * Patch);
}

/// <summary>A stage of the encoder, with a shortcut that averages pixels, frames and channels.</summary>
sealed class WanVae22Down : WanVaeLayer
{
    readonly List<WanVaeLayer> _layers = [];
    readonly int _outputs, _space, _time;

    public WanVae22Down(Weights weights, int inputs, int outputs, int blocks, bool halve, bool time)
    {
        (_outputs, _space, _time) = (outputs, halve ? 2 : 1, time ? 2 : 1);
        for (var i = 0; i < blocks; i++) _layers.Add(new WanVaeResBlock(weights[i], i == 0 ? inputs : outputs, outputs));
        if (halve) _layers.Add(new WanVaeDown(weights[blocks], outputs, time));
    }

    public override Tensor Forward(Tensor x, WanVaeCache cache)
    {
        using var scope = TensorScope.Open();
        var y = Run(_layers, x, cache);                                                          // [B, T', out, H', W']
        return scope.Keep(y + Shortcut(x));
    }

    /// <summary>
    /// Each pixel's neighbourhood in time, rows and columns becomes channels, and neighbouring channels are averaged until as many are
    /// left as the stage puts out. A first frame alone is averaged with a zero frame before it.
    /// </summary>
    Tensor Shortcut(Tensor x)
    {
        if (x.Size(1) % _time is not 0 and var odd) x = x.Pad([0, 0, 0, 0, 0, 0, _time - odd, 0]);
        var (batch, frames, channels, rows, columns) = (x.Size(0), x.Size(1) / _time, x.Size(2), x.Size(3) / _space, x.Size(4) / _space);
        return x.Reshape(batch, frames, _time, channels, rows, _space, columns, _space)
            .Permute(0, 1, 3, 2, 5, 7, 4, 6)                                                     // [B, T', C, t, row, column, H', W']
            .Reshape(batch, frames, _outputs, channels * _time * _space * _space / _outputs, rows, columns).Mean(3);
    }
}

/// <summary>A stage of the decoder; where it doubles the picture, with a shortcut that repeats channels into pixels and frames.</summary>
sealed class WanVae22Up : WanVaeLayer
{
    readonly List<WanVaeLayer> _layers = [];
    readonly int _outputs, _time;
    readonly bool _double;

    public WanVae22Up(Weights weights, int inputs, int outputs, int blocks, bool doubled, bool time)
    {
        (_outputs, _double, _time) = (outputs, doubled, time ? 2 : 1);
        for (var i = 0; i < blocks; i++) _layers.Add(new WanVaeResBlock(weights[i], i == 0 ? inputs : outputs, outputs));
        if (doubled) _layers.Add(new WanVaeUp(weights[blocks], outputs, outputs, time));
    }

    public override Tensor Forward(Tensor x, WanVaeCache cache)
    {
        using var scope = TensorScope.Open();
        var y = Run(_layers, x, cache);                                                          // [B, T', out, H', W']
        return scope.Keep(_double ? y + Shortcut(x, cache.IsFirst) : y);
    }

    /// <summary>Repeated channels become the doubled pixels and frames; of a clip's first frame only the last copy stays.</summary>
    Tensor Shortcut(Tensor x, bool first)
    {
        var (batch, frames, channels, rows, columns) = (x.Size(0), x.Size(1), x.Size(2), x.Size(3), x.Size(4));
        var y = x.RepeatInterleave((int)(_outputs * _time * 4 / channels), 2)
            .Reshape(batch, frames, _outputs, _time, 2, 2, rows, columns)                        // [B, T, out, t, row, column, H, W]
            .Permute(0, 1, 3, 2, 6, 4, 7, 5).Reshape(batch, frames * _time, _outputs, 2 * rows, 2 * columns);
        return first ? y.Narrow(1, _time - 1, y.Size(1) - _time + 1) : y;
    }
}
