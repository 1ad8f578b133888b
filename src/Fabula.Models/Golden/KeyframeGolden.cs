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
        var sizes = fixture.Config.Field("smart_resize_hw").EnumerateArray();
        fixture.Made("smart_resize", Sizes([.. sizes.Select(hw => KeyframeSelection.SmartResize(hw[0].GetInt32(), hw[1].GetInt32()))]));
        var frames = fixture.Input("frames");
        var resized = KeyframeSelection.SmartResize((int)frames.Size(2), (int)frames.Size(3));
        fixture.Made("resized_hw", Sizes([resized]).Squeeze(0));

        var encoder = new ClipImageEncoder(ConfigOf(fixture.Config.Field("constructor")), fixture.Weights("", ClipImageEncoder.Rename));
        var features = KeyframeSelection.Embed(encoder, frames);
        var similarity = KeyframeSelection.Similarities(features, features);
        fixture.Made("sim", Table(similarity));
        var whole = KeyframeSelection.EmbedWhole(encoder, frames);
        fixture.Made("sim_orig", Table(KeyframeSelection.Similarities(whole.Narrow(0, 0, fixture.Recorded("sim_orig").Size(0)), whole)));

        var (count, quality) = ((int)frames.Size(0), fixture.Input("quality").ToFloats());
        const string Prefix = "indices_t";
        foreach (var (name, _) in fixture.Outputs().ToList())
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            var threshold = double.Parse(name.AsSpan(Prefix.Length), CultureInfo.InvariantCulture);
            fixture.Made(name, Indices(KeyframeSelection.Extract(count, (i, j) => similarity[i, j], i => quality[i], threshold, 3.0)));
        }
        var choice = KeyframeSelection.Choose(count, (i, j) => similarity[i, j], i => quality[i]);
        fixture.Made("adaptive.indices", Indices(choice.Indices));
        fixture.Made("adaptive.threshold", Tensor.Scalar(choice.Similarity, DType.F64, Device.Cpu));
    }

    static ClipImageConfig ConfigOf(JsonElement arguments) => new()
    {
        ImageSize = arguments.Int("image_resolution"),
        PatchSize = arguments.Int("vision_patch_size"),
        Width = arguments.Int("vision_width"),
        Layers = arguments.Int("vision_layers"),
        EmbedDim = arguments.Int("embed_dim"),
    };

    static Tensor Sizes((int Height, int Width)[] sizes) =>
        Tensor.From([.. sizes.SelectMany(size => new long[] { size.Height, size.Width })], sizes.Length, 2);

    static Tensor Indices(IReadOnlyList<int> indices) => Tensor.From([.. indices.Select(i => (long)i)], indices.Count);

    static Tensor Table(double[,] table) => Tensor.From([.. table.Cast<double>()], table.GetLength(0), table.GetLength(1));
}
