using System.Globalization;
using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded runs of the schedules of SDXL and SVD with the stand-in network 0.3 input + sin(t/1000 k).</summary>
static class NoiseScheduleGolden
{
    public static bool Is(Fixture fixture) => fixture.Config.Has("schedulers");

    /// <summary>SVD's levels reach 700: an error is measured by the value.</summary>
    public static (double, double) Tolerance(string output) => (1e-6, 1e-5);

    public static void Run(Fixture fixture)
    {
        const string Known = "0.3*scale_model_input(x,t) + sin(t/1000*k)";
        if (fixture.Config.Has("fake_model") && fixture.Config.Text("fake_model") != Known)
            throw new FormatException($"config.json: 'fake_model' is '{fixture.Config.Text("fake_model")}'; known is {Known}.");
        var noise = fixture.Numbers("x0", fixture.Input("x0").Shape);
        var k = fixture.Numbers("k", noise.Shape);
        var schedulers = fixture.Config.Field("schedulers");
        if (schedulers.ValueKind != JsonValueKind.Object) throw new FormatException("config.json: 'schedulers' is no object.");
        var recorded = fixture.Outputs().Select(output => output.Name).ToList();
        foreach (var scheduler in schedulers.EnumerateObject())
        {
            if (scheduler.Value.ValueKind != JsonValueKind.Array || scheduler.Value.EnumerateArray().ToList() is not
                [{ ValueKind: JsonValueKind.String } kind, var arguments])
                throw new FormatException($"config.json: '{scheduler.Name}' is not a name and its arguments.");
            var start = scheduler.Name + ".n";
            foreach (var name in recorded.Where(name => name.StartsWith(start, StringComparison.Ordinal))
                .Select(name => name[start.Length..].Split('.')[0]).Distinct())
                if (int.TryParse(name, NumberStyles.None, null, out var steps))
                    Run(fixture, start + name, kind.GetString()!, arguments, steps, noise, k);
        }
    }

    static void Run(Fixture fixture, string name, string kind, JsonElement arguments, int steps, Tensor noise, Tensor k)
    {
        var config = ReferenceConfig.Noise(arguments);
        if (kind == "EulerDiscreteScheduler")
        {
            var euler = new EulerNoise(config, steps);
            fixture.Made($"{name}.sigmas", Tensor.From(euler.Sigmas, steps + 1));
            Record(fixture, name, noise, k, euler.InitialScale, [.. euler.Timesteps.Select(t => (double)t)], euler.Input, euler.Step);
        }
        else if (kind == "DDIMScheduler")
        {
            var ddim = new Ddim(config, steps);
            Record(fixture, name, noise, k, 1, [.. ddim.Timesteps.Select(t => (double)t)], (_, latents) => latents, ddim.Step);
        }
        else throw new FormatException($"config.json: '{kind}' is no schedule that Fabula has: EulerDiscreteScheduler, DDIMScheduler.");
    }

    static void Record(Fixture fixture, string name, Tensor noise, Tensor k, double scale, double[] timesteps,
        Func<int, Tensor, Tensor> input, Func<int, Tensor, Tensor, Tensor> step)
    {
        var (latents, inputs) = (new List<Tensor> { noise * scale }, new List<Tensor>());
        for (var i = 0; i < timesteps.Length; i++)
        {
            inputs.Add(input(i, latents[i]));
            var output = inputs[i] * 0.3 + (k * (Tensor.Scalar(timesteps[i], DType.F32, fixture.Device) / 1000)).Sin();
            latents.Add(step(i, output, latents[i]));
        }
        fixture.Made($"{name}.timesteps", Tensor.From(timesteps, timesteps.Length));
        fixture.Made($"{name}.init_noise_sigma", Tensor.Scalar(scale, DType.F64, Device.Cpu));
        fixture.Made($"{name}.x", Tensor.Stack(0, [.. latents]));
        fixture.Made($"{name}.model_in", Tensor.Stack(0, [.. inputs]));
    }
}
