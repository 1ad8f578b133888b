// How frames look, for comparing and judging them where no network is given for it (FrameEyes.cs): colours of an 8 x 8 grid as a feature,
// sharpness and exposure as quality.
namespace Fabula.Production;

/// <param name="Feature">Of length 1; the dot product of two says how alike two frames are, -1 to 1.</param>
/// <param name="Sharpness">Mean difference of neighbours in a row, in levels.</param>
/// <param name="Brightness">Mean level, 0 to 255.</param>
public sealed record FrameLook(float[] Feature, double Sharpness, double Brightness)
{
    const int Grid = 8;

    /// <param name="rgb">[H, W, 3].</param>
    public static FrameLook Of(byte[] rgb, int width, int height)
    {
        var (sums, counts, steps, levels) = (new double[Grid * Grid * 3], new int[Grid * Grid], 0L, 0L);
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var (cell, at) = (y * Grid / height * Grid + x * Grid / width, (y * width + x) * 3);
                counts[cell]++;
                for (var c = 0; c < 3; c++)
                {
                    sums[cell * 3 + c] += rgb[at + c];
                    levels += rgb[at + c];
                    if (x > 0) steps += Math.Abs(rgb[at + c] - rgb[at + c - 3]);
                }
            }
        // Middle grey counts as nothing, so that a dark frame and a bright one are not alike.
        var feature = sums.Select((sum, i) => (float)(sum / Math.Max(1, counts[i / 3]) - 127.5)).ToArray();
        var length = Math.Max(1e-6, Math.Sqrt(feature.Sum(value => (double)value * value)));
        return new([.. feature.Select(value => (float)(value / length))], steps / (3.0 * Math.Max(1, (width - 1) * height)),
            levels / (3.0 * width * height));
    }

    /// <summary>Neither black, white nor a smear, where a typical frame of the shot is as sharp as this.</summary>
    public bool IsGood(double typicalSharpness) => Brightness is > 8 and < 247 && Sharpness >= 0.5 * typicalSharpness;
}
