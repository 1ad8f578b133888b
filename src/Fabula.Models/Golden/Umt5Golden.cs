using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded UMT5 encoders: a padded batch of token rows, its mask, and the distance buckets.</summary>
static class Umt5Golden
{
    /// <summary>Scores are held for every pair of tokens: what a recording may ask for.</summary>
    const int LongestRow = 4096;

    public static bool Is(Fixture fixture) =>
        fixture.Config.TryGetProperty("constructor", out var constructor) && constructor.Has("num_buckets");

    /// <summary>fp32 rounding; buckets are integers.</summary>
    public static (double Absolute, double Relative) Tolerance(string output) =>
        output.StartsWith("buckets_", StringComparison.Ordinal) ? (0, 0) : (1e-5, 1e-4);

    public static void Run(Fixture fixture)
    {
        var ids = fixture.Input("ids", -1, -1);
        var mask = fixture.Input("mask", ids.Shape);
        if (ids.DType.IsFloat()) throw fixture.Wrong("ids", $"holds {ids.DType} where whole numbers are wanted");
        ids = ids.To(DType.I64);
        if (ids.Size(1) > LongestRow) throw fixture.Wrong("ids", $"has rows of {ids.Size(1)} tokens, more than {LongestRow}");
        var config = ReferenceConfig.Umt5(fixture.Config.Field("constructor"));
        if (ids.Min().Item() < 0 || ids.Max().Item() >= config.Vocabulary)
            throw fixture.Wrong("ids",
                $"has tokens from {ids.Min().Item()} to {ids.Max().Item()}, outside 'vocab' {config.Vocabulary} of config.json");
        var model = new Umt5Encoder(config with { MaxTokens = (int)ids.Size(1) }, fixture.Weights("", Umt5Encoder.Rename()));
        using var trace = new Trace();
        fixture.Made("full", model.Forward(ids, mask, trace));
        foreach (var (name, tensor) in trace.Tensors) fixture.Made(name, tensor);

        int[] lengths = [.. mask.Sum(1).ToFloats().Select(length => (int)length)];
        foreach (var (rows, i) in model.Encode(ids, lengths).Select((rows, i) => (rows, i))) fixture.Made($"context.{i}", rows);

        foreach (var (name, expected) in fixture.Outputs().ToList())
        {
            if (expected.Dims == 0) continue;
            var count = expected.Size(0);
            if (name.StartsWith("pos_bias.", StringComparison.Ordinal) && name.EndsWith(".rows16", StringComparison.Ordinal))
            {
                if (trace.Tensors.TryGetValue(name[..^".rows16".Length], out var bias) && expected.Dims == 4) fixture.Made(name,
                    EveryNth(bias, expected.Size(2)));
            }
            else if (name.StartsWith("buckets_row0", StringComparison.Ordinal))
                fixture.Made(name, model.RelativeBuckets(Tensor.Arange(0, count, DType.I64, Device.Cpu)));
            else if (name.StartsWith("buckets_col0", StringComparison.Ordinal))
                fixture.Made(name, model.RelativeBuckets(-Tensor.Arange(0, count, DType.I64, Device.Cpu)));
        }
    }


    /// <summary>Bias [1, N, L, L] of every n-th query: recorded as every ninth, or whatever step leaves as many rows.</summary>
    static Tensor EveryNth(Tensor bias, long rows)
    {
        var length = bias.Size(2);
        var step = Enumerable.Range(1, (int)length).Prepend(9).FirstOrDefault(n => (length + n - 1) / n == rows);
        return step == 0 ? bias : bias.Slice(2, 0, length, step);
    }
}
