// DPM-Solver++ multistep: "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models" (Lu et al. 2022), midpoint
// form. Reference: Wan-Video/Wan2.1 @ 9737cba, wan/utils/fm_solvers.py. Parity: the recorded reference "schedulers".
// The first level is exactly 1, where lambda is minus infinity: the first step then has e^-h = 0, and the second, whose step back is
// infinitely long, a slope of exactly 0. Coefficients are fp32; the latents pass through fp32 whatever their type, as in the reference.
using Fabula.Torch;

namespace Fabula.Models;

static class DpmPlusPlus
{
    public static SolverStep Step(SolverState state, Tensor velocity)
    {
        var (schedule, i) = (state.Schedule, state.Step);
        var clean = state.Latents - velocity * schedule.Sigmas[i];
        IReadOnlyList<Tensor> cleans = [.. state.Clean, clean];
        // The last level is 0, where only the first order holds; short runs also take the step before it at second order.
        var ending = i == schedule.Steps - 1 ? 1 : i == schedule.Steps - 2 && schedule.Steps < 15 ? 2 : 3;
        var order = Math.Min(Math.Min(schedule.Order, ending), state.Taken + 1);

        NoiseLevel Level(int index) => new(schedule.Sigmas[index]);
        var (from, to) = (Level(i), Level(i + 1));
        var h = to.Lambda - from.Lambda;
        var grown = MathF.Exp(-h) - 1;
        var x = state.Latents.Float() * (to.Sigma / from.Sigma) - clean * (to.Alpha * grown);
        if (order == 1) return new SolverStep(x, cleans);

        var r0 = (from.Lambda - Level(i - 1).Lambda) / h;
        var slope = (clean - cleans[^2]) * (1 / r0);
        if (order == 2) return new SolverStep(x - slope * (0.5f * (to.Alpha * grown)), cleans, Order: 2);

        var r1 = (Level(i - 1).Lambda - Level(i - 2).Lambda) / h;
        var bend = slope - (cleans[^2] - cleans[^3]) * (1 / r1);
        return new SolverStep(x + (slope + bend * (r0 / (r0 + r1))) * (to.Alpha * (grown / h + 1))
            - bend * (1 / (r0 + r1)) * (to.Alpha * ((grown + h) / (h * h) - 0.5f)), cleans, Order: 3);
    }
}
