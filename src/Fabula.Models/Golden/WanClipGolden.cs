using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded Wan CLIP image towers: images of different sizes, without and with the last block, and another grid.</summary>
static class WanClipGolden
{
    public static bool Is(Fixture fixture) =>
        fixture.Config.TryGetProperty("constructor", out var constructor) && constructor.Has("vision_dim");

    public static void Run(Fixture fixture)
    {
        var model = new WanClipVision(ReferenceConfig.Clip(fixture.Config.Field("constructor")), fixture.Weights("", WanClipVision.Rename));
        _ = fixture.Input("video.0");
        Tensor[] images = [.. Enumerable.Range(0, fixture.Inputs("video").Count)
            .Select(i => fixture.Numbers($"video.{i}", 3, -1, -1, -1).Transpose(0, 1)).SelectMany(Frames)];
        using var trace = new Trace();
        var pixels = model.Preprocess(images);
        fixture.Made("pixel_values", pixels);
        fixture.Made("visual", model.Forward(pixels, trace: trace));
        foreach (var (name, tensor) in trace.Tensors) fixture.Made(name, tensor);
        fixture.Made("full_last", model.Forward(pixels, model.Config.Layers));
        if (!fixture.IsRecorded("interp")) return;
        var side = (long)Math.Sqrt(fixture.Recorded("interp") is { Dims: 3 } recorded ? recorded.Size(1) - 1 : 0) * model.Config.PatchSize;
        if (side == 0) return;
        fixture.Made("interp", model.Forward(pixels.ResizeBicubic(side, side)));
    }

    static IEnumerable<Tensor> Frames(Tensor video) => Enumerable.Range(0, (int)video.Size(0)).Select(i => video.Select(0, i));
}
