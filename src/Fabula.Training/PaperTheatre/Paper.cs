// Cut-out layers: each shape is a piece of coloured paper with a soft shadow below it and a light cut edge, in the light of a time of day.
namespace Fabula.Training.PaperTheatre;

/// <param name="light">What the time of day leaves of each colour; lamps, windows and the sky are painted past it, straight on the
/// canvas.</param>
/// <param name="mist">A colour that the light mixes in.</param>
sealed class Paper(Canvas canvas, Colour light, Colour mist, double mistShare)
{
    public Canvas Canvas => canvas;

    public static Paper In(Canvas canvas, Location location) => (location.Time, location.Indoors) switch
    {
        (TimeOfDay.Morning, false) => new(canvas, new(1, 0.97, 0.92), new(1, 0.80, 0.66), 0.10),
        (TimeOfDay.Evening, false) => new(canvas, new(0.99, 0.84, 0.76), new(0.95, 0.45, 0.30), 0.10),
        (TimeOfDay.Night, false) => new(canvas, new(0.56, 0.60, 0.76), new(0.10, 0.14, 0.38), 0.16),
        (TimeOfDay.Morning, true) => new(canvas, new(1, 0.98, 0.94), new(1, 0.88, 0.75), 0.06),
        (TimeOfDay.Evening, true) => new(canvas, new(0.98, 0.89, 0.80), new(0.95, 0.55, 0.30), 0.06),
        (TimeOfDay.Night, true) => new(canvas, new(0.72, 0.70, 0.82), new(0.20, 0.18, 0.40), 0.12),
        _ => new(canvas, new(1, 1, 1), new(1, 1, 1), 0),
    };

    public Colour Lit(Colour colour) => colour.Times(light).Mix(mist, mistShare).With(colour.A);

    public void Cut(Colour colour, double shadow, Action path)
    {
        if (shadow > 0)
        {
            canvas.Save();
            canvas.Translate(shadow * 0.6, shadow);
            path();
            canvas.Restore();
            canvas.Fill(Palette.Shadow.With(0.20));
        }
        path();
        canvas.FillAndKeep(Lit(colour));
        canvas.Stroke(Lit(new(1, 1, 1)).With(0.26), 0.8);
    }

    public void Box(double x, double y, double width, double height, Colour colour, double shadow = 1.6, double radius = 0) =>
        Cut(colour, shadow, () =>
        {
            if (radius > 0) canvas.RoundBox(x, y, width, height, radius);
            else canvas.Box(x, y, width, height);
        });

    public void Circle(double x, double y, double radius, Colour colour, double shadow = 1.6) =>
        Cut(colour, shadow, () => canvas.Circle(x, y, radius));

    public void Ellipse(double x, double y, double radiusX, double radiusY, Colour colour, double shadow = 1.2) =>
        Cut(colour, shadow, () => canvas.Ellipse(x, y, radiusX, radiusY));

    public void Polygon(Colour colour, double shadow, params double[] xy) => Cut(colour, shadow, () => canvas.Polygon(xy));

    /// <summary>Land or water: a wavy upper edge over the whole width, down to below the stage.</summary>
    public void Wave(double y, double height, double period, double phase, Colour colour, double shadow = 2) => Cut(colour, shadow, () =>
    {
        canvas.Move(-60, 240);
        for (var x = -60.0; x <= 290; x += 5) canvas.Line(x, y + height * Math.Sin(x / period * Math.Tau + phase));
        canvas.Line(290, 240);
        canvas.Close();
    });

    /// <summary>A crown of leaves or a cloud: a circle with bumps.</summary>
    public void Blob(double x, double y, double radius, int bumps, double depth, Colour colour, double shadow = 2) => Cut(colour, shadow,
        () =>
    {
        for (var i = 0; i < 48; i++)
        {
            var angle = i * Math.Tau / 48;
            var r = radius * (1 + depth * Math.Cos(bumps * angle + x));
            if (i == 0) canvas.Move(x + r * Math.Cos(angle), y + r * Math.Sin(angle));
            else canvas.Line(x + r * Math.Cos(angle), y + r * Math.Sin(angle));
        }
        canvas.Close();
    });

    public void Cloud(double x, double y, double size)
    {
        var white = new Colour(1, 1, 1);
        foreach (var (dx, dy, r) in (ReadOnlySpan<(double, double, double)>)[(-10, 2, 6), (0, -1, 8.5), (10, 2, 6.5)])
            Circle(x + dx * size, y + dy * size, r * size, white, shadow: 1);
        Box(x - 15 * size, y + 1 * size, 31 * size, 7 * size, white, 0, 3.5 * size);
    }

    /// <summary>A fir of three stacked triangles on a trunk; the foot is at (x, y).</summary>
    public void Fir(double x, double y, double size, Colour colour)
    {
        Box(x - 2 * size, y - 12 * size, 4 * size, 12 * size, new(0.40, 0.28, 0.20), 1);
        for (var i = 0; i < 3; i++)
        {
            var (w, low) = ((15 - 3 * i) * size, y - (9 + 13 * i) * size);
            Polygon(colour.Shade(1 + 0.07 * i), 1.4, x - w, low, x, low - 24 * size, x + w, low);
        }
    }

    /// <summary>A window onto the sky of the hour, in a white frame, with curtains of the accent colour.</summary>
    public void Window(double x, double y, double width, double height, Location location, bool curtains = true)
    {
        Box(x - 3, y - 3, width + 6, height + 6, new(0.98, 0.97, 0.94), radius: 1.5);
        canvas.Save();
        canvas.Box(x, y, width, height);
        canvas.Clip();
        var (top, low) = Sky.Of(location.Time);
        canvas.Gradient(top, low, y - 6, y + height);
        if (location.Time == TimeOfDay.Night)
        {
            canvas.Circle(x + width * 0.68, y + height * 0.34, 5.5);
            canvas.Fill(new(0.99, 0.96, 0.80));
            foreach (var (u, v) in (ReadOnlySpan<(double, double)>)[(0.2, 0.25), (0.4, 0.6), (0.3, 0.8), (0.86, 0.75)])
                canvas.Circle(x + width * u, y + height * v, 0.9);
            canvas.Fill(new(1, 1, 0.88));
        }
        else
        {
            canvas.Ellipse(x + width * 0.3, y + height * 1.05, width * 0.5, height * 0.32);
            canvas.Fill(Lit(new(0.45, 0.70, 0.40)));
            canvas.Ellipse(x + width * 0.85, y + height * 1.1, width * 0.45, height * 0.38);
            canvas.Fill(Lit(new(0.38, 0.62, 0.36)));
        }
        canvas.Restore();
        Box(x + width / 2 - 1, y, 2, height, new(0.98, 0.97, 0.94), 0);
        Box(x, y + height / 2 - 1, width, 2, new(0.98, 0.97, 0.94), 0);
        if (!curtains) return;
        var accent = Palette.Of(location.Accent);
        Polygon(accent, 1.5, x - 8, y - 7, x + width * 0.26, y - 7, x + width * 0.08, y + height + 8, x - 8, y + height + 8);
        Polygon(accent, 1.5, x + width + 8, y - 7, x + width * 0.74, y - 7, x + width * 0.92, y + height + 8, x + width + 8, y + height
            + 8);
        Box(x - 11, y - 9, width + 22, 3, new(0.45, 0.30, 0.20), 1, 1.5);
    }

    /// <summary>A closed door with panels and a knob, in its frame; the opening is Doorway.Width wide.</summary>
    public void Door(double x, Colour colour)
    {
        var (half, top) = (Doorway.Width / 2, Doorway.Top);
        Box(x - half - 4, top - 4, 2 * half + 8, Doorway.Foot - top + 4, new(0.97, 0.95, 0.90));
        Box(x - half, top, 2 * half, Doorway.Foot - top, colour, 0);
        foreach (var (y, height) in (ReadOnlySpan<(double, double)>)[(top + 6, 26), (top + 40, 30)])
        {
            Box(x - half + 5, y, half - 7, height, colour.Shade(0.82), 0, 1);
            Box(x + 2, y, half - 7, height, colour.Shade(0.82), 0, 1);
        }
        Circle(x + half - 4.2, top + 46, 2.0, new(0.98, 0.84, 0.36), 0.8);
    }
}

/// <summary>The opening in the back wall and what it looks like while somebody comes or goes.</summary>
static class Doorway
{
    public const double Width = 36, Top = 12, Foot = 97;

    /// <summary>The open door over the closed one of the plate: a lit hall, and the leaf turned on its hinges.</summary>
    /// <param name="open">Above 0 to 1.</param>
    public static void DrawOpen(Paper p, double x, Colour leaf, double open)
    {
        var (c, left) = (p.Canvas, x - Width / 2);
        c.Save();
        c.Box(left, Top, Width, Foot - Top);
        c.Clip();
        c.Gradient(new(0.99, 0.90, 0.66), new(0.90, 0.70, 0.44), Top, Foot);
        c.Box(left, Foot - 9, Width, 9);
        c.Fill(new(0.62, 0.42, 0.28));
        c.Restore();
        // The leaf swings towards the audience: its free edge moves to the hinge and grows a little.
        var (free, grow) = (left + Width * (1 - 1.28 * open), 5 * open);
        c.Polygon(left, Top, free, Top - grow * 0.5, free, Foot + grow, left, Foot);
        c.FillAndKeep(p.Lit(leaf.Shade(1 - 0.22 * open)));
        c.Stroke(Palette.Edge.With(0.5), 0.8);
        c.Circle(free + (free > left ? -3 : 3), Top + 46, 1.8);
        c.Fill(new(0.98, 0.84, 0.36));
    }
}

static class Sky
{
    public static (Colour Top, Colour Bottom) Of(TimeOfDay time) => time switch
    {
        TimeOfDay.Morning => (new(0.62, 0.80, 0.94), new(1.00, 0.88, 0.78)),
        TimeOfDay.Day => (new(0.42, 0.74, 0.96), new(0.88, 0.96, 0.98)),
        TimeOfDay.Evening => (new(0.42, 0.30, 0.56), new(1.00, 0.60, 0.34)),
        _ => (new(0.06, 0.07, 0.22), new(0.22, 0.22, 0.48)),
    };

    /// <summary>The sky over the stage: gradient, sun or moon, clouds or stars.</summary>
    public static void Draw(Paper p, TimeOfDay time, double sunX = 176)
    {
        var c = p.Canvas;
        var (top, bottom) = Of(time);
        c.Gradient(top, bottom, -20, 92);
        switch (time)
        {
            case TimeOfDay.Night:
                for (var i = 0; i < 46; i++)
                {
                    var star = new Chance(77)[i];
                    c.Circle(star["x"].Between(-40, 264), star["y"].Between(-38, 62), star["r"].Between(0.6, 1.2));
                }
                c.Fill(new(1, 1, 0.86));
                c.Circle(sunX, 20, 12);
                c.Fill(new(0.99, 0.96, 0.82));
                c.Circle(sunX - 6, 17, 10.5);
                c.Fill(top.Mix(bottom, 0.3));
                break;
            case TimeOfDay.Evening:
                c.Glow(sunX, 62, 60, new(1, 0.85, 0.45, 0.65));
                c.Circle(sunX, 62, 15);
                c.Fill(new(1, 0.78, 0.32));
                p.Cloud(60, 24, 0.8);
                break;
            default:
                var y = time == TimeOfDay.Morning ? 40 : 18;
                c.Glow(sunX, y, 42, new(1, 0.95, 0.62, 0.75));
                c.Circle(sunX, y, 12);
                c.Fill(new(1, 0.89, 0.40));
                p.Cloud(52, 22, 1);
                p.Cloud(112, 12, 0.7);
                break;
        }
    }
}
