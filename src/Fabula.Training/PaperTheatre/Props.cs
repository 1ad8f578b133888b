// Things: what people carry (figure units, at the hand) and what stands about (stage units, foot at the origin).
namespace Fabula.Training.PaperTheatre;

static class Props
{
    public static bool InBothHands(Carried thing) => thing is Carried.Box or Carried.Teddy or Carried.Book;

    public static void DrawCarried(Canvas c, Carried thing, double x, double y, double side)
    {
        var wood = new Colour(0.62, 0.42, 0.24);
        switch (thing)
        {
            case Carried.Box:
                c.RoundBox(x - 8, y - 5, 16, 12, 1);
                c.Fill(new(0.80, 0.60, 0.36));
                c.Box(x - 1.6, y - 5, 3.2, 12);
                c.Fill(new(0.95, 0.88, 0.66));
                break;
            case Carried.Basket:
                c.Arc(x, y + 5, 5.5, Math.PI, Math.Tau);
                c.Stroke(wood, 1.4);
                c.Circle(x - 3, y + 4.5, 2.6);
                c.Circle(x + 3, y + 4.5, 2.6);
                c.Fill(new(0.85, 0.18, 0.16));
                c.Polygon(x - 7, y + 5, x + 7, y + 5, x + 5.4, y + 12, x - 5.4, y + 12);
                c.Fill(wood);
                c.Move(x - 6.4, y + 8);
                c.Line(x + 6.4, y + 8);
                c.Stroke(wood.Shade(0.7), 1);
                break;
            case Carried.Balloon:
                c.Move(x, y);
                c.Curve(x + side * 3, y - 12, x - side * 2, y - 18, x - side * 3, y - 25);
                c.Stroke(new(0.95, 0.94, 0.90), 0.9);
                c.Ellipse(x - side * 3, y - 34, 8, 9.5);
                c.Fill(new(0.92, 0.18, 0.22));
                c.Ellipse(x - side * 3 - 3, y - 37, 1.8, 2.8);
                c.Fill(new(1, 0.75, 0.75));
                break;
            case Carried.Umbrella:
                c.Move(x, y + 3);
                c.Line(x, y - 34);
                c.Stroke(new(0.30, 0.20, 0.16), 1.5);
                c.Arc(x, y - 27, 21, Math.PI, Math.Tau);
                c.Close();
                c.Fill(new(0.20, 0.62, 0.66));
                c.Move(x - 8, y - 27);
                c.Curve(x - 7, y - 40, x - 3, y - 46, x, y - 48);
                c.Curve(x + 3, y - 46, x + 7, y - 40, x + 8, y - 27);
                c.Close();
                c.Fill(new(0.96, 0.94, 0.88));
                break;
            case Carried.Flowers:
                c.Polygon(x - 4.5, y - 6, x + 4.5, y - 6, x + 1, y + 5, x - 1, y + 5);
                c.Fill(new(0.25, 0.55, 0.27));
                foreach (var (dx, dy, red) in (ReadOnlySpan<(double, double, bool)>)[(-4, -8, true), (4, -8, false), (0, -11, true),
                    (0, -6.5, false)])
                {
                    c.Circle(x + dx, y + dy, 3.0);
                    c.Fill(red ? new(0.93, 0.25, 0.42) : new(0.99, 0.85, 0.30));
                }
                break;
            case Carried.Suitcase:
                c.Arc(x, y + 3, 3, Math.PI, Math.Tau);
                c.Stroke(new(0.25, 0.15, 0.10), 1.4);
                c.RoundBox(x - 8, y + 2.5, 16, 11.5, 1.5);
                c.Fill(new(0.50, 0.26, 0.16));
                c.Box(x - 5.5, y + 2.5, 1.8, 11.5);
                c.Box(x + 3.7, y + 2.5, 1.8, 11.5);
                c.Fill(new(0.88, 0.72, 0.44));
                break;
            case Carried.Book:
                c.RoundBox(x - 5, y - 4, 10, 12, 0.8);
                c.Fill(new(0.20, 0.28, 0.55));
                c.Box(x - 2.5, y - 1, 5, 2.4);
                c.Fill(new(0.96, 0.84, 0.45));
                break;
            default:
                var fur = new Colour(0.72, 0.50, 0.28);
                c.Circle(x - 3, y - 6, 1.8);
                c.Circle(x + 3, y - 6, 1.8);
                c.Circle(x, y - 3.5, 4.2);
                c.Ellipse(x, y + 4, 4.6, 5);
                c.Circle(x - 4.5, y + 8, 2);
                c.Circle(x + 4.5, y + 8, 2);
                c.Fill(fur);
                c.Circle(x - 1.5, y - 4, 0.7);
                c.Circle(x + 1.5, y - 4, 0.7);
                c.Circle(x, y - 2.2, 0.9);
                c.Fill(Palette.Ink);
                break;
        }
    }

    public static void Draw(Paper p, Prop prop)
    {
        var c = p.Canvas;
        switch (prop)
        {
            case Prop.Ball:
                p.Circle(0, -7, 7, new(0.93, 0.25, 0.22));
                c.Arc(0, -7, 7, -0.6, 0.6);
                c.Fill(new(0.98, 0.96, 0.92));
                c.Arc(0, -7, 7, Math.PI - 0.6, Math.PI + 0.6);
                c.Fill(new(0.20, 0.45, 0.85));
                break;
            case Prop.Crate:
                p.Box(-9, -16, 18, 16, new(0.76, 0.56, 0.33), radius: 1);
                c.Polygon(-8, -3.5, 6, -14.5, 8, -12.5, -6, -1.5);
                c.Fill(p.Lit(new(0.60, 0.42, 0.23)));
                c.Box(-9, -16, 18, 2.4);
                c.Box(-9, -2.4, 18, 2.4);
                c.Fill(p.Lit(new(0.60, 0.42, 0.23)));
                break;
            case Prop.Barrel:
                p.Box(-8, -20, 16, 20, new(0.58, 0.36, 0.20), radius: 5);
                c.Box(-8, -16, 16, 2);
                c.Box(-8, -6, 16, 2);
                c.Fill(p.Lit(new(0.32, 0.32, 0.36)));
                break;
            case Prop.Pot:
                foreach (var (dx, dy, r) in (ReadOnlySpan<(double, double, double)>)[(-6, -19, 5.5), (6, -19, 5.5), (0, -25, 6.5)])
                    p.Circle(dx, dy, r, new(0.26, 0.56, 0.30), shadow: 1);
                p.Polygon(new(0.80, 0.42, 0.26), 1.5, -7, -13, 7, -13, 5, 0, -5, 0);
                break;
            case Prop.Lantern:
                p.Box(-5, -16, 10, 15, new(0.25, 0.25, 0.30), radius: 2);
                c.RoundBox(-3.4, -13.5, 6.8, 9.5, 1);
                c.Fill(new(1, 0.86, 0.42));
                break;
            case Prop.Cat:
                var grey = new Colour(0.30, 0.30, 0.35);
                c.Move(7, -3);
                c.Curve(15, -3, 15, -12, 11, -15);
                c.Stroke(p.Lit(grey), 2.6);
                p.Ellipse(0, -6, 8, 6.5, grey);
                p.Polygon(grey, 0, -10, -13, -9.5, -20, -5.5, -16);
                p.Polygon(grey, 0, -4.5, -16, -0.5, -20, -0, -13);
                p.Circle(-5, -13, 5.2, grey, shadow: 0);
                c.Circle(-7, -13.5, 1.1);
                c.Circle(-3, -13.5, 1.1);
                c.Fill(new(0.98, 0.88, 0.35));
                break;
            default:
                var fur = new Colour(0.66, 0.42, 0.22);
                c.Move(9, -10);
                c.Line(14, -17);
                c.Stroke(p.Lit(fur), 2.8);
                foreach (var x in (ReadOnlySpan<double>)[-6, -2, 4, 8])
                {
                    c.Move(x, -6);
                    c.Line(x, -1);
                    c.Stroke(p.Lit(fur.Shade(0.9)), 3);
                }
                p.Box(-9, -13, 19, 9, fur, radius: 4.5);
                p.Circle(-10, -15, 6, fur, shadow: 0);
                c.Ellipse(-6.5, -15.5, 2, 4.6);
                c.Fill(p.Lit(fur.Shade(0.6)));
                c.Circle(-15, -13.5, 1.6);
                c.Circle(-11.5, -16.5, 0.9);
                c.Fill(Palette.Ink);
                break;
        }
    }
}
