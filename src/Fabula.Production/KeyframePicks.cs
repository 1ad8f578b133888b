// Which frames of a finished clip are worth remembering, where no CLIP is there to judge: the first frame, then of the frames that differ
// most from all that are chosen the sharpest. The rule after StoryMem's ("something new that looks good"), with pixels in place of
// features.
namespace Fabula.Production;

public static class KeyframePicks
{
    const int Samples = 32; // per side

    /// <summary>Indices in ascending order, at least one, at most <paramref name="most"/>.</summary>
    /// <param name="frames">Each [H, W, 3].</param>
    public static IReadOnlyList<int> Choose(IReadOnlyList<byte[]> frames, int width, int height, int most)
    {
        var small = frames.Select(frame => Shrink(frame, width, height)).ToList();
        var sharp = frames.Select(frame => Sharpness(frame, width, height)).ToList();
        var chosen = new List<int> { 0 };
        while (chosen.Count < Math.Min(most, frames.Count))
        {
            var difference = small.Select((frame, i) => chosen.Min(other => Difference(frame, small[other]))).ToList();
            var greatest = difference.Max();
            if (greatest < 1) break;                                            // nothing new to a whole level
            var candidates = Enumerable.Range(0, frames.Count).Where(i => difference[i] >= 0.8 * greatest);
            chosen.Add(candidates.MaxBy(i => sharp[i]));
        }
        return [.. chosen.Order()];
    }

    static double[] Shrink(byte[] frame, int width, int height)
    {
        var result = new double[Samples * Samples];
        for (var i = 0; i < result.Length; i++)
        {
            var at = (i / Samples * height / Samples * width + i % Samples * width / Samples) * 3;
            result[i] = frame[at] + frame[at + 1] + frame[at + 2];
        }
        return result;
    }

    /// <summary>Mean difference of levels.</summary>
    static double Difference(double[] a, double[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++) sum += Math.Abs(a[i] - b[i]);
        return sum / a.Length / 3;
    }

    /// <summary>Mean difference of neighbours in a row: a blurred or smeared frame has less.</summary>
    static long Sharpness(byte[] frame, int width, int height)
    {
        var sum = 0L;
        for (var y = 0; y < height; y++)
            for (var i = y * width * 3 + 3; i < (y + 1) * width * 3; i++) sum += Math.Abs(frame[i] - frame[i - 3]);
        return sum;
    }
}
