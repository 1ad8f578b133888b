// VBench's measures of one video that need no network of their own: how steady what it shows is, how much it flickers, how fine it looks.
//
// Paper: "VBench: Comprehensive Benchmark Suite for Video Generative Models" (CVPR 2024). Reference: Vchitect/VBench @ 45e79ec,
// vbench/subject_consistency.py, background_consistency.py, temporal_flickering.py, aesthetic_quality.py, utils.py.
// Parity: tests/Fabula.Models.Tests/GoldenTests.cs. What they do not say: a film that stands still has them all near 1.
//
// Shapes: T frames; H, W rows and columns; E width of an embedding.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>A video's part of a mean over frames, so that long videos weigh more, as in the reference.</summary>
public readonly record struct FrameMean(double Sum, int Count)
{
    /// <summary>NaN where nothing was counted.</summary>
    public double Value => Count == 0 ? double.NaN : Sum / Count;

    /// <summary>Over the frames of all videos.</summary>
    public static FrameMean Of(IEnumerable<FrameMean> videos) =>
        videos.Aggregate(new FrameMean(0, 0), (all, one) => new(all.Sum + one.Sum, all.Count + one.Count));
}

public static class VBench
{
    /// <summary>
    /// Subject consistency where the features are DINO's (<see cref="DinoPixels"/>), background consistency where they are CLIP's
    /// (<see cref="ClipPixels"/>): for each frame but the first the mean of its likeness to the frame before and to the first one, where
    /// likeness is the cosine, and nothing below 0.
    /// </summary>
    /// <param name="features">[T, E], of any length.</param>
    public static FrameMean Consistency(Tensor features)
    {
        features.Shaped("Features", -1, -1);
        using var scope = TensorScope.Open();
        var count = features.Size(0) - 1;
        if (count == 0) return new(0, 0);
        var rows = Unit(features);
        var later = rows.Narrow(0, 1, count);
        var (before, first) = ((rows.Narrow(0, 0, count) * later).Sum(-1), (rows.Narrow(0, 0, 1) * later).Sum(-1));     // [T - 1]
        return new((Positive(before) + Positive(first)).Sum().Item() / 2, (int)count);

        static Tensor Positive(Tensor x) => x.Clamp(0, double.PositiveInfinity);
    }

    /// <summary>1 less the mean change of a channel from frame to frame, of 255: 1 is a film that stands still.</summary>
    /// <param name="frames">[T, H, W, 3] u8, two frames or more.</param>
    public static double Steadiness(Tensor frames)
    {
        Pictures(frames, -1, -1, -1, 3);
        if (frames.Size(0) < 2) throw new ArgumentException("One frame alone cannot flicker: this measure wants two or more.");
        var (sum, last) = (0.0, frames.Size(0) - 1);
        for (var i = 0; i < last; i++)
        {
            using var scope = TensorScope.Open();
            sum += (frames.Select(0, i).To(DType.F64) - frames.Select(0, i + 1).To(DType.F64)).Abs().Mean().Item();
        }
        return (255 - sum / last) / 255;
    }

    /// <summary>The LAION aesthetic predictor: one linear layer over CLIP ViT-L/14, mean over the frames, 0 to about 1.</summary>
    /// <param name="features">[T, E], of any length.</param>
    /// <param name="head">From E to 1.</param>
    public static double Aesthetic(Tensor features, Linear head)
    {
        features.Shaped("Features", -1, head.Weight.Size(1));
        using var scope = TensorScope.Open();
        return (head.ForwardWide(Unit(features).Float()) / 10).To(DType.F64).Mean().Item();
    }

    /// <summary>Frames as DINO is shown them: the shorter side resized to <paramref name="side"/> (linear), nothing cropped.</summary>
    /// <param name="frames">[T, 3, H, W] u8.</param>
    /// <returns>[T, 3, side or more, side or more] fp32 by ImageNet's mean and deviation.</returns>
    public static Tensor DinoPixels(Tensor frames, int side = 224)
    {
        using var scope = TensorScope.Open();
        var (height, width) = Shorter(Pictures(frames, -1, 3, -1, -1), side);
        var pixels = frames.Float().Contiguous().ResizeBilinear(height, width).Round().Clamp(0, 255) / 255;
        var mean = Tensor.From([0.485f, 0.456f, 0.406f], 1, 3, 1, 1).To(pixels.Device);
        var deviation = Tensor.From([0.229f, 0.224f, 0.225f], 1, 3, 1, 1).To(pixels.Device);
        return scope.Keep((pixels - mean) / deviation);
    }

    /// <summary>Frames as CLIP is shown them: the shorter side resized to <paramref name="side"/> (cubic), the middle cut out.</summary>
    /// <param name="frames">[T, 3, H, W] u8.</param>
    /// <returns>[T, 3, side, side] fp32 by CLIP's mean and deviation.</returns>
    public static Tensor ClipPixels(Tensor frames, int side = 224)
    {
        using var scope = TensorScope.Open();
        var (height, width) = Shorter(Pictures(frames, -1, 3, -1, -1), side);
        var pixels = frames.Float().ResizeBicubic(height, width).Clamp(0, 255).Round() / 255;
        return scope.Keep(ClipImageEncoder.Normalize(pixels.Narrow(2, Middle(height), side).Narrow(3, Middle(width), side)));

        // Halves to even, as the reference's language rounds.
        long Middle(long extent) => (long)Math.Round((extent - side) / 2.0);
    }

    static (long Height, long Width) Shorter(Tensor frames, int side)
    {
        if (side is < 1 or > 4096) throw new ArgumentException($"Pictures of {side} pixels a side are not shown to a network: 1 to 4096.");
        var (height, width) = (frames.Size(2), frames.Size(3));
        if (Math.Max(height, width) / Math.Min(height, width) > 200)
            throw new ArgumentException($"{width} x {height} is too narrow: one side may be at most 200 times the other.");
        return height <= width ? (side, side * width / height) : (side * height / width, side);
    }

    static Tensor Pictures(Tensor frames, params long[] shape) => frames.Shaped("Frames", shape).DType == DType.U8 ? frames
        : throw new ArgumentException($"Frames hold {frames.DType}; wanted are bytes, 0 to 255.");

    /// <summary>Rows of length 1, in fp64.</summary>
    static Tensor Unit(Tensor rows)
    {
        var wide = rows.To(DType.F64);
        return wide / wide.Norm(-1, keep: true).Clamp(1e-12, double.PositiveInfinity);
    }
}
