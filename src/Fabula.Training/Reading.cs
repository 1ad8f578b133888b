// What the judge reads from one frame.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <summary>The likeliest answer and its probability.</summary>
public readonly record struct Guess<T>(T Value, double Probability) where T : struct, Enum;

/// <summary>Somebody whom the judge sees.</summary>
/// <param name="X">The middle of the box, in pixels of the frame; Y, Width and Height likewise.</param>
/// <param name="Score">How sure it is that somebody is there, 0 to 1.</param>
/// <param name="HatColour">Only meaningful with a hat.</param>
public sealed record SeenPerson(double X, double Y, double Width, double Height, double Score, Guess<Kind> Kind, Guess<Skin> Skin,
    Guess<HairColour> Hair, Guess<HairStyle> Style, Guess<TopColour> Top, Guess<Hat> Hat, Guess<HatColour> HatColour)
{
    public double Left => X - Width / 2;
    public double Right => X + Width / 2;

    /// <summary>The answers in the order of <see cref="JudgeQuestions.OfPeople"/>.</summary>
    public IReadOnlyList<int> Answers =>
    [
        (int)Kind.Value, (int)Skin.Value, (int)Hair.Value, (int)Style.Value, (int)Top.Value, (int)Hat.Value, (int)HatColour.Value,
    ];
}

/// <param name="People">From left to right, those of whom the judge is sure.</param>
/// <param name="Faint">What might be somebody and is more likely a smear or a ghost.</param>
public sealed record Reading(Guess<Place> Place, Guess<TimeOfDay> Time, Guess<Accent> Accent, IReadOnlyList<SeenPerson> People,
    IReadOnlyList<SeenPerson> Faint);

/// <summary>A reading with the vectors behind it, each of length 1: for finding like frames and like people.</summary>
/// <param name="Whole">The frame.</param>
/// <param name="People">One for each person of the reading.</param>
public sealed record FrameFeatures(Reading Reading, float[] Whole, IReadOnlyList<float[]> People);
