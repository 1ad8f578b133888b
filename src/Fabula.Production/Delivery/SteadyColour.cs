// Colour held steady across joins. A clip that goes on from another begins with that one's last frame, made once more: what differs in mean
// and spread of a channel is the model's drift and no part of the story. It is taken back at the join, and given back little by little over
// the next two seconds, so that nothing jumps. Where the two pictures differ too much to be the same, nothing is touched.
// After Reinhard et al., Color Transfer between Images (2001), per channel of RGB.
namespace Fabula.Production.Delivery;

/// <summary>Mean and standard deviation of a picture's channels (red, green, blue), in levels of 0 to 255.</summary>
public sealed record PictureColour(double[] Mean, double[] Spread)
{
    /// <param name="rgb">[H, W, 3].</param>
    internal static PictureColour Of(ReadOnlySpan<byte> rgb)
    {
        Span<long> sum = stackalloc long[3], squares = stackalloc long[3];
        sum.Clear();
        squares.Clear();
        for (var i = 0; i < rgb.Length; i += 3)
            for (var c = 0; c < 3; c++)
            {
                sum[c] += rgb[i + c];
                squares[c] += rgb[i + c] * rgb[i + c];
            }
        var (mean, spread, pixels) = (new double[3], new double[3], rgb.Length / 3.0);
        for (var c = 0; c < 3; c++)
        {
            mean[c] = sum[c] / pixels;
            spread[c] = Math.Sqrt(Math.Max(0, squares[c] / pixels - mean[c] * mean[c]));
        }
        return new(mean, spread);
    }
}

/// <summary>One join, measured: the last frame of one clip, and the first of the next, which should be the same picture.</summary>
/// <param name="Steadied">Whether the difference was taken back.</param>
public sealed record JoinColour(string From, string To, PictureColour Before, PictureColour After, bool Steadied);

/// <summary>value x gain + offset at the join, fading to value over so many frames of the clip.</summary>
sealed record ColourShift(double[] Gain, double[] Offset, int Frames)
{
    /// <summary>A channel's mean further off than this, in levels, is another picture.</summary>
    const double MostDrift = 32;
    const double LeastGain = 0.8, MostGain = 1.25, SameMean = 0.25, SameGain = 0.005;

    /// <summary>Null where nothing is to be done: no difference that can be seen, or too much.</summary>
    public static ColourShift? Between(PictureColour before, PictureColour after, int frames)
    {
        var (gain, offset, seen) = (new double[3], new double[3], false);
        for (var c = 0; c < 3; c++)
        {
            var drift = before.Mean[c] - after.Mean[c];
            if (Math.Abs(drift) > MostDrift) return null;
            gain[c] = after.Spread[c] < 1 ? 1 : Math.Clamp(before.Spread[c] / after.Spread[c], LeastGain, MostGain);
            offset[c] = before.Mean[c] - gain[c] * after.Mean[c];
            seen |= Math.Abs(drift) > SameMean || Math.Abs(gain[c] - 1) > SameGain;
        }
        return seen && frames > 0 ? new(gain, offset, frames) : null;
    }

    /// <summary>Corrects a clip's frame in place.</summary>
    public void Apply(Span<byte> rgb, int frame)
    {
        if (frame >= Frames) return;
        var weight = 0.5 * (1 + Math.Cos(Math.PI * frame / Frames));
        var table = new byte[3 * 256];
        for (var c = 0; c < 3; c++)
            for (var v = 0; v < 256; v++)
                table[c * 256 + v] = (byte)Math.Clamp(Math.Round(v + weight * (v * (Gain[c] - 1) + Offset[c])), 0, 255);
        for (var i = 0; i < rgb.Length; i += 3)
            for (var c = 0; c < 3; c++) rgb[i + c] = table[c * 256 + rgb[i + c]];
    }
}

static class SteadyColour
{
    const double Seconds = 2;

    /// <summary>Measures each pair of clips of which the second goes on from the first, and says what takes the difference back.</summary>
    /// <param name="samePlace">Whether two clips, by their ids, play in one place.</param>
    public static (IReadOnlyList<JoinColour> Joins, IReadOnlyDictionary<string, ColourShift> Shifts) Measure(
        IReadOnlyList<ShotClip> clips, Func<string, string, bool> samePlace, bool steady, CancellationToken stop)
    {
        var (joins, shifts) = (new List<JoinColour>(), new Dictionary<string, ColourShift>());
        for (var i = 1; i < clips.Count; i++)
        {
            var (from, to) = (clips[i - 1], clips[i]);
            if (to.DropFirst == 0 || !samePlace(from.ShotId, to.ShotId)) continue;
            stop.ThrowIfCancellationRequested();
            var last = Frame(from, from.Frames - 1);
            shifts.GetValueOrDefault(from.ShotId)?.Apply(last, from.Frames - 1);
            var (before, after) = (PictureColour.Of(last), PictureColour.Of(Frame(to, 0)));
            var frames = Math.Min(to.Frames - 1, (int)(Seconds * to.FramesPerSecond));
            var shift = steady ? ColourShift.Between(before, after, frames) : null;
            if (shift is not null) shifts[to.ShotId] = shift;
            joins.Add(new(from.ShotId, to.ShotId, before, after, shift is not null));
        }
        return (joins, shifts);
    }

    static byte[] Frame(ShotClip clip, int at)
    {
        using var file = FramesFile.Open(clip.FramesFile);
        return file.Read().ElementAt(at);
    }
}
