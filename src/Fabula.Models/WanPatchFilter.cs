// The linear part of denoising, taken out of the network: an option of tiny models.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>See <see cref="WanConfig.FiltersPatches"/>. N numbers in a patch, P places of a picture.</summary>
sealed class WanPatchFilter
{
    readonly WanConfig _config;
    readonly Tensor _mean, _directions, _deviation;
    readonly long _numbers;

    public WanPatchFilter(WanConfig config, Weights weights)
    {
        _config = config;
        _numbers = (long)config.OutDim * config.Patch.T * config.Patch.H * config.Patch.W;
        _mean = weights.Get("mean", (long)config.LearnedPositions.Rows * config.LearnedPositions.Columns, _numbers);
        (_directions, _deviation) = (weights.Get("directions", _numbers, _numbers), weights.Get("deviation", _numbers));
    }

    /// <summary>[B, C, F, H, W] noisy -> the same shape: the best linear guess of the clean latents at these times.</summary>
    public Tensor Filter(Tensor noisy, WanTime time)
    {
        var (f, h, w) = (noisy.Size(2) / _config.Patch.T, noisy.Size(3) / _config.Patch.H, noisy.Size(4) / _config.Patch.W);
        var patches = WanPatchEmbedding.Unfold(noisy, _config.Patch).Reshape(noisy.Size(0), f, h * w, _numbers);
        var (mean, directions) = (_mean.Float(), _directions.Float());
        var share = Of(time, (t, power) => (1 - t) * power / ((1 - t) * (1 - t) * power + t * t + 1e-9));
        var clean = Of(time, (t, _) => 1 - t);
        var parts = (patches - mean * clean).Matmul(directions.Transpose(0, 1)) * share;         // [B, f, P, N]
        return Picture(parts.Matmul(directions) + mean, f, h, w);
    }

    /// <summary>The network's answer [B, L, N] in units of the filter's expected error, as latents.</summary>
    public Tensor Correction(Tensor answer, WanTime time, long f, long h, long w)
    {
        var error = Of(time, (t, power) => t * Math.Sqrt(power / ((1 - t) * (1 - t) * power + t * t + 1e-9)));
        return Picture((answer.Reshape(answer.Size(0), f, h * w, _numbers) * error).Matmul(_directions.Float()), f, h, w);
    }

    /// <summary>A number per sample and component: [B or 1, 1, 1, N].</summary>
    Tensor Of(WanTime time, Func<double, double, double> value)
    {
        var powers = _deviation.ToFloats().Select(deviation => (double)deviation * deviation).ToArray();
        return Tensor.From([.. time.Distinct.SelectMany(timestep => powers.Select(power => (float)value(timestep / 1000, power)))],
            time.Distinct.Length, 1, 1, _numbers).To(_directions.Device);
    }

    Tensor Picture(Tensor patches, long f, long h, long w)
    {
        var (pt, ph, pw) = _config.Patch;
        return patches.Reshape(patches.Size(0), f, h, w, _config.OutDim, pt, ph, pw).Permute(0, 4, 1, 5, 2, 6, 3, 7)
            .Reshape(patches.Size(0), _config.OutDim, f * pt, h * ph, w * pw);
    }
}
