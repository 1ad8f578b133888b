// Faces, hair and hats. A head is a circle of radius r at (x, y); turning shifts the face by f (-1..1) towards where the person looks, so
// that the hair shows at the back of the head. Hats sit high: hair stays visible under every hat.
namespace Fabula.Training.PaperTheatre;

static class Head
{
    public static void Draw(Canvas c, Person person, Pose pose, double x, double y, double r)
    {
        var f = pose.Face;
        var skin = Palette.Of(person.Skin);
        foreach (var ear in (ReadOnlySpan<int>)[-1, 1])
        {
            if (Math.Abs(f) > 0.4 && ear == Math.Sign(f)) continue;
            c.Circle(x + ear * r * 0.96 * (1 - 0.75 * Math.Abs(f)), y + 1.5, r * 0.2);
            c.Fill(skin.Shade(0.9));
        }
        c.Circle(x, y, r);
        c.Fill(skin);
        Hair.Front(c, person, x, y, r, f);
        Face(c, person, pose, x + f * r * 0.36, y, r, f);
        if (person.Hat != Hat.None) Hats.Draw(c, person, x, y, r, f);
    }

    static void Face(Canvas c, Person person, Pose pose, double x, double y, double r, double f)
    {
        var u = r / 12;
        var (skin, hair) = (Palette.Of(person.Skin), Palette.Of(person.Hair));
        var dark = person.Skin == Skin.Dark;
        if (person.Beard) Beard(c, person, x, y, r, u);
        foreach (var eye in (ReadOnlySpan<int>)[-1, 1])
        {
            var ex = x + eye * 4.3 * u * (1 - 0.18 * Math.Abs(f));
            c.Circle(x + eye * 6.6 * u, y + 5.2 * u, 2.0 * u);
            c.Fill(new(0.95, 0.36, 0.34, dark ? 0.30 : 0.36));
            if (pose.Blink)
            {
                c.Arc(ex, y + 0.6 * u, 1.7 * u, 0.25, Math.PI - 0.25);
                c.Stroke(Palette.Ink, 1.1 * u);
            }
            else
            {
                c.Ellipse(ex, y + 1.2 * u, 2.5 * u, 2.9 * u);
                c.Fill(new(1, 0.99, 0.97));
                c.Ellipse(ex + f * 0.8 * u, y + 1.4 * u, 1.65 * u, 2.1 * u);
                c.Fill(Palette.Ink);
                c.Circle(ex + f * 0.8 * u - 0.5 * u, y + 0.6 * u, 0.55 * u);
                c.Fill(new(1, 1, 1));
            }
            if (person.Female)
            {
                // A dark upper lid with lashes at its outer end.
                c.Arc(ex, y + 1.3 * u, 2.9 * u, Math.PI + 0.35, Math.Tau - 0.35);
                c.Stroke(Palette.Ink, 0.9 * u);
                c.Move(ex + eye * 2.5 * u, y + 0.1 * u);
                c.Line(ex + eye * 3.9 * u, y + 0.1 * u);
                c.Stroke(Palette.Ink, 0.9 * u);
            }
            c.Move(ex - 2.0 * u, y - 3.1 * u - (eye < 0 ? 0 : 0.5 * u));
            c.Line(ex + 2.0 * u, y - 3.1 * u - (eye < 0 ? 0.5 * u : 0));
            c.Stroke(hair.Shade(person.Hair is HairColour.White or HairColour.Blonde ? 0.78 : 0.9), (person.Female ? 0.8 : 1.5) * u);
            if (person.Old)
            {
                c.Arc(ex, y + 3.6 * u, 2.2 * u, 0.5, Math.PI - 0.5);
                c.Stroke(skin.Shade(0.72), 0.7 * u);
            }
        }
        if (person.Glasses)
        {
            foreach (var eye in (ReadOnlySpan<int>)[-1, 1])
            {
                c.Circle(x + eye * 4.4 * u, y + 1.3 * u, 3.7 * u);
                c.Stroke(new(0.10, 0.10, 0.16), 1.15 * u);
            }
            c.Move(x - 0.8 * u, y + 0.9 * u);
            c.Line(x + 0.8 * u, y + 0.9 * u);
            c.Stroke(new(0.10, 0.10, 0.16), 1.1 * u);
        }
        c.Ellipse(x + f * 1.4 * u, y + 3.9 * u, (person.Old ? 1.9 : 1.3) * u, (person.Old ? 1.6 : 1.1) * u);
        c.Fill(skin.Shade(0.80));
        Mouth(c, person, pose.Mouth, x + f * 0.6 * u, y + 7.0 * u, u);
    }

    static void Mouth(Canvas c, Person person, double open, double x, double y, double u)
    {
        var lips = person.Kind == Kind.Woman ? new Colour(0.80, 0.12, 0.22) : new(0.48, 0.13, 0.14);
        if (open > 0.2)
        {
            c.Ellipse(x, y + 0.3 * u, 2.6 * u, (0.7 + 1.9 * open) * u);
            c.FillAndKeep(new(0.52, 0.10, 0.14));
            c.Stroke(lips, 0.6 * u);
            return;
        }
        c.Arc(x, y - 1.8 * u, 3.0 * u, 0.45, Math.PI - 0.45);
        c.Stroke(lips, (person.Kind == Kind.Woman ? 1.7 : 1.2) * u);
    }

    static void Beard(Canvas c, Person person, double x, double y, double r, double u)
    {
        var hair = Palette.Of(person.Hair);
        c.Move(x - r * 0.70, y + 5.0 * u);
        c.Curve(x - r * 0.80, y + r * 1.42, x + r * 0.80, y + r * 1.42, x + r * 0.70, y + 5.0 * u);
        c.Curve(x + r * 0.40, y + 6.4 * u, x - r * 0.40, y + 6.4 * u, x - r * 0.70, y + 5.0 * u);
        c.Close();
        c.Fill(hair);
    }
}

static class Hair
{
    /// <summary>What hangs behind the body and the head.</summary>
    public static void Behind(Canvas c, Person person, double x, double y, double r, double f)
    {
        var hair = Palette.Of(person.Hair);
        var back = f >= 0 ? -1 : 1;
        switch (person.Style)
        {
            case HairStyle.Flowing:
                c.RoundBox(x - r * 1.12 - f * 2, y - r * 0.6, r * 2.24, r * 2.5, r * 0.55);
                c.Fill(hair.Shade(0.88));
                break;
            case HairStyle.Ponytail:
                c.Move(x + back * r * 0.55, y - r * 0.75);
                c.Curve(x + back * r * 1.9, y - r * 1.0, x + back * r * 2.0, y + r * 0.6, x + back * r * 1.45, y + r * 1.35);
                c.Curve(x + back * r * 1.35, y + r * 0.4, x + back * r * 1.1, y, x + back * r * 0.6, y - r * 0.1);
                c.Close();
                c.Fill(hair);
                break;
            case HairStyle.Pigtails:
                foreach (var sideways in (ReadOnlySpan<int>)[-1, 1])
                {
                    c.Ellipse(x + sideways * r * 1.22 - f * 2, y + r * 0.55, r * 0.30, r * 0.78);
                    c.Fill(hair);
                    c.Circle(x + sideways * r * 1.10 - f * 2, y - r * 0.1, r * 0.2);
                    c.Fill(new(0.93, 0.30, 0.45));
                }
                break;
            case HairStyle.Curly:
                for (var i = 0; i < 11; i++)
                {
                    var angle = Math.PI * (0.86 + i * 1.28 / 10);
                    c.Circle(x - f * 1.5 + r * 1.0 * Math.Cos(angle), y - 0.5 + r * 1.0 * Math.Sin(angle), r * 0.36);
                }
                if (person.Female)
                    foreach (var (dx, dy) in (ReadOnlySpan<(double, double)>)[(-1.1, 0.4), (1.1, 0.4), (-1.0, 0.8), (1.0, 0.8)])
                        c.Circle(x - f * 1.5 + r * dx, y + r * dy, r * 0.34);
                c.Fill(hair);
                break;
            case HairStyle.Bun when person.Hat == Hat.None:
                c.Circle(x + back * Math.Abs(f) * r * 0.5, y - r * 1.18, r * 0.46);
                c.FillAndKeep(hair);
                c.Stroke(hair.Shade(0.75), 0.8);
                break;
            case HairStyle.Bun:
                c.Circle(x + back * r * 1.05, y + r * 0.42, r * 0.42);
                c.Fill(hair);
                break;
        }
    }

    /// <summary>The cap of hair around the face.</summary>
    public static void Front(Canvas c, Person person, double x, double y, double r, double f)
    {
        var hair = Palette.Of(person.Hair);
        var skin = Palette.Of(person.Skin);
        c.Save();
        c.Circle(x, y, r + 0.7);
        c.Clip();
        if (person.Style == HairStyle.Bald)
        {
            // A wreath around the back of the head, below the shining crown.
            c.Box(x - r - 1, y - r * 0.28, 2 * r + 2, r * 0.85);
            c.Fill(hair);
            c.Ellipse(x + f * r * 0.36, y - r * 0.1, r * (0.88 - 0.06 * Math.Abs(f)), r * 1.05);
            c.Fill(skin);
            c.Ellipse(x - r * 0.3, y - r * 0.62, r * 0.2, r * 0.1);
            c.Fill(new(1, 1, 1, 0.45));
        }
        else
        {
            c.Box(x - r - 1, y - r - 1, 2 * r + 2, person.Style is HairStyle.Cropped or HairStyle.Spiky ? r * (1.25 + 0.4 * Math.Abs(f))
                : r * 2 + 2);
            c.Fill(hair);
            c.Ellipse(x + f * r * 0.40, y + r * 0.30, r * (person.Female ? 0.80 : 0.84), r * 0.80);
            c.Fill(skin);
            c.Ellipse(x + f * r * 0.40, y + r * 0.62, r * 0.72, r * 0.55);
            c.Fill(skin);
        }
        c.Restore();
        switch (person.Style)
        {
            case HairStyle.Flowing:
                foreach (var sideways in (ReadOnlySpan<int>)[-1, 1])
                    c.RoundBox(x + sideways * r * 0.95 - 2.2 - f * 2.5, y - r * 0.35, 4.4, r * 1.75, 2.2);
                c.Fill(hair);
                break;
            case HairStyle.Spiky:
                c.Move(x - r * 1.0, y - r * 0.1);
                for (var i = 0; i < 6; i++)
                {
                    var at = -1 + i * 0.4;
                    c.Line(x + r * (at - 0.12), y - r * (1.42 - 0.42 * Math.Abs(at + 0.02)));
                    c.Line(x + r * (at + 0.32), y - r * (0.86 - 0.45 * Math.Abs(at + 0.2)));
                }
                c.Line(x + r * 1.0, y - r * 0.1);
                c.Line(x + r * 0.6, y - r * 0.55);
                c.Line(x - r * 0.6, y - r * 0.55);
                c.Close();
                c.Fill(hair);
                break;
            case HairStyle.Curly:
                for (var i = 0; i < 6; i++) c.Circle(x - r * 0.75 + i * r * 0.3 + f * 1.5, y - r * (0.62 + 0.14 * (i % 2)), r * 0.27);
                c.Fill(hair);
                break;
            case HairStyle.Ponytail:
                c.Circle(x + (f >= 0 ? -1 : 1) * r * 0.78, y - r * 0.62, r * 0.2);
                c.Fill(new(0.93, 0.30, 0.45));
                break;
        }
    }
}

static class Hats
{
    public static void Draw(Canvas c, Person person, double x, double y, double r, double f)
    {
        var colour = Palette.Of(person.HatColour);
        var side = f < 0 ? -1 : 1;
        var line = y - r * 0.50;
        switch (person.Hat)
        {
            case Hat.Cap:
                c.Move(x - r * 0.98, line);
                c.Curve(x - r * 0.95, y - r * 1.55, x + r * 0.95, y - r * 1.55, x + r * 0.98, line);
                c.Close();
                c.Fill(colour);
                if (Math.Abs(f) < 0.3) c.Ellipse(x, line + 0.5, r * 0.85, r * 0.20);
                else c.RoundBox(side > 0 ? x : x - r * 1.65, line - r * 0.17, r * 1.65, r * 0.30, r * 0.14);
                c.Fill(colour.Shade(0.72));
                c.Circle(x, y - r * 1.29, r * 0.11);
                c.Fill(colour.Shade(0.72));
                break;
            case Hat.TopHat:
                c.Polygon(x - r * 0.68, line, x - r * 0.78, y - r * 1.75, x + r * 0.78, y - r * 1.75, x + r * 0.68, line);
                c.Fill(colour);
                c.Box(x - r * 0.70, line - r * 0.34, r * 1.40, r * 0.26);
                c.Fill(new(0.98, 0.96, 0.90));
                c.RoundBox(x - r * 1.25, line - r * 0.10, r * 2.5, r * 0.26, r * 0.13);
                c.Fill(colour.Shade(0.78));
                break;
            case Hat.WoollyHat:
                c.Move(x - r * 1.0, line);
                c.Curve(x - r * 1.0, y - r * 1.75, x + r * 1.0, y - r * 1.75, x + r * 1.0, line);
                c.Close();
                c.Fill(colour);
                c.RoundBox(x - r * 1.08, line - r * 0.22, r * 2.16, r * 0.40, r * 0.2);
                c.Fill(colour.Shade(0.74));
                c.Circle(x, y - r * 1.50, r * 0.27);
                c.Fill(new(0.98, 0.97, 0.94));
                break;
            default:
                c.Ellipse(x, line + r * 0.02, r * 1.65, r * 0.26);
                c.Fill(colour.Shade(0.82));
                c.Move(x - r * 0.82, line);
                c.Curve(x - r * 0.8, y - r * 1.45, x + r * 0.8, y - r * 1.45, x + r * 0.82, line);
                c.Close();
                c.Fill(colour);
                c.Box(x - r * 0.82, line - r * 0.22, r * 1.64, r * 0.18);
                c.Fill(new(0.98, 0.96, 0.90));
                break;
        }
    }
}
