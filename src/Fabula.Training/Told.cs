// What a caption says, as classes: the questions that the text encoder learns to answer, and that tests ask it.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>A question about a shot. Classes is the number of answers; the last one is "not told".</summary>
/// <param name="Of">What it is about: 0 the scene, 1 to 3 a person.</param>
public sealed record CaptionQuestion(string Name, int Of, int Classes, Func<ShotSpec, Register, int> Answer);

public static class Told
{
    public static readonly IReadOnlyList<CaptionQuestion> Questions = [.. About(), .. Enumerable.Range(0, 3).SelectMany(Of)];

    static IEnumerable<CaptionQuestion> About()
    {
        yield return Ask<Place>("place", 0, (shot, _) => shot.Location.Place);
        yield return Ask<TimeOfDay>("time", 0, (shot, register) => register == Register.Referential || shot.Location.Place == Place.Plain
            ? null : shot.Location.Time);
        yield return Ask<Accent>("accent", 0, (shot, register) => register != Register.Full || shot.Location.Place == Place.Plain ? null
            : shot.Location.Accent);
        yield return Ask<ShotSize>("size", 0, (shot, register) => register == Register.Screenplay ? null : shot.Size);
        yield return new("people", 0, 5, (shot, _) => shot.Roles.Count);
    }

    /// <summary>Of the person who is named first, second, third.</summary>
    static IEnumerable<CaptionQuestion> Of(int i)
    {
        CaptionQuestion Person<T>(string name, Func<Person, T?> value, bool always = false) where T : struct, Enum =>
            Ask<T>($"{name} {i + 1}", i + 1, (shot, register) =>
            i < shot.Roles.Count && (always && register != Register.Screenplay || register == Register.Full) ? value(shot.Roles[i].Person)
                : null);
        yield return Person<Kind>("kind", person => person.Kind, always: true);
        yield return Person<Skin>("skin", person => person.Skin);
        yield return Person<HairColour>("hair", person => person.Hair);
        yield return Person<HairStyle>("style", person => person.Style);
        yield return Person<TopColour>("top", person => person.Top);
        yield return Person<Hat>("hat", person => person.Hat);
        yield return Person<HatColour>("hat colour", person => person.Hat == Hat.None ? null : person.HatColour);
        yield return Person<Trousers>("trousers", person => person.Female ? null : person.Trousers);
        yield return Ask<Doing>($"first does {i + 1}", i + 1, (shot, _) => i < shot.Roles.Count ? shot.Roles[i].Beats[0].Doing : null);
    }

    static CaptionQuestion Ask<T>(string name, int of, Func<ShotSpec, Register, T?> answer) where T : struct, Enum
    {
        var values = Enum.GetValues<T>();
        return new(name, of, values.Length + 1, (shot, register) => answer(shot, register) is { } value
            ? Array.IndexOf(values, value) : values.Length);
    }
}
