// The VAE of Stable Video Diffusion: pictures become latents one by one as in SdVae.cs, latents become frames that know their neighbours.
//
// Paper: "Stable Video Diffusion" (Blattmann et al. 2023); "Align your Latents" (2023) for a decoder over time. Reference:
// huggingface/diffusers @ 7f551e2 (v0.25.0), models/autoencoders/autoencoder_kl_temporal_decoder.py, unet_3d_blocks.py. Parity:
// tests/Fabula.Models.Tests/GoldenTests.cs. Blocks: SdBlocks.cs.
//
// Shapes: B clips; T frames, clip after clip in the batch; H, W rows and columns; h, w the same of the latents; z latent channels.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The network. Weights are borrowed: they must outlive it. Gradients flow through it where they are enabled.</summary>
public sealed class SvdVae
{
    readonly SdVaeEncoder _encoder;
    readonly Conv _convIn, _convOut, _timeConvOut;
    readonly SvdResnet[] _middle;
    readonly SdVaeAttention _middleAttention;
    readonly List<(SvdResnet[] Resnets, SdUp? Up)> _ups = [];
    readonly GroupNorm _normOut;

    public SdVaeConfig Config { get; }

    /// <param name="config">As SDXL's; <see cref="SdVaeConfig.Groups"/> is 32 in every such network.</param>
    /// <param name="weights">Under diffusers' names.</param>
    /// <exception cref="ArgumentException">The configuration does not go together.</exception>
    /// <exception cref="CheckpointException">The weights are not those of this configuration.</exception>
    public SvdVae(SdVaeConfig config, Weights weights)
    {
        config.Require();
        if (config.Groups != SvdResnet.Groups)
            throw new ArgumentException($"SVD's VAE has {SvdResnet.Groups} norm groups, not {config.Groups}.");
        if (config.LayersPerBlock > 2) throw new ArgumentException("SVD's VAE has 1 or 2 layers per block: no other is known.");
        Config = config;
        var widths = config.Widths;
        _encoder = new SdVaeEncoder(config, weights);
        var decoder = weights["decoder"];
        var width = widths[^1];
        _convIn = Sd.Conv3(decoder["conv_in"], config.ZDim, width);
        var middle = decoder["mid_block"];
        _middle = [.. Enumerable.Range(0, config.LayersPerBlock).Select(i => Block(middle["resnets"][i], width, width))];
        _middleAttention = new SdVaeAttention(middle["attentions"][0], width, SvdResnet.Groups);
        foreach (var (next, i) in widths.Reverse().Select((next, i) => (next, i)))
        {
            var block = decoder["up_blocks"][i];
            var resnets = new SvdResnet[config.LayersPerBlock + 1];
            for (var j = 0; j < resnets.Length; j++, width = next) resnets[j] = Block(block["resnets"][j], width, next);
            _ups.Add((resnets, i < widths.Count - 1 ? new SdUp(block["upsamplers"][0], next) : null));
        }
        _normOut = new GroupNorm(decoder["conv_norm_out"], width, SvdResnet.Groups, SdVaeEncoder.Eps);
        _convOut = Sd.Conv3(decoder["conv_out"], width, 3);
        _timeConvOut = SvdTimeResnet.OverTime(decoder["time_conv_out"], 3);
        weights.EnsureAllUsed();
    }

    static SvdResnet Block(Weights weights, int inputs, int outputs) => new(weights, inputs, outputs, SdVaeEncoder.Eps, 0, isVae: true);

    /// <inheritdoc cref="SdVae.Encode"/>
    public (Tensor Mean, Tensor LogVariance) Encode(Tensor images) => _encoder.Encode(images);

    /// <summary>Latents to frames.</summary>
    /// <param name="latents">[B T, z, h, w], not scaled.</param>
    /// <param name="frames">T: frames of a clip, which see each other; those of different clips do not.</param>
    /// <returns>[B T, 3, H, W] fp32 in about -1..1, not clamped.</returns>
    /// <exception cref="ArgumentException">The shape does not fit, or the frames do not make whole clips.</exception>
    public Tensor Decode(Tensor latents, int frames)
    {
        latents.Shaped("Latents", -1, Config.ZDim, -1, -1);
        if (frames < 1 || latents.Size(0) % frames != 0)
            throw new ArgumentException($"{latents.Size(0)} latents do not make whole clips of {frames} frames.");
        using var scope = TensorScope.Open();
        var x = _middle[0].Forward(_convIn.Forward(latents), frames);                            // [B T, C, h, w]
        // As the reference: attention stands between two blocks, so a network with one does without.
        if (_middle.Length > 1) x = _middle[1].Forward(_middleAttention.Forward(x), frames);
        foreach (var (resnets, up) in _ups)
        {
            using var inner = TensorScope.Open();
            foreach (var resnet in resnets) x = resnet.Forward(x, frames);
            x = inner.Keep(up?.Forward(x) ?? x);                                                 // [B T, C, 2h, 2w]
        }
        x = _convOut.Forward(_normOut.Forward(x).Silu());                                        // [B T, 3, H, W]
        var clips = _timeConvOut.Forward(SvdTimeResnet.Clips(x, frames));                        // [B, 3, T, H, W]
        return scope.Keep(clips.Transpose(1, 2).Reshape(x.Shape).Float());
    }
}
