// The backdrops under the sky. The accent colour is on one thing that is easy to see: parasol, mushrooms, flowers, door, tram, tent,
// barn, scarf.
namespace Fabula.Training.PaperTheatre;

static class Outdoors
{
    static readonly Colour Wood = new(0.60, 0.40, 0.24), White = new(0.98, 0.97, 0.94);

    public static void Draw(Paper p, Location at)
    {
        var accent = Palette.Of(at.Accent);
        switch (at.Place)
        {
            case Place.Beach: Beach(p, at.Time, accent); break;
            case Place.Forest: Forest(p, at.Time, accent); break;
            case Place.Park: Park(p, at.Time, accent); break;
            case Place.Street: Street(p, at.Time, accent); break;
            case Place.City: City(p, at.Time, accent); break;
            case Place.Mountains: Mountains(p, at.Time, accent); break;
            case Place.Farm: Farm(p, at.Time, accent); break;
            default: Snow(p, at.Time, accent); break;
        }
    }

    static void Beach(Paper p, TimeOfDay time, Colour accent)
    {
        Sky.Draw(p, time, 178);
        p.Wave(58, 1.2, 34, 0, new(0.16, 0.52, 0.76));
        p.Polygon(new(0.50, 0.28, 0.18), 1, 92, 57, 122, 57, 116, 64, 98, 64);
        p.Polygon(White, 1, 106, 55, 106, 30, 122, 54);
        p.Polygon(accent, 1, 103, 55, 103, 36, 93, 54);
        p.Wave(67, 1.6, 28, 1, new(0.26, 0.66, 0.83));
        p.Wave(77, 2, 36, 2, new(0.56, 0.84, 0.89));
        p.Wave(86, 2.5, 120, 0.5, new(0.97, 0.88, 0.65));
        p.Wave(108, 2, 160, 2.5, new(0.92, 0.79, 0.53));
        p.Polygon(new(0.54, 0.37, 0.22), 1.6, 26, 106, 33, 106, 36, 44, 31, 44);
        foreach (var (x, y) in (ReadOnlySpan<(double, double)>)[(-2, 46), (4, 28), (22, 16), (46, 18), (64, 30), (68, 48)])
            p.Polygon(new(0.18, 0.55, 0.30), 1.4, 31, 44, (33 + x) / 2 - 2, (44 + y) / 2 - 8, x, y, (33 + x) / 2 + 3, (44 + y) / 2 + 2, 36,
            46);
        p.Circle(30, 47, 3, new(0.45, 0.28, 0.16), 1);
        p.Circle(37, 48, 3, new(0.45, 0.28, 0.16), 1);
        p.Box(194, 60, 3, 50, White, 1);
        p.Cut(accent, 2, () => { p.Canvas.Arc(195, 66, 30, Math.PI, Math.Tau); p.Canvas.Close(); });
        p.Polygon(White, 0, 186, 66, 195, 37, 204, 66);
        // The seat is a log that the sea brought.
        p.Box(118, 98, 44, 12, new(0.66, 0.50, 0.34), radius: 6);
        p.Circle(158, 104, 5, new(0.86, 0.72, 0.52), 0);
        p.Circle(158, 104, 2.4, new(0.70, 0.54, 0.36), 0);
    }

    static void Forest(Paper p, TimeOfDay time, Colour accent)
    {
        var (top, low) = Sky.Of(time);
        p.Canvas.Gradient(top.Mix(new(0.70, 0.88, 0.70), time == TimeOfDay.Night ? 0.05 : 0.4), low.Mix(new(0.93, 0.96, 0.76), 0.3), -10,
            90);
        if (time == TimeOfDay.Night) { p.Canvas.Circle(150, 18, 9); p.Canvas.Fill(new(0.99, 0.96, 0.82)); }
        for (var i = 0; i < 12; i++) p.Polygon(new(0.58, 0.78, 0.64), 1.4, i * 28 - 50, 104, i * 28 - 34, 26 + i * 37 % 19, i * 28 - 18,
            104);
        for (var i = 0; i < 7; i++) p.Fir(i * 48 - 40 + i * 53 % 13, 96, 1.25, new(0.24, 0.53, 0.36));
        p.Wave(90, 3, 90, 1, new(0.46, 0.68, 0.36));
        p.Wave(106, 2, 130, 3, new(0.37, 0.59, 0.30));
        foreach (var x in (ReadOnlySpan<double>)[18, 206])
        {
            p.Polygon(new(0.36, 0.24, 0.17), 2, x - 9, 110, x - 6, 30, x + 6, 30, x + 10, 110);
            p.Blob(x - 16, 26, 20, 8, 0.07, new(0.20, 0.46, 0.26));
            p.Blob(x + 16, 20, 22, 8, 0.07, new(0.23, 0.50, 0.28));
            p.Blob(x, 4, 22, 8, 0.07, new(0.26, 0.54, 0.30));
        }
        p.Box(62, 99, 52, 13, new(0.45, 0.31, 0.21), radius: 6);
        p.Circle(109, 105.5, 5.6, new(0.80, 0.64, 0.44), 0);
        p.Circle(109, 105.5, 2.8, new(0.62, 0.46, 0.30), 0);
        foreach (var (x, s) in (ReadOnlySpan<(double, double)>)[(136, 1.3), (150, 0.9), (44, 1.0), (182, 1.2)])
        {
            p.Box(x - 2 * s, 103, 4 * s, 9, new(0.97, 0.94, 0.86), 0.8);
            p.Cut(accent, 1, () => { p.Canvas.Arc(x, 104, 8 * s, Math.PI, Math.Tau); p.Canvas.Close(); });
            p.Circle(x - 3 * s, 100, 1.4 * s, White, 0);
            p.Circle(x + 3 * s, 101, 1.4 * s, White, 0);
        }
    }

    static void Park(Paper p, TimeOfDay time, Colour accent)
    {
        Sky.Draw(p, time, 150);
        p.Wave(70, 6, 120, 0, new(0.62, 0.83, 0.53));
        p.Wave(84, 4, 100, 2, new(0.53, 0.77, 0.43));
        p.Ellipse(60, 92, 40, 6, new(0.45, 0.72, 0.88));
        p.Wave(98, 1.5, 140, 1, new(0.45, 0.70, 0.36));
        p.Wave(109, 1.5, 120, 4, new(0.91, 0.84, 0.66));
        foreach (var x in (ReadOnlySpan<double>)[22, 200])
        {
            p.Box(x - 4, 44, 8, 58, new(0.50, 0.34, 0.22));
            p.Blob(x, 34, 30, 9, 0.07, new(0.36, 0.64, 0.33));
            foreach (var (dx, dy) in (ReadOnlySpan<(double, double)>)[(-14, -8), (10, -16), (16, 4), (-8, 10), (2, -2)])
                p.Circle(x + dx, 34 + dy, 3.6, accent, 0.6);
        }
        p.Box(86, 80, 52, 4.5, Wood, 1, 1.5);
        p.Box(86, 88, 52, 4.5, Wood, 1, 1.5);
        p.Box(84, 97, 56, 5, Wood.Shade(1.1), 1, 1.5);
        foreach (var x in (ReadOnlySpan<double>)[90, 131]) p.Box(x, 101, 4, 11, new(0.28, 0.26, 0.28), 0.8);
        p.Box(166, 50, 3, 58, new(0.20, 0.24, 0.26), 1);
        Lamp(p, time, 167.5, 46);
        foreach (var (x, y) in (ReadOnlySpan<(double, double)>)[(46, 104), (54, 107), (62, 103), (180, 106), (188, 103)])
        {
            p.Box(x - 0.7, y, 1.4, 6, new(0.25, 0.50, 0.25), 0);
            p.Circle(x, y, 2.8, accent, 0.5);
            p.Circle(x, y, 1, new(1, 0.95, 0.7), 0);
        }
    }

    static void Street(Paper p, TimeOfDay time, Colour accent)
    {
        Sky.Draw(p, time, 124);
        Colour[] fronts = [new(0.94, 0.74, 0.56), new(0.97, 0.90, 0.72), new(0.72, 0.82, 0.80), new(0.90, 0.64, 0.58),
            new(0.86, 0.82, 0.70)];
        for (var i = 0; i < 5; i++)
        {
            var (x, h) = (i * 62 - 42.0, 64 + i * 29 % 17);
            var y = 100 - h;
            p.Box(x, y, 56, h + 2, fronts[i]);
            p.Polygon(new Colour(0.62, 0.30, 0.25).Mix(fronts[i], 0.15), 1.6, x - 4, y + 1, x + 28, y - 24, x + 60, y + 1);
            foreach (var wx in (ReadOnlySpan<double>)[8, 34]) Pane(p, time, x + wx, y + 10, 14, 17);
            if (i == 1)
            {
                // The shop: its awning has the accent colour.
                Pane(p, time, x + 6, y + 38, 28, 22);
                for (var s = 0; s < 6; s++)
                    p.Polygon(s % 2 == 0 ? accent : White, 1, x + s * 9.6 - 1, y + 32, x + s * 9.6 + 8.6, y + 32, x + s * 9.6 + 7.6, y
                    + 43, x + s * 9.6 - 2, y + 43);
                p.Box(x + 39, y + 44, 13, 30, new(0.40, 0.26, 0.20), 0.8, 1);
            }
            else
            {
                p.Box(x + 20, 70, 17, 31, i == 3 ? accent : fronts[i].Shade(0.55), 0.8, 2);
                p.Circle(x + 33.5, 87, 1.4, new(0.98, 0.86, 0.45), 0);
            }
        }
        p.Box(-60, 98, 350, 10, new(0.82, 0.81, 0.79));
        p.Box(-60, 107, 350, 90, new(0.44, 0.45, 0.49));
        for (var i = -2; i < 9; i++) p.Box(i * 34, 121, 19, 2.6, new(0.95, 0.93, 0.85), 0);
        p.Box(140, 40, 3.4, 62, new(0.20, 0.22, 0.26));
        Lamp(p, time, 141.7, 38);
        Bench(p, 78);
    }

    static void City(Paper p, TimeOfDay time, Colour accent)
    {
        Sky.Draw(p, time, 46);
        for (var i = 0; i < 9; i++)
        {
            var h = 48 + i * 41 % 32;
            p.Box(i * 36 - 54, 100 - h, 32, h, new(0.62, 0.68, 0.80), 1.4);
        }
        for (var i = 0; i < 6; i++)
        {
            var h = 50 + i * 59 % 38;
            var x = i * 52 - 44.0;
            p.Box(x, 100 - h, 40, h + 2, i % 2 == 0 ? new(0.42, 0.48, 0.62) : new(0.55, 0.46, 0.52));
            for (var row = 0; row < (h - 8) / 20; row++)
                for (var column = 0; column < 2; column++) Pane(p, time, x + 6 + column * 17, 106 - h + row * 20, 11, 12,
                (i + row * 2 + column) % 3 != 0);
        }
        p.Box(-60, 98, 350, 9, new(0.70, 0.69, 0.73));
        p.Box(-60, 106, 350, 90, new(0.40, 0.41, 0.47));
        for (var i = -2; i < 9; i++) p.Box(i * 34 + 8, 121, 19, 2.6, new(0.95, 0.90, 0.68), 0);
        // The tram.
        p.Circle(36, 101, 5, new(0.15, 0.15, 0.18), 1);
        p.Circle(88, 101, 5, new(0.15, 0.15, 0.18), 1);
        p.Box(16, 60, 92, 40, accent, 2, 6);
        p.Box(16, 85, 92, 4, White, 0);
        for (var i = 0; i < 4; i++) Pane(p, time, 22 + i * 21, 66, 16, 15);
        p.Box(58, 50, 2, 10, new(0.2, 0.2, 0.25), 0);
        p.Box(-60, 48, 350, 0.9, new(0.2, 0.2, 0.25), 0);
        Bench(p, 150);
    }

    static void Mountains(Paper p, TimeOfDay time, Colour accent)
    {
        Sky.Draw(p, time, 56);
        foreach (var (x, h, w, colour) in (ReadOnlySpan<(double, double, double, Colour)>)
            [(14, 58, 76, new(0.66, 0.71, 0.86)), (206, 66, 84, new(0.62, 0.67, 0.84)), (116, 86, 84, new(0.48, 0.54, 0.74))])
        {
            const double T = 0.34;
            p.Polygon(colour, 2.5, x - w, 102, x, 100 - h, x + w, 102);
            p.Polygon(new(0.99, 0.99, 1), 0.6, x, 100 - h, x - w * T, 100 - h + h * T, x - w * T * 0.4, 100 - h + h * T * 0.78, x, 100 - h
                + h * T * 1.2,
                x + w * T * 0.45, 100 - h + h * T * 0.8, x + w * T, 100 - h + h * T);
        }
        p.Wave(82, 4, 140, 2, new(0.50, 0.70, 0.50));
        p.Wave(96, 2, 110, 0, new(0.62, 0.76, 0.46));
        foreach (var (x, s) in (ReadOnlySpan<(double, double)>)[(8, 1.1), (34, 0.85), (208, 1.15)]) p.Fir(x, 104, s, new(0.20, 0.44, 0.37));
        p.Wave(110, 2, 150, 3, new(0.50, 0.65, 0.39));
        p.Polygon(accent, 2, 142, 108, 164, 66, 188, 108);
        p.Polygon(accent.Shade(0.45), 0.4, 156, 108, 164, 78, 173, 108);
        p.Box(163, 60, 1.6, 8, Wood, 0);
        p.Polygon(new(0.56, 0.57, 0.62), 1.6, 44, 112, 47, 101, 58, 98.5, 76, 98.5, 86, 103, 89, 112);
        p.Polygon(new(0.68, 0.69, 0.73), 0, 50, 104, 58, 99, 74, 99, 68, 104);
        for (var i = 0; i < 3; i++) p.Box(112 + i * 7, 108, 8, 3.4, Wood.Shade(0.8), 0.5, 1.5);
        if (time is TimeOfDay.Night or TimeOfDay.Evening) p.Canvas.Glow(120, 104, 30, new(1, 0.70, 0.25, 0.6));
        p.Canvas.Polygon(114, 109, 118, 95, 121, 101, 124, 93, 128, 109);
        p.Canvas.Fill(new(0.99, 0.60, 0.16));
        p.Canvas.Polygon(118, 109, 120.5, 101, 124, 109);
        p.Canvas.Fill(new(1, 0.88, 0.40));
    }

    static void Farm(Paper p, TimeOfDay time, Colour accent)
    {
        Sky.Draw(p, time, 196);
        p.Wave(74, 5, 150, 1, new(0.72, 0.82, 0.46));
        for (var i = 0; i < 9; i++) p.Polygon(new(0.93, 0.83, 0.45), 0.8, i * 40 - 60, 100, i * 40 - 46, 78, i * 40 - 38, 78, i * 40 - 40,
            100);
        p.Wave(92, 2, 120, 0, new(0.56, 0.74, 0.38));
        // The barn wears the accent colour.
        p.Polygon(accent, 2, 20, 100, 20, 52, 34, 32, 58, 20, 82, 32, 96, 52, 96, 100);
        p.Polygon(new(0.38, 0.24, 0.20), 1.2, 14, 54, 31, 29, 58, 15, 85, 29, 102, 54, 96, 54, 81, 34, 58, 22, 35, 34, 20, 54);
        p.Box(42, 62, 32, 39, White, 1);
        p.Box(44.5, 64.5, 27, 36, accent.Shade(0.72), 0);
        p.Polygon(White, 0, 44.5, 66, 47, 64.5, 71.5, 99, 69, 100.5);
        p.Polygon(White, 0, 71.5, 66, 69, 64.5, 44.5, 99, 47, 100.5);
        Pane(p, time, 51, 34, 14, 14);
        p.Wave(106, 1.5, 140, 2, new(0.48, 0.67, 0.33));
        for (var i = 0; i < 4; i++) p.Box(196 + i * 16, 78, 4, 30, White, 1, 1);
        p.Box(190, 84, 80, 4, White, 1);
        p.Box(190, 95, 80, 4, White, 1);
        p.Box(126, 98, 48, 13, new(0.95, 0.80, 0.36), radius: 2);
        foreach (var x in (ReadOnlySpan<double>)[138, 160]) p.Box(x, 98, 2, 13, new(0.70, 0.50, 0.22), 0);
    }

    static void Snow(Paper p, TimeOfDay time, Colour accent)
    {
        Sky.Draw(p, time, 96);
        p.Wave(70, 6, 130, 0.5, new(0.80, 0.88, 0.96));
        foreach (var (x, s) in (ReadOnlySpan<(double, double)>)[(10, 1.3), (40, 1.0), (136, 0.9), (214, 1.3)])
        {
            p.Fir(x, 98, s, new(0.26, 0.46, 0.44));
            p.Polygon(White, 0, x - 5 * s, 98 - 51 * s, x, 98 - 59 * s, x + 5 * s, 98 - 51 * s);
            p.Polygon(White, 0, x - 12 * s, 98 - 12 * s, x, 98 - 17 * s, x + 12 * s, 98 - 12 * s, x, 98 - 10 * s);
        }
        p.Wave(90, 3, 120, 2, new(0.92, 0.95, 0.99));
        // The hut.
        p.Polygon(new(0.55, 0.36, 0.24), 1.6, 92, 96, 92, 66, 124, 66, 124, 96);
        p.Polygon(White, 1.6, 86, 68, 108, 46, 130, 68);
        Pane(p, time, 97, 72, 10, 11, true);
        p.Box(111, 76, 9, 20, new(0.36, 0.22, 0.15), 0.6);
        p.Wave(104, 2, 170, 1, new(0.97, 0.98, 1));
        // The snowman, with hat and scarf of the accent colour.
        p.Circle(176, 94, 17, White);
        p.Circle(176, 68, 12.5, White);
        p.Box(165, 77, 22, 5.5, accent, 1, 2.7);
        p.Box(179, 79, 6, 15, accent, 1, 2);
        p.Box(167, 42, 18, 15, accent, 1, 1);
        p.Box(162, 55, 28, 4, accent.Shade(0.8), 1, 2);
        p.Polygon(new(0.96, 0.52, 0.16), 0, 175, 67, 188, 70, 175, 71.5);
        foreach (var (x, y) in (ReadOnlySpan<(double, double)>)[(171, 64), (180, 64), (176, 88), (176, 96)]) p.Circle(x, y, 1.6,
            Palette.Ink, 0);
        // The sledge to sit on.
        p.Box(58, 99, 46, 4, Wood, 1, 2);
        foreach (var x in (ReadOnlySpan<double>)[66, 92]) p.Box(x, 102, 3, 7, Wood.Shade(0.8), 0.6);
        p.Box(54, 108.5, 54, 2.6, accent, 0.6, 1.3);
    }

    static void Lamp(Paper p, TimeOfDay time, double x, double y)
    {
        if (time == TimeOfDay.Night) p.Canvas.Glow(x, y, 34, new(1, 0.86, 0.45, 0.65));
        p.Canvas.Circle(x, y, 6.5);
        p.Canvas.Fill(time is TimeOfDay.Night or TimeOfDay.Evening ? new(1, 0.92, 0.60) : new(0.98, 0.96, 0.88));
        p.Box(x - 5, y - 8.5, 10, 3, new(0.20, 0.22, 0.26), 0, 1);
    }

    static void Bench(Paper p, double x)
    {
        p.Box(x - 24, 84, 48, 5, Wood, 1, 1.5);
        p.Box(x - 26, 97, 52, 5, Wood.Shade(1.12), 1, 1.5);
        foreach (var leg in (ReadOnlySpan<double>)[-20, 16]) p.Box(x + leg, 88, 4, 23, new(0.24, 0.22, 0.26), 0.8);
        p.Box(x - 26, 97, 52, 5, Wood.Shade(1.12), 0, 1.5);
    }

    static void Pane(Paper p, TimeOfDay time, double x, double y, double width, double height, bool lamp = true)
    {
        p.Box(x - 1.5, y - 1.5, width + 3, height + 3, White, 0.8, 1);
        p.Canvas.Box(x, y, width, height);
        var dark = time is TimeOfDay.Night or TimeOfDay.Evening;
        p.Canvas.Fill(dark && lamp ? new(1, 0.84, 0.42) : dark ? new(0.22, 0.25, 0.42) : p.Lit(new(0.48, 0.64, 0.76)));
    }
}
