// MovieDreamer's keyframe tokenizer: a picture to two tokens, and two tokens to the picture again. The compressor is here; its other half,
// the diffusion decoder, in KeyframeRenderer.cs.
//
// Paper: "MovieDreamer: Hierarchical Generation for Coherent Long Visual Sequence" (2024), section 3.2, appendix A, figure 8. No code was
// published; nothing here is a port. Kept from it: the features of a frozen image encoder; three transformer blocks over places; places and
// channels change roles and a linear layer leaves two of the places; three blocks over what is left.
// Pocket size: the frozen image encoder is the pocket VAE, whose latents in patches are the features, and the decoder is a small
// WanTransformer over the same latents, where the paper has CLIP and SDXL's U-Net.
//
// What the paper does not say and is a choice here: width, heads and norms of the blocks (before each half, as in ViT); learned positions,
// since patches of latents do not know where they are; the tokens' width; and that the tokens end in a norm without scale, so that the
// planner learns vectors of mean 0 and deviation 1 however far the training has come.
//
// Not the paper's, an option (Drafts): beside the compressor runs a linear map from the picture to its principal components, and beside the
// renderer a sketch of the picture is made of the tokens (KeyframeSketch.cs), which the decoder sees as a draft. What it gains stands in
// docs/LOG.md.
//
// Shapes: B pictures; z channels, h x w rows and columns of their latents; S places of F features; D width; n tokens of width d.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>Tokenizer and renderer together. The defaults are the pocket model's.</summary>
public sealed record KeyframeTokenizerConfig
{
    /// <summary>A picture's latents, and the side of a patch of them, for both halves.</summary>
    public int Channels { get; init; } = 16;
    public int Rows { get; init; } = 16;
    public int Columns { get; init; } = 28;
    public int Patch { get; init; } = 4;
    /// <summary>Tokens per picture: 2 is the paper's, which calls it sufficient; more is an option.</summary>
    public int Tokens { get; init; } = 2;
    /// <summary>
    /// Not said. The paper's decoder sees 2 x 2048 numbers for latents of 28672; as generous, these 7168 would have 2 x 512.
    /// </summary>
    public int TokenDim { get; init; } = 128;
    /// <summary>Transformer blocks before and after the exchange of places and channels: the paper's 3 and 3.</summary>
    public int Blocks { get; init; } = 3;
    /// <summary>Width, heads and hidden width of the compressor's blocks: the pocket video model's, on the same patches.</summary>
    public int Dim { get; init; } = 192;
    public int Heads { get; init; } = 3;
    public int FfnDim { get; init; } = 576;
    /// <summary>The decoder's depth; its width, heads and hidden width are the compressor's.</summary>
    public int DecoderLayers { get; init; } = 6;
    /// <summary>Width of the rows that the decoder's cross-attention sees.</summary>
    public int ContextDim { get; init; } = 128;
    /// <summary>Most sentences and identities that the renderer sees (appendix A), and the widths of their vectors.</summary>
    public int Sentences { get; init; } = 15;
    public int Identities { get; init; } = 5;
    public int SentenceDim { get; init; } = 128;
    public int IdentityDim { get; init; } = 48;
    /// <summary>
    /// Tokens begin as the picture's principal components, and the decoder sees a sketch made of them as a draft; see above.
    /// </summary>
    public bool Drafts { get; init; }
    /// <summary>The sketch's transformer blocks, as wide as the compressor's; 0: it is linear.</summary>
    public int SketchBlocks { get; init; }
    /// <summary>With drafts: width of the row that stands for a place between its features and the tokens.</summary>
    public int PlaceRow { get; init; } = 64;

    public int Places => Rows / Patch * (Columns / Patch);
    public int Features => Channels * Patch * Patch;
    /// <summary>Rows of the decoder's cross-attention: 2 + 15 + 5.</summary>
    public int ContextRows => Tokens + Sentences + Identities;

    /// <exception cref="ArgumentException">The numbers do not go together.</exception>
    public void Require()
    {
        if (new[] { Channels, Rows, Columns, Patch, Tokens, TokenDim, Blocks, Dim, Heads, FfnDim, DecoderLayers, ContextDim, Sentences,
            Identities, SentenceDim, IdentityDim, PlaceRow }.Min() < 1 || SketchBlocks < 0)
            throw new ArgumentException("A tokenizer's numbers are all at least 1.");
        if (Rows % Patch != 0 || Columns % Patch != 0 || Dim % (2 * Heads) != 0)
            throw new ArgumentException($"Patches of {Patch} do not divide {Rows} x {Columns}, or {Heads} heads the width {Dim} "
                + "into even parts.");
    }
}

/// <summary>Both halves over one set of weights, which are borrowed. Gradients flow where they are enabled.</summary>
public sealed class KeyframeTokenizer
{
    public KeyframeTokenizerConfig Config { get; }
    public KeyframeCompressor Compressor { get; }
    public KeyframeRenderer Renderer { get; }

    /// <exception cref="ArgumentException">The configuration does not go together.</exception>
    /// <exception cref="CheckpointException">The weights are not those of this configuration.</exception>
    public KeyframeTokenizer(KeyframeTokenizerConfig config, Weights weights)
    {
        config.Require();
        Config = config;
        Compressor = new KeyframeCompressor(config, weights["compressor"]);
        Renderer = new KeyframeRenderer(config, weights["renderer"]);
        weights.EnsureAllUsed();
    }

    /// <summary>Latents of pictures [B, z, h, w], normalised, to their tokens [B, n, d].</summary>
    public Tensor Encode(Tensor latents)
    {
        using var scope = TensorScope.Open();
        latents.Shaped("Latents", -1, Config.Channels, Config.Rows, Config.Columns);
        return scope.Keep(Compressor.Forward(Features(latents, Config.Patch)));
    }

    /// <summary>Latents [B, z, h, w] in patches, as the compressor sees them, [B, S, F].</summary>
    public static Tensor Features(Tensor latents, int patch) => WanPatchEmbedding.Unfold(latents.Unsqueeze(2), (1, patch, patch));
}

public sealed class KeyframeCompressor
{
    /// <summary>The linear maps beside the blocks are stored so many times as large, so that an optimiser's steps change them so much
    /// less.</summary>
    public const double StraightScale = 32;

    readonly KeyframeTokenizerConfig _config;
    readonly Linear _features, _places, _tokens;
    readonly Linear? _patches, _straight;
    readonly Tensor _positions;
    readonly CompressorBlock[] _blocks;

    public KeyframeCompressor(KeyframeTokenizerConfig config, Weights weights)
    {
        _config = config;
        _features = new Linear(weights["features"], config.Features, config.Dim);
        _positions = weights.Get("position_embedding.weight", config.Places, config.Dim);
        _blocks = [.. Enumerable.Range(0, 2 * config.Blocks).Select(i => new CompressorBlock(config, weights["blocks"][i]))];
        _places = new Linear(weights["places"], config.Places, config.Tokens);
        _tokens = new Linear(weights["tokens"], config.Dim, config.TokenDim);
        if (!config.Drafts) return;
        _patches = new Linear(weights["patches"], config.Features, config.PlaceRow);
        _straight = new Linear(weights["straight"], config.Places * config.PlaceRow, config.Tokens * config.TokenDim);
    }

    /// <summary>An image encoder's features [B, S, F] to tokens [B, n, d], each of mean 0 and deviation 1.</summary>
    public Tensor Forward(Tensor features)
    {
        using var scope = TensorScope.Open();
        var x = _features.Forward(features.Shaped("Features", -1, _config.Places, _config.Features)) + _positions;   // [B, S, D]
        foreach (var block in _blocks[.._config.Blocks]) x = block.Forward(x);
        x = _places.Forward(x.Transpose(1, 2)).Transpose(1, 2);                                  // [B, D, S] -> [B, D, n] -> [B, n, D]
        foreach (var block in _blocks[_config.Blocks..]) x = block.Forward(x);
        x = _tokens.Forward(x);                                                                  // [B, n, d]
        if (_straight is not null)
        {
            var rows = (_patches!.Forward(features) / StraightScale).Reshape(features.Size(0), -1);                // [B, S r]
            x += (_straight.Forward(rows) / StraightScale).Reshape(x.Shape);
        }
        return scope.Keep(Fused.LayerNorm(x, null, null, 1e-6, DType.F32));
    }
}

/// <summary>Attention and feed-forward, each on a norm of its input and added to it (ViT's block).</summary>
sealed class CompressorBlock(KeyframeTokenizerConfig config, Weights weights)
{
    readonly LayerNorm _norm1 = new(weights["norm1"], config.Dim, 1e-6), _norm2 = new(weights["norm2"], config.Dim, 1e-6);
    readonly Linear _q = new(weights["attn"]["q"], config.Dim, config.Dim), _k = new(weights["attn"]["k"], config.Dim, config.Dim),
        _v = new(weights["attn"]["v"], config.Dim, config.Dim), _o = new(weights["attn"]["o"], config.Dim, config.Dim),
        _ffn0 = new(weights["ffn"][0], config.Dim, config.FfnDim), _ffn2 = new(weights["ffn"][2], config.FfnDim, config.Dim);

    /// <summary>x [B, L, D] -> the same.</summary>
    public Tensor Forward(Tensor x)
    {
        var y = _norm1.Forward(x);
        Tensor Heads(Linear layer) => layer.Forward(y).Reshape(y.Size(0), y.Size(1), config.Heads, config.Dim / config.Heads);
        x += _o.Forward(Fused.Attention(Heads(_q), Heads(_k), Heads(_v), 1 / Math.Sqrt(config.Dim / config.Heads)).Reshape(x.Shape));
        return x + _ffn2.Forward(_ffn0.ForwardGelu(_norm2.Forward(x)));
    }
}
