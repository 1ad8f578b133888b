// Who somebody is, as one vector: the mean of their latents in bands from head to foot. It stands for a face encoder's embedding, which
// drawn people of a few pixels do not have.
namespace Fabula.Models;

public static class KeyframeIdentity
{
    /// <summary>Parts into which a person is cut from head to foot.</summary>
    public const int Bands = 3;

    /// <summary>
    /// The weighted mean of a picture's latents in each band between the highest and the lowest row with any weight: [Bands z].
    /// </summary>
    /// <param name="latents">[z, h, w].</param>
    /// <param name="weights">[h, w], 0 where somebody is not; above 0 somewhere.</param>
    public static float[] Of(float[] latents, float[] weights, int rows, int columns)
    {
        var (places, channels) = (rows * columns, latents.Length / (rows * columns));
        var used = Enumerable.Range(0, rows).Where(row => weights.AsSpan(row * columns, columns).ContainsAnyExcept(0f)).ToList();
        var (top, height) = (used[0], used[^1] - used[0] + 1);
        var (vector, sums) = (new float[Bands * channels], new float[Bands]);
        for (var at = 0; at < places; at++)
        {
            if (weights[at] == 0) continue;
            var band = (at / columns - top) * Bands / height;
            sums[band] += weights[at];
            for (var channel = 0; channel < channels; channel++)
                vector[band * channels + channel] += weights[at] * latents[channel * places + at];
        }
        for (var i = 0; i < vector.Length; i++) vector[i] /= Math.Max(sums[i / channels], 1e-6f);
        return vector;
    }

    /// <summary>Where a portrait shows its person: the middle quarter of the columns.</summary>
    public static float[] Middle(int rows, int columns) =>
        [.. Enumerable.Range(0, rows * columns).Select(at => Math.Abs(at % columns - (columns - 1) / 2f) < columns / 8f ? 1f : 0)];
}
