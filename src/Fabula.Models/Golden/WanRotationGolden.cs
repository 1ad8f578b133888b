using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded rotary positions and timestep sinusoids at the real head size, without a network.</summary>
static class WanRotationGolden
{
    const string Table = "freqs_angle_first";

    public static bool Is(Fixture fixture) =>
        fixture.Config.Has("head_dim") && fixture.Config.Has("freq_dim") && !fixture.Config.Has("constructor");

    public static void Run(Fixture fixture)
    {
        var headDim = fixture.Config.Int("head_dim");
        var (x, grids) = (fixture.Input("x"), fixture.Input("grid_sizes").ToFloats());
        var rotated = new List<Tensor>();
        for (var b = 0; b < x.Size(0); b++)
        {
            var (f, h, w) = ((int)grids[3 * b], (int)grids[3 * b + 1], (int)grids[3 * b + 2]);
            var (cosine, sine) = WanTransformer.Angles(headDim, [.. Enumerable.Range(0, f).Select(i => (double)i)], h, w);
            var (tokens, shape) = (f * h * w, new long[] { f * h * w, headDim / 2 });
            var sample = x.Narrow(0, b, 1);                                                      // [1, L, heads, d]
            var turned = Fused.Rotate(sample.Narrow(1, 0, tokens), Tensor.From(cosine, shape), Tensor.From(sine, shape));
            rotated.Add(Tensor.Cat(1, turned, sample.Narrow(1, tokens, sample.Size(1) - tokens)));
        }
        fixture.Made("out", Tensor.Cat(0, [.. rotated]));

        var times = fixture.Input("t").ToFloats();
        var sinusoids = times.SelectMany(t => WanTransformer.Sinusoid(t, fixture.Config.Int("freq_dim"))).ToArray();
        fixture.Made("sinusoidal", Tensor.From(sinusoids, times.Length, fixture.Config.Int("freq_dim")));

        foreach (var name in fixture.Outputs().Select(output => output.Name)
            .Where(name => name.StartsWith(Table, StringComparison.Ordinal)).ToList())
        {
            var rows = int.Parse(name[Table.Length..]);
            // Row i of the reference's table: position i on all three axes.
            var angles = Enumerable.Range(0, rows).SelectMany(i => Enumerable.Range(0, headDim / 2)
                .Select(pair => WanTransformer.Angle(headDim, pair, i, i, i))
                .SelectMany(angle => new[] { Math.Cos(angle), Math.Sin(angle) })).ToArray();
            fixture.Made(name, Tensor.From(angles, rows, headDim / 2, 2));
        }
    }
}
