// How well the judge reads drawn frames: the share of right answers to each question, on everything that shows.
using System.Globalization;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <summary>A wrong answer, to look at.</summary>
public sealed record Mistake(int Frame, string Question, string Right, string Said);

/// <param name="Shares">By question, in the order asked: place, time, accent, count, then those about people, then "found".</param>
public sealed record JudgeMarks(IReadOnlyList<(string Question, Interval Share)> Shares, IReadOnlyList<Mistake> Mistakes)
{
    /// <summary>
    /// A person who is whole and not found counts as wrong in every attribute that shows. People are counted in clear frames only, the time
    /// of day everywhere but on plain ground.
    /// </summary>
    public static JudgeMarks Of(Judge judge, IReadOnlyList<JudgeFrame> frames)
    {
        var tally = new Dictionary<string, (int Yes, int Count)>();
        var mistakes = new List<Mistake>();
        void Mark(int frame, string question, object right, object said)
        {
            var (yes, count) = tally.GetValueOrDefault(question);
            tally[question] = (yes + (Equals(right, said) ? 1 : 0), count + 1);
            if (!Equals(right, said)) mistakes.Add(new(frame, question, $"{right}", $"{said}"));
        }
        foreach (var question in (string[])["place", "time", "accent", "count", .. JudgeQuestions.OfPeople.Select(q => q.Name), "found"])
            tally[question] = default;
        for (var i = 0; i < frames.Count; i++)
        {
            var truth = frames[i].Truth;
            var reading = judge.Read(frames[i].Frame, JudgeConfig.Width, JudgeConfig.Height);
            Mark(i, "place", truth.Location.Place, reading.Place.Value);
            if (truth.Location.Place != Place.Plain) Mark(i, "time", truth.Location.Time, reading.Time.Value);
            Mark(i, "accent", truth.Location.Accent, reading.Accent.Value);
            if (truth.Clear) Mark(i, "count", truth.People.Count, reading.People.Count);
            var cost = truth.People.Select(person => reading.People.Select(seen => Far(person, seen)).ToArray()).ToArray();
            var pairs = Matching.Cheapest(cost, reading.People.Count, dearest: 0.5);
            for (var j = 0; j < truth.People.Count; j++)
            {
                if (!truth.People[j].Whole) continue;
                var seen = pairs[j] is { } k ? reading.People[k] : null;
                Mark(i, "found", true, seen is not null);
                var right = JudgeQuestions.Answers(truth.People[j].Person);
                for (var q = 0; q < right.Length; q++)
                    if (truth.People[j].Shows[q])
                        Mark(i, JudgeQuestions.OfPeople[q].Name, right[q], seen is null ? "nobody" : seen.Answers[q]);
            }
        }
        return new([.. tally.Select(entry => (entry.Key, Interval.OfShare(entry.Value.Yes, entry.Value.Count)))], mistakes);
    }

    public Interval this[string question] => Shares.First(share => share.Question == question).Share;

    /// <summary>In one line, per cent.</summary>
    public string Line => string.Join("  ", Shares.Select(share =>
        string.Create(CultureInfo.InvariantCulture, $"{share.Question} {100 * share.Share.Mean:0.0}")));

    public string Csv => string.Join(",", Shares.Select(share => share.Share.Mean.ToString("0.0000", CultureInfo.InvariantCulture)));

    /// <summary>The distance of two boxes' middles as a share of the true box's diagonal.</summary>
    static double Far(TruePerson person, SeenPerson seen) =>
        Math.Sqrt((person.X - seen.X) * (person.X - seen.X) + (person.Y - seen.Y) * (person.Y - seen.Y))
        / Math.Sqrt(person.Width * person.Width + person.Height * person.Height);
}
