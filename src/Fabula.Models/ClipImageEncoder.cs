// The image tower of OpenAI's CLIP (ViT-B/32 and its kin): how alike two frames are, for choosing keyframes and for judging films.
//
// Paper: "Learning Transferable Visual Models From Natural Language Supervision" (2021). Reference: openai/CLIP @ d05afc4, clip/model.py
// (VisionTransformer). Parity: tests/Fabula.Models.Tests/GoldenTests.cs.
// What makes it differ from a plain ViT: a norm before the blocks, x sigmoid(1.702 x) for GELU, heads always 64 wide.
//
// Shapes: B images; S image side in pixels; L = 1 + (S / patch)^2 tokens; W width; E embedding width.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The image half of the reference's constructor arguments.</summary>
public sealed record ClipImageConfig
{
    /// <summary>Side of the square image, pixels.</summary>
    public int ImageSize { get; init; } = 224;
    public int PatchSize { get; init; } = 32;
    public int Width { get; init; } = 768;
    public int Layers { get; init; } = 12;
    public int EmbedDim { get; init; } = 512;

    /// <summary>Always 64 wide each [model.py CLIP: vision_heads].</summary>
    public int Heads => Width / 64;

    /// <summary>The configuration that a file's shapes imply, opened with <see cref="ClipImageEncoder.Rename"/>.</summary>
    /// <exception cref="CheckpointException">It holds another model.</exception>
    public static ClipImageConfig Of(Weights weights)
    {
        var kernel = weights.ShapeOf("conv1.weight");
        var (width, patch) = kernel is [> 0 and <= 16384 and var w, 3, > 0 and <= 512 and var p, _] ? ((int)w, (int)p)
            : throw new CheckpointException(weights.Source, "conv1.weight", "is not the first layer of CLIP's image tower");
        var grid = Math.Sqrt(Math.Max(1, weights.ShapeOf("positional_embedding").FirstOrDefault() - 1));
        var projection = weights.Has("visual_projection.weight") ? weights.ShapeOf("visual_projection.weight").FirstOrDefault()
            : weights.ShapeOf("proj").LastOrDefault();
        return new()
        {
            ImageSize = (int)Math.Min(4096, grid * patch),
            PatchSize = patch,
            Width = width,
            Layers = Enumerable.Range(0, 257).TakeWhile(i => weights.Has($"transformer.resblocks.{i}.ln_1.weight")).Count(),
            EmbedDim = (int)Math.Clamp(projection, 1, 65536),
        };
    }

    public static readonly ClipImageConfig ViT_B32 = new();
    public static readonly ClipImageConfig ViT_B16 = new() { PatchSize = 16 };
    public static readonly ClipImageConfig ViT_L14 = new() { PatchSize = 14, Width = 1024, Layers = 24, EmbedDim = 768 };
}

/// <summary>The network. Weights are borrowed: they must outlive it.</summary>
public sealed class ClipImageEncoder
{
    readonly Tensor _conv1, _class, _positions, _projection;
    readonly LayerNorm _lnPre, _lnPost;
    readonly ClipImageBlock[] _blocks;
    readonly Device _device;

    public ClipImageConfig Config { get; }

    /// <param name="weights">Under the reference's names without "visual."; open files with <see cref="Rename"/>.</param>
    public ClipImageEncoder(ClipImageConfig config, Weights weights)
    {
        Config = config;
        _device = weights.Device;
        if (weights.Has("visual_projection.weight")) FromTransformers(config, weights);
        var (width, patch, wide) = (config.Width, config.PatchSize, weights.As(DType.F32));
        _conv1 = weights.Get("conv1.weight", width, 3, patch, patch);
        _class = wide.Get("class_embedding", width);
        _positions = wide.Get("positional_embedding", 1 + config.ImageSize / patch * (config.ImageSize / patch), width);
        (_lnPre, _lnPost) = (new LayerNorm(weights["ln_pre"], width, 1e-5), new LayerNorm(weights["ln_post"], width, 1e-5));
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(i => new ClipImageBlock(config, weights["transformer"]["resblocks"][i]))];
        _projection = wide.Get("proj", width, config.EmbedDim);
        weights.EnsureAllUsed();
    }

    /// <summary>
    /// For <see cref="Weights.Open"/>: a file's names to those of this class; the text tower of a whole CLIP is dropped. Takes the
    /// reference's names and Hugging Face's (CLIPModel, CLIPVisionModelWithProjection).
    /// </summary>
    public static string? Rename(string name)
    {
        if (name.StartsWith("visual.", StringComparison.Ordinal)) return name["visual.".Length..];
        if (name == "vision_model.embeddings.position_ids") return null;
        if (TextTower.Any(start => name.StartsWith(start, StringComparison.Ordinal))) return null;
        if (!name.StartsWith("vision_model.", StringComparison.Ordinal)) return name;
        return name["vision_model.".Length..]
            .Replace("embeddings.class_embedding", "class_embedding", StringComparison.Ordinal)
            .Replace("embeddings.patch_embedding.", "conv1.", StringComparison.Ordinal)
            .Replace("embeddings.position_embedding.weight", "positional_embedding", StringComparison.Ordinal)
            .Replace("pre_layrnorm.", "ln_pre.", StringComparison.Ordinal)
            .Replace("post_layernorm.", "ln_post.", StringComparison.Ordinal)
            .Replace("encoder.layers.", "transformer.resblocks.", StringComparison.Ordinal)
            .Replace(".layer_norm", ".ln_", StringComparison.Ordinal)
            .Replace(".self_attn.", ".attn.", StringComparison.Ordinal)
            .Replace(".mlp.fc1.", ".mlp.c_fc.", StringComparison.Ordinal)
            .Replace(".mlp.fc2.", ".mlp.c_proj.", StringComparison.Ordinal);
    }

    static readonly string[] TextTower =
    [
        "transformer.", "token_embedding.", "positional_embedding", "ln_final.", "text_projection", "logit_scale", "input_resolution",
        "context_length", "vocab_size", "text_model.",
    ];

    /// <summary>Features of length 1, so that the dot product of two is their similarity, -1 to 1.</summary>
    /// <param name="images">[B, 3, H, W], 0..1, of one size; stretched to the square, linear, without antialias.</param>
    /// <returns>[B, E] fp32.</returns>
    public Tensor Embed(Tensor images)
    {
        using var scope = TensorScope.Open();
        var pixels = images.To(DType.F32, _device).Clamp(0, 1).ResizeBilinear(Config.ImageSize, Config.ImageSize);
        var features = Forward(Normalize(pixels));
        return scope.Keep(features / features.Norm(-1, keep: true).Clamp(1e-12, double.PositiveInfinity));
    }

    /// <summary>Pixels [B, 3, H, W] in 0..1 to the mean and deviation that every CLIP was trained with.</summary>
    public static Tensor Normalize(Tensor pixels)
    {
        using var scope = TensorScope.Open();
        var mean = Tensor.From([0.48145466f, 0.4578275f, 0.40821073f], 1, 3, 1, 1).To(pixels.Device);
        var deviation = Tensor.From([0.26862954f, 0.26130258f, 0.27577711f], 1, 3, 1, 1).To(pixels.Device);
        return scope.Keep((pixels - mean) / deviation);
    }

    /// <summary>
    /// Pixels [B, 3, H, W] through a convolution without bias whose kernel [W, 3, p, p] is its stride, as a matrix product over unfolded
    /// patches -> [B, H/p W/p, W] fp32, row by row.
    /// </summary>
    internal static Tensor EmbedPatches(Tensor pixels, Tensor kernel)
    {
        using var scope = TensorScope.Open();
        var (b, p) = (pixels.Size(0), kernel.Size(3));
        var (rows, columns) = (pixels.Size(2) / p, pixels.Size(3) / p);
        var whole = pixels.Narrow(2, 0, rows * p).Narrow(3, 0, columns * p);                     // a convolution drops the rest
        var patches = whole.Reshape(b, 3, rows, p, columns, p).Permute(0, 2, 4, 1, 3, 5).Reshape(b, rows * columns, 3 * p * p);
        return scope.Keep(Linear.Apply(patches, kernel.Flatten(1), null).Float());
    }

    /// <summary>Pixels [B, 3, S, S], normalised, to image features [B, E] fp32, not of length 1.</summary>
    public Tensor Forward(Tensor pixels, Trace? trace = null)
    {
        using var scope = TensorScope.Open();
        var x = EmbedPatches(pixels.To(_device), _conv1);                                        // [B, L - 1, W]
        x = Tensor.Cat(1, _class.Expand(x.Size(0), 1, Config.Width), x) + _positions;            // [B, L, W]
        x = _lnPre.Forward(x);
        for (var i = 0; i < _blocks.Length; i++)
        {
            using var inner = TensorScope.Open();
            x = inner.Keep(_blocks[i].Forward(x));
            trace?.Record($"visual.block{i}", x);
        }
        x = _lnPost.Forward(x.Select(1, 0));                                                     // [B, W]
        trace?.Record("visual.ln_post", x);
        return scope.Keep(x.Matmul(_projection));
    }

    /// <summary>Hugging Face keeps q, k and v apart and the projection transposed.</summary>
    static void FromTransformers(ClipImageConfig config, Weights weights)
    {
        weights.As(DType.F32).Derive("proj", ["visual_projection.weight"], parts => parts[0].Transpose(0, 1));
        for (var i = 0; i < config.Layers; i++)
        {
            var attention = weights["transformer"]["resblocks"][i]["attn"];
            foreach (var part in new[] { "weight", "bias" })
                attention.Derive($"in_proj_{part}", [$"q_proj.{part}", $"k_proj.{part}", $"v_proj.{part}"], parts => Tensor.Cat(0, parts));
        }
    }
}

/// <summary>Self-attention and feed-forward, each on a norm of its input and added to it [model.py ResidualAttentionBlock].</summary>
sealed class ClipImageBlock(ClipImageConfig config, Weights weights)
{
    readonly LayerNorm _ln1 = new(weights["ln_1"], config.Width, 1e-5), _ln2 = new(weights["ln_2"], config.Width, 1e-5);
    readonly Tensor _inWeight = weights["attn"].Get("in_proj_weight", 3 * config.Width, config.Width),
        _inBias = weights["attn"].Get("in_proj_bias", 3 * config.Width);
    readonly Linear _out = new(weights["attn"]["out_proj"], config.Width, config.Width);
    readonly Linear _fc = new(weights["mlp"]["c_fc"], config.Width, 4 * config.Width),
        _proj = new(weights["mlp"]["c_proj"], 4 * config.Width, config.Width);

    /// <summary>x [B, L, W] fp32 -> the same.</summary>
    public Tensor Forward(Tensor x)
    {
        var type = _inWeight.DType;
        var qkv = Linear.Apply(_ln1.Forward(x, type), _inWeight, _inBias).Reshape(x.Size(0), x.Size(1), 3, config.Heads, 64);
        var y = Fused.Attention(qkv.Select(2, 0), qkv.Select(2, 1), qkv.Select(2, 2), 0.125);    // [B, L, heads, 64]
        x += _out.Forward(y.Reshape(x.Shape));
        y = _fc.Forward(_ln2.Forward(x, type));                                                  // [B, L, 4 W]
        return x + _proj.Forward(y * (y * 1.702).Sigmoid());
    }
}
