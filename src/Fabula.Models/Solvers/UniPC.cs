// UniPC: "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models" (Zhao et al. 2023), B2(h) form over
// predictions of the clean latents. Reference: Wan-Video/Wan2.1 @ 9737cba, wan/utils/fm_solvers_unipc.py. Parity: the recorded
// reference "schedulers". Coefficients are fp32 numbers whatever the latents' type, as in the reference.
using Fabula.Torch;

namespace Fabula.Models;

static class UniPC
{
    public static SolverStep Step(SolverState state, Tensor velocity)
    {
        var schedule = state.Schedule;
        var x = state.Latents;
        var clean = x - velocity * schedule.Sigmas[state.Step];
        // The model has now seen this noise level, so the prediction that led here can be done again with what it saw.
        if (state.Before is not null) x = Update(schedule.Sigmas, state.Step - 1, state.Before, state.Clean, state.LastOrder, seen: clean);
        IReadOnlyList<Tensor> cleans = [.. state.Clean, clean];
        var order = Math.Min(Math.Min(schedule.Order, schedule.Steps - state.Step), state.Taken + 1);
        return new SolverStep(Update(schedule.Sigmas, state.Step, x, cleans, order), cleans, x, order);
    }

    /// <summary>From level <paramref name="at"/> to the next: the predictor, or with the clean latents seen there the corrector.</summary>
    /// <param name="x">Latents at that level.</param>
    /// <param name="cleans">Clean predictions up to that level, newest last.</param>
    static Tensor Update(float[] sigmas, int at, Tensor x, IReadOnlyList<Tensor> cleans, int order, Tensor? seen = null)
    {
        var (from, to) = (new NoiseLevel(sigmas[at]), new NoiseLevel(sigmas[at + 1]));
        var h = to.Lambda - from.Lambda;
        var newest = cleans[^1];
        var ratios = new float[order];
        var slopes = new Tensor[order - 1];
        for (var i = 1; i < order; i++)
        {
            ratios[i - 1] = (new NoiseLevel(sigmas[at - i]).Lambda - from.Lambda) / h;
            slopes[i - 1] = (cleans[^(i + 1)] - newest) / ratios[i - 1];
        }
        ratios[order - 1] = 1;

        var b = Expm1Series(-h, order);
        var grown = NoiseLevel.Expm1(-h);
        float[] weights = (order, seen) switch
        {
            (1, null) => [],
            (1, _) or (2, null) => [0.5f],
            (_, null) => Solve(ratios[..^1], b[..^1]),
            _ => Solve(ratios, b),
        };
        Tensor? change = null;
        for (var i = 0; i < slopes.Length; i++) change = change is null ? slopes[i] * weights[i] : change + slopes[i] * weights[i];
        if (seen is not null) change = change is null ? (seen - newest) * weights[^1] : change + (seen - newest) * weights[^1];

        var y = x * (to.Sigma / from.Sigma) - newest * (to.Alpha * grown);
        return change is null ? y : y - change * (to.Alpha * grown);
    }

    /// <summary>The right-hand side: i! phi_{i+1}(z) z / (e^z - 1) for i = 1..order.</summary>
    static float[] Expm1Series(float z, int order)
    {
        var b = new float[order];
        var grown = NoiseLevel.Expm1(z);
        var phi = grown / z - 1;
        var factorial = 1;
        for (var i = 1; i <= order; i++)
        {
            b[i - 1] = phi * factorial / grown;
            factorial *= i + 1;
            phi = phi / z - 1f / factorial;
        }
        return b;
    }

    /// <summary>Solves sum_j w_j r_j^i = b_i for i = 0.., by elimination with pivots, in fp32.</summary>
    static float[] Solve(float[] ratios, float[] b)
    {
        var n = b.Length;
        var (m, w) = (new float[n, n], (float[])b.Clone());
        for (var row = 0; row < n; row++)
            for (var column = 0; column < n; column++) m[row, column] = MathF.Pow(ratios[column], row);
        for (var column = 0; column < n; column++)
        {
            var pivot = Enumerable.Range(column, n - column).MaxBy(row => MathF.Abs(m[row, column]));
            if (pivot != column)
            {
                for (var j = 0; j < n; j++) (m[column, j], m[pivot, j]) = (m[pivot, j], m[column, j]);
                (w[column], w[pivot]) = (w[pivot], w[column]);
            }
            for (var row = column + 1; row < n; row++)
            {
                var factor = m[row, column] / m[column, column];
                for (var j = column; j < n; j++) m[row, j] -= factor * m[column, j];
                w[row] -= factor * w[column];
            }
        }
        for (var row = n - 1; row >= 0; row--)
        {
            for (var j = row + 1; j < n; j++) w[row] -= m[row, j] * w[j];
            w[row] /= m[row, row];
        }
        return w;
    }
}
