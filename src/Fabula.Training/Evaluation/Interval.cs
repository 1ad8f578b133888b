// A number with its 95 % interval: no result without one.
using System.Globalization;

namespace Fabula.Training.Evaluation;

/// <param name="Mean">The share or the mean.</param>
/// <param name="Low">The lower end of the 95 % interval.</param>
/// <param name="Count">How many it is made from; with none, all three are NaN.</param>
public readonly record struct Interval(double Mean, double Low, double High, int Count)
{
    const double Quantile = 1.959963984540054;  // of the normal distribution, at 97.5 %

    static readonly Interval Nothing = new(double.NaN, double.NaN, double.NaN, 0);

    /// <summary>A share of yes among a count of yes and no: Wilson's score interval (JASA 22, 1927).</summary>
    public static Interval OfShare(int yes, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(yes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(yes, count);
        if (count == 0) return Nothing;
        var (share, square) = ((double)yes / count, Quantile * Quantile);
        var middle = (share + square / (2 * count)) / (1 + square / count);
        var half = Quantile / (1 + square / count) * Math.Sqrt(share * (1 - share) / count + square / (4.0 * count * count));
        return new(share, yes == 0 ? 0 : middle - half, yes == count ? 1 : middle + half, count);
    }

    /// <summary>A mean of numbers that may be of any distribution: percentiles of 2,000 resampled means (Efron's bootstrap,
    /// 1979).</summary>
    public static Interval OfMean(IReadOnlyList<double> values, ulong seed = 1)
    {
        if (values.Count == 0) return Nothing;
        const int Draws = 2000;
        var means = new double[Draws];
        for (var i = 0; i < Draws; i++)
        {
            var (chance, sum) = (new Chance(seed)["bootstrap"][i], 0.0);
            for (var j = 0; j < values.Count; j++) sum += values[chance[j].Below(values.Count)];
            means[i] = sum / values.Count;
        }
        Array.Sort(means);
        return new(values.Average(), means[(int)(Draws * 0.025)], means[(int)(Draws * 0.975) - 1], values.Count);
    }

    /// <summary>As per cent: "97.5 % (96.1 to 98.4, n 512)".</summary>
    public string AsPercent => Count == 0 ? "nothing to measure"
        : string.Create(CultureInfo.InvariantCulture, $"{100 * Mean:0.0} % ({100 * Low:0.0} to {100 * High:0.0}, n {Count})");

    /// <summary>A small number: "0.034 (0.030 to 0.039, n 64)".</summary>
    public string AsDistance => Count == 0 ? "nothing to measure"
        : string.Create(CultureInfo.InvariantCulture, $"{Mean:0.000} ({Low:0.000} to {High:0.000}, n {Count})");

    /// <summary>A difference of shares, in points of per cent: "-12.5 (-14.0 to -11.1)".</summary>
    public string AsPoints => Count == 0 ? "nothing to measure" : string.Create(CultureInfo.InvariantCulture,
        $"{100 * Mean:+0.0;-0.0;0.0} ({100 * Low:+0.0;-0.0;0.0} to {100 * High:+0.0;-0.0;0.0})");

    public override string ToString() => Count == 0 ? "nothing to measure"
        : string.Create(CultureInfo.InvariantCulture, $"{Mean:0.00} ({Low:0.00} to {High:0.00}, n {Count})");
}
