using System.Globalization;
using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded VBench measures: of videos given by their features, and of two short ones given by their frames.</summary>
static class VBenchGolden
{
    const string DinoStart = "dino_transform", ClipStart = "clip_transform";

    public static bool Is(Fixture fixture) => fixture.Config.Has("videos");

    public static void Run(Fixture fixture)
    {
        var videos = fixture.Config.Field("videos") is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() is >= 1 and <= 1024
            && list.EnumerateArray().All(video => video.ValueKind == JsonValueKind.String)
            ? list.EnumerateArray().Select(video => video.GetString()!).ToList()
            : throw new FormatException("config.json: 'videos' is not a list of 1 to 1024 names.");
        var clip = videos.Select(video => fixture.Numbers($"clip.{video}", -1, -1)).ToList();
        // The recording made its subject numbers from the clip features as well: its dino features are in none of its outputs.
        FrameMean[] consistency = [.. clip.Select(VBench.Consistency)];
        Consistency(fixture, "subject", consistency);
        Consistency(fixture, "background", consistency);

        var head = new Linear(fixture.Weights()["aesthetic"], clip[0].Size(1), 1);
        double[] fine = [.. clip.Select(features => VBench.Aesthetic(features, head))];
        fixture.Made("aesthetic", Tensor.Scalar(fine.Average(), DType.F64, Device.Cpu));
        fixture.Made("aesthetic_per_video", Tensor.From(fine, fine.Length));

        double[] steady = [.. videos.Where(video => fixture.HasInput($"frames.{video}"))
            .Select(video => VBench.Steadiness(fixture.Input($"frames.{video}")))];
        if (steady.Length > 0) fixture.Made("temporal_flickering_per_video", Tensor.From(steady, steady.Length));
        foreach (var (name, _) in fixture.Outputs().ToList())
            if (name.StartsWith(DinoStart, StringComparison.Ordinal)) Pixels(fixture, name, DinoStart, VBench.DinoPixels);
            else if (name.StartsWith(ClipStart, StringComparison.Ordinal)) Pixels(fixture, name, ClipStart, VBench.ClipPixels);
    }

    static void Consistency(Fixture fixture, string what, FrameMean[] videos)
    {
        fixture.Made($"{what}_consistency", Tensor.Scalar(FrameMean.Of(videos).Value, DType.F64, Device.Cpu));
        fixture.Made($"{what}_per_video", Tensor.From([.. videos.Select(video => video.Value)], videos.Length));
    }

    /// <summary>An output named dino_transform56.frames.a: the input frames.a at 56 pixels.</summary>
    static void Pixels(Fixture fixture, string output, string start, Func<Tensor, int, Tensor> show)
    {
        var dot = output.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0 || !int.TryParse(output.AsSpan(start.Length, dot - start.Length), NumberStyles.None, CultureInfo.InvariantCulture,
            out var side)) return;
        fixture.Made(output, show(fixture.Input(output[(dot + 1)..], -1, -1, -1, 3).Permute(0, 3, 1, 2), side));
    }
}
