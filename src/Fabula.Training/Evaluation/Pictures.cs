// Distances between pictures, RGB bytes.
namespace Fabula.Training.Evaluation;

public static class Pictures
{
    /// <summary>Peak signal to noise ratio in decibels, over all bytes; infinite for equal pictures.</summary>
    /// <exception cref="ArgumentException">The pictures differ in size, or are empty.</exception>
    public static double Psnr(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        Same(a, b);
        var squares = 0L;
        for (var i = 0; i < a.Length; i++) squares += (a[i] - b[i]) * (a[i] - b[i]);
        return 10 * Math.Log10(255.0 * 255.0 * a.Length / squares);
    }

    /// <summary>Mean absolute difference of the channels, 0 to 1, over the pixels where the mask is 0; NaN where it is 0
    /// nowhere.</summary>
    /// <param name="mask">One byte for each pixel: what is not 0 is left out, such as people and their shadows.</param>
    public static double BackgroundDistance(ReadOnlySpan<byte> frame, ReadOnlySpan<byte> plate, ReadOnlySpan<byte> mask)
    {
        Same(frame, plate);
        if (mask.Length * 3 != frame.Length)
            throw new ArgumentException($"A mask of {mask.Length} pixels does not fit a picture of {frame.Length / 3}.", nameof(mask));
        var (sum, count) = (0L, 0L);
        for (var i = 0; i < mask.Length; i++)
        {
            if (mask[i] != 0) continue;
            for (var c = i * 3; c < i * 3 + 3; c++) sum += Math.Abs(frame[c] - plate[c]);
            count += 3;
        }
        return count == 0 ? double.NaN : sum / (255.0 * count);
    }

    /// <summary>The same where neither of two readings sees people.</summary>
    public static double BackgroundDistance(byte[] a, byte[] b, Reading ofA, Reading ofB, int width, int height) =>
        BackgroundDistance(a, b, [.. PeopleMask(ofA, width, height).Zip(PeopleMask(ofB, width, height), (x, y) => (byte)(x | y))]);

    /// <summary>A mask with 1 in the boxes of all people of a reading, grown by some pixels for shadows and outlines.</summary>
    public static byte[] PeopleMask(Reading reading, int width, int height, int grow = 4)
    {
        var mask = new byte[width * height];
        foreach (var person in reading.People.Concat(reading.Faint))
        {
            var (left, right) = (Within(person.Left - grow, width), Within(person.Right + grow, width));
            var top = Within(person.Y - person.Height / 2 - grow, height);
            var bottom = Within(person.Y + person.Height / 2 + grow, height);
            for (var y = top; y < bottom; y++) mask.AsSpan(y * width + left, right - left).Fill(1);
        }
        return mask;
    }

    static int Within(double at, int size) => (int)Math.Clamp(Math.Round(at), 0, size);

    static void Same(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        if (a.Length != b.Length || a.Length == 0)
            throw new ArgumentException($"Pictures of {a.Length} and {b.Length} bytes cannot be compared.", nameof(b));
    }
}
