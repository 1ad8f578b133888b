// The backdrops with a wall, a floor and a door. The accent colour is on the curtains and on one or two pieces of furniture.
namespace Fabula.Training.PaperTheatre;

static class Indoors
{
    static readonly Colour Wood = new(0.60, 0.40, 0.25), White = new(0.98, 0.97, 0.94);

    public static Colour DoorColour(Place place) => place switch
    {
        Place.Kitchen => new(0.42, 0.62, 0.60),
        Place.Bedroom => new(0.78, 0.58, 0.38),
        Place.LivingRoom => new(0.62, 0.34, 0.24),
        _ => new(0.30, 0.40, 0.34),
    };

    public static void Draw(Paper p, Location at)
    {
        var accent = Palette.Of(at.Accent);
        switch (at.Place)
        {
            case Place.Kitchen: Kitchen(p, at, accent); break;
            case Place.Bedroom: Bedroom(p, at, accent); break;
            case Place.LivingRoom: LivingRoom(p, at, accent); break;
            default: Library(p, at, accent); break;
        }
        p.Door(Location.DoorX(at.Place), DoorColour(at.Place));
    }

    static void Room(Paper p, Colour wall, Colour floor, bool planks)
    {
        p.Canvas.Paint(p.Lit(wall));
        p.Box(-60, 96, 350, 100, floor);
        if (planks)
            for (var i = -3; i < 13; i++) p.Polygon(floor.Shade(0.86), 0, i * 26, 97, i * 26 + 1.2, 97, i * 34 - 28, 180, i * 34 - 30, 180);
        p.Box(-60, 92, 350, 4.5, White, 1);
    }

    static void Kitchen(Paper p, Location at, Colour accent)
    {
        Room(p, new(0.98, 0.93, 0.82), new(0.88, 0.74, 0.58), planks: false);
        for (var i = -3; i < 14; i++)
            for (var j = 0; j < 4; j++)
                if ((i + j) % 2 == 0) p.Box(i * 22, 97 + j * 14, 22, 14, new(0.80, 0.62, 0.46), 0);
        p.Window(84, 22, 44, 36, at);
        p.Box(-50, 66, 118, 32, new(0.95, 0.95, 0.92), radius: 1);
        p.Box(-52, 61, 122, 6, new(0.56, 0.40, 0.30), 1.4, 1);
        foreach (var x in (ReadOnlySpan<double>)[-26, 4, 38])
        {
            p.Box(x, 71, 27, 24, accent, 0.8, 1.5);
            p.Circle(x + 22, 82, 1.6, new(0.98, 0.92, 0.7), 0);
        }
        p.Box(-10, 14, 70, 26, new(0.88, 0.74, 0.55), 1.6, 1.5);
        p.Box(24, 15, 1.4, 24, new(0.5, 0.36, 0.24), 0);
        p.Box(8, 47, 22, 14, new(0.84, 0.25, 0.20), 1, 3);
        p.Box(6, 46, 26, 3, new Colour(0.84, 0.25, 0.20).Shade(0.75), 0, 1.5);
        p.Circle(46, 54, 7, new(0.95, 0.80, 0.30), 1);
        p.Box(200, 26, 60, 74, new(0.78, 0.89, 0.91), 2, 4);
        p.Box(200, 56, 60, 1.6, new(0.45, 0.55, 0.60), 0);
        foreach (var y in (ReadOnlySpan<double>)[40, 64]) p.Box(204, y, 2.6, 11, new(0.42, 0.48, 0.54), 0, 1);
        Chair(p, 128, accent);
    }

    static void Bedroom(Paper p, Location at, Colour accent)
    {
        Room(p, new Colour(0.84, 0.86, 0.94).Mix(accent, 0.14), new(0.74, 0.56, 0.40), planks: true);
        for (var i = -2; i < 12; i++)
            for (var j = -2; j < 5; j++) p.Canvas.Circle(i * 24 + (j % 2 == 0 ? 0 : 12), j * 18 + 8, 1.8);
        p.Canvas.Fill(new(1, 1, 1, 0.35));
        p.Window(92, 18, 44, 36, at);
        p.Ellipse(110, 118, 58, 9, accent.Mix(new(1, 1, 1), 0.4), 1);
        p.Box(152, 46, 8, 60, new(0.50, 0.33, 0.20), 2, 2);
        p.Box(156, 76, 104, 24, White, 1.6, 3);
        p.Box(184, 72, 80, 28, accent, 1.6, 4);
        p.Box(162, 66, 26, 13, new(1, 1, 1), 1, 5);
        p.Box(-14, 70, 32, 30, Wood, 1.6, 1.5);
        p.Circle(2, 84, 1.8, new(0.98, 0.9, 0.6), 0);
        p.Box(1, 54, 3, 16, new(0.30, 0.25, 0.20), 1);
        if (at.Time == TimeOfDay.Night) p.Canvas.Glow(2, 50, 46, new(1, 0.82, 0.42, 0.60));
        p.Canvas.Polygon(-8, 56, -2, 38, 7, 38, 13, 56);
        p.Canvas.Fill(at.Time is TimeOfDay.Night or TimeOfDay.Evening ? new Colour(1, 0.90, 0.58) : p.Lit(new(0.98, 0.90, 0.66)));
        // The pouffe to sit on.
        p.Box(76, 97, 40, 14, accent.Shade(0.85), 1.6, 6);
        p.Box(76, 97, 40, 4, accent, 0, 2);
    }

    static void LivingRoom(Paper p, Location at, Colour accent)
    {
        Room(p, new(0.93, 0.84, 0.72), new(0.62, 0.43, 0.30), planks: true);
        for (var i = -3; i < 14; i++) { p.Canvas.Box(i * 22, -40, 10, 132); p.Canvas.Fill(p.Lit(new(0.90, 0.79, 0.66))); }
        // The hearth with its fire.
        p.Box(-10, 42, 56, 56, new(0.70, 0.40, 0.34), 2, 1);
        for (var j = 0; j < 5; j++)
            for (var i = 0; i < 3; i++) p.Box(-8 + i * 18 + (j % 2) * 6, 45 + j * 11, 13, 7, new(0.80, 0.50, 0.42), 0, 1);
        p.Box(2, 62, 32, 36, new(0.16, 0.11, 0.12), 0, 8);
        p.Canvas.Glow(18, 88, 40, new(1, 0.60, 0.20, 0.55));
        p.Canvas.Polygon(8, 97, 12, 80, 16, 87, 20, 74, 24, 86, 28, 82, 30, 97);
        p.Canvas.Fill(new(0.98, 0.55, 0.14));
        p.Canvas.Polygon(13, 97, 18, 84, 24, 97);
        p.Canvas.Fill(new(1, 0.86, 0.36));
        p.Box(-16, 37, 68, 6, Wood.Shade(0.8), 1.6, 1);
        p.Circle(18, 22, 10, White);
        p.Box(17.4, 15, 1.4, 8, Palette.Ink, 0);
        p.Box(18, 21.4, 6, 1.4, Palette.Ink, 0);
        p.Window(80, 18, 40, 34, at);
        p.Ellipse(100, 119, 62, 8, accent.Mix(new(1, 1, 1), 0.35), 1);
        // The sofa.
        p.Box(58, 70, 70, 30, accent.Shade(0.86), 2, 8);
        p.Box(54, 80, 14, 30, accent, 1.6, 6);
        p.Box(118, 80, 14, 30, accent, 1.6, 6);
        p.Box(64, 97, 58, 13, accent.Shade(1.08), 1.2, 4);
        p.Box(212, 60, 40, 40, Wood, 1.8, 1);
        p.Box(217, 66, 26, 20, new(0.28, 0.36, 0.40), 0, 3);
    }

    static void Library(Paper p, Location at, Colour accent)
    {
        Room(p, new(0.72, 0.80, 0.72), new(0.58, 0.40, 0.28), planks: true);
        Shelf(p, -42, 58, accent, 3);
        Shelf(p, 158, 104, accent, 11);
        p.Window(92, 16, 40, 34, at);
        // The globe on its table.
        p.Box(80, 84, 32, 4, Wood, 1.2, 1.5);
        p.Box(94, 87, 4, 23, Wood.Shade(0.8), 1);
        p.Circle(96, 73, 9.5, new(0.35, 0.62, 0.86), 1);
        p.Blob(94, 71, 4.5, 3, 0.3, new(0.42, 0.68, 0.36), 0);
        // The armchair.
        p.Box(114, 70, 38, 32, accent.Shade(0.85), 1.8, 8);
        p.Box(110, 82, 10, 29, accent, 1.4, 5);
        p.Box(146, 82, 10, 29, accent, 1.4, 5);
        p.Box(117, 97, 32, 13, accent.Shade(1.08), 1, 4);
        if (at.Time == TimeOfDay.Night) p.Canvas.Glow(78, 20, 44, new(1, 0.82, 0.42, 0.45));
    }

    static void Shelf(Paper p, double x, double width, Colour accent, int seed)
    {
        p.Box(x, 8, width, 90, Wood.Shade(0.72), 2, 1);
        Colour[] backs = [accent, new(0.86, 0.74, 0.50), new(0.45, 0.30, 0.26), accent.Shade(0.75), new(0.32, 0.45, 0.55)];
        for (var shelf = 0; shelf < 4; shelf++)
        {
            var foot = 28 + shelf * 21.5;
            p.Box(x + 3, foot - 17, width - 6, 17, Wood.Shade(0.45), 0);
            for (var at = x + 4.0; at < x + width - 9; at += 6.4)
            {
                var book = (int)(at * 7 + shelf * 13 + seed);
                p.Box(at, foot - 12 - Math.Abs(book % 4), 5.6, 12 + Math.Abs(book % 4), backs[Math.Abs(book % 5)], 0, 0.6);
            }
        }
    }

    static void Chair(Paper p, double x, Colour accent)
    {
        p.Box(x - 13, 70, 4, 42, Wood, 1, 1);
        p.Box(x + 9, 70, 4, 42, Wood, 1, 1);
        p.Box(x - 13, 72, 26, 6, Wood.Shade(1.1), 1, 1);
        p.Box(x - 13, 82, 26, 5, Wood.Shade(1.1), 1, 1);
        p.Box(x - 15, 98, 30, 5.5, accent, 1, 2.5);
    }
}
