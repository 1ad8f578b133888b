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

    /// <summary>A picture scaled to cover a size, its middle (nearest pixels: it is remembered, not shown).</summary>
    public static byte[] Fit(Picture picture, int width, int height)
    {
        var scale = Math.Min((double)picture.Width / width, (double)picture.Height / height);
        var (left, top) = ((picture.Width - width * scale) / 2, (picture.Height - height * scale) / 2);
        var fitted = new byte[width * height * 3];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var from = (Math.Min(picture.Height - 1, (int)(top + (y + 0.5) * scale)) * picture.Width
                    + Math.Min(picture.Width - 1, (int)(left + (x + 0.5) * scale))) * 3;
                picture.Rgb.AsSpan(from, 3).CopyTo(fitted.AsSpan((y * width + x) * 3));
            }
        return fitted;
    }
}
