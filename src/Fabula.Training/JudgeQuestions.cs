// What the judge is asked, and the order of its answers.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>A question with a closed list of answers.</summary>
public sealed record Question(string Name, int Choices);

public static class JudgeQuestions
{
    public static readonly IReadOnlyList<Question> OfFrames = [Ask<Place>("place"), Ask<TimeOfDay>("time"), Ask<Accent>("accent")];

    public static readonly IReadOnlyList<Question> OfPeople =
    [
        Ask<Kind>("kind"), Ask<Skin>("skin"), Ask<HairColour>("hair"), Ask<HairStyle>("style"), Ask<TopColour>("top"), Ask<Hat>("hat"),
        Ask<HatColour>("hat colour"),
    ];

    /// <summary>What a person answers to each question, in their order.</summary>
    public static int[] Answers(Person person) =>
    [
        (int)person.Kind, (int)person.Skin, (int)person.Hair, (int)person.Style, (int)person.Top, (int)person.Hat, (int)person.HatColour,
    ];

    public static int[] Answers(Location location) => [(int)location.Place, (int)location.Time, (int)location.Accent];

    static Question Ask<T>(string name) where T : struct, Enum => new(name, Enum.GetValues<T>().Length);
}
