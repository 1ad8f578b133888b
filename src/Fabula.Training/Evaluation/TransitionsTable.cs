// What bridges are worth (InfinityStory's transitions): the drawn first and last frame of held-out shots in which somebody comes or goes,
// and between them a hard cut, or a clip of one model and of another; in how many the right person really crosses the edge of the frame
// or the door, and how often somebody pops up or vanishes. `fabula evaluate transitions`.
using Fabula.Models;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="Crossed">Everybody who should come or go did, by an edge or the door, and was the right person.</param>
/// <param name="Pops">People who were suddenly there or suddenly gone.</param>
/// <param name="Ghosts">Frames with a faint double.</param>
/// <param name="Kept">PSNR of the given frames in the clip, dB: the lower of both; 99 where they are the same.</param>
public sealed record SeenTurn(string Row, Transition Kind, bool Crossed, int Pops, int Ghosts, double Kept);

/// <param name="models">The rows' names and who makes their clips.</param>
public sealed class TransitionsTable(IReadOnlyList<(string Name, Filming Filming)> models, Judge judge, ulong seed) : IDisposable
{
    public const string Cut = "hard cut", Drawn = "drawn truth";
    const int Width = Filming.Width, Height = Filming.Height;
    static readonly Transition[] Kinds = Enum.GetValues<Transition>();
    readonly Stage _stage = new(Width, Height);

    /// <summary>One transition of each kind.</summary>
    public IReadOnlyList<SeenTurn> Observe(int number) => [.. Kinds.SelectMany(kind => Turns(Turn(number, kind), kind, number))];

    /// <summary>A shot that passes the viewer's check (<see cref="TransitionCheck"/>): the first of a few that are drawn.</summary>
    (ShotSpec Spec, Clip Clip, Person? Leaving, Person? Arriving) Turn(int number, Transition kind)
    {
        for (var attempt = 0; ; attempt++)
        {
            var chance = new Chance(seed)["turns"][number][(int)kind][attempt];
            var kinds = chance["kinds"].Shuffled<Kind>(Enum.GetValues<Kind>());
            var people = Enumerable.Range(0, 3).Select(i => Person.Draw(chance["person"][i], kinds[i], heldOut: true)).ToList();
            var staying = people[2..(chance["stay"].Happens(0.5) ? 3 : 2)];
            var (leaving, arriving) = (kind == Transition.Enter ? null : people[0], kind == Transition.Exit ? null : people[1]);
            var spec = Playwright.Change(chance["change"], Location.Draw(chance["place"]), kind, staying, leaving, arriving);
            var clip = _stage.Draw(spec);
            if (TransitionCheck.Of(clip, kind) == Verdict.Kept) return (spec, clip, leaving, arriving);
        }
    }

    IEnumerable<SeenTurn> Turns((ShotSpec Spec, Clip Clip, Person? Leaving, Person? Arriving) turn, Transition kind, int number)
    {
        var (spec, clip) = (turn.Spec, turn.Clip);
        List<byte[]> truth = [.. Enumerable.Range(0, spec.Frames).Select(frame => clip.Frame(frame).ToArray())];
        SeenTurn Mark(string row, IReadOnlyList<byte[]> frames)
        {
            var readings = judge.Read([.. frames.SelectMany(frame => frame)], frames.Count, Width, Height);
            var ways = Tracks.Ways(readings, Width, Door(spec.Location));
            return new(row, kind, Crosses(ways, [.. spec.Roles.Select(role => role.Person)], turn.Leaving, turn.Arriving), ways.Pops,
                ways.Ghosts, Math.Min(99, Math.Min(Pictures.Psnr(frames[0], truth[0]), Pictures.Psnr(frames[^1], truth[^1]))));
        }
        yield return Mark(Cut, [.. truth.Select((_, frame) => frame <= spec.Frames / 2 ? truth[0] : truth[^1])]);
        using var collages = new DrawnCollages(_stage, Width, Height);
        var boxes = collages.Boxes(spec);
        var words = Captions.Write(spec, Register.Planned, new Chance(seed)["words"][number][(int)kind]);
        foreach (var (name, filming) in models)
            foreach (var drafted in (bool[])[false, true])
            {
                if (drafted && !filming.Facts.Modes.HasFlag(FilmModes.Background)) continue;
                var made = filming.Shot(words, (ulong)(10 * number + (int)kind + 1), spec.Frames, first: truth[0], last: truth[^1],
                    drafts: drafted ? collages.Between(spec, boxes, truth[0], truth[^1]) : null,
                    staging: drafted ? boxes : null, trusted: drafted);
                yield return Mark(drafted ? $"{name}, with drafts" : name, made);
            }
        yield return Mark(Drawn, truth);
    }

    /// <summary>The middle of the door and how far beside it somebody may be, in pixels.</summary>
    public static (double Middle, double Width)? Door(Location location) =>
        location.Door is { } x ? (x * Width / ShotSpec.StageWidth, Width / 6.0) : null;

    /// <summary>Whether who should go is among those who crossed to go, who should come among those who came, by their looks.</summary>
    /// <param name="cast">Everybody of the shot.</param>
    public static bool Crosses(CrossingTracks ways, IReadOnlyList<Person> cast, Person? leaving, Person? arriving)
    {
        // Of all who are in the shot this one looks most like the track.
        bool Is(Track track, Person person)
        {
            var seen = ClipMarks.Vote(track);
            return cast.MinBy(other => Matching.Difference(other, seen)) == person;
        }
        return (leaving is null || ways.Left.Any(track => Is(track, leaving)))
            && (arriving is null || ways.Entered.Any(track => Is(track, arriving)));
    }

    public static IReadOnlyList<EvidenceTable> Tables(IReadOnlyList<IReadOnlyList<SeenTurn>> stories)
    {
        var seen = stories.SelectMany(story => story).ToList();
        string Share(IReadOnlyCollection<SeenTurn> turns, Func<SeenTurn, bool> yes) =>
            Interval.OfShare(turns.Count(yes), turns.Count).AsPercent;
        return [new("Who comes or goes crosses the edge of the frame or the door",
            ["between the frames", "right person crosses", "and nobody pops or ghosts", "pops a clip", "lower PSNR to the given frames",
                .. Kinds.Select(kind => $"{kind}".ToLowerInvariant())],
            [.. seen.Select(turn => turn.Row).Distinct().Select(row =>
            {
                var turns = seen.Where(turn => turn.Row == row).ToList();
                return (string[])[row, Share(turns, turn => turn.Crossed),
                    Share(turns, turn => turn.Crossed && turn.Pops + turn.Ghosts == 0),
                    $"{Interval.OfMean([.. turns.Select(turn => (double)turn.Pops)])}",
                    $"{Interval.OfMean([.. turns.Select(turn => turn.Kept)])} dB",
                    .. Kinds.Select(kind => Share([.. turns.Where(turn => turn.Kind == kind)], turn => turn.Crossed))];
            })],
            ["Right person: the track that crosses looks more like whoever should than like anybody else in the shot.",
                "The last columns: the first one by kind of transition. With drafts: people cut out of their portraits on the drawn way.",
                "A hard cut shows the given frames alone; 99 dB stands for equal frames."])];
    }

    public void Dispose() => _stage.Dispose();
}
