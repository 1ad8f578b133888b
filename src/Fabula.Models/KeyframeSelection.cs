// Which frames of a shot are worth remembering: the few that show something new and look good, and that the film does not know yet.
//
// Paper: "StoryMem: Multi-shot Long Video Storytelling with Memory" (2025), memory update. Reference for the numbers:
// Kevin-thu/StoryMem @ e027735, extract_keyframes.py. Parity: tests/Fabula.Models.Tests/GoldenTests.cs.
//
// The rules are plain functions over "how alike are frames i and j" and "how good is frame i", so that any judge can answer; the
// frames' own part (resizing, CLIP) is at the end. Where the reference surprises, so do these functions, and say so.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The numbers of the selection.</summary>
public sealed record KeyframeRules
{
    /// <summary>A frame at least this alike the latest keyframe is nothing new.</summary>
    public double Similarity { get; init; } = 0.9;
    /// <summary>Most keyframes of one shot.</summary>
    public int MaxKeyframes { get; init; } = 3;
    /// <summary>What <see cref="Similarity"/> is lowered by while there are too many.</summary>
    public double Step { get; init; } = 0.01;
    /// <summary>Frames that score below are never kept. The scale is the judge's (HPSv3 with an empty prompt).</summary>
    public double MinQuality { get; init; } = 3.0;

    /// <summary>The reference's.</summary>
    public static readonly KeyframeRules StoryMem = new();
}

/// <summary>Frames chosen, in order, and the similarity below which a frame was new in the end.</summary>
public sealed record KeyframeChoice(IReadOnlyList<int> Indices, double Similarity);

public static class KeyframeSelection
{
    const int Factor = 28;

    /// <summary>
    /// Keyframes of a shot: the first good frame, then each good frame that differs from the latest keyframe; with the threshold lowered
    /// until there are few enough. None where no frame is good [extract_keyframes.py save_keyframes].
    /// </summary>
    /// <param name="frames">Number of frames.</param>
    /// <param name="similarity">How alike two frames are, -1 to 1; asked often, so it should only look up.</param>
    /// <param name="quality">How good a frame is; may be slow, it is asked at most once per frame and only where it matters.</param>
    /// <exception cref="ArgumentException">The rules allow no keyframe, or would never end.</exception>
    public static KeyframeChoice Choose(int frames, Func<int, int, double> similarity, Func<int, double> quality,
        KeyframeRules? rules = null)
    {
        rules ??= KeyframeRules.StoryMem;
        if (rules.MaxKeyframes < 1 || rules.Step <= 0)
            throw new ArgumentException(
                "A shot needs room for one keyframe, and a threshold that falls: MaxKeyframes at least 1, Step above 0.", nameof(rules));
        var known = new Dictionary<int, double>();
        double Once(int frame) => known.TryGetValue(frame, out var score) ? score : known[frame] = quality(frame);
        for (var threshold = rules.Similarity; ; threshold -= rules.Step)
        {
            var indices = Extract(frames, similarity, Once, threshold, rules.MinQuality);
            if (indices.Count <= rules.MaxKeyframes) return new KeyframeChoice(indices, threshold);
        }
    }

    /// <summary>
    /// One pass at a fixed threshold [extract_keyframes.py extract_keyframe_indices]. As in the reference, frame 1 is never compared: where
    /// frame 0 is the first keyframe, the next candidate is frame 2.
    /// </summary>
    /// <inheritdoc cref="Choose" path="/param"/>
    public static IReadOnlyList<int> Extract(int frames, Func<int, int, double> similarity, Func<int, double> quality,
        double threshold, double minQuality)
    {
        var first = Enumerable.Range(0, frames).FirstOrDefault(i => quality(i) >= minQuality, -1);
        if (first < 0) return [];
        var indices = new List<int> { first };
        // The reference starts at 2 whatever the first keyframe is; frames before it are not good, so only frame 1 is ever missed.
        for (var i = Math.Max(2, first + 1); i < frames; i++)
            if (similarity(indices[^1], i) < threshold && quality(i) >= minQuality) indices.Add(i);
        return indices;
    }

    /// <summary>
    /// Leaves out keyframes that an earlier shot already left in memory. They are not compared with each other [save_keyframes].
    /// </summary>
    /// <param name="remembered">Number of remembered frames.</param>
    /// <param name="similarity">How alike a frame (first) and a remembered one (second) are.</param>
    /// <param name="limit">A frame more alike than this is known.</param>
    public static IReadOnlyList<int> WithoutKnown(IReadOnlyList<int> indices, int remembered, Func<int, int, double> similarity,
        double limit = 0.9) =>
        [.. indices.Where(frame => !Enumerable.Range(0, remembered).Any(memory => similarity(frame, memory) > limit))];

    /// <summary>
    /// The size in which frames are judged: sides divisible by 28, about the same shape, area within bounds [extract_keyframes.py
    /// smart_resize]. 480 x 832 becomes 336 x 588.
    /// </summary>
    /// <param name="minPixels">Least area, by default 48 patches of 28 x 28.</param>
    /// <param name="maxPixels">Greatest area, by default 256 patches.</param>
    /// <exception cref="ArgumentException">A side is not positive, or one is more than 200 times the other.</exception>
    public static (int Height, int Width) SmartResize(int height, int width,
        long minPixels = 48 * Factor * Factor, long maxPixels = 256 * Factor * Factor)
    {
        if (height < 1 || width < 1) throw new ArgumentException($"{width} x {height} is not a picture's size.");
        if ((double)Math.Max(height, width) / Math.Min(height, width) > 200)
            throw new ArgumentException($"{width} x {height} is too narrow: one side may be at most 200 times the other.");
        // Math.Round takes halves to even, as the reference's language does.
        var (h, w) = (Side(Math.Round((double)height / Factor)), Side(Math.Round((double)width / Factor)));
        if (h * w > maxPixels)
        {
            var shrink = Math.Sqrt((double)height * width / maxPixels);
            (h, w) = (Side(Math.Floor(height / shrink / Factor)), Side(Math.Floor(width / shrink / Factor)));
        }
        else if (h * w < minPixels)
        {
            var grow = Math.Sqrt((double)minPixels / ((double)height * width));
            (h, w) = (Side(Math.Ceiling(height * grow / Factor)), Side(Math.Ceiling(width * grow / Factor)));
        }
        return ((int)h, (int)w);

        static long Side(double patches) => Math.Max(Factor, (long)patches * Factor);
    }

    /// <summary>
    /// Features of a shot's frames as the selection compares them: resized (linear, with antialias, rounded to whole levels), then CLIP.
    /// A few frames at a time, so that memory does not grow with the shot but for 2 kB a frame.
    /// </summary>
    /// <param name="frames">[T, 3, H, W] u8, or any type with levels 0..255.</param>
    /// <returns>[T, E] fp32 of length 1.</returns>
    public static Tensor Embed(ClipImageEncoder encoder, Tensor frames) => InParts(frames, part => encoder.Embed(Resize(part) / 255));

    /// <summary>
    /// As <see cref="Embed"/> without the resize before CLIP: the comparison of new keyframes with remembered ones, which may have another
    /// size. (The reference takes an image whose levels are all 0 or 1 for one in 0..1; here levels are always 0..255.)
    /// </summary>
    public static Tensor EmbedWhole(ClipImageEncoder encoder, Tensor frames) => InParts(frames, part => encoder.Embed(part.Float() / 255));

    /// <summary>Frames [T, 3, H, W] with levels 0..255 at <see cref="SmartResize"/>'s size, rounded to whole levels, fp32.</summary>
    public static Tensor Resize(Tensor frames)
    {
        using var scope = TensorScope.Open();
        var (height, width) = SmartResize((int)frames.Size(2), (int)frames.Size(3));
        return scope.Keep(frames.Float().ResizeBilinear(height, width, antialias: true).Round().Clamp(0, 255));
    }

    /// <summary>How alike rows of a are to rows of b: features [n, E] and [m, E] of length 1 -> table [n, m], -1 to 1.</summary>
    public static double[,] Similarities(Tensor a, Tensor b)
    {
        using var scope = TensorScope.Open();
        var (rows, columns) = ((int)a.Size(0), (int)b.Size(0));
        var flat = a.Matmul(b.Transpose(0, 1)).ToFloats();
        var table = new double[rows, columns];
        for (var i = 0; i < flat.Length; i++) table[i / columns, i % columns] = flat[i];
        return table;
    }

    static Tensor InParts(Tensor frames, Func<Tensor, Tensor> embed)
    {
        const int Part = 8;
        using var scope = TensorScope.Open();
        var features = new List<Tensor>();
        for (long first = 0; first < frames.Size(0); first += Part)
        {
            using var inner = TensorScope.Open();
            features.Add(inner.Keep(embed(frames.Narrow(0, first, Math.Min(Part, frames.Size(0) - first)))));
        }
        return scope.Keep(Tensor.Cat(0, [.. features]));
    }
}
