using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded solver runs with the stand-in model v = 0.3 x + sin(t/1000 k).</summary>
static class SchedulerGolden
{
    public static bool Is(Fixture fixture) => fixture.Config.Has("sets") && fixture.Config.Has("solver_order");

    public static (double, double) Tolerance(string output) => output.Contains(".f64.", StringComparison.Ordinal) ? (1e-6, 0) : (1e-5, 0);

    public static void Run(Fixture fixture)
    {
        var order = fixture.Config.Int("solver_order");
        foreach (var set in fixture.Config.Field("sets").EnumerateArray())
        {
            var (steps, shift) = (set[0].GetInt32(), set[1].GetDouble());
            var name = $"n{steps}_s{shift}";
            var sigmas = Schedule.SamplingSigmas(steps, shift);
            fixture.Made($"get_sampling_sigmas.{name}", Tensor.From(sigmas, sigmas.Length));
            Run(fixture, $"unipc.{name}", Schedule.UniPC(steps, shift, order));
            Run(fixture, $"dpmpp.{name}", Schedule.DpmPlusPlus(steps, shift, order));
            Run(fixture, $"euler.{name}", Schedule.EulerDiffusers(steps, shift));
            Run(fixture, $"euler_wan.{name}", Schedule.Euler(steps, shift));
        }
    }

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
