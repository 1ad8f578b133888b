// What a network foresees of a vector: not one value but a mixture of Gaussians, each with its own deviation in every dimension. Learned by
// likelihood, it need not average over what could equally be; drawn from, it gives one of these.
//
// Papers: "GIVT: Generative Infinite-Vocabulary Transformers" (Tschannen et al. 2023): square-plus variances, temperature on the deviation;
// "MovieDreamer" (2024), section 3.3 and appendix A, "Continuous Token Modeling": the loss. Its text counts 2kd means and 2kd variances,
// its appendix 2kd + k numbers in all, which is what a mixture of k has: kd means, kd variances and k weights.
//
// Shapes: N vectors; k components; d width of a vector.
using Fabula.Torch;

namespace Fabula.Models;

/// <param name="LogWeights">[N, k]; the exponentials of a row sum to 1.</param>
/// <param name="Means">[N, k, d].</param>
/// <param name="Variances">[N, k, d], above 0.</param>
public sealed record GaussianMixture(Tensor LogWeights, Tensor Means, Tensor Variances)
{
    /// <summary>From a head's numbers: k logits of the weights, then kd means, then kd numbers whose square-plus is the variance.</summary>
    /// <param name="numbers">[N, 2kd + k], fp32.</param>
    /// <param name="floor">Added to every variance: the likelihood of a training vector cannot grow without bound.</param>
    public static GaussianMixture Of(Tensor numbers, int components, double floor)
    {
        using var scope = TensorScope.Open();
        var (n, all) = (numbers.Size(0), (numbers.Size(1) - components) / 2);
        var parts = numbers.Split([components, all, all], 1);
        var raw = parts[2].Reshape(n, components, all / components);
        // Added, not clamped to: where a clamp holds there is no gradient that could lead out of it.
        var variances = (raw + (raw.Square() + 4).Sqrt()) * 0.5 + floor;
        return new(scope.Keep(parts[0].LogSoftmax(-1)), scope.Keep(parts[1].Reshape(raw.Shape)), scope.Keep(variances));
    }

    /// <summary>-log p of vectors [N, d]; [N].</summary>
    public Tensor Unlikelihood(Tensor vectors)
    {
        using var scope = TensorScope.Open();
        var far = ((vectors.Unsqueeze(1) - Means).Square() / Variances + Variances.Log() + Math.Log(2 * Math.PI)).Sum(-1) * -0.5; // [N, k]
        var terms = LogWeights + far;
        var highest = terms.Max(-1, keep: true).Detach();
        return scope.Keep(-((terms - highest).Exp().Sum(-1).Log() + highest.Squeeze(-1)));
    }

    /// <summary>The mean of the whole mixture, [N, d]: the one value that is foreseen, as the l1 and l2 losses take it.</summary>
    public Tensor Mean()
    {
        using var scope = TensorScope.Open();
        return scope.Keep((LogWeights.Exp().Unsqueeze(-1) * Means).Sum(1));
    }

    /// <summary>The three losses of a batch of vectors [N, d], each the mean over vectors and dimensions.</summary>
    /// <param name="loud">[N, d]: how much each number matters to the l1 loss, and squared to the l2 loss; null: all the same.</param>
    public MixtureLoss Loss(Tensor vectors, Tensor? loud = null)
    {
        using var scope = TensorScope.Open();
        var wrong = Mean() - vectors;
        if (loud is not null) wrong *= loud;
        return new(scope.Keep((Unlikelihood(vectors) / vectors.Size(1)).Mean()), scope.Keep(wrong.Abs().Mean()),
            scope.Keep(wrong.Square().Mean()));
    }

    /// <summary>Draws a vector from each mixture, [N, d].</summary>
    /// <param name="uniform">[N] in [0, 1): which component.</param>
    /// <param name="normal">[N, d] standard normal: where in it.</param>
    /// <param name="temperature">Scales the deviation. At 0 it is the mean of the heaviest component.</param>
    public Tensor Draw(Tensor uniform, Tensor normal, double temperature = 1)
    {
        using var scope = TensorScope.Open();
        var (below, k) = (LogWeights.Exp().Cumsum(-1) - uniform.To(LogWeights.Device).Unsqueeze(-1), LogWeights.Size(1));
        var chosen = temperature > 0 ? below.Lt(0).Float().Sum(-1).Clamp(0, k - 1) : LogWeights.Argmax(-1);
        var drawn = chosen.ToFloats().Select((component, n) =>
        {
            var (mean, variance) = (Means.Select(0, n).Select(0, (long)component), Variances.Select(0, n).Select(0, (long)component));
            return mean + variance.Sqrt() * normal.Select(0, n).To(mean.Device) * temperature;
        });
        return scope.Keep(Tensor.Stack(0, [.. drawn]));
    }
}

/// <summary>Scalars: the negative log-likelihood per dimension, |wrong| and wrong squared (equation 3; all weigh 1).</summary>
public sealed record MixtureLoss(Tensor Unlikelihood, Tensor Absolute, Tensor Squared)
{
    public Tensor Sum() => Unlikelihood + Absolute + Squared;
}
