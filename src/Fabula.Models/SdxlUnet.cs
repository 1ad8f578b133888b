// The U-Net of Stable Diffusion XL: noisy latents to the noise in them, with text in its cross-attention. MovieDreamer renders keyframes
// with one that reads a few picture tokens in place of text.
//
// Paper: "SDXL: Improving Latent Diffusion Models for High-Resolution Image Synthesis" (Podell et al. 2023). Reference:
// huggingface/diffusers @ 7f551e2 (v0.25.0), models/unet_2d_condition.py, unet_2d_blocks.py, transformer_2d.py. Parity:
// tests/Fabula.Models.Tests/GoldenTests.cs. Blocks: SdBlocks.cs.
// What makes it differ from Stable Diffusion 1: sizes and a pooled text row join the timestep, transformers of several layers where the
// picture is small and none where it is large, and linear layers in and out of them.
//
// Shapes: B pictures; H, W rows and columns of the latents, h, w of a stage; C channels; S context rows; D their width; E width of time.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>What a checkpoint's U-Net is: the fields of diffusers' config.json.</summary>
public sealed record SdxlUnetConfig
{
    public int InChannels { get; init; } = 4;
    public int OutChannels { get; init; } = 4;
    /// <summary>Channels per stage; each stage but the last halves the sides.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [320, 640, 1280];
    public int LayersPerBlock { get; init; } = 2;
    /// <summary>Blocks of the transformer behind each layer of a stage; 0 for a stage without.</summary>
    public IReadOnlyList<int> TransformerLayers { get; init; } = [0, 2, 10];
    /// <summary>Blocks of the middle's transformer.</summary>
    public int MiddleLayers { get; init; } = 10;
    /// <summary>Heads per stage (the reference's misnamed attention_head_dim).</summary>
    public IReadOnlyList<int> Heads { get; init; } = [5, 10, 20];
    public int ContextDim { get; init; } = 2048;
    /// <summary>Width of the sinusoid of each of the sizes that join the timestep.</summary>
    public int SizeDim { get; init; } = 256;
    /// <summary>Width of the pooled text row and of all sizes' sinusoids together.</summary>
    public int AddedDim { get; init; } = 2816;
    public int Groups { get; init; } = 32;
    public double Eps { get; init; } = 1e-5;

    public int TimeDim => 4 * Widths[0];
    /// <summary>What the sides of the latents are multiples of.</summary>
    public int Stride => 1 << (Widths.Count - 1);

    /// <summary>stabilityai/stable-diffusion-xl-base-1.0.</summary>
    public static readonly SdxlUnetConfig Base = new();

    /// <exception cref="ArgumentException">The numbers do not go together.</exception>
    public void Require()
    {
        Sd.RequireWidths("A U-Net", Widths, LayersPerBlock, Groups);
        if (TransformerLayers.Count != Widths.Count || Heads.Count != Widths.Count)
            throw new ArgumentException($"A U-Net of {Widths.Count} stages has as many heads ({Heads.Count} are given) and numbers of "
                + $"transformer layers ({TransformerLayers.Count}).");
        if (TransformerLayers.Min() < 0 || MiddleLayers < 1 || Heads.Min() < 1
            || Widths.Zip(Heads).Any(pair => pair.First % pair.Second != 0))
            throw new ArgumentException($"Heads {string.Join(", ", Heads)} do not divide the widths {string.Join(", ", Widths)}, or a "
                + "number of transformer layers is below 0.");
        if (Math.Min(InChannels, OutChannels) < 1 || ContextDim < 1 || SizeDim < 2 || SizeDim % 2 != 0 || Widths[0] % 2 != 0
            || AddedDim <= SizeDim || !(Eps > 0))
            throw new ArgumentException($"A U-Net's channels and context are at least 1 wide, its first width and the sinusoids' width "
                + $"({SizeDim}) even and the latter below that of all that is added ({AddedDim}).");
    }
}

/// <summary>The network. Weights are borrowed: they must outlive it. Gradients flow through it where they are enabled.</summary>
public sealed class SdxlUnet
{
    readonly SdTimeEmbedding _timeEmbedding, _addEmbedding;
    readonly Conv _convIn, _convOut;
    readonly List<Stage> _downs = [], _ups = [];
    readonly SdResnet _middle0, _middle1;
    readonly SdxlTransformer _middleAttention;
    readonly GroupNorm _normOut;
    readonly Device _device;

    public SdxlUnetConfig Config { get; }

    /// <param name="weights">Under diffusers' names.</param>
    /// <exception cref="ArgumentException">The configuration does not go together.</exception>
    /// <exception cref="CheckpointException">The weights are not those of this configuration.</exception>
    public SdxlUnet(SdxlUnetConfig config, Weights weights)
    {
        config.Require();
        Config = config;
        _device = weights.Device;
        var (widths, last) = (config.Widths, config.Widths.Count - 1);
        _timeEmbedding = new SdTimeEmbedding(weights["time_embedding"], widths[0], config.TimeDim, config.TimeDim);
        _addEmbedding = new SdTimeEmbedding(weights["add_embedding"], config.AddedDim, config.TimeDim, config.TimeDim);
        _convIn = Sd.Conv3(weights["conv_in"], config.InChannels, widths[0]);
        var width = widths[0];
        var skips = new Stack<int>([width]);                                                     // widths of what the way up meets again
        for (var i = 0; i <= last; i++)
        {
            var block = weights["down_blocks"][i];
            var layers = new List<(SdResnet, SdxlTransformer?)>();
            for (var j = 0; j < config.LayersPerBlock; j++, width = widths[i])
            {
                layers.Add(Layer(block, j, i, width));
                skips.Push(widths[i]);
            }
            if (i < last) skips.Push(width);
            _downs.Add(new(layers, i < last ? new SdDown(block["downsamplers"][0], width, isVae: false) : null, null));
        }
        var middle = weights["mid_block"];
        _middle0 = new SdResnet(middle["resnets"][0], width, width, config.Groups, config.Eps, config.TimeDim);
        _middleAttention = new SdxlTransformer(config, middle["attentions"][0], width, config.MiddleLayers, config.Heads[last]);
        _middle1 = new SdResnet(middle["resnets"][1], width, width, config.Groups, config.Eps, config.TimeDim);
        for (var i = last; i >= 0; i--)
        {
            var block = weights["up_blocks"][last - i];
            var layers = new List<(SdResnet, SdxlTransformer?)>();
            for (var j = 0; j <= config.LayersPerBlock; j++, width = widths[i]) layers.Add(Layer(block, j, i, width + skips.Pop()));
            _ups.Add(new(layers, null, i > 0 ? new SdUp(block["upsamplers"][0], width) : null));
        }
        _normOut = new GroupNorm(weights["conv_norm_out"], width, config.Groups, config.Eps);
        _convOut = Sd.Conv3(weights["conv_out"], width, config.OutChannels);
        weights.EnsureAllUsed();
    }

    (SdResnet, SdxlTransformer?) Layer(Weights block, int layer, int stage, int inputs) =>
        (new SdResnet(block["resnets"][layer], inputs, Config.Widths[stage], Config.Groups, Config.Eps, Config.TimeDim),
            Config.TransformerLayers[stage] == 0 ? null : new SdxlTransformer(Config, block["attentions"][layer], Config.Widths[stage],
                Config.TransformerLayers[stage], Config.Heads[stage]));

    /// <summary>Noisy latents to what the schedule wants: noise.</summary>
    /// <param name="latents">[B, InChannels, H, W], of deviation about 1, sides multiples of <see cref="SdxlUnetConfig.Stride"/>.</param>
    /// <param name="timesteps">[B], in 0..1000.</param>
    /// <param name="context">[B, S, D]: the rows that cross-attention reads.</param>
    /// <param name="pooled">[B, AddedDim - 6 SizeDim]: one row that stands for the whole text.</param>
    /// <param name="sizes">[B, 6]: original height and width, crop's top and left, target height and width, pixels.</param>
    /// <returns>[B, OutChannels, H, W] fp32.</returns>
    /// <exception cref="ArgumentException">A shape does not fit.</exception>
    public Tensor Forward(Tensor latents, Tensor timesteps, Tensor context, Tensor pooled, Tensor sizes, Trace? trace = null)
    {
        latents.Shaped("Latents", -1, Config.InChannels, -1, -1).SidesOf("Latents", Config.Stride);
        var batch = latents.Size(0);
        timesteps.Shaped("Timesteps", batch);
        context.Shaped("Context rows", batch, -1, Config.ContextDim);
        sizes.Shaped("Sizes", batch, -1);
        pooled.Shaped("Pooled rows", batch, Config.AddedDim - sizes.Size(1) * Config.SizeDim);
        using var scope = TensorScope.Open();
        var time = _timeEmbedding.Forward(Sd.Sinusoid(timesteps.To(_device), Config.Widths[0]));  // [B, E]
        trace?.Record("time_embedding", time);
        var sinusoids = Sd.Sinusoid(sizes.To(_device).Flatten(), Config.SizeDim).Reshape(batch, -1);
        var added = _addEmbedding.Forward(Tensor.Cat(1, pooled.To(DType.F32, _device), sinusoids));  // [B, E]
        trace?.Record("add_embedding", added);
        var (emb, rows) = (time + added, context.To(_device));

        var x = _convIn.Forward(latents.To(_device)).Float();                                    // [B, C, H, W]
        trace?.Record("conv_in", x);
        var skips = new Stack<Tensor>([x]);
        for (var i = 0; i < _downs.Count; i++)
        {
            foreach (var ((resnet, attention), j) in _downs[i].Layers.Select((layer, j) => (layer, j)))
            {
                x = resnet.Forward(x, emb);
                if (attention is not null) x = attention.Forward(x, rows);
                if (attention is not null) trace?.Record($"down.{i}.attn.{j}", x);
                skips.Push(x);
            }
            if (_downs[i].Down is { } down) skips.Push(x = down.Forward(x));                     // [B, C, h/2, w/2]
        }
        x = _middle1.Forward(_middleAttention.Forward(_middle0.Forward(x, emb), rows), emb);
        trace?.Record("mid_block", x);
        for (var i = 0; i < _ups.Count; i++)
        {
            using var inner = TensorScope.Open();
            foreach (var (resnet, attention) in _ups[i].Layers)
            {
                x = resnet.Forward(Tensor.Cat(1, x, skips.Pop()), emb);                          // [B, C, h, w]
                if (attention is not null) x = attention.Forward(x, rows);
            }
            x = inner.Keep(_ups[i].Up?.Forward(x) ?? x);                                         // [B, C, 2h, 2w]
            trace?.Record($"up.{i}", x);
        }
        return scope.Keep(_convOut.Forward(_normOut.Forward(x).Silu()).Float());                 // [B, OutChannels, H, W]
    }

    sealed record Stage(List<(SdResnet Resnet, SdxlTransformer? Attention)> Layers, SdDown? Down, SdUp? Up);
}

/// <summary>Transformer blocks over a picture's pixels, added to it [transformer_2d.py].</summary>
sealed class SdxlTransformer(SdxlUnetConfig config, Weights weights, int width, int layers, int heads)
{
    readonly GroupNorm _norm = new(weights["norm"], width, config.Groups, 1e-6);
    readonly Linear _in = new(weights["proj_in"], width, width), _out = new(weights["proj_out"], width, width);
    readonly SdTransformerBlock[] _blocks = [.. Enumerable.Range(0, layers).Select(i =>
        new SdTransformerBlock(weights["transformer_blocks"][i], width, config.ContextDim, heads))];

    /// <summary>x [B, C, h, w] fp32, context [B, S, D] -> x's shape, fp32.</summary>
    public Tensor Forward(Tensor x, Tensor context)
    {
        using var scope = TensorScope.Open();
        var y = _in.Forward(Sd.Tokens(_norm.Forward(x))).Float();                                // [B, h w, C]
        foreach (var block in _blocks) y = block.Forward(y, context);
        return scope.Keep(x + Sd.Images(_out.Forward(y), x.Shape));
    }
}
