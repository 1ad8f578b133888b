// OneStory's nine columns (section 5.2) by their definitions, with pocket features in the place of the real judges:
//   characters    DINOv2 of segmented people     -> the judge's vectors of people, over pairs of shots with the same character
//   environment   DINOv2 of segmented background -> the judge's vector of frames whose people are painted over, same place
//   words         ViCLIP                         -> the share of the shot's facts (place, number, attributes) that the judge reads
//   subject, background (VBench)                 -> the same vectors within a clip, against its first and its previous frame
//   aesthetic     LAION's predictor              -> sharpness as a share of the drawn shot's, at most 1
//   dynamic       RAFT                           -> the share of clips that move
// Averages are of two columns each. A character who is not seen in a shot is like nothing: 0.
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <summary>Of two shots with the same character: how many shots apart they are, and how alike the character is.</summary>
public readonly record struct CharacterPair(int Apart, double Alike);

/// <summary>One case made one way: single values, of which the case's mean counts in tables.</summary>
/// <param name="ByDistance">Of all pairs of shots with the same character.</param>
/// <param name="OtherPeople">How alike different characters of one case are: the control; likewise places.</param>
public sealed record OneStoryMarks(IReadOnlyList<CharacterPair> ByDistance, IReadOnlyList<double> Environment,
    IReadOnlyList<double> Words, IReadOnlyList<double> Subject, IReadOnlyList<double> Background, IReadOnlyList<double> Sharpness,
    IReadOnlyList<double> Moves, IReadOnlyList<double> OtherPeople, IReadOnlyList<double> OtherPlaces)
{
    const int Width = JudgeConfig.Width, Height = JudgeConfig.Height;

    /// <summary>Mean difference of neighbouring frames, in levels, from which on a clip moves.</summary>
    const double Still = 0.4;

    /// <summary>What the judge sees of one clip, at the frames 0, 4, 8...</summary>
    /// <param name="People">[character of the shot][frame]; null where not seen.</param>
    sealed record Look(float[]?[][] People, float[][] Place);

    /// <param name="clips">Per shot its frames.</param>
    /// <param name="drawn">The same of the drawn truth.</param>
    public static OneStoryMarks Of(OneStoryCase story, IReadOnlyList<IReadOnlyList<byte[]>> clips,
        IReadOnlyList<IReadOnlyList<byte[]>> drawn, Judge judge)
    {
        var shots = story.Story.Shots;
        var looks = clips.Select((clip, i) => See(clip, [.. shots[i].Cast.Select(who => story.Story.People[who])], judge)).ToList();
        var characters = looks.Select(look => look.People.Select(Mean).ToArray()).ToList();
        var places = looks.Select(look => Mean(look.Place)).ToList();
        var (alike, environment) = (new List<CharacterPair>(), new List<double>());
        var (others, elsewhere) = (new List<double>(), new List<double>());
        for (var a = 0; a < shots.Count; a++)
            for (var b = a + 1; b < shots.Count; b++)
            {
                (shots[a].Place == shots[b].Place ? environment : elsewhere).Add(Cosine(places[a], places[b]));
                foreach (var (i, who) in shots[a].Cast.Index())
                    foreach (var (j, other) in shots[b].Cast.Index())
                        if (who == other) alike.Add(new(b - a, Cosine(characters[a][i], characters[b][j])));
                        else if (characters[a][i] is { } one && characters[b][j] is { } two) others.Add(Cosine(one, two));
            }
        return new(alike, environment, [.. clips.Select((clip, i) => Facts(shots[i], story.Story, clip, judge))],
            [.. looks.SelectMany(look => look.People).Select(Within).OfType<double>()],
            [.. looks.Select(look => Within(look.Place)).OfType<double>()],
            [.. clips.Zip(drawn, (made, truth) => Math.Min(1, Sharpness(made) / Sharpness(truth)))],
            [.. clips.Select(clip => Motion(clip) >= Still ? 1.0 : 0)], others, elsewhere);

        static double Sharpness(IReadOnlyList<byte[]> clip) => clip.Average(Edges) is var mean and > 0 ? mean : 1e-9;
    }

    static Look See(IReadOnlyList<byte[]> clip, Person[] cast, Judge judge)
    {
        var frames = clip.Where((_, f) => f % 4 == 0).ToList();
        var seen = judge.Features([.. frames.SelectMany(frame => frame)], frames.Count, Width, Height);
        var people = cast.Select(_ => new float[]?[frames.Count]).ToArray();
        for (var f = 0; f < frames.Count; f++)
        {
            var there = seen[f].Reading.People;
            var cost = cast.Select(person => there.Select(other => Matching.Difference(person, other)).ToArray()).ToArray();
            var pairs = Matching.Cheapest(cost, there.Count);
            for (var i = 0; i < cast.Length; i++)
                if (pairs[i] is { } k) people[i][f] = seen[f].People[k];
        }
        byte[] empty = [.. frames.SelectMany((frame, f) => PaintedOver(frame, Pictures.PeopleMask(seen[f].Reading, Width, Height)))];
        return new(people, [.. judge.Features(empty, frames.Count, Width, Height).Select(frame => frame.Whole)]);
    }

    /// <summary>A frame with the mean colour of its background in place of its people.</summary>
    static byte[] PaintedOver(byte[] frame, byte[] mask)
    {
        var (painted, count) = ((byte[])frame.Clone(), Math.Max(1, mask.Count(value => value == 0)));
        for (var channel = 0; channel < 3; channel++)
        {
            var sum = 0L;
            for (var i = 0; i < mask.Length; i++) sum += mask[i] == 0 ? frame[3 * i + channel] : 0;
            for (var i = 0; i < mask.Length; i++)
                if (mask[i] != 0) painted[3 * i + channel] = (byte)(sum / count);
        }
        return painted;
    }

    static double Facts(StoryShot shot, DrawnStory story, IReadOnlyList<byte[]> clip, Judge judge)
    {
        var marks = ClipMarks.Of(shot.Spec.Location, [.. shot.Cast.Select(who => story.People[who])],
            judge.Read([.. clip.SelectMany(frame => frame)], clip.Count, Width, Height), Width);
        return new[] { marks.Place, marks.People }.Concat(marks.Attributes.SelectMany(person => person).OfType<bool>())
            .Average(right => right ? 1.0 : 0);
    }

    /// <summary>VBench's consistency: every frame against the first and the one before, those that are there; or null.</summary>
    static double? Within(float[]?[] frames)
    {
        var there = frames.OfType<float[]>().ToList();
        return there.Count < 2 ? null
            : Enumerable.Range(1, there.Count - 1).Average(f => (Cosine(there[0], there[f]) + Cosine(there[f - 1], there[f])) / 2);
    }

    static float[]? Mean(float[]?[] vectors)
    {
        var there = vectors.OfType<float[]>().ToList();
        return there.Count == 0 ? null : [.. Enumerable.Range(0, there[0].Length).Select(i => there.Average(vector => vector[i]))];
    }

    static double Cosine(float[]? a, float[]? b)
    {
        if (a is null || b is null) return 0;
        var (dot, aa, bb) = (0.0, 0.0, 0.0);
        for (var i = 0; i < a.Length; i++) (dot, aa, bb) = (dot + a[i] * b[i], aa + a[i] * a[i], bb + b[i] * b[i]);
        return dot / Math.Sqrt(Math.Max(1e-12, aa * bb));
    }

    /// <summary>Mean difference of neighbouring pixels of a row, in levels.</summary>
    static double Edges(byte[] frame)
    {
        var sum = 0L;
        for (var i = 3; i < frame.Length; i++) sum += i % (3 * Width) < 3 ? 0 : Math.Abs(frame[i] - frame[i - 3]);
        return (double)sum / frame.Length;
    }

    static double Motion(IReadOnlyList<byte[]> clip)
    {
        var sum = 0.0;
        for (var f = 1; f < clip.Count; f++)
        {
            var moved = 0L;
            for (var i = 0; i < clip[f].Length; i++) moved += Math.Abs(clip[f][i] - clip[f - 1][i]);
            sum += (double)moved / clip[f].Length;
        }
        return sum / Math.Max(1, clip.Count - 1);
    }
}
