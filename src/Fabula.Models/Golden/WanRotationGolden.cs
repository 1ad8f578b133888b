using System.Globalization;
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
        var (headDim, freqDim) = (fixture.Config.Int("head_dim", 6, 1024), fixture.Config.Int("freq_dim", 2, 8192));
        if (headDim % 2 != 0 || freqDim % 2 != 0) throw new FormatException("config.json: 'head_dim' or 'freq_dim' is odd.");
        var x = fixture.Numbers("x", -1, -1, -1, headDim);
        var grids = fixture.Input("grid_sizes", x.Size(0), 3).ToFloats();
        var rotated = new List<Tensor>();
        for (var b = 0; b < x.Size(0); b++)
        {
            if (!Enumerable.Range(3 * b, 3).All(at => grids[at] >= 1)
                || (double)grids[3 * b] * grids[3 * b + 1] * grids[3 * b + 2] > x.Size(1))
                throw fixture.Wrong("grid_sizes",
                    $"has a grid of {grids[3 * b]}x{grids[3 * b + 1]}x{grids[3 * b + 2]} for {x.Size(1)} tokens");
            var (f, h, w) = ((int)grids[3 * b], (int)grids[3 * b + 1], (int)grids[3 * b + 2]);
            var (cosine, sine) = WanTransformer.Angles(headDim, [.. Enumerable.Range(0, f).Select(i => (double)i)], h, w);
            var (tokens, shape) = (f * h * w, new long[] { f * h * w, headDim / 2 });
            var sample = x.Narrow(0, b, 1);                                                      // [1, L, heads, d]
            var turned = Fused.Rotate(sample.Narrow(1, 0, tokens), Tensor.From(cosine, shape), Tensor.From(sine, shape));
            rotated.Add(Tensor.Cat(1, turned, sample.Narrow(1, tokens, sample.Size(1) - tokens)));
        }
        fixture.Made("out", Tensor.Cat(0, [.. rotated]));

        var times = fixture.Input("t", -1).ToFloats();
        var sinusoids = times.SelectMany(t => WanTransformer.Sinusoid(t, freqDim)).ToArray();
        fixture.Made("sinusoidal", Tensor.From(sinusoids, times.Length, freqDim));

        foreach (var (name, shape) in fixture.Outputs().Select(output => (output.Name, output.Expected.Shape))
            .Where(output => output.Name.StartsWith(Table, StringComparison.Ordinal)).ToList())
        {
            if (!int.TryParse(name.AsSpan(Table.Length), NumberStyles.None, null, out var rows) || shape is not [var recorded, ..]
                || recorded != rows) continue;
            // Row i of the reference's table: position i on all three axes.
            var angles = Enumerable.Range(0, rows).SelectMany(i => Enumerable.Range(0, headDim / 2)
                .Select(pair => WanTransformer.Angle(headDim, pair, i, i, i))
                .SelectMany(angle => new[] { Math.Cos(angle), Math.Sin(angle) })).ToArray();
            fixture.Made(name, Tensor.From(angles, rows, headDim / 2, 2));
        }
    }
}
