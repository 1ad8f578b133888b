// A plate shows a place as a wide shot sees it; a nearer shot sees a part of it.
using Fabula.Models;
using Fabula.Narrative;

namespace Fabula.Production;

public static class PlateView
{
    /// <summary>How many times nearer than a wide shot.</summary>
    public static double Zoom(ShotSize size) => size switch
    {
        ShotSize.Medium => 1.5,
        ShotSize.Close => 2.3,
        ShotSize.ExtremeClose => 3,
        _ => 1,
    };

    /// <summary>Whether a shot sees the place's mirror image.</summary>
    public static bool IsReverse(PlanShot shot) => shot.Angle == CameraAngle.Reverse;

    /// <summary>
    /// The part that a shot sees: the middle from left to right; in height it looks at faces, which are above the middle where it is near.
    /// </summary>
    /// <param name="zoom">From 1 on.</param>
    public static Picture Part(Picture plate, double zoom)
    {
        if (zoom <= 1) return plate;
        var (width, height) = (Math.Max(1, (int)Math.Round(plate.Width / zoom)), Math.Max(1, (int)Math.Round(plate.Height / zoom)));
        var (left, middle) = ((plate.Width - width) / 2, plate.Height * Math.Max(0.43, 0.51 - 0.1 * (zoom - 1.5)));
        var top = (int)Math.Clamp(Math.Round(middle - height / 2.0), 0, plate.Height - height);
        var part = new byte[width * height * 3];
        for (var y = 0; y < height; y++)
            plate.Rgb.AsSpan(((top + y) * plate.Width + left) * 3, width * 3).CopyTo(part.AsSpan(y * width * 3));
        return new Picture(part, width, height);
    }

    /// <summary>A picture scaled to cover a size, its middle; between pixels linear.</summary>
    public static byte[] Fit(Picture picture, int width, int height)
    {
        var scale = Math.Min((double)picture.Width / width, (double)picture.Height / height);
        var (left, top) = ((picture.Width - width * scale) / 2, (picture.Height - height * scale) / 2);
        var fitted = new byte[width * height * 3];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var (column, right, across) = Between(left + (x + 0.5) * scale - 0.5, picture.Width);
                var (row, below, down) = Between(top + (y + 0.5) * scale - 0.5, picture.Height);
                for (var c = 0; c < 3; c++)
                {
                    double At(int r, int i) => picture.Rgb[(r * picture.Width + i) * 3 + c];
                    var (upper, lower) = (At(row, column) * (1 - across) + At(row, right) * across,
                        At(below, column) * (1 - across) + At(below, right) * across);
                    fitted[(y * width + x) * 3 + c] = (byte)Math.Round(upper * (1 - down) + lower * down);
                }
            }
        return fitted;
    }

    /// <summary>The pixels on both sides of a place, and how far it is from the first to the second.</summary>
    static (int From, int To, double Share) Between(double at, int length)
    {
        at = Math.Clamp(at, 0, length - 1);
        var from = (int)at;
        return (from, Math.Min(from + 1, length - 1), at - from);
    }
}
