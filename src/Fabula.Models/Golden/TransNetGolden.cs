using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded TransNet V2: both answers, the tables of likeness, and each stack's output at every tenth frame.</summary>
static class TransNetGolden
{
    public static bool Is(Fixture fixture) => fixture.Config.TryGetProperty("constructor", out var constructor)
        && constructor.Has("F") && constructor.Has("L") && constructor.Has("S") && constructor.Has("D");

    public static void Run(Fixture fixture)
    {
        var model = new TransNetV2(ReferenceConfig.TransNet(fixture.Config.Field("constructor")), fixture.Weights());
        using var trace = new Trace();
        var (oneHot, manyHot) = model.Forward(fixture.Input("frames", -1, -1, TransNetConfig.Height, TransNetConfig.Width, 3), trace);
        fixture.Made("one_hot", oneHot);
        fixture.Made("many_hot", manyHot);
        fixture.Made("prob", oneHot.Sigmoid());
        foreach (var (name, tensor) in trace.Tensors)
            fixture.Made(name, tensor.Dims == 5 ? tensor.Slice(2, 0, tensor.Size(2), 10) : tensor);
    }
}
