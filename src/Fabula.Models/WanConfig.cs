// The Wan transformer's shapes: the released ones, and the options of tiny models.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>What a checkpoint's transformer is. <see cref="Kind"/> is the reference's model_type.</summary>
public sealed record WanConfig
{
    /// <summary>"t2v", "i2v", "flf2v" or "ti2v".</summary>
    public string Kind { get; init; } = "t2v";
    public int Dim { get; init; } = 1536;
    public int FfnDim { get; init; } = 8960;
    public int Heads { get; init; } = 12;
    public int Layers { get; init; } = 30;
    /// <summary>Channels in: 16 latents, or 36 = 16 latents + 4 mask + 16 condition latents; 48 for TI2V.</summary>
    public int InDim { get; init; } = 16;
    public int OutDim { get; init; } = 16;
    public int FreqDim { get; init; } = 256;
    public int TextDim { get; init; } = 4096;
    /// <summary>Text rows that cross-attention sees, padding included.</summary>
    public int TextLen { get; init; } = 512;
    public double Eps { get; init; } = 1e-6;
    public (int T, int H, int W) Patch { get; init; } = (1, 2, 2);
    /// <summary>Affine norm before cross-attention (norm3).</summary>
    public bool CrossAttentionNorm { get; init; } = true;
    /// <summary>Width of the CLIP tokens of 2.1 image models; 0 where there is no image branch.</summary>
    public int ClipDim { get; init; }

    // Options of tiny models; released checkpoints have none of them. What each gains: docs/LOG.md.
    /// <summary>Rows and columns (in patches) of a learned position added to every frame's tokens; 0: none.</summary>
    public (int Rows, int Columns) LearnedPositions { get; init; }
    /// <summary>
    /// The network answers with the clean latents instead of the velocity, which then is (x - answer)/t: a token as wide as the network
    /// cannot also carry the noise through it (Li and He, "Back to Basics: Let Denoising Generative Models Denoise", 2025). What is known
    /// (all four mask channels 1) is taken over as it is.
    /// </summary>
    public bool AnswersClean { get; init; }
    /// <summary>
    /// With <see cref="AnswersClean"/>: a condition latent whose mask channels are neither all 0 nor all 1 is a draft, which says what the
    /// frame is like: a collage of people on the empty place, or the first frame of a shot (<see cref="Conditioning.Drafts"/>). The head
    /// says of each cell how much of its draft is kept, so that what is right there need not pass through the network, and each token is
    /// told how far its noisy patch is from the draft.
    /// </summary>
    public bool TakesDrafts { get; init; }
    /// <summary>
    /// The mean of the text rows, through two layers, is added to the time embedding, so that the words scale and shift every token in
    /// every block (Peebles and Xie, "Scalable Diffusion Models with Transformers", 2023), beside cross-attention.
    /// </summary>
    public bool PoolsText { get; init; }

    public int HeadDim => Dim / Heads;

    /// <summary>Bytes of the weights in this type.</summary>
    public long WeightBytes(DType type)
    {
        double dim = Dim;
        var block = 8 * dim * dim + 2 * dim * FfnDim + 22 * dim + FfnDim + (ClipDim > 0 ? 2 * dim * dim : 0);
        var outer = dim * (InDim + OutDim) * Patch.T * Patch.H * Patch.W + (TextDim + FreqDim + 8 * dim) * dim
            + (ClipDim > 0 ? (ClipDim + dim) * ClipDim : 0);
        return (long)((Layers * block + outer) * type.Size());
    }

    /// <summary>
    /// About how many bytes a forward pass needs beyond its weights and inputs: the larger of a block's two halves over this many tokens.
    /// Within 25 % of what is measured (WanTransformerTests).
    /// </summary>
    public long StepBytes(long tokens, DType type)
    {
        double size = type.Size(), row = tokens * (double)Dim;
        var attention = row * 8 * size;                                                          // norm, q k v before and after, result
        var feedForward = tokens * (double)FfnDim * size + row * 2 * size;                       // hidden, norm, result
        return (long)(row * 4 + Math.Max(attention, feedForward) + tokens * HeadDim * 4 + (64 << 20));   // residual, block, angles, scores
    }

    public static readonly WanConfig T2V_1_3B = new();
    public static readonly WanConfig T2V_14B = new() { Dim = 5120, FfnDim = 13824, Heads = 40, Layers = 40 };
    public static readonly WanConfig I2V_14B = T2V_14B with { Kind = "i2v", InDim = 36, ClipDim = 1280 };
    public static readonly WanConfig FLF2V_14B = I2V_14B with { Kind = "flf2v" };
    /// <summary>Wan 2.2: two experts of this shape.</summary>
    public static readonly WanConfig I2V_A14B = T2V_14B with { Kind = "i2v", InDim = 36 };
    public static readonly WanConfig TI2V_5B = new() { Kind = "ti2v", Dim = 3072, FfnDim = 14336, Heads = 24, InDim = 48, OutDim = 48 };
}
