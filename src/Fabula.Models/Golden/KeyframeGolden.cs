using System.Globalization;
using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded StoryMem keyframe selection: sizes, similarities of every pair of frames, and the frames chosen.</summary>
static class KeyframeGolden
{
    public static bool Is(Fixture fixture) => fixture.Config.Has("smart_resize_hw");

    /// <summary>Sizes and indices are exact; similarities allow for frames a level apart.</summary>
    public static (double Absolute, double Relative) Tolerance(string output) =>
        output.StartsWith("sim", StringComparison.Ordinal) ? (1e-4, 0) : output == "adaptive.threshold" ? (1e-9, 0) : (0, 0);

    public static void Run(Fixture fixture)
    {
        fixture.Made("smart_resize", Sizes([.. fixture.Config.Pairs("smart_resize_hw")
            .Select(side => side is (>= 1 and <= 65536, >= 1 and <= 65536)
            ? KeyframeSelection.SmartResize((int)side.Item1, (int)side.Item2)
            : throw new FormatException("config.json: 'smart_resize_hw' has sides that are not from 1 to 65536."))]));
        var frames = fixture.Input("frames", -1, 3, -1, -1);
        if (frames.Size(2) > 65536 || frames.Size(3) > 65536) throw fixture.Wrong("frames", "has sides of more than 65536 pixels");
        var resized = KeyframeSelection.SmartResize((int)frames.Size(2), (int)frames.Size(3));
        fixture.Made("resized_hw", Sizes([resized]).Squeeze(0));

        var encoder = new ClipImageEncoder(ConfigOf(fixture.Config.Field("constructor")), fixture.Weights("", ClipImageEncoder.Rename));
        var features = KeyframeSelection.Embed(encoder, frames);
        var similarity = KeyframeSelection.Similarities(features, features);
        fixture.Made("sim", Table(similarity));
        var whole = KeyframeSelection.EmbedWhole(encoder, frames);
        fixture.Made("sim_orig", Table(KeyframeSelection.Similarities(whole.Narrow(0, 0, KnownIn(fixture, whole.Size(0))), whole)));

        var (count, quality) = ((int)frames.Size(0), fixture.Numbers("quality", frames.Size(0)).ToFloats());
        const string Prefix = "indices_t";
        foreach (var (name, _) in fixture.Outputs().ToList())
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            if (!double.TryParse(name.AsSpan(Prefix.Length), CultureInfo.InvariantCulture, out var threshold)) continue;
            fixture.Made(name, Indices(KeyframeSelection.Extract(count, (i, j) => similarity[i, j], i => quality[i], threshold, 3.0)));
        }
        var choice = KeyframeSelection.Choose(count, (i, j) => similarity[i, j], i => quality[i]);
        fixture.Made("adaptive.indices", Indices(choice.Indices));
        fixture.Made("adaptive.threshold", Tensor.Scalar(choice.Similarity, DType.F64, Device.Cpu));
    }

    /// <summary>How many of the frames stand for remembered ones in the recorded table.</summary>
    static long KnownIn(Fixture fixture, long frames) =>
        fixture.IsRecorded("sim_orig") && fixture.Recorded("sim_orig").Shape is [var known, _] ? Math.Clamp(known, 0, frames) : frames;

    static ClipImageConfig ConfigOf(JsonElement arguments)
    {
        var config = new ClipImageConfig
        {
            ImageSize = arguments.Int("image_resolution", 1, 4096),
            PatchSize = arguments.Int("vision_patch_size", 1, 512),
            Width = arguments.Int("vision_width", 64, 16384),
            Layers = arguments.Int("vision_layers", 1, 256),
            EmbedDim = arguments.Int("embed_dim", 1, 16384),
        };
        if (config.ImageSize < config.PatchSize || config.Width % 64 != 0)
            throw new FormatException(
                $"config.json: 'vision_width' {config.Width} is no multiple of 64, or 'vision_patch_size' is larger than the image.");
        return config;
    }

    static Tensor Sizes((int Height, int Width)[] sizes) =>
        Tensor.From([.. sizes.SelectMany(size => new long[] { size.Height, size.Width })], sizes.Length, 2);

    static Tensor Indices(IReadOnlyList<int> indices) => Tensor.From([.. indices.Select(i => (long)i)], indices.Count);

    static Tensor Table(double[,] table) => Tensor.From([.. table.Cast<double>()], table.GetLength(0), table.GetLength(1));
}
