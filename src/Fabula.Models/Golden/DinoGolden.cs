using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded DINO towers: tokens and attention at the size they were taught, and pictures of another.</summary>
static class DinoGolden
{
    public static bool Is(Fixture fixture) => fixture.Config.TryGetProperty("constructor", out var constructor)
        && constructor.Has("embed_dim") && constructor.Has("qkv_bias");

    public static void Run(Fixture fixture)
    {
        var model = new DinoVit(ReferenceConfig.Dino(fixture.Config), fixture.Weights());
        var image = fixture.Numbers("image", -1, 3, -1, -1);
        using var trace = new Trace();
        var tokens = model.Forward(image, trace);
        fixture.Made("tokens", tokens);
        fixture.Made("cls", tokens.Select(1, 0));
        foreach (var (name, tensor) in trace.Tensors) fixture.Made(name, tensor);
        fixture.Made("last_selfattention", model.LastAttention(image));
        if (fixture.HasInput("image_big")) fixture.Made("cls_interp", model.Embed(fixture.Numbers("image_big", -1, 3, -1, -1)));
    }
}
