// The image VAE of Stable Diffusion and SDXL: a picture to latents of an eighth of its sides, and back.
//
// Paper: "High-Resolution Image Synthesis with Latent Diffusion Models" (Rombach et al. 2022); SDXL (2023) taught it anew.
// Reference: huggingface/diffusers @ 7f551e2 (v0.25.0), models/autoencoders/autoencoder_kl.py, vae.py. Parity:
// tests/Fabula.Models.Tests/GoldenTests.cs. Blocks: SdBlocks.cs. The encoder is Stable Video Diffusion's too (SvdVae.cs).
//
// Shapes: B pictures; H, W rows and columns; h, w the same of the latents; C channels; z latent channels.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>What a checkpoint's VAE is: the fields of diffusers' config.json.</summary>
public sealed record SdVaeConfig
{
    /// <summary>Channels per stage, from the picture inwards; each stage but the last halves the sides.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [128, 256, 512, 512];
    public int LayersPerBlock { get; init; } = 2;
    public int ZDim { get; init; } = 4;
    public int Groups { get; init; } = 32;
    /// <summary>What latents are multiplied with before a U-Net sees them; this network does not.</summary>
    public double ScalingFactor { get; init; } = 0.18215;

    /// <summary>Pixels per latent, along each side.</summary>
    public int Stride => 1 << (Widths.Count - 1);

    /// <summary>stabilityai/sdxl-vae; Stable Diffusion 1 and 2 differ in the scaling factor only.</summary>
    public static readonly SdVaeConfig Sdxl = new() { ScalingFactor = 0.13025 };

    /// <exception cref="ArgumentException">The numbers do not go together.</exception>
    public void Require()
    {
        Sd.RequireWidths("A VAE", Widths, LayersPerBlock, Groups);
        if (ZDim < 1) throw new ArgumentException("A VAE has at least 1 latent channel.");
    }
}

/// <summary>The network. Weights are borrowed: they must outlive it. Gradients flow through it where they are enabled.</summary>
public sealed class SdVae
{
    readonly SdVaeEncoder _encoder;
    readonly Conv _postQuant, _convIn, _convOut;
    readonly SdResnet _middle0, _middle1;
    readonly SdVaeAttention _middleAttention;
    readonly List<(SdResnet[] Resnets, SdUp? Up)> _ups = [];
    readonly GroupNorm _normOut;

    public SdVaeConfig Config { get; }

    /// <param name="weights">Under diffusers' names; open files with <see cref="Rename"/> to take its older names too.</param>
    /// <exception cref="ArgumentException">The configuration does not go together.</exception>
    /// <exception cref="CheckpointException">The weights are not those of this configuration.</exception>
    public SdVae(SdVaeConfig config, Weights weights)
    {
        config.Require();
        Config = config;
        var (groups, widths) = (config.Groups, config.Widths);
        _encoder = new SdVaeEncoder(config, weights);
        _postQuant = new Conv(weights["post_quant_conv"], config.ZDim, config.ZDim, [1, 1]);
        var decoder = weights["decoder"];
        var width = widths[^1];
        _convIn = Sd.Conv3(decoder["conv_in"], config.ZDim, width);
        var middle = decoder["mid_block"];
        _middle0 = new SdResnet(middle["resnets"][0], width, width, groups, SdVaeEncoder.Eps);
        _middleAttention = new SdVaeAttention(middle["attentions"][0], width, groups);
        _middle1 = new SdResnet(middle["resnets"][1], width, width, groups, SdVaeEncoder.Eps);
        foreach (var (next, i) in widths.Reverse().Select((next, i) => (next, i)))
        {
            var block = decoder["up_blocks"][i];
            var resnets = new SdResnet[config.LayersPerBlock + 1];
            for (var j = 0; j < resnets.Length; j++, width = next)
                resnets[j] = new SdResnet(block["resnets"][j], width, next, groups, SdVaeEncoder.Eps);
            _ups.Add((resnets, i < widths.Count - 1 ? new SdUp(block["upsamplers"][0], next) : null));
        }
        _normOut = new GroupNorm(decoder["conv_norm_out"], width, groups, SdVaeEncoder.Eps);
        _convOut = Sd.Conv3(decoder["conv_out"], width, 3);
        weights.EnsureAllUsed();
    }

    /// <summary>For <see cref="Weights.Open"/>: the names that attention had in diffusers before 0.15, to today's.</summary>
    public static string? Rename(string name) => !name.Contains(".attentions.", StringComparison.Ordinal) ? name
        : name.Replace(".query.", ".to_q.", StringComparison.Ordinal).Replace(".key.", ".to_k.", StringComparison.Ordinal)
            .Replace(".value.", ".to_v.", StringComparison.Ordinal).Replace(".proj_attn.", ".to_out.0.", StringComparison.Ordinal);

    /// <summary>Pictures to the mean and the logarithm of the variance of their latents.</summary>
    /// <param name="images">[B, 3, H, W] in -1..1, sides multiples of <see cref="SdVaeConfig.Stride"/>.</param>
    /// <returns>Each [B, z, h, w] fp32, not scaled; the logarithm in -30..20.</returns>
    /// <exception cref="ArgumentException">The shape does not fit.</exception>
    public (Tensor Mean, Tensor LogVariance) Encode(Tensor images) => _encoder.Encode(images);

    /// <summary>Latents to pictures.</summary>
    /// <param name="latents">[B, z, h, w], not scaled.</param>
    /// <returns>[B, 3, H, W] fp32 in about -1..1, not clamped.</returns>
    /// <exception cref="ArgumentException">The shape does not fit.</exception>
    public Tensor Decode(Tensor latents)
    {
        latents.Shaped("Latents", -1, Config.ZDim, -1, -1);
        using var scope = TensorScope.Open();
        var x = _convIn.Forward(_postQuant.Forward(latents)).Float();                            // [B, C, h, w]
        x = _middle1.Forward(_middleAttention.Forward(_middle0.Forward(x)));
        foreach (var (resnets, up) in _ups)
        {
            using var inner = TensorScope.Open();
            foreach (var resnet in resnets) x = resnet.Forward(x);
            x = inner.Keep(up?.Forward(x) ?? x);                                                 // [B, C, 2h, 2w]
        }
        return scope.Keep(_convOut.Forward(_normOut.Forward(x).Silu()).Float());                 // [B, 3, H, W]
    }
}

/// <summary>Pictures to moments [vae.py Encoder, and quant_conv behind it].</summary>
sealed class SdVaeEncoder
{
    public const double Eps = 1e-6;
    readonly SdVaeConfig _config;
    readonly Conv _convIn, _convOut, _quant;
    readonly List<(SdResnet[] Resnets, SdDown? Down)> _downs = [];
    readonly SdResnet _middle0, _middle1;
    readonly SdVaeAttention _middleAttention;
    readonly GroupNorm _normOut;

    /// <param name="weights">The whole VAE's: "encoder" and "quant_conv" are taken.</param>
    public SdVaeEncoder(SdVaeConfig config, Weights weights)
    {
        _config = config;
        var (encoder, groups, width) = (weights["encoder"], config.Groups, config.Widths[0]);
        _convIn = Sd.Conv3(encoder["conv_in"], 3, width);
        foreach (var (next, i) in config.Widths.Select((next, i) => (next, i)))
        {
            var block = encoder["down_blocks"][i];
            var resnets = new SdResnet[config.LayersPerBlock];
            for (var j = 0; j < resnets.Length; j++, width = next)
                resnets[j] = new SdResnet(block["resnets"][j], width, next, groups, Eps);
            _downs.Add((resnets, i < config.Widths.Count - 1 ? new SdDown(block["downsamplers"][0], next, isVae: true) : null));
        }
        var middle = encoder["mid_block"];
        _middle0 = new SdResnet(middle["resnets"][0], width, width, groups, Eps);
        _middleAttention = new SdVaeAttention(middle["attentions"][0], width, groups);
        _middle1 = new SdResnet(middle["resnets"][1], width, width, groups, Eps);
        _normOut = new GroupNorm(encoder["conv_norm_out"], width, groups, Eps);
        _convOut = Sd.Conv3(encoder["conv_out"], width, 2 * config.ZDim);
        _quant = new Conv(weights["quant_conv"], 2 * config.ZDim, 2 * config.ZDim, [1, 1]);
    }

    public (Tensor Mean, Tensor LogVariance) Encode(Tensor images)
    {
        images.Shaped("Pictures", -1, 3, -1, -1).SidesOf("Pictures", _config.Stride);
        using var scope = TensorScope.Open();
        var x = _convIn.Forward(images).Float();                                                 // [B, C, H, W]
        foreach (var (resnets, down) in _downs)
        {
            using var inner = TensorScope.Open();
            foreach (var resnet in resnets) x = resnet.Forward(x);
            x = inner.Keep(down?.Forward(x) ?? x);                                               // [B, C, H/2, W/2]
        }
        x = _middle1.Forward(_middleAttention.Forward(_middle0.Forward(x)));
        var moments = _quant.Forward(_convOut.Forward(_normOut.Forward(x).Silu())).Float();      // [B, 2z, h, w]
        return (scope.Keep(moments.Narrow(1, 0, _config.ZDim).Contiguous()),
            scope.Keep(moments.Narrow(1, _config.ZDim, _config.ZDim).Clamp(-30, 20)));
    }
}

/// <summary>All pixels attend to all, with one head, added to the input.</summary>
sealed class SdVaeAttention(Weights weights, int channels, int groups)
{
    readonly GroupNorm _norm = new(weights["group_norm"], channels, groups, SdVaeEncoder.Eps);
    readonly SdAttention _attention = new(weights, channels, channels, 1, bias: true);

    /// <summary>x [B, C, h, w] fp32 -> the same.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(x + Sd.Images(_attention.Forward(Sd.Tokens(_norm.Forward(x))), x.Shape));
    }
}
