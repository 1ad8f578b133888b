// The image tower of Wan 2.1's CLIP (XLM-RoBERTa CLIP, ViT-H/14): what an image-to-video model sees of its start frame.
//
// Papers: "Learning Transferable Visual Models From Natural Language Supervision" (2021); OpenCLIP, "Reproducible scaling laws" (2022).
// Reference: Wan-Video/Wan2.1 @ 9737cba, wan/modules/clip.py (CLIPModel.visual, VisionTransformer). Parity:
// tests/Fabula.Models.Tests/GoldenTests.cs.
// What makes it differ from plain CLIP: all tokens are taken, before the last block; closing norm and projection are stored but unused.
//
// Shapes: B images; S image side in pixels; g patches per side; L = 1 + g g tokens; D width.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The image half of the reference's constructor arguments.</summary>
public sealed record WanClipConfig
{
    /// <summary>Side of the square image, pixels.</summary>
    public int ImageSize { get; init; } = 224;
    public int PatchSize { get; init; } = 14;
    public int Dim { get; init; } = 1280;
    /// <summary>Width of the feed-forward over <see cref="Dim"/>.</summary>
    public double MlpRatio { get; init; } = 4;
    public int Heads { get; init; } = 16;
    public int Layers { get; init; } = 32;
    public double Eps { get; init; } = 1e-5;

    public int HeadDim => Dim / Heads;
    public int MlpDim => (int)(Dim * MlpRatio);

    /// <summary>The tower of all Wan 2.1 image models (models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth).</summary>
    public static readonly WanClipConfig ViT_H14 = new();
}

/// <summary>The network. Weights are borrowed: they must outlive it.</summary>
public sealed class WanClipVision
{
    readonly Tensor _patch, _class, _positions;
    readonly LayerNorm _preNorm;
    readonly WanClipBlock[] _blocks;
    readonly Device _device;

    public WanClipConfig Config { get; }

    /// <param name="weights">Under the reference's names without "visual."; open files with <see cref="Rename"/>.</param>
    public WanClipVision(WanClipConfig config, Weights weights)
    {
        Config = config;
        _device = weights.Device;
        if (weights.Has("class_embedding")) FromTransformers(config, weights);
        var (dim, patch, wide) = (config.Dim, config.PatchSize, weights.As(DType.F32));
        _patch = weights.Get("patch_embedding.weight", dim, 3, patch, patch);
        _class = wide.Get("cls_embedding", 1, 1, dim);
        _positions = wide.Get("pos_embedding", 1, 1 + config.ImageSize / patch * (config.ImageSize / patch), dim);
        _preNorm = new LayerNorm(weights["pre_norm"], dim, config.Eps);
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(i => new WanClipBlock(config, weights["transformer"][i]))];
        foreach (var unused in new[] { "post_norm.weight", "post_norm.bias", "head" }) weights.Ignore(unused);
        weights.EnsureAllUsed();
    }

    /// <summary>
    /// For <see cref="Weights.Open"/>: a file's names to those of this class. Takes the reference's whole CLIP checkpoint, whose text
    /// tower is dropped, and Hugging Face's CLIPVisionModelWithProjection (the image_encoder folder of diffusers).
    /// </summary>
    public static string? Rename(string name)
    {
        if (name is "log_scale" or "vision_model.embeddings.position_ids") return null;
        if (name.StartsWith("textual.", StringComparison.Ordinal)) return null;
        if (name.StartsWith("visual.", StringComparison.Ordinal)) return name["visual.".Length..];
        if (name == "visual_projection.weight") return "head";
        if (!name.StartsWith("vision_model.", StringComparison.Ordinal)) return name;
        return name["vision_model.".Length..]
            .Replace("embeddings.", "", StringComparison.Ordinal)
            .Replace("pre_layrnorm.", "pre_norm.", StringComparison.Ordinal)
            .Replace("post_layernorm.", "post_norm.", StringComparison.Ordinal)
            .Replace("encoder.layers.", "transformer.", StringComparison.Ordinal)
            .Replace(".layer_norm", ".norm", StringComparison.Ordinal)
            .Replace(".self_attn.out_proj.", ".attn.proj.", StringComparison.Ordinal)
            .Replace(".self_attn.", ".attn.", StringComparison.Ordinal)
            .Replace(".mlp.fc1.", ".mlp.0.", StringComparison.Ordinal)
            .Replace(".mlp.fc2.", ".mlp.2.", StringComparison.Ordinal);
    }

    /// <summary>Images to tokens [clip.py CLIPModel.visual].</summary>
    /// <param name="images">Each [3, H, W] in -1..1, of any size.</param>
    /// <returns>[B, L, D] fp32, 257 tokens of 1280 for the real tower.</returns>
    public Tensor Encode(IReadOnlyList<Tensor> images)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(Forward(Preprocess(images)));
    }

    /// <summary>Stretches each image [3, H, W] in -1..1 to the square (cubic, no antialias), then to CLIP's mean and deviation.</summary>
    /// <returns>[B, 3, S, S] fp32.</returns>
    public Tensor Preprocess(IReadOnlyList<Tensor> images)
    {
        using var scope = TensorScope.Open();
        var resized = images.Select(image =>
            image.To(DType.F32, _device).Unsqueeze(0).ResizeBicubic(Config.ImageSize, Config.ImageSize)).ToArray();
        return scope.Keep(ClipImageEncoder.Normalize(Tensor.Cat(0, resized) * 0.5 + 0.5));
    }

    /// <summary>Pixels, normalised, to the tokens after the last but one block.</summary>
    /// <param name="pixels">[B, 3, H, W], sides divisible by the patch; where they are not S, positions are interpolated.</param>
    /// <param name="blocks">Blocks to pass through: all but the last unless told.</param>
    /// <returns>[B, L, D] fp32.</returns>
    public Tensor Forward(Tensor pixels, int? blocks = null, Trace? trace = null)
    {
        using var scope = TensorScope.Open();
        var (batch, rows, columns) = (pixels.Size(0), pixels.Size(2) / Config.PatchSize, pixels.Size(3) / Config.PatchSize);
        var x = ClipImageEncoder.EmbedPatches(pixels.To(_device), _patch);                       // [B, L - 1, D]
        trace?.Record("patch_embedding", x.Transpose(1, 2).Reshape(batch, Config.Dim, rows, columns));
        x = Tensor.Cat(1, _class.Expand(batch, 1, Config.Dim), x);                               // [B, L, D]
        x = _preNorm.Forward(x + Positions(rows, columns));
        trace?.Record("pre_norm", x);
        for (var i = 0; i < (blocks ?? Config.Layers - 1); i++)
        {
            using var inner = TensorScope.Open();
            x = inner.Keep(_blocks[i].Forward(x, i, trace));
            trace?.Record($"block.{i}", x);
        }
        return scope.Keep(x);
    }

    /// <summary>The learned positions; for another grid resized (cubic), the class token's kept [clip.py pos_interpolate].</summary>
    Tensor Positions(long rows, long columns)
    {
        var side = Config.ImageSize / Config.PatchSize;
        if (rows == side && columns == side) return _positions;
        var grid = _positions.Narrow(1, 1, side * side).Reshape(1, side, side, Config.Dim).Permute(0, 3, 1, 2);  // [1, D, g, g]
        return Tensor.Cat(1, _positions.Narrow(1, 0, 1), grid.ResizeBicubic(rows, columns).Flatten(2).Transpose(1, 2));
    }

    /// <summary>Hugging Face keeps q, k and v apart and the class and position tables without a batch dimension.</summary>
    static void FromTransformers(WanClipConfig config, Weights weights)
    {
        var wide = weights.As(DType.F32);
        wide.Derive("cls_embedding", ["class_embedding"], parts => parts[0].Reshape(1, 1, config.Dim));
        wide.Derive("pos_embedding", ["position_embedding.weight"], parts => parts[0].Unsqueeze(0));
        for (var i = 0; i < config.Layers; i++)
        {
            var attention = weights["transformer"][i]["attn"];
            foreach (var part in new[] { "weight", "bias" })
                attention.Derive($"to_qkv.{part}", [$"q_proj.{part}", $"k_proj.{part}", $"v_proj.{part}"], parts => Tensor.Cat(0, parts));
        }
    }
}

/// <summary>Self-attention and feed-forward, each on a norm of its input and added to it [clip.py AttentionBlock].</summary>
sealed class WanClipBlock(WanClipConfig config, Weights weights)
{
    readonly LayerNorm _norm1 = new(weights["norm1"], config.Dim, config.Eps), _norm2 = new(weights["norm2"], config.Dim, config.Eps);
    readonly Linear _qkv = new(weights["attn"]["to_qkv"], config.Dim, 3 * config.Dim),
        _proj = new(weights["attn"]["proj"], config.Dim, config.Dim);
    readonly Linear _mlp0 = new(weights["mlp"][0], config.Dim, config.MlpDim), _mlp2 = new(weights["mlp"][2], config.MlpDim, config.Dim);

    /// <summary>x [B, L, D] fp32 -> the same.</summary>
    public Tensor Forward(Tensor x, int i, Trace? trace)
    {
        var type = _qkv.Weight.DType;
        var qkv = _qkv.Forward(_norm1.Forward(x, type)).Reshape(x.Size(0), x.Size(1), 3, config.Heads, config.HeadDim);
        var y = Fused.Attention(qkv.Select(2, 0), qkv.Select(2, 1), qkv.Select(2, 2), 1 / Math.Sqrt(config.HeadDim));  // [B, L, heads, d]
        y = _proj.Forward(y.Reshape(x.Shape));
        trace?.Record($"block.{i}.attn", y);
        x += y;
        return x + _mlp2.Forward(_mlp0.Forward(_norm2.Forward(x, type)).Gelu());
    }
}
