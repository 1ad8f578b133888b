using System.Globalization;
using System.Text.RegularExpressions;
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded solver runs with the stand-in model v = 0.3 x + sin(t/1000 k).</summary>
static class SchedulerGolden
{
    public static bool Is(Fixture fixture) => fixture.Config.Has("sets") && fixture.Config.Has("solver_order");

    public static (double, double) Tolerance(string output) => output.Contains(".f64.", StringComparison.Ordinal) ? (1e-6, 0) : (1e-5, 0);

    public static void Run(Fixture fixture)
    {
        var order = fixture.Config.Int("solver_order", 1, 3);
        const string Known = "v = 0.3*x + sin(t/1000*k)";
        if (fixture.Config.Has("fake_model") && fixture.Config.Text("fake_model") != Known)
            throw new FormatException($"config.json: 'fake_model' is '{fixture.Config.Text("fake_model")}'; known is {Known}.");
        _ = fixture.Numbers("k", fixture.Numbers("x0", fixture.Input("x0").Shape).Shape);
        var recorded = fixture.Outputs().Select(output => output.Name).ToList();
        foreach (var (steps, shift) in fixture.Config.Pairs("sets"))
        {
            if (steps != Math.Floor(steps)
                || steps is < 1 or > 1000) throw new FormatException($"config.json: 'sets' asks for {steps} steps.");
            var (count, name) = ((int)steps, NameOf(steps, shift, recorded));
            var sigmas = Schedule.SamplingSigmas(count, shift);
            fixture.Made($"get_sampling_sigmas.{name}", Tensor.From(sigmas, sigmas.Length));
            Run(fixture, $"unipc.{name}", Schedule.UniPC(count, shift, order));
            Run(fixture, $"dpmpp.{name}", Schedule.DpmPlusPlus(count, shift, order));
            Run(fixture, $"euler.{name}", Schedule.EulerDiffusers(count, shift));
            Run(fixture, $"euler_wan.{name}", Schedule.Euler(count, shift));
        }
    }

    /// <summary>The part of a recording's names that tells steps and shift, however its shift is written: n8_s5, n8_s5.0.</summary>
    static string NameOf(double steps, double shift, IEnumerable<string> recorded) => recorded
        .Select(name => Regex.Match(name, @"^[a-z_]+\.(n(\d+)_s([0-9.]+?))(\.(sigmas|timesteps|f32\.[xv]|f64\.x))?$"))
        .Where(match => match.Success && Number(match.Groups[2].Value) == steps && Number(match.Groups[3].Value) == shift)
        .Select(match => match.Groups[1].Value).FirstOrDefault() ?? string.Create(CultureInfo.InvariantCulture, $"n{steps}_s{shift}");

    static double? Number(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : null;

    static void Run(Fixture fixture, string name, Schedule schedule)
    {
        fixture.Made($"{name}.sigmas", Tensor.From(schedule.Sigmas, schedule.Sigmas.Length));
        fixture.Made($"{name}.timesteps", Tensor.From(schedule.Timesteps, schedule.Steps));
        foreach (var type in new[] { DType.F32, DType.F64 })
        {
            var (noise, k) = (fixture.Input("x0").To(type, fixture.Device), fixture.Input("k").To(type, fixture.Device));
            var state = Solver.Start(schedule, noise);
            var (latents, velocities) = (new List<Tensor> { noise }, new List<Tensor>());
            while (!state.IsDone)
            {
                var time = Tensor.Scalar(state.Timestep, type, fixture.Device) / 1000;
                velocities.Add(state.Latents * 0.3 + (time * k).Sin());
                state = Solver.Step(state, velocities[^1]);
                latents.Add(state.Latents.Clone());
            }
            state.Dispose();
            var suffix = type == DType.F32 ? "f32" : "f64";
            fixture.Made($"{name}.{suffix}.x", Tensor.Stack(0, [.. latents]));
            if (type == DType.F32) fixture.Made($"{name}.f32.v", Tensor.Stack(0, [.. velocities]));
        }
    }
}
