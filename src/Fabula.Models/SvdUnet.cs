// The U-Net of Stable Video Diffusion: the noisy latents of a clip, with its first picture beside them, to their velocity.
//
// Paper: "Stable Video Diffusion: Scaling Latent Video Diffusion Models to Large Datasets" (Blattmann et al. 2023). Reference:
// huggingface/diffusers @ 7f551e2 (v0.25.0), models/unet_spatio_temporal_condition.py, unet_3d_blocks.py, transformer_temporal.py. Parity:
// tests/Fabula.Models.Tests/GoldenTests.cs. Blocks: SdBlocks.cs.
// What makes it differ from a picture's U-Net: behind every block on each frame stands one over time at each pixel, and a learned share
// mixes both; the context is one row, CLIP's of the first picture.
//
// Departure: with several clips in one call the reference gives the pixels of one clip the context of another in its temporal attention
// (it was mended in later versions). Here each clip reads its own; with one clip, as recorded, both are the same.
//
// Shapes: B clips; T frames; H, W rows and columns of the latents, h, w of a stage; C channels; S context rows; D their width; E width of
// time.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>What a checkpoint's U-Net is: the fields of diffusers' config.json.</summary>
public sealed record SvdUnetConfig
{
    /// <summary>Channels of the noisy latents and of the picture's together.</summary>
    public int InChannels { get; init; } = 8;
    public int OutChannels { get; init; } = 4;
    /// <summary>Channels per stage, multiples of 32; each stage but the last halves the sides.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [320, 640, 1280, 1280];
    public int LayersPerBlock { get; init; } = 2;
    /// <summary>Whether a stage has transformers.</summary>
    public IReadOnlyList<bool> HasAttention { get; init; } = [true, true, true, false];
    public int TransformerLayers { get; init; } = 1;
    public IReadOnlyList<int> Heads { get; init; } = [5, 10, 20, 20];
    public int ContextDim { get; init; } = 1024;
    /// <summary>Width of the sinusoid of each number that joins the timestep.</summary>
    public int AddedTimeDim { get; init; } = 256;
    /// <summary>Width of all their sinusoids together.</summary>
    public int AddedDim { get; init; } = 768;

    public int TimeDim => 4 * Widths[0];
    /// <summary>What the sides of the latents are multiples of.</summary>
    public int Stride => 1 << (Widths.Count - 1);

    /// <summary>stabilityai/stable-video-diffusion-img2vid-xt (and the one of 14 frames).</summary>
    public static readonly SvdUnetConfig XT = new();

    /// <exception cref="ArgumentException">The numbers do not go together.</exception>
    public void Require()
    {
        Sd.RequireWidths("SVD's U-Net", Widths, LayersPerBlock, SvdResnet.Groups);
        if (HasAttention.Count != Widths.Count || Heads.Count != Widths.Count)
            throw new ArgumentException($"A U-Net of {Widths.Count} stages has as many heads ({Heads.Count} are given) and kinds of "
                + $"stages ({HasAttention.Count}).");
        if (TransformerLayers < 1 || Heads.Min() < 1 || Widths.Zip(Heads).Any(pair => pair.First % pair.Second != 0))
            throw new ArgumentException($"Heads {string.Join(", ", Heads)} do not divide the widths {string.Join(", ", Widths)}, or there "
                + "is no transformer layer.");
        if (Math.Min(InChannels, OutChannels) < 1 || ContextDim < 1 || AddedTimeDim < 2 || AddedTimeDim % 2 != 0
            || AddedDim < AddedTimeDim || AddedDim % AddedTimeDim != 0)
            throw new ArgumentException($"A U-Net's channels and context are at least 1 wide, and what is added to its time ({AddedDim}) "
                + $"is a number of sinusoids of an even width ({AddedTimeDim}).");
    }
}

/// <summary>The network. Weights are borrowed: they must outlive it. Gradients flow through it where they are enabled.</summary>
public sealed class SvdUnet
{
    readonly SdTimeEmbedding _timeEmbedding, _addEmbedding;
    readonly Conv _convIn, _convOut;
    readonly List<Stage> _downs = [], _ups = [];
    readonly SvdResnet _middle0, _middle1;
    readonly SvdTransformer _middleAttention;
    readonly GroupNorm _normOut;
    readonly Device _device;

    public SvdUnetConfig Config { get; }

    /// <param name="weights">Under diffusers' names.</param>
    /// <exception cref="ArgumentException">The configuration does not go together.</exception>
    /// <exception cref="CheckpointException">The weights are not those of this configuration.</exception>
    public SvdUnet(SvdUnetConfig config, Weights weights)
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
            var layers = new List<(SvdResnet, SvdTransformer?)>();
            for (var j = 0; j < config.LayersPerBlock; j++, width = widths[i])
            {
                layers.Add(Layer(block, j, i, width, config.HasAttention[i] ? 1e-6 : 1e-5));
                skips.Push(widths[i]);
            }
            if (i < last) skips.Push(width);
            _downs.Add(new(layers, i < last ? new SdDown(block["downsamplers"][0], width, isVae: false) : null, null));
        }
        var middle = weights["mid_block"];
        _middle0 = new SvdResnet(middle["resnets"][0], width, width, 1e-5, config.TimeDim);
        _middleAttention = new SvdTransformer(config, middle["attentions"][0], width, config.Heads[last]);
        _middle1 = new SvdResnet(middle["resnets"][1], width, width, 1e-5, config.TimeDim);
        for (var i = last; i >= 0; i--)
        {
            var block = weights["up_blocks"][last - i];
            var layers = new List<(SvdResnet, SvdTransformer?)>();
            for (var j = 0; j <= config.LayersPerBlock; j++, width = widths[i]) layers.Add(Layer(block, j, i, width + skips.Pop(), 1e-6));
            _ups.Add(new(layers, null, i > 0 ? new SdUp(block["upsamplers"][0], width) : null));
        }
        _normOut = new GroupNorm(weights["conv_norm_out"], width, SvdResnet.Groups, 1e-5);
        _convOut = Sd.Conv3(weights["conv_out"], width, config.OutChannels);
        weights.EnsureAllUsed();
    }

    (SvdResnet, SvdTransformer?) Layer(Weights block, int layer, int stage, int inputs, double eps) =>
        (new SvdResnet(block["resnets"][layer], inputs, Config.Widths[stage], eps, Config.TimeDim), !Config.HasAttention[stage] ? null
            : new SvdTransformer(Config, block["attentions"][layer], Config.Widths[stage], Config.Heads[stage]));

    /// <summary>Noisy latents of clips to their velocity.</summary>
    /// <param name="latents">
    /// [B, T, InChannels, H, W]: noisy latents of deviation about 1 and, behind them in the channels, the picture's on every frame;
    /// sides are multiples of <see cref="SvdUnetConfig.Stride"/>.
    /// </param>
    /// <param name="timesteps">[B], a quarter of the noise level's logarithm.</param>
    /// <param name="context">[B, S, D]: CLIP's row of the first picture, S = 1.</param>
    /// <param name="added">[B, AddedDim / AddedTimeDim]: frames per second less 1, motion (127), noise on the picture (0.02).</param>
    /// <returns>[B, T, OutChannels, H, W] fp32.</returns>
    /// <exception cref="ArgumentException">A shape does not fit.</exception>
    public Tensor Forward(Tensor latents, Tensor timesteps, Tensor context, Tensor added, Trace? trace = null)
    {
        latents.Shaped("Latents", -1, -1, Config.InChannels, -1, -1).SidesOf("Latents", Config.Stride);
        var (batch, frames) = (latents.Size(0), latents.Size(1));
        timesteps.Shaped("Timesteps", batch);
        context.Shaped("Context rows", batch, -1, Config.ContextDim);
        added.Shaped("Added numbers", batch, Config.AddedDim / Config.AddedTimeDim);
        using var scope = TensorScope.Open();
        var time = _timeEmbedding.Forward(Sd.Sinusoid(timesteps.To(_device), Config.Widths[0]));  // [B, E]
        trace?.Record("time_embedding", time);
        var more = _addEmbedding.Forward(Sd.Sinusoid(added.To(_device).Flatten(), Config.AddedTimeDim).Reshape(batch, -1));
        trace?.Record("add_embedding", more);
        var emb = (time + more).RepeatInterleave((int)frames, 0);                                // [B T, E]
        var rows = context.To(_device);

        var x = _convIn.Forward(latents.To(_device).Flatten(0, 1)).Float();                      // [B T, C, H, W]
        trace?.Record("conv_in", x);
        var skips = new Stack<Tensor>([x]);
        for (var i = 0; i < _downs.Count; i++)
        {
            foreach (var ((resnet, attention), j) in _downs[i].Layers.Select((layer, j) => (layer, j)))
            {
                x = resnet.Forward(x, frames, emb);
                trace?.Record($"down.{i}.resnet.{j}", x);
                if (attention is not null) x = attention.Forward(x, frames, rows);
                if (attention is not null) trace?.Record($"down.{i}.attn.{j}", x);
                skips.Push(x);
            }
            if (_downs[i].Down is { } down) skips.Push(x = down.Forward(x));                     // [B T, C, h/2, w/2]
        }
        x = _middle1.Forward(_middleAttention.Forward(_middle0.Forward(x, frames, emb), frames, rows), frames, emb);
        trace?.Record("mid_block", x);
        foreach (var (layers, _, up) in _ups)
        {
            using var inner = TensorScope.Open();
            foreach (var (resnet, attention) in layers)
            {
                x = resnet.Forward(Tensor.Cat(1, x, skips.Pop()), frames, emb);                  // [B T, C, h, w]
                if (attention is not null) x = attention.Forward(x, frames, rows);
            }
            x = inner.Keep(up?.Forward(x) ?? x);                                                 // [B T, C, 2h, 2w]
        }
        x = _convOut.Forward(_normOut.Forward(x).Silu()).Float();                                // [B T, OutChannels, H, W]
        return scope.Keep(x.Reshape(batch, frames, x.Size(1), x.Size(2), x.Size(3)));
    }

    sealed record Stage(List<(SvdResnet Resnet, SvdTransformer? Attention)> Layers, SdDown? Down, SdUp? Up);
}

/// <summary>
/// Blocks over a frame's pixels, each followed by one over a pixel's frames; a learned share mixes both [transformer_temporal.py
/// TransformerSpatioTemporalModel].
/// </summary>
sealed class SvdTransformer(SvdUnetConfig config, Weights weights, int width, int heads)
{
    readonly GroupNorm _norm = new(weights["norm"], width, SvdResnet.Groups, 1e-6);
    readonly Linear _in = new(weights["proj_in"], width, width), _out = new(weights["proj_out"], width, width);
    readonly SdTransformerBlock[] _spatial = [.. Enumerable.Range(0, config.TransformerLayers).Select(i =>
        new SdTransformerBlock(weights["transformer_blocks"][i], width, config.ContextDim, heads))];
    readonly SvdTimeTransformerBlock[] _temporal = [.. Enumerable.Range(0, config.TransformerLayers).Select(i =>
        new SvdTimeTransformerBlock(weights["temporal_transformer_blocks"][i], width, config.ContextDim, heads))];
    readonly SdTimeEmbedding _position = new(weights["time_pos_embed"], width, 4 * width, width);
    readonly Tensor _mix = weights["time_mixer"].Get("mix_factor", DType.F32, 1);

    /// <summary>x [B T, C, h, w] fp32, context [B, S, D] -> x's shape, fp32.</summary>
    public Tensor Forward(Tensor x, long frames, Tensor context)
    {
        using var scope = TensorScope.Open();
        var (clips, pixels) = (x.Size(0) / frames, x.Size(2) * x.Size(3));
        var perFrame = context.RepeatInterleave((int)frames, 0);                                 // [B T, S, D]
        var perPixel = context.RepeatInterleave((int)pixels, 0);                                 // [B h w, S, D]
        var position = _position.Forward(Sd.Sinusoid(Tensor.Arange(0, frames, DType.F32, x.Device), width)).Unsqueeze(1);  // [T, 1, C]
        var y = _in.Forward(Sd.Tokens(_norm.Forward(x))).Float();                                // [B T, h w, C]
        for (var i = 0; i < _spatial.Length; i++)
        {
            var spatial = _spatial[i].Forward(y, perFrame).Reshape(clips, frames, pixels, width);
            var columns = (spatial + position).Transpose(1, 2).Reshape(clips * pixels, frames, width);
            var temporal = _temporal[i].Forward(columns, perPixel).Reshape(clips, pixels, frames, width).Transpose(1, 2);
            y = SvdResnet.Mix(_mix, false, spatial, temporal).Reshape(y.Shape);
        }
        return scope.Keep(x + Sd.Images(_out.Forward(y), x.Shape));
    }
}

/// <summary>As <see cref="SdTransformerBlock"/>, with a feed-forward before it [attention.py TemporalBasicTransformerBlock].</summary>
sealed class SvdTimeTransformerBlock(Weights weights, int dim, int contextDim, int heads)
{
    readonly LayerNorm _normIn = new(weights["norm_in"], dim, 1e-5);
    readonly SdFeedForward _feedIn = new(weights["ff_in"], dim);
    readonly SdTransformerBlock _block = new(weights, dim, contextDim, heads);

    /// <summary>x [B h w, T, C] fp32, context [B h w, S, D] -> x's shape.</summary>
    public Tensor Forward(Tensor x, Tensor context)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(_block.Forward(x + _feedIn.Forward(_normIn.Forward(x)), context));
    }
}
