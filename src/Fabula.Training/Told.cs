// What a caption says, as classes: the questions that the text encoder learns to answer, and that tests ask it.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>A question about a shot, or about one person in it. Classes is the number of answers; the last one is "not told".</summary>
/// <param name="Answer">Of a shot, a role in it (-1 asks about the scene) and how the caption was written.</param>
public sealed record CaptionQuestion(string Name, int Classes, Func<ShotSpec, int, Register, int> Answer);

public static class Told
{
    public static readonly IReadOnlyList<CaptionQuestion> OfScenes =
    [
        Ask<Place>("place", (shot, _, _) => shot.Location.Place),
        Ask<TimeOfDay>("time", (shot, _, register) => register == Register.Referential || IsPlain(shot) ? null : shot.Location.Time),
        Ask<Accent>("accent", (shot, _, register) => !Describes(register) || IsPlain(shot) ? null : shot.Location.Accent),
        Ask<ShotSize>("size", (shot, _, register) => register == Register.Screenplay ? null : shot.Size),
        new("people", 5, (shot, _, _) => shot.Roles.Count),
    ];

    public static readonly IReadOnlyList<CaptionQuestion> OfPeople =
    [
        Person<Kind>("kind", person => person.Kind, always: true),
        Person<Skin>("skin", person => person.Skin),
        Person<HairColour>("hair", person => person.Hair),
        Person<HairStyle>("style", person => person.Style),
        Person<TopColour>("top", person => person.Top),
        Person<Hat>("hat", person => person.Hat),
        Person<HatColour>("hat colour", person => person.Hat == Hat.None ? null : person.HatColour),
        Person<Trousers>("trousers", person => person.Female ? null : person.Trousers),
        Ask<Doing>("first does", (shot, role, _) => shot.Roles[role].Beats[0].Doing),
    ];

    static bool IsPlain(ShotSpec shot) => shot.Location.Place == Place.Plain;
    static bool Describes(Register register) => register is Register.Full or Register.Planned;

    static CaptionQuestion Person<T>(string name, Func<Person, T?> value, bool always = false) where T : struct, Enum =>
        Ask<T>(name, (shot, role, register) => Describes(register) || always && register != Register.Screenplay
            ? value(shot.Roles[role].Person) : null);

    static CaptionQuestion Ask<T>(string name, Func<ShotSpec, int, Register, T?> answer) where T : struct, Enum
    {
        var values = Enum.GetValues<T>();
        return new(name, values.Length + 1, (shot, role, register) => answer(shot, role, register) is { } value
            ? Array.IndexOf(values, value) : values.Length);
    }
}
