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
        var model = new WanClipVision(ConfigOf(fixture.Config.Field("constructor")), fixture.Weights("", WanClipVision.Rename));
        Tensor[] images = [.. fixture.Inputs("video").Select(video => video.Transpose(0, 1)).SelectMany(Frames)];
        using var trace = new Trace();
        var pixels = model.Preprocess(images);
        fixture.Made("pixel_values", pixels);
        fixture.Made("visual", model.Forward(pixels, trace: trace));
        foreach (var (name, tensor) in trace.Tensors) fixture.Made(name, tensor);
        fixture.Made("full_last", model.Forward(pixels, model.Config.Layers));
        if (!fixture.IsRecorded("interp")) return;
        var side = (long)Math.Sqrt(fixture.Recorded("interp").Size(1) - 1) * model.Config.PatchSize;
        fixture.Made("interp", model.Forward(pixels.ResizeBicubic(side, side)));
    }

    static IEnumerable<Tensor> Frames(Tensor video) => Enumerable.Range(0, (int)video.Size(0)).Select(i => video.Select(0, i));

    public static WanClipConfig ConfigOf(JsonElement arguments)
    {
        if (arguments.Text("activation") != "gelu" || arguments.Text("vision_pool") != "token"
            || !arguments.Flag("vision_pre_norm", true) || arguments.Flag("vision_post_norm"))
            throw new FormatException(
                "config.json describes a CLIP tower that no Wan model has: only a class token, norms first and plain GELU are known.");
        return new()
        {
            ImageSize = arguments.Int("image_size"),
            PatchSize = arguments.Int("patch_size"),
            Dim = arguments.Int("vision_dim"),
            MlpRatio = arguments.Double("vision_mlp_ratio", 4),
            Heads = arguments.Int("vision_heads"),
            Layers = arguments.Int("vision_layers"),
        };
    }
}
