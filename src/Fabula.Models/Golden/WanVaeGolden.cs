using System.Globalization;
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded Wan VAEs, 2.1 and 2.2: a clip and its beginnings encoded, latents and their beginning decoded.</summary>
static class WanVaeGolden
{
    public static bool Is(Fixture fixture) => fixture.Config.TryGetProperty("constructor", out var constructor)
        && constructor.Has("z_dim") && constructor.Has("temperal_downsample");

    public static (double Absolute, double Relative) Tolerance(string output) =>
        (output.StartsWith("dec", StringComparison.Ordinal) ? 1e-5 : 2e-5, 1e-4);

    public static void Run(Fixture fixture)
    {
        var config = WithStatistics(fixture, ReferenceConfig.Vae(fixture.Config.Field("constructor")));
        var vae = WanVae.Create(config, fixture.Weights());
        var (mean, inverseStd) = config.Statistics();
        fixture.Made("mean", Tensor.From(mean, mean.Length));
        fixture.Made("inv_std", Tensor.From(inverseStd, inverseStd.Length));

        using var trace = new Trace();
        var video = fixture.Numbers("video", 3, -1, -1, -1).Unsqueeze(0);
        var latents = fixture.Numbers("z", config.ZDim, -1, -1, -1).Unsqueeze(0);
        fixture.Made("encode", vae.Encode(video, trace).Squeeze(0));
        fixture.Made("decode", vae.Decode(latents, trace).Squeeze(0));
        foreach (var name in fixture.Outputs().Select(output => output.Name).ToList())
        {
            if (Beginning(name, "encode_", video.Size(2)) is { } frames) fixture.Made(name,
                vae.Encode(video.Narrow(2, 0, frames)).Squeeze(0));
            if (Beginning(name, "decode_", latents.Size(2)) is { } steps) fixture.Made(name,
                vae.Decode(latents.Narrow(2, 0, steps)).Squeeze(0));
        }

        foreach (var (name, tensor) in trace.Tensors) fixture.Made(name, tensor);
        fixture.Made("enc.moments_preconv1", Whole(trace, "enc", "moments"));
        fixture.Made("dec.conv2", Whole(trace, "dec", "conv2").Squeeze(0));
        fixture.Made("decode_unclamped", Whole(trace, "dec", "unclamped").Squeeze(0));
    }

    /// <summary>The n of an output "encode_nf": what the first n frames alone become.</summary>
    static int? Beginning(string name, string prefix, long most) =>
        name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith('f')
        && int.TryParse(name.AsSpan()[prefix.Length..^1], NumberStyles.None, null, out var count) && count > 0 && count <= most ? count
            : null;

    /// <summary>A network of another size than the released has statistics of its own, which its recording holds.</summary>
    static WanVaeConfig WithStatistics(Fixture fixture, WanVaeConfig config)
    {
        if (config.ZDim == (config.IsResidual ? 48 : 16) || !fixture.IsRecorded("mean") || !fixture.IsRecorded("inv_std")) return config;
        return config with
        {
            Mean = fixture.Recorded("mean").ToFloats(),
            Std = [.. fixture.Recorded("inv_std").ToFloats().Select(value => 1 / value)]
        };
    }

    /// <summary>What was recorded group by group, joined along time.</summary>
    static Tensor Whole(Trace trace, string side, string name) => Tensor.Cat(2, [.. Enumerable.Range(0, int.MaxValue)
        .Select(i => trace.Tensors.GetValueOrDefault($"{side}.chunk{i}.{name}"))
        .TakeWhile(tensor => tensor is not null).Select(tensor => tensor!)]);
}
