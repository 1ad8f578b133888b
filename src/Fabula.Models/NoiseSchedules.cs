// The schedules of Stable Diffusion XL and Stable Video Diffusion: how their noise becomes latents, one plain step at a time. A step needs
// nothing but its number, the network's output and the latents, so a run may stop anywhere and go on the same.
//
// Papers: "Denoising Diffusion Implicit Models" (Song et al. 2020); "Elucidating the Design Space of Diffusion-Based Generative Models"
// (Karras et al. 2022): Euler steps and the spacing of levels. Reference: huggingface/diffusers @ 7f551e2 (v0.25.0),
// schedulers/scheduling_euler_discrete.py, scheduling_ddim.py. Parity: the recorded reference "schedulers_sd".
//
// Training mixed clean latents and noise as sqrt(a) clean + sqrt(1 - a) noise, a falling from 1 with the timestep. DDIM keeps latents so;
// Euler keeps them divided by sqrt(a), as clean + sigma noise with sigma = sqrt((1 - a) / a). Both tables are in fp32, rounding for
// rounding as the reference's, because 1 - a is small at the low end.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>What the network was taught to tell.</summary>
public enum Prediction
{
    /// <summary>The noise.</summary>
    Epsilon,
    /// <summary>sqrt(a) noise - sqrt(1 - a) clean.</summary>
    Velocity,
}

/// <summary>What both schedules have in common: the noise of training, and the timesteps that a run visits.</summary>
public sealed record NoiseConfig
{
    public int TrainingSteps { get; init; } = 1000;
    /// <summary>Noise added at the first and the last timestep of training; their roots lie evenly between.</summary>
    public double BetaStart { get; init; } = 0.00085;
    public double BetaEnd { get; init; } = 0.012;
    /// <summary>Added to every timestep of a run.</summary>
    public int StepsOffset { get; init; } = 1;
    public Prediction Prediction { get; init; }
    /// <summary>Lowest and highest level where the levels are Karras's instead of those of the timesteps.</summary>
    public (double Low, double High)? KarrasLevels { get; init; }
    /// <summary>Whether DDIM's last step ends in clean latents (a = 1) instead of the first timestep's.</summary>
    public bool EndsClean { get; init; }

    /// <summary>stabilityai/stable-diffusion-xl-base-1.0.</summary>
    public static readonly NoiseConfig Sdxl = new();

    /// <summary>stabilityai/stable-video-diffusion-img2vid and its successors.</summary>
    public static readonly NoiseConfig Svd = new() { Prediction = Prediction.Velocity, KarrasLevels = (0.002, 700) };

    /// <summary>The part a that is clean at each timestep of training, in fp32.</summary>
    internal float[] Clean()
    {
        var (start, end) = ((float)Math.Sqrt(BetaStart), (float)Math.Sqrt(BetaEnd));
        var step = (end - start) / (TrainingSteps - 1);
        var clean = new float[TrainingSteps];
        var product = 1.0;
        for (var t = 0; t < TrainingSteps; t++)
        {
            var root = t < TrainingSteps / 2 ? start + step * t : end - step * (TrainingSteps - 1 - t);
            product *= 1f - root * root;
            clean[t] = (float)product;
        }
        return clean;
    }

    /// <summary>The timesteps of a run, falling, evenly spaced from the low end.</summary>
    internal int[] Timesteps(int steps)
    {
        if (TrainingSteps < 2 || !(0 < BetaStart && BetaStart <= BetaEnd && BetaEnd < 1))
            throw new ArgumentException($"Training noise from {BetaStart} to {BetaEnd} in {TrainingSteps} steps is none: "
                + "0 < start <= end < 1 and at least 2 steps are wanted.");
        if (steps < 1 || steps > TrainingSteps)
            throw new ArgumentOutOfRangeException(nameof(steps), steps, $"Steps are from 1 to {TrainingSteps}.");
        int[] timesteps = [.. Enumerable.Range(0, steps).Reverse().Select(i => i * (TrainingSteps / steps) + StepsOffset)];
        return StepsOffset >= 0 && timesteps[0] < TrainingSteps ? timesteps : throw new ArgumentException(
            $"{steps} steps with an offset of {StepsOffset} reach timestep {timesteps[0]}; training had {TrainingSteps}.");
    }
}

/// <summary>Euler's steps over noise levels [scheduling_euler_discrete.py], without added noise.</summary>
public sealed class EulerNoise
{
    readonly Prediction _prediction;

    /// <summary>Noise levels in fp32, one more than there are steps; the last is 0.</summary>
    public float[] Sigmas { get; }
    /// <summary>What the network is told at each step: a timestep, or where levels are Karras's a quarter of their logarithm.</summary>
    public float[] Timesteps { get; }
    /// <summary>What noise of deviation 1 is multiplied with to be the first latents.</summary>
    public float InitialScale { get; }

    /// <param name="steps">1 to the steps of training.</param>
    /// <exception cref="ArgumentException">The configuration or the number of steps is out of range.</exception>
    public EulerNoise(NoiseConfig config, int steps)
    {
        _prediction = config.Prediction;
        var (timesteps, clean) = (config.Timesteps(steps), config.Clean());
        if (config.KarrasLevels is var (low, high))
        {
            if (!(low > 0 && low <= high && double.IsFinite(high)))
                throw new ArgumentException($"Karras's levels from {low} to {high} are none: 0 < low <= high is wanted.");
            Sigmas = [.. Enumerable.Range(0, steps).Select(i => (float)Karras(low, high, steps == 1 ? 0 : i / (steps - 1.0))), 0];
            Timesteps = [.. Sigmas[..steps].Select(sigma => 0.25f * MathF.Log(sigma))];
        }
        else
        {
            Sigmas = [.. timesteps.Select(t => MathF.Sqrt((1 - clean[t]) / clean[t])), 0];
            Timesteps = [.. timesteps.Select(t => (float)t)];
        }
        var highest = Sigmas.Max();
        InitialScale = MathF.Sqrt(highest * highest + 1);
    }

    /// <summary>Levels whose seventh roots lie evenly, at share 0 the highest, at 1 the lowest.</summary>
    static double Karras(double low, double high, double share)
    {
        const double Rho = 7;
        var (first, last) = (Math.Pow(high, 1 / Rho), Math.Pow(low, 1 / Rho));
        return Math.Pow(first + share * (last - first), Rho);
    }

    /// <summary>The latents as the network wants them at a step: of deviation about 1.</summary>
    public Tensor Input(int step, Tensor latents) => latents / MathF.Sqrt(Sigmas[step] * Sigmas[step] + 1);

    /// <summary>The latents of the next level; any shape, computed in fp32, given back in the output's type.</summary>
    public Tensor Step(int step, Tensor output, Tensor latents)
    {
        using var scope = TensorScope.Open();
        var (sigma, x) = (Sigmas[step], latents.Float());
        var square = sigma * sigma + 1;
        var clean = _prediction == Prediction.Epsilon ? x - output * sigma
            : output * (-sigma / MathF.Sqrt(square)) + x / square;
        return scope.Keep((x + (x - clean) / sigma * (Sigmas[step + 1] - sigma)).To(output.DType));
    }
}

/// <summary>DDIM's steps over timesteps [scheduling_ddim.py], without added noise or clipping, for networks that tell noise.</summary>
public sealed class Ddim
{
    readonly float[] _clean;
    readonly float _last;
    readonly int _stride;

    /// <summary>What the network is told at each step.</summary>
    public int[] Timesteps { get; }

    /// <param name="steps">1 to the steps of training.</param>
    /// <exception cref="ArgumentException">Configuration or steps are out of range, or the network tells no noise.</exception>
    public Ddim(NoiseConfig config, int steps)
    {
        if (config.Prediction != Prediction.Epsilon || config.KarrasLevels is not null)
            throw new ArgumentException("DDIM is known for networks that tell noise, over the timesteps of training.");
        (Timesteps, _clean, _stride) = (config.Timesteps(steps), config.Clean(), config.TrainingSteps / steps);
        _last = config.EndsClean ? 1 : _clean[0];
    }

    /// <summary>The latents of the next timestep; any shape.</summary>
    public Tensor Step(int step, Tensor output, Tensor latents)
    {
        using var scope = TensorScope.Open();
        var next = Timesteps[step] - _stride;
        var (a, b) = (_clean[Timesteps[step]], next >= 0 ? _clean[next] : _last);
        var clean = (latents - output * MathF.Sqrt(1 - a)) / MathF.Sqrt(a);
        return scope.Keep(clean * MathF.Sqrt(b) + output * MathF.Sqrt(1 - b));
    }
}
