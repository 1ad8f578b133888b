// What the selector chooses, with drawn shots as the past: on insert and recall, whether frames are of the right shot and not of one of
// another story; in all patterns, whether everybody who returns, and every place, is in a chosen frame.
using Fabula.Models;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <summary>Of one case: how many of how many.</summary>
/// <param name="Best">The most relevant frame alone.</param>
/// <param name="Chance">Of any earlier frame, mean over the shots asked for.</param>
/// <param name="Kept">Frames chosen for each shot that has a memory.</param>
public sealed record OneStoryChoice(Count Right, Count Best, Count Newest, Count Foreign, IReadOnlyList<double> Chance,
    IReadOnlyList<double> ForeignChance, Count Covered, Count Places, IReadOnlyList<int> Kept);

public readonly record struct Count(int Yes, int All)
{
    public Count And(bool yes) => new(Yes + (yes ? 1 : 0), All + 1);
    public static Count operator +(Count a, Count b) => new(a.Yes + b.Yes, a.All + b.All);
}

/// <param name="cases">Of each kind: from words and from a picture.</param>
public sealed class OneStoryChoices(FilmModel model, int cases, int shots, ulong seed = OneStoryCase.Benchmark) : IDisposable
{
    readonly Stage _stage = new(JudgeConfig.Width, JudgeConfig.Height);
    readonly Dictionary<(string Weights, int Number), IReadOnlyList<string>> _kept = [];
    OneStoryFilms Films => field ??= new(model, _stage);
    List<OneStoryCase> All => field ??= [.. new[] { false, true }.SelectMany(fromImage =>
        Enumerable.Range(0, cases).Select(number => OneStoryCase.Draw(number, fromImage, _stage, shots, seed)))];

    /// <summary>What a row chooses in a case; cases from words come first, then those from a picture.</summary>
    public OneStoryChoice Observe(OneStoryRow row, int number)
    {
        var (story, weights) = (All[number], row.Weights(model));
        var (told, kept) = (story.Story, Kept(weights, number));
        var choice = new OneStoryChoice(default, default, default, default, [], [], default, default, []);
        foreach (var target in Enumerable.Range(1, shots - 1))
        {
            var (shot, earlier) = (told.Shots[target], (IReadOnlyList<string>)[.. kept.Take(target)]);
            var picks = Films.Recall(story.Prompts[target], earlier);
            choice = choice with { Kept = [.. choice.Kept, picks.Count] };
            foreach (var who in shot.Cast.Where(who => told.Shots.Take(target).Any(other => other.Cast.Contains(who))))
                choice = choice with { Covered = choice.Covered.And(picks.Any(frame => Shows(told.Shots[frame.Shot], who, frame.Frame))) };
            if (told.Shots.Take(target).Any(other => other.Place == shot.Place))
                choice = choice with { Places = choice.Places.And(picks.Any(frame => told.Shots[frame.Shot].Place == shot.Place)) };
            if (told.Pattern != StoryPattern.InsertAndRecall || target < 4) continue;
            bool Right(int other) => shot.Cast.Count > 0 ? told.Shots[other].Cast.Intersect(shot.Cast).Any()
                : told.Shots[other].Place == shot.Place;
            // A shot of another such case with another first person.
            List<string> mixed = [.. earlier.Take(target / 2), Kept(weights, Stranger(number))[0], .. earlier.Skip(target / 2)];
            var among = Films.Recall(story.Prompts[target], mixed);
            choice = choice with
            {
                Right = picks.Aggregate(choice.Right, (count, frame) => count.And(Right(frame.Shot))),
                Best = choice.Best.And(Right(picks[0].Shot)),
                Newest = choice.Newest.And(Right(target - 1)),
                Foreign = among.Aggregate(choice.Foreign, (count, frame) => count.And(frame.Shot == target / 2)),
                Chance = [.. choice.Chance, Enumerable.Range(0, target).Average(other => Right(other) ? 1.0 : 0)],
                ForeignChance = [.. choice.ForeignChance, 1.0 / mixed.Count],
            };
        }
        return choice;
    }

    int Stranger(int number)
    {
        var inserts = Enumerable.Range(0, All.Count).Where(i => All[i].Story.Pattern == StoryPattern.InsertAndRecall).ToList();
        return inserts[(inserts.IndexOf(number) + 1) % inserts.Count];
    }

    /// <summary>Whether somebody stands whole in the frame, feet aside.</summary>
    bool Shows(StoryShot shot, int who, int frame) => shot.Cast.ToList().IndexOf(who) is var role and >= 0
        && Films.Boxes(shot)[frame][role] is var box && box != default && box is { Left: >= -0.02, Right: <= 1.02, Top: >= -0.02 };

    /// <summary>The drawn shots of a case as this selector keeps them.</summary>
    IReadOnlyList<string> Kept(string weights, int number) => _kept.TryGetValue((weights, number), out var known) ? known
        : _kept[(weights, number)] = [.. Films.Drawn(All[number]).Select((clip, i) => Films.Keep(clip, $"{_kept.Count}-{i}"))];

    public static EvidenceTable Table(IReadOnlyList<(string Name, IReadOnlyList<OneStoryChoice> Seen)> rows, string title)
    {
        static string Share(IEnumerable<Count> counts) =>
            counts.Aggregate(default(Count), (a, b) => a + b) is var sum ? Interval.OfShare(sum.Yes, sum.All).AsPercent : "";
        static string Mean(IEnumerable<double> values) => Interval.OfMean([.. values]).AsPercent;
        var any = rows[0].Seen;
        return new(title,
            ["", "of the right shot", "the most relevant one", "of a foreign shot", "people who return and are in one",
                "places that return and are in one", "frames a shot"],
            [.. rows.Select(row => (string[])
            [
                row.Name, Share(row.Seen.Select(seen => seen.Right)), Share(row.Seen.Select(seen => seen.Best)),
                Share(row.Seen.Select(seen => seen.Foreign)), Share(row.Seen.Select(seen => seen.Covered)),
                Share(row.Seen.Select(seen => seen.Places)),
                row.Seen.SelectMany(seen => seen.Kept).Average().ToString("0.0", System.Globalization.CultureInfo.InvariantCulture),
            ]), ["by chance", Mean(any.SelectMany(seen => seen.Chance)), "", Mean(any.SelectMany(seen => seen.ForeignChance)), "", "", ""],
                ["the newest frame", Share(any.Select(seen => seen.Newest)), "", "", "", "", ""]],
            ["The first three columns: chosen frames on insert and recall, shots 5 and 6; right is a shot with the same person, or the "
                + "same place where nobody is; foreign a shot of another story that was inserted among the earlier ones.",
                "People who return: whether a chosen frame shows them whole, all patterns, all shots; places: whether one is of a shot "
                    + "there."]);
    }

    public void Dispose()
    {
        Films.Dispose();
        _stage.Dispose();
    }
}
