// What tiny models make of the condition channels beside the noisy latents: see WanConfig.AnswersClean and WanConfig.TakesDrafts. Released
// checkpoints read these channels through their first layer alone.
//
// Shapes: B samples; z latent channels; F, H, W latent frames, rows, columns; L tokens.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>What is known of the latents of one forward pass.</summary>
/// <param name="x">[B, InDim, F, H, W] fp32: noisy latents and, in image models, 4 mask channels and condition latents.</param>
sealed class WanKnown(WanConfig config, Tensor x, WanTime time)
{
    /// <summary>Below this noise level a velocity would be divided by next to nothing.</summary>
    const double LeastNoise = 0.02;

    readonly long _z = config.OutDim;

    Tensor Noisy => x.Narrow(1, 0, _z);
    Tensor Condition => x.Narrow(1, _z + 4, _z);
    /// <summary>[B, 1, F, H, W], the mean of the four mask channels: 1 known whole, 0 nothing, between them a draft.</summary>
    Tensor Mask => x.Narrow(1, _z, 4).Mean(1, keep: true);
    /// <summary>1 where there is a draft, else 0.</summary>
    Tensor HasDraft => (Mask * (Mask - 1)).Lt(0).Float();

    /// <summary>The latents that it takes, in place of what is known whole.</summary>
    Tensor OrKnown(Tensor latents) => x.Size(1) == 2 * _z + 4 ? Mask.Lt(1).Where(latents, Condition) : latents;

    /// <summary>As x, without the noise over what is known whole, which is no news.</summary>
    public Tensor Seen() => x.Size(1) == 2 * _z + 4 ? Tensor.Cat(1, OrKnown(Noisy), x.Narrow(1, _z, _z + 4)) : x;

    /// <summary>
    /// How surprising each noisy patch would be if it were as its draft has it: 0 as expected, clamped to -0.75..3, [B, L, 1]. A product of
    /// two pictures in one token, which the first layer of a small network cannot form.
    /// </summary>
    public Tensor Surprise()
    {
        var t = Times();
        var wrong = WanPatchEmbedding.Unfold(((Noisy - Condition * (1 - t)) / t).Square(), config.Patch);
        var drafted = WanPatchEmbedding.Unfold(HasDraft, config.Patch).Mean(2, keep: true);
        return ((wrong.Mean(2, keep: true) - 1) * Math.Sqrt(wrong.Size(2) / 2.0)).Clamp(-3, 12) * 0.25 * drafted;
    }

    /// <summary>
    /// The network's answer [B, z, F, H, W] and of drafts as much as the last numbers of each token say, one for each of its cells
    /// [B, L, pt ph pw].
    /// </summary>
    /// <param name="trust">Added to these before the sigmoid.</param>
    public Tensor WithDrafts(Tensor answer, Tensor gate, double trust)
    {
        var (pt, ph, pw) = config.Patch;
        var kept = (gate + trust).Sigmoid().Reshape(x.Size(0), x.Size(2) / pt, x.Size(3) / ph, x.Size(4) / pw, pt, ph, pw)
            .Permute(0, 1, 4, 2, 5, 3, 6).Reshape(x.Size(0), 1, x.Size(2), x.Size(3), x.Size(4));
        return answer + (Condition - answer) * (kept * HasDraft);
    }

    /// <summary>The velocity to clean latents; one timestep for all, or one per sample.</summary>
    public Tensor Velocity(Tensor clean) => (Noisy - OrKnown(clean)) / Times();

    /// <summary>Noise levels, [1 or B, 1, 1, 1, 1], none so low that dividing by it makes no sense.</summary>
    Tensor Times()
    {
        if (time.Index is not null) throw new ArgumentException("A model with options of tiny ones takes one timestep for all tokens.");
        return Tensor.From([.. time.Distinct.Select(timestep => (float)Math.Max(timestep / 1000, LeastNoise))],
            time.Distinct.Length, 1, 1, 1, 1).To(x.Device);
    }
}
