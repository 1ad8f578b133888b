// Whether a generated clip shows what was asked for: a clip is read frame by frame, and its frames vote.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="People">How many people stand in most frames.</param>
/// <param name="Attributes">[person asked for][question of JudgeQuestions.OfPeople]; null where it cannot be asked (the colour of a hat
/// that nobody wears, short hair under a hat). Whoever is not seen is wrong in all.</param>
public sealed record ClipMarks(bool Place, bool Time, bool Accent, bool People, IReadOnlyList<IReadOnlyList<bool?>> Attributes)
{
    /// <param name="readings">At least one, of frames in which all people asked for should stand.</param>
    public static ClipMarks Of(Location location, IReadOnlyList<Person> asked, IReadOnlyList<Reading> readings, int width)
    {
        if (readings.Count == 0) throw new ArgumentException("A clip without a frame cannot be marked.", nameof(readings));
        var counts = readings.Select(reading => reading.People.Count).Order().ToList();
        // Whoever is seen for a third of the time or longer is somebody; a shorter track is a slip of the judge or of the model.
        var people = Tracks.Of(readings, width).Where(track => track.Path.Count * 3 >= readings.Count).Select(Vote).ToList();
        var found = Matching.ByLooks(asked, people);
        return new(Vote(readings, reading => reading.Place) == location.Place, Vote(readings, reading => reading.Time) == location.Time,
            Vote(readings, reading => reading.Accent) == location.Accent, counts[counts.Count / 2] == asked.Count,
            [.. asked.Select((person, i) => Right(person, found[i]))]);
    }

    /// <summary>
    /// Marks a clip against the drawn one. Whoever comes or goes is not there all the time: only the frames count in which all are, in
    /// the drawn clip.
    /// </summary>
    /// <param name="readings">One for each frame of the drawn clip.</param>
    public static ClipMarks Of(Clip drawn, IReadOnlyList<Reading> readings)
    {
        var whole = Enumerable.Range(0, readings.Count).Where(frame => drawn.Count(frame) == drawn.Spec.Roles.Count).ToList();
        return Of(drawn.Spec.Location, [.. drawn.Spec.Roles.Select(role => role.Person)],
            whole.Count > 0 ? [.. whole.Select(frame => readings[frame])] : readings, drawn.Width);
    }

    /// <summary>The share of right attributes of all people; null where nobody was asked for.</summary>
    public double? Share
    {
        get
        {
            var answers = Attributes.SelectMany(person => person).OfType<bool>().ToList();
            return answers.Count == 0 ? null : (double)answers.Count(right => right) / answers.Count;
        }
    }

    /// <summary>Somebody with the attributes that most frames of a track agree on, at the place of the middle one.</summary>
    public static SeenPerson Vote(Track track)
    {
        var people = track.Path.Select(entry => entry.Person).ToList();
        return people[people.Count / 2] with
        {
            Kind = Agreed(people, person => person.Kind),
            Skin = Agreed(people, person => person.Skin),
            Hair = Agreed(people, person => person.Hair),
            Style = Agreed(people, person => person.Style),
            Top = Agreed(people, person => person.Top),
            Hat = Agreed(people, person => person.Hat),
            HatColour = Agreed(people, person => person.HatColour),
        };
    }

    static bool?[] Right(Person person, SeenPerson? seen)
    {
        var wanted = JudgeQuestions.Answers(person);
        return [.. JudgeQuestions.OfPeople.Select((question, i) => question.Name switch
        {
            "hat colour" when person.Hat == Hat.None => (bool?)null,
            "style" when JudgeTruth.HidesHair(person) => null,
            _ => seen is not null && seen.Answers[i] == wanted[i],
        })];
    }

    static T Vote<T>(IReadOnlyList<Reading> readings, Func<Reading, Guess<T>> of) where T : struct, Enum => Agreed(readings, of).Value;

    /// <summary>The value with the largest sum of probabilities; its probability is the mean over all.</summary>
    static Guess<T> Agreed<TFrom, T>(IReadOnlyList<TFrom> frames, Func<TFrom, Guess<T>> of) where T : struct, Enum =>
        frames.Select(of).GroupBy(guess => guess.Value)
            .Select(group => new Guess<T>(group.Key, group.Sum(guess => guess.Probability) / frames.Count))
            .MaxBy(guess => guess.Probability);
}
