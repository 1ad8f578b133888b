// A thing that people carry, alone on plain ground: a reference picture for a bible, from which films cut it out.
namespace Fabula.Training.PaperTheatre;

public static class PropPicture
{
    /// <summary>Of the picture's sides, how much the thing fills.</summary>
    const double Fills = 0.8;

    /// <summary>The cut edge's breadth, and in how many directions the shape is moved for it.</summary>
    const double Edge = 0.8;
    const int EdgeSteps = 16;

    /// <summary>R, G, B bytes, row by row.</summary>
    public static byte[] Draw(Carried thing, int width, int height, Accent ground = Accent.Blue)
    {
        // Once in a known size, to see how large it is.
        const double Scale = 4;
        using var trial = new Canvas(400, 400);
        Lay(trial, thing, 200, 280, Scale);
        var (left, top, right, bottom) = Bounds(trial);
        var scale = Scale * Math.Min(width * Fills / (right - left), height * Fills / (bottom - top));
        var (aside, down) = (((left + right) / 2.0 - 200) / Scale, ((top + bottom) / 2.0 - 280) / Scale);
        using var drawing = new Canvas(width, height);
        using var picture = new Canvas(width, height);
        Lay(drawing, thing, width / 2.0 - aside * scale, height / 2.0 - down * scale, scale);
        var colour = Palette.Of(ground).Mix(new(1, 1, 1), 0.62);
        picture.Gradient(colour.Mix(new(1, 1, 1), 0.25), colour, 0, height);
        // As broad, in the units of people, as their own cut edge.
        for (var i = 0; i < EdgeSteps; i++)
        {
            var (sine, cosine) = Math.SinCos(Math.Tau * i / EdgeSteps);
            picture.Silhouette(drawing, cosine * Edge * scale, sine * Edge * scale, Palette.Edge);
        }
        picture.Paint(drawing, 0, 0);
        var rgb = new byte[width * height * 3];
        Stage.ToRgb(picture, rgb);
        return rgb;
    }

    static void Lay(Canvas canvas, Carried thing, double x, double y, double scale)
    {
        canvas.Save();
        canvas.Translate(x, y);
        canvas.Scale(scale, scale);
        Props.DrawCarried(canvas, thing, 0, 0, 1);
        canvas.Restore();
    }

    static (int Left, int Top, int Right, int Bottom) Bounds(Canvas canvas)
    {
        var (left, top, right, bottom) = (canvas.Width, canvas.Height, 0, 0);
        var pixels = canvas.Pixels();
        for (var y = 0; y < canvas.Height; y++)
            for (var x = 0; x < canvas.Width; x++)
                if (pixels[y * canvas.Stride + 4 * x + 3] > 0)
                    (left, top, right, bottom) = (Math.Min(left, x), Math.Min(top, y), Math.Max(right, x + 1), Math.Max(bottom, y + 1));
        return (left, top, right, bottom);
    }
}
