// The linear part of denoising, taken out of the network: an option of tiny models.
//
// Shapes: B samples; M remembered frames and f of the shot, F in all; P patches (places) of a frame; N numbers of a patch.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>What the filter is asked about: latents [B, C, F, H, W] fp32, condition channels joined, at these times.</summary>
sealed record WanGuess(Tensor Latents, WanTime Time, int Memory, WanConfig Config)
{
    /// <summary>The noisy latents as patches [B, F, P, N].</summary>
    public Tensor Noisy { get; } = Patches(Latents.Narrow(1, 0, Config.OutDim), Config);

    /// <summary>Drafts as patches [B, F, P, N], and which frames have one: 0 or 1, [B, F, 1, 1]. See WanConfig.TakesDrafts.</summary>
    public (Tensor Patches, Tensor Has)? Drafts { get; } = DraftsOf(Latents, Config);

    static (Tensor, Tensor)? DraftsOf(Tensor latents, WanConfig config)
    {
        var z = config.OutDim;
        if (!config.TakesDrafts || latents.Size(1) != 2 * z + 4) return null;
        var mask = latents.Narrow(1, z, 4).Narrow(3, 0, 1).Narrow(4, 0, 1).Mean(1);                  // [B, F, 1, 1]
        return (Patches(latents.Narrow(1, z + 4, z), config), (mask * (mask - 1)).Lt(0).Float());
    }

    static Tensor Patches(Tensor x, WanConfig config)
    {
        var (f, places) = (x.Size(2) / config.Patch.T, x.Size(3) / config.Patch.H * (x.Size(4) / config.Patch.W));
        return WanPatchEmbedding.Unfold(x, config.Patch).Reshape(x.Size(0), f, places, -1);
    }
}

/// <summary>
/// See <see cref="WanConfig.FiltersPatches"/>. The first latent frame of a shot stands for one picture, the later ones for four, so that
/// they have statistics of their own. Remembered frames count as first ones; known as they are, they need no filter.
/// </summary>
sealed class WanPatchFilter
{
    readonly WanConfig _config;
    readonly Statistics _first, _later;

    public WanPatchFilter(WanConfig config, Weights weights)
    {
        _config = config;
        (_first, _later) = (new(config, weights["first"]), new(config, weights["later"]));
    }

    /// <summary>The best linear guess of the clean latents, [B, z, F, H, W].</summary>
    public Tensor Filter(WanGuess guess) => Picture(Each(guess, (known, part) => known.Filter(part)), guess);

    /// <summary>The network's answer [B, L, N] in units of the filter's expected error, as latents.</summary>
    public Tensor Correction(Tensor answer, WanGuess guess)
    {
        var parts = answer.Reshape(guess.Noisy.Shape);
        return Picture(Each(guess, (known, part) => known.Correction(parts.Narrow(1, part.From, part.Count), part)), guess);
    }

    Tensor Each(WanGuess guess, Func<Statistics, Part, Tensor> of)
    {
        var (frames, first) = ((int)guess.Noisy.Size(1), guess.Memory + 1);
        return first >= frames ? of(_first, new(guess, 0, frames))
            : Tensor.Cat(1, of(_first, new(guess, 0, first)), of(_later, new(guess, first, frames - first)));
    }

    /// <summary>Some of the frames.</summary>
    sealed record Part(WanGuess Guess, int From, int Count)
    {
        public Tensor Noisy => Guess.Noisy.Narrow(1, From, Count);
        public Tensor? Draft => Guess.Drafts is { } drafts ? drafts.Patches.Narrow(1, From, Count) : null;
        public Tensor? Has => Guess.Drafts is { } drafts ? drafts.Has.Narrow(1, From, Count) : null;
    }

    /// <summary>
    /// Mean of each place, principal components around it and their deviations. With drafts, a patch is either as the draft has it, but for
    /// small deviations ("same"), or another one ("change"); which of the two, the noisy patch tells with some certainty, and the guess is
    /// the mean over both: the posterior of a mixture of two normal distributions.
    /// </summary>
    sealed class Statistics
    {
        readonly Tensor _mean, _directions, _deviation;
        readonly Tensor? _same, _change, _share;

        public Statistics(WanConfig config, Weights weights)
        {
            var numbers = (long)config.OutDim * config.Patch.T * config.Patch.H * config.Patch.W;
            _mean = weights.Get("mean", (long)config.LearnedPositions.Rows * config.LearnedPositions.Columns, numbers);
            (_directions, _deviation) = (weights.Get("directions", numbers, numbers), weights.Get("deviation", numbers));
            if (!config.TakesDrafts) return;
            (_same, _change, _share) = (weights.Get("same", numbers), weights.Get("change", numbers), weights.Get("share", _mean.Size(0)));
        }

        public Tensor Filter(Part part) => (Surprise(part) * Of(part, Kept)).Matmul(_directions.Float()) + Mean(part);

        public Tensor Correction(Tensor answer, Part part) => (answer * Of(part, Error).Sqrt()).Matmul(_directions.Float());

        /// <summary>The draft, or else the mean of the place: [B, F, P, N] or [P, N].</summary>
        Tensor Mean(Part part) => part.Has is { } has ? _mean.Float() + (part.Draft! - _mean.Float()) * has : _mean.Float();

        /// <summary>How much of a component's surprise is believed.</summary>
        static double Kept(double t, double power) => (1 - t) * power / Variance(t, power);

        /// <summary>The expected squared error of a component's guess.</summary>
        static double Error(double t, double power) => t * t * power / Variance(t, power);

        /// <summary>Of a component of a noisy patch.</summary>
        static double Variance(double t, double power) => (1 - t) * (1 - t) * power + t * t + 1e-9;

        /// <summary>By how much noisy patches differ from what is expected of them, in components [B, F, P, N].</summary>
        Tensor Surprise(Part part)
        {
            var clean = Tensor.From([.. part.Guess.Time.Distinct.Select(timestep => (float)(1 - timestep / 1000))],
                part.Guess.Time.Distinct.Length, 1, 1, 1).To(_mean.Device);
            return (part.Noisy - Mean(part) * clean).Matmul(_directions.Float().Transpose(0, 1));
        }

        /// <summary>
        /// A number per sample, frame, patch and component from the time and the component's expected power; where there is a draft, the
        /// mean of what it would be for "same" and for "change".
        /// </summary>
        Tensor Of(Part part, Func<double, double, double> value)
        {
            var free = Of(part.Guess.Time, _deviation, value);
            if (part.Has is not { } has) return free;
            var (same, change) = (Of(part.Guess.Time, _same!, value), Of(part.Guess.Time, _change!, value));
            return free + (change + (same - change) * Sameness(part) - free) * has;
        }

        /// <summary>How likely each patch is as its draft has it, given the noisy one: [B, F, P, 1].</summary>
        Tensor Sameness(Part part)
        {
            var time = part.Guess.Time;
            Tensor Difference(Func<double, double> of) =>
                Of(time, _change!, (t, power) => of(Variance(t, power))) - Of(time, _same!, (t, power) => of(Variance(t, power)));
            // Twice the log of the ratio of the two densities.
            var odds = (Surprise(part).Square() * Difference(variance => 1 / variance) + Difference(Math.Log)).Sum(3, keep: true);
            var shares = _share!.ToFloats().Select(share => Math.Clamp(share, 0.01f, 0.99f)).ToArray();
            var before = Tensor.From([.. shares.Select(share => MathF.Log(share / (1 - share)))], shares.Length, 1).To(odds.Device);
            return (odds * 0.5 + before).Sigmoid();
        }

        static Tensor Of(WanTime time, Tensor deviations, Func<double, double, double> value)
        {
            var powers = deviations.ToFloats().Select(deviation => (double)deviation * deviation).ToArray();
            return Tensor.From([.. time.Distinct.SelectMany(timestep => powers.Select(power => (float)value(timestep / 1000, power)))],
                time.Distinct.Length, 1, 1, powers.Length).To(deviations.Device);
        }
    }

    /// <summary>Patches [B, F, P, N] as latents [B, z, F, H, W].</summary>
    Tensor Picture(Tensor patches, WanGuess guess)
    {
        var ((pt, ph, pw), x) = (_config.Patch, guess.Latents);
        var (f, h, w) = (x.Size(2) / pt, x.Size(3) / ph, x.Size(4) / pw);
        return patches.Reshape(x.Size(0), f, h, w, _config.OutDim, pt, ph, pw).Permute(0, 4, 1, 5, 2, 6, 3, 7)
            .Reshape(x.Size(0), _config.OutDim, f * pt, h * ph, w * pw);
    }
}
