// The coloured papers. Colours of one attribute stay far apart (a test holds them to it), because a small network has to tell them apart.
namespace Fabula.Training.PaperTheatre;

static class Palette
{
    public static readonly Colour Ink = new(0.13, 0.09, 0.12), Edge = new(0.99, 0.98, 0.95), Shadow = new(0.06, 0.04, 0.13);

    public static Colour Of(Skin skin) => skin switch
    {
        Skin.Pale => new(1.00, 0.86, 0.75),
        Skin.Tan => new(0.88, 0.65, 0.45),
        _ => new(0.54, 0.35, 0.24),
    };

    public static Colour Of(HairColour hair) => hair switch
    {
        HairColour.Black => new(0.11, 0.10, 0.13),
        HairColour.Brown => new(0.35, 0.19, 0.09),
        HairColour.Blonde => new(0.95, 0.79, 0.36),
        HairColour.Ginger => new(0.83, 0.36, 0.10),
        HairColour.Grey => new(0.58, 0.59, 0.63),
        _ => new(0.95, 0.95, 0.96),
    };

    public static Colour Of(TopColour top) => top switch
    {
        TopColour.Red => new(0.85, 0.16, 0.17),
        TopColour.Orange => new(0.97, 0.55, 0.12),
        TopColour.Yellow => new(0.99, 0.86, 0.22),
        TopColour.Green => new(0.19, 0.62, 0.30),
        TopColour.Blue => new(0.16, 0.40, 0.86),
        TopColour.Purple => new(0.50, 0.25, 0.70),
        TopColour.Pink => new(0.98, 0.56, 0.74),
        _ => new(0.96, 0.95, 0.93),
    };

    public static Colour Of(HatColour hat) => hat switch
    {
        HatColour.Red => new(0.80, 0.15, 0.17),
        HatColour.Yellow => new(0.97, 0.80, 0.20),
        HatColour.Green => new(0.16, 0.52, 0.27),
        _ => new(0.15, 0.34, 0.76),
    };

    public static Colour Of(Trousers trousers) => trousers switch
    {
        Trousers.Navy => new(0.15, 0.19, 0.40),
        Trousers.Khaki => new(0.68, 0.56, 0.37),
        _ => new(0.36, 0.36, 0.39),
    };

    public static Colour Of(Accent accent) => accent switch
    {
        Accent.Red => new(0.82, 0.27, 0.25),
        Accent.Yellow => new(0.96, 0.79, 0.30),
        Accent.Green => new(0.34, 0.64, 0.38),
        Accent.Blue => new(0.27, 0.51, 0.82),
        _ => new(0.58, 0.40, 0.73),
    };
}
