// A shot's first frame as a collage: people cut out of their portraits and laid on the empty place where they stand. A model that takes
// drafts begins with it and paints what is different: the pose, the light, the hands.
namespace Fabula.Models;

public static class Collage
{
    /// <summary>How far two neighbouring pixels of plain ground are apart at most, in levels summed over the channels.</summary>
    const int GroundStep = 14;

    /// <summary>The least share of a portrait that is ground.</summary>
    const double LeastGround = 0.2;

    /// <summary>The place with people on it; who has no portrait, or is not there, is left out.</summary>
    /// <param name="portraits">Per box a picture of one person, whole, on plain ground.</param>
    public static Picture Of(Picture place, IReadOnlyList<Picture?> portraits, IReadOnlyList<StageBox> staging)
    {
        var rgb = (byte[])place.Rgb.Clone();
        foreach (var (portrait, box) in portraits.Zip(staging))
            if (portrait is not null && box != default) Lay(rgb, place.Width, place.Height, portrait, box);
        return place with { Rgb = rgb };
    }

    static void Lay(byte[] rgb, int width, int height, Picture portrait, StageBox box)
    {
        var ground = Ground(portrait);
        // A picture without plain ground cannot be cut out.
        if (ground.Count(pixel => pixel) < LeastGround * ground.Length) return;
        var (left, top, right, bottom) = Bounds(ground, portrait.Width);
        if (right < left) return;
        var (x, y, wide, high) = (box.Left * width, box.Top * height, (box.Right - box.Left) * width, (box.Bottom - box.Top) * height);
        // Whose feet the frame or the portrait cuts off are as broad as the box, others as tall.
        var scale = box.Bottom > 0.985 || bottom == portrait.Height - 1 ? wide / (right - left + 1) : high / (bottom - top + 1);
        if (scale <= 0) return;
        x += (wide - scale * (right - left + 1)) / 2;
        var (from, to) = (((int)Math.Max(0, x), (int)Math.Max(0, y)),
            ((int)Math.Min(width - 1, x + scale * (right - left + 1)), (int)Math.Min(height - 1, y + scale * (bottom - top + 1))));
        for (var row = from.Item2; row <= to.Item2; row++)
            for (var column = from.Item1; column <= to.Item1; column++)
                Mix(rgb.AsSpan((row * width + column) * 3, 3), portrait, ground, left + (column - x) / scale, top + (row - y) / scale,
                    1 / scale);
    }

    /// <summary>Lays the mean of the portrait's pixels that a pixel of the collage covers over it, ground being transparent.</summary>
    static void Mix(Span<byte> pixel, Picture portrait, bool[] ground, double x, double y, double side)
    {
        var (x0, y0) = ((int)Math.Max(0, Math.Floor(x)), (int)Math.Max(0, Math.Floor(y)));
        var (x1, y1) = ((int)Math.Min(portrait.Width, Math.Max(x0 + 1, Math.Ceiling(x + side))),
            (int)Math.Min(portrait.Height, Math.Max(y0 + 1, Math.Ceiling(y + side))));
        var (sum, seen, all) = ((R: 0, G: 0, B: 0), 0, 0);
        for (var row = y0; row < y1; row++)
            for (var column = x0; column < x1; column++)
            {
                all++;
                if (ground[row * portrait.Width + column]) continue;
                seen++;
                var at = (row * portrait.Width + column) * 3;
                sum = (sum.R + portrait.Rgb[at], sum.G + portrait.Rgb[at + 1], sum.B + portrait.Rgb[at + 2]);
            }
        if (seen == 0) return;
        byte Mixed(byte under, int over) => (byte)((under * (all - seen) + over) / all);
        (pixel[0], pixel[1], pixel[2]) = (Mixed(pixel[0], sum.R), Mixed(pixel[1], sum.G), Mixed(pixel[2], sum.B));
    }

    /// <summary>Which pixels are ground: those that hang together with the upper and side borders by small steps of colour.</summary>
    static bool[] Ground(Picture portrait)
    {
        var (width, height, rgb) = (portrait.Width, portrait.Height, portrait.Rgb);
        var ground = new bool[width * height];
        var open = new Stack<int>();
        void Reach(int at)
        {
            if (ground[at]) return;
            ground[at] = true;
            open.Push(at);
        }
        for (var column = 0; column < width; column++) Reach(column);
        for (var row = 0; row < height; row++)
        {
            Reach(row * width);
            Reach(row * width + width - 1);
        }
        bool Alike(int a, int b) => Math.Abs(rgb[3 * a] - rgb[3 * b]) + Math.Abs(rgb[3 * a + 1] - rgb[3 * b + 1])
            + Math.Abs(rgb[3 * a + 2] - rgb[3 * b + 2]) <= GroundStep;
        while (open.TryPop(out var at))
        {
            var column = at % width;
            if (column > 0 && Alike(at, at - 1)) Reach(at - 1);
            if (column < width - 1 && Alike(at, at + 1)) Reach(at + 1);
            if (at >= width && Alike(at, at - width)) Reach(at - width);
            if (at < width * (height - 1) && Alike(at, at + width)) Reach(at + width);
        }
        return ground;
    }

    /// <summary>Around all pixels that are not ground, the last ones included; right below left where there are none.</summary>
    static (int Left, int Top, int Right, int Bottom) Bounds(bool[] ground, int width)
    {
        var (left, top, right, bottom) = (width, ground.Length / width, -1, -1);
        for (var i = 0; i < ground.Length; i++)
            if (!ground[i])
                (left, top, right, bottom) = (Math.Min(left, i % width), Math.Min(top, i / width), Math.Max(right, i % width),
                    Math.Max(bottom, i / width));
        return (left, top, right, bottom);
    }
}
