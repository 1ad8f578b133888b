// The Wan 2.1 video VAE, which the 14B models of 2.2 use too: 16 latent channels, 8x8 pixels and 4 frames each.
//
// Paper: "Wan: Open and Advanced Large-Scale Video Generative Models" (2025), section 4.1. Reference: Wan-Video/Wan2.1 @ 9737cba,
// wan/modules/vae.py. Parity: tests/Fabula.Models.Tests/GoldenTests.cs. How a clip passes group by group, and the layers: WanVae.cs.
//
// Shapes: B clips; T frames; H, W rows and columns; h, w the same of the latents; C channels; z latent channels.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The 2.1 network: residual blocks per stage, down or up between stages, attention in the middle.</summary>
public sealed class WanVae21 : WanVae
{
    readonly WanVaeLayer _encoderIn, _encoderOut, _decoderIn, _decoderOut;
    readonly List<WanVaeLayer> _downs = [], _encoderMiddle, _decoderMiddle, _ups = [];

    public WanVae21(WanVaeConfig config, Weights weights) : base(config, weights)
    {
        if (config.IsResidual) throw new ArgumentException("A VAE with a decoder width of its own is a 2.2 VAE.");
        var (dim, mult, last) = (config.Dim, config.DimMult, config.DimMult.Count - 1);
        var encoder = weights["encoder"];
        _encoderIn = new WanVaeCausalConv(encoder["conv1"], 3, dim, 3);
        var (width, scale) = (dim, 1.0);
        for (var i = 0; i <= last; i++)
        {
            for (var block = 0; block < config.ResBlocks; block++, width = dim * mult[i])
                AddBlock(_downs, encoder["downsamples"], width, dim * mult[i], scale);
            if (i == last) break;
            _downs.Add(new WanVaeDown(encoder["downsamples"][_downs.Count], width, config.IsTemporal(i)));
            scale /= 2;
        }
        _encoderMiddle = Middle(encoder["middle"], width);
        _encoderOut = Head(encoder["head"], width, 2 * config.ZDim);

        var decoder = weights["decoder"];
        width = dim * mult[last];
        _decoderIn = new WanVaeCausalConv(decoder["conv1"], config.ZDim, width, 3);
        _decoderMiddle = Middle(decoder["middle"], width);
        scale = Math.Pow(2, 1 - last);                                                           // 1 before the last doubling
        for (var i = last; i >= 0; i--)
        {
            for (var block = 0; block <= config.ResBlocks; block++, width = dim * mult[i])
                AddBlock(_ups, decoder["upsamples"], width, dim * mult[i], scale);
            if (i == 0) break;
            _ups.Add(new WanVaeUp(decoder["upsamples"][_ups.Count], width, width / 2, config.IsTemporal(i - 1)));
            width /= 2;
            scale *= 2;
        }
        _decoderOut = Head(decoder["head"], width, 3);
        weights.EnsureAllUsed();
    }

    private protected override Tensor Encoder(Tensor frames, WanVaeCache cache, Trace? trace)
    {
        var x = _encoderIn.Forward(frames, cache);                                               // [B, T, C, H, W]
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
        return _decoderOut.Forward(x, cache);                                                    // [B, T, 3, H, W]
    }

    void AddBlock(List<WanVaeLayer> layers, Weights weights, int inputs, int outputs, double scale)
    {
        layers.Add(new WanVaeResBlock(weights[layers.Count], inputs, outputs));
        if (Config.AttnScales.Contains(scale)) layers.Add(new WanVaeAttention(weights[layers.Count], outputs));
    }

    internal static List<WanVaeLayer> Middle(Weights weights, int width) =>
    [
        new WanVaeResBlock(weights[0], width, width),
        new WanVaeAttention(weights[1], width),
        new WanVaeResBlock(weights[2], width, width),
    ];

    internal static WanVaeLayer Head(Weights weights, int width, int outputs) =>
        new WanVaeCausalConv(weights[2], width, outputs, 3, new WanVaeNorm(weights[0], width, 1, 1, 1));
}
