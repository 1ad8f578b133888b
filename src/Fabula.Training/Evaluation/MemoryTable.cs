// What memory is worth (StoryMem, its table of ablations): held-out stories filmed with the bank of films, with one part of it left out,
// and without any, and how much of returning people and places is still the same after 1, 2, 4 and 8 shots. `fabula evaluate memory`.
using System.Globalization;
using Fabula.Models;
using Fabula.Production;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="Of">"person": the share of right attributes of somebody who returns, as the judge reads them; "place": the distance of a
/// background to the first one of that place in the same film; "other": that of first views of two different places.</param>
/// <param name="Distance">How many shots ago the person or the place was last seen; 0: a person's first shot.</param>
public sealed record Returned(string Row, string Of, int Distance, double Value);

/// <param name="matte">See <see cref="Recollection"/>.</param>
/// <param name="frames">Of every shot, 4n+1.</param>
public sealed class MemoryTable(Filming filming, Func<Picture, bool[]> matte, Judge judge, ulong seed, int frames = 17) : IDisposable
{
    public const string Drawn = "drawn truth", Full = "full", Beside = "full, without drafts of it";

    public static readonly IReadOnlyList<(string Name, BankRules? Rules)> Rows =
    [
        ("none", null), ("last frame only", BankRules.LastFrame), ("window without sink", BankRules.WithoutSink),
        ("first frames only", BankRules.FirstFrame), ("without quality gate", BankRules.WithoutGate), (Full, BankRules.Product),
        ("full, as published", BankRules.Published), ("as published, without sink", BankRules.PublishedWithoutSink),
        (Beside, BankRules.Product),
    ];

    static readonly int[] Distances = [1, 2, 4, 8];
    readonly Stage _stage = new(Filming.Width, Filming.Height);
    DrawnCollages Collages => field ??= new(_stage, Filming.Width, Filming.Height);

    /// <summary>The clips of the last story that was observed, by row, for a sheet.</summary>
    public IReadOnlyList<(string Row, IReadOnlyList<IReadOnlyList<byte[]>> Clips)> Shown { get; private set; } = [];

    public IReadOnlyList<Returned> Observe(int number)
    {
        var told = LongStories.Recall(new Chance(seed)["memory"][number]);
        var story = told with { Shots = [.. told.Shots.Select(shot => shot with { Spec = shot.Spec with { Frames = frames } })] };
        var truth = story.Shots.Select(shot => _stage.Draw(shot.Spec)).ToList();
        var film = new BankFilm(filming, matte, _stage, Collages, story, number);
        var readings = new Dictionary<IReadOnlyList<byte[]>, IReadOnlyList<Reading>>(ReferenceEqualityComparer.Instance);
        Shown =
        [
            (Drawn, [.. truth.Select(clip => Enumerable.Range(0, frames).Select(f => clip.Frame(f).ToArray()).ToList())]),
            .. Rows.Select(row => (row.Name, film.Make(row.Rules, row.Name != Beside))),
        ];
        return [.. Shown.SelectMany(row => Mark(row.Row, story, truth, [.. row.Clips.Select(clip => (clip, Read(clip)))]))
            .Where(seen => double.IsFinite(seen.Value))];

        IReadOnlyList<Reading> Read(IReadOnlyList<byte[]> clip) => readings.TryGetValue(clip, out var known) ? known
            : readings[clip] = judge.Read([.. clip.SelectMany(frame => frame)], clip.Count, Filming.Width, Filming.Height);
    }

    static IEnumerable<Returned> Mark(string row, DrawnStory story, List<Clip> truth,
        List<(IReadOnlyList<byte[]> Frames, IReadOnlyList<Reading> Readings)> clips)
    {
        var firsts = new Dictionary<int, int>();
        foreach (var (i, (person, place)) in LongStories.Distances(story).Index())
        {
            if (story.Shots[i].Cast.Count > 0 && ClipMarks.Of(truth[i], clips[i].Readings).Share is { } right)
                yield return new(row, "person", person ?? 0, right);
            if (place is { } distance) yield return new(row, "place", distance, Background(clips[i], clips[firsts[story.Shots[i].Place]]));
            else
            {
                foreach (var other in firsts.Values) yield return new(row, "other", 0, Background(clips[i], clips[other]));
                firsts[story.Shots[i].Place] = i;
            }
        }
    }

    /// <summary>How far the middles of two clips are from each other where neither shows people; NaN where there is nothing left.</summary>
    static double Background((IReadOnlyList<byte[]> Frames, IReadOnlyList<Reading> Readings) a,
        (IReadOnlyList<byte[]> Frames, IReadOnlyList<Reading> Readings) b)
    {
        var (at, to) = (a.Frames.Count / 2, b.Frames.Count / 2);
        return Pictures.BackgroundDistance(a.Frames[at], b.Frames[to], a.Readings[at], b.Readings[to], Filming.Width, Filming.Height);
    }

    /// <summary>The two tables. A story gives one number to a cell: the mean of its returns at that distance.</summary>
    public static IReadOnlyList<EvidenceTable> Tables(IReadOnlyList<IReadOnlyList<Returned>> stories)
    {
        string[] names = [Drawn, .. Rows.Select(row => row.Name)];
        double? Cell(IReadOnlyList<Returned> story, string row, string of, int? distance)
        {
            var values = story.Where(seen => seen.Row == row && seen.Of == of)
                .Where(seen => distance is { } d ? seen.Distance == d : seen.Distance > 0).Select(seen => seen.Value)
                .ToList();
            return values.Count == 0 ? null : values.Average();
        }
        Interval Mean(string row, string of, int? distance) => Interval.OfMean([.. stories.Select(story => Cell(story, row, of, distance))
            .OfType<double>()]);
        Interval Apart(string row, string of) => Interval.OfMean([.. stories
            .Select(story => Cell(story, row, of, null) - Cell(story, Full, of, null)).OfType<double>()]);
        string[] gaps = [.. Distances.Select(distance => $"after {distance}")];
        var (none, full) = (Mean("none", "person", null), Mean(Full, "person", null));
        var people = new EvidenceTable("Returning people: attributes that the judge reads right",
            ["memory", "first shot", .. gaps, "all returns", "against full"],
            [.. names.Select(row => (string[])[row, Mean(row, "person", 0).AsPercent,
                .. Distances.Select(distance => Mean(row, "person", distance).AsPercent), Mean(row, "person", null).AsPercent,
                row == Full ? "" : Apart(row, "person").AsPoints])],
            ["\"After 2\": last seen two shots ago. n: stories. Against full: points, paired by story, 95 % interval.",
                string.Create(CultureInfo.InvariantCulture,
                    $"Without memory there are {(1 - none.Mean) / (1 - full.Mean):0.0} times the errors of the full bank.")]);
        var other = Interval.OfMean([.. stories.SelectMany(story => story.Where(seen => seen.Row == Drawn && seen.Of == "other"))
            .Select(seen => seen.Value)]);
        var places = new EvidenceTable("Returning places: distance of the background to that of the place's first shot in the same film",
            ["memory", .. gaps, "all returns", "against full"],
            [.. names.Select(row => (string[])[row, .. Distances.Select(distance => Mean(row, "place", distance).AsDistance),
                Mean(row, "place", null).AsDistance, row == Full ? "" : Apart(row, "place").AsDistance])],
            ["Mean difference of levels, 0 to 1, where neither frame shows people.",
                $"Two different drawn places are {other.AsDistance} apart."]);
        return [people, places];
    }

    public void Dispose()
    {
        Collages.Dispose();
        _stage.Dispose();
    }
}
