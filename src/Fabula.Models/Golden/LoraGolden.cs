using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>A recorded transformer with a LoRA: without it, with it beside the weights, and merged into them.</summary>
static class LoraGolden
{
    public static bool Is(Fixture fixture) => fixture.Config.Has("lora") && fixture.Config.Has("constructor");

    public static (double, double) Tolerance(string output) => output.EndsWith(".weight", StringComparison.Ordinal) ? (1e-6, 0) : (3e-5, 0);

    public static void Run(Fixture fixture)
    {
        var settings = fixture.Config.Field("lora");
        var scaling = new LoraScaling(settings.Double("lora_alpha", settings.Int("r")), settings.Flag("use_rslora"));
        using var lora = new Lora(fixture.Weights("lora."), scaling);

        fixture.Made("out.base", Forward(fixture, fixture.Weights("base.")));

        var apart = fixture.Weights("base.");
        lora.Attach(apart);
        fixture.Made("out.runtime_lora", Forward(fixture, apart));

        var merged = fixture.Weights("base.");
        var report = lora.Merge(merged);
        fixture.Made("out.merged", Forward(fixture, merged));
        foreach (var name in report.Matched) fixture.Made($"merged.{name}", merged.Get(name, merged.ShapeOf(name)));
    }

    static Tensor Forward(Fixture fixture, Weights weights)
    {
        _ = fixture.Input("x.0");
        return WanTransformerGolden.Forward(fixture, WanTransformerGolden.Model(fixture, weights), 0, null);
    }
}
