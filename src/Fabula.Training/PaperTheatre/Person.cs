// Who lives in the theatre. A person is a record of visible attributes: what the record says is what is drawn, and what a caption may say.
namespace Fabula.Training.PaperTheatre;

public enum Kind { Man, Woman, Boy, Girl, OldMan, OldWoman }
public enum Skin { Pale, Tan, Dark }
public enum HairColour { Black, Brown, Blonde, Ginger, Grey, White }
public enum HairStyle { Cropped, Flowing, Bun, Curly, Spiky, Ponytail, Pigtails, Bald }
public enum TopColour { Red, Orange, Yellow, Green, Blue, Purple, Pink, White }
public enum Pattern { Plain, Striped, Buttoned }
public enum Hat { None, Cap, TopHat, WoollyHat, SunHat }
public enum HatColour { Red, Yellow, Green, Blue }
public enum Trousers { Navy, Khaki, Grey }
public enum Height { Small, Average, Tall }

/// <param name="Hair">Young people are black, brown, blonde or ginger; old people grey or white.</param>
/// <param name="Top">The colour of the shirt, or of the dress of a woman or girl.</param>
/// <param name="HatColour">Only meaningful with a hat.</param>
/// <param name="Beard">Only men and old men.</param>
/// <param name="Trousers">Only men, boys and old men; the others wear dresses.</param>
public sealed record Person(
    Kind Kind, Skin Skin, HairColour Hair, HairStyle Style, TopColour Top, Pattern Pattern = Pattern.Plain,
    Hat Hat = Hat.None, HatColour HatColour = HatColour.Red, Height Height = Height.Average,
    bool Glasses = false, bool Beard = false, Trousers Trousers = Trousers.Navy)
{
    public bool Female => Kind is Kind.Woman or Kind.Girl or Kind.OldWoman;
    public bool Child => Kind is Kind.Boy or Kind.Girl;
    public bool Old => Kind is Kind.OldMan or Kind.OldWoman;

    /// <summary>From the ground to the top of the head without hat, in units of the stage (which is 128 high). 50 to 88.</summary>
    public double Size => Kind switch
    {
        Kind.Man => 80,
        Kind.Woman => 76,
        Kind.OldMan => 74,
        Kind.OldWoman => 70,
        Kind.Boy => 58,
        _ => 56,
    } * Height switch { Height.Small => 0.9, Height.Tall => 1.1, _ => 1.0 };

    /// <summary>
    /// One identity in ten is never trained on. An identity is kind, skin, hair, style and top; whoever differs only in hat, glasses,
    /// height or pattern is on the same side. The hash is stable over versions and machines.
    /// </summary>
    public bool HeldOut => Chance.Hash($"{Kind}/{Skin}/{Hair}/{Style}/{Top}") % 10 == 0;

    /// <summary>The styles that a kind of person wears.</summary>
    public static ReadOnlySpan<HairStyle> Styles(Kind kind) => kind switch
    {
        Kind.Man => [HairStyle.Cropped, HairStyle.Curly, HairStyle.Spiky, HairStyle.Bald],
        Kind.Boy => [HairStyle.Cropped, HairStyle.Curly, HairStyle.Spiky],
        Kind.Woman => [HairStyle.Flowing, HairStyle.Bun, HairStyle.Curly, HairStyle.Ponytail],
        Kind.Girl => [HairStyle.Flowing, HairStyle.Pigtails, HairStyle.Curly, HairStyle.Ponytail],
        Kind.OldMan => [HairStyle.Cropped, HairStyle.Bald],
        _ => [HairStyle.Bun, HairStyle.Curly],
    };

    public static ReadOnlySpan<HairColour> Hairs(Kind kind) => kind is Kind.OldMan or Kind.OldWoman
        ? [HairColour.Grey, HairColour.White]
        : [HairColour.Black, HairColour.Brown, HairColour.Blonde, HairColour.Ginger];

    /// <summary>Anybody, or anybody of one kind.</summary>
    public static Person Draw(Chance chance, Kind? of = null)
    {
        var kind = of ?? chance["kind"].Any<Kind>();
        var male = kind is Kind.Man or Kind.Boy or Kind.OldMan;
        return new(kind, chance["skin"].Any<Skin>(), chance["hair"].Pick(Hairs(kind)), chance["style"].Pick(Styles(kind)),
            chance["top"].Any<TopColour>(), chance["pattern"].Pick(Pattern.Plain, Pattern.Plain, Pattern.Striped, Pattern.Buttoned),
            chance["hat"].Happens(0.5) ? Hat.None : chance["which hat"].Pick(Hat.Cap, Hat.TopHat, Hat.WoollyHat, Hat.SunHat),
            chance["hat colour"].Any<HatColour>(), chance["height"].Pick(Height.Small, Height.Average, Height.Average, Height.Tall),
            chance["glasses"].Happens(0.25), male && kind != Kind.Boy && chance["beard"].Happens(0.4), chance["trousers"].Any<Trousers>());
    }

    /// <summary>Somebody from the wanted side of the held-out split.</summary>
    public static Person Draw(Chance chance, Kind? of, bool heldOut)
    {
        for (var i = 0; ; i++)
        {
            var person = Draw(chance[i], of);
            if (person.HeldOut == heldOut) return person;
        }
    }
}
