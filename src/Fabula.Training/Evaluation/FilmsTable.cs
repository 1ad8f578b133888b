// What films show of their stories (promise 1 of the front page): drawn stories written down as plans, filmed by the graph of films, and
// read by the judge. In one film words alone say who people are; in another one pictures alone do; in a third nothing does.
// `fabula evaluate films`.
using Fabula.Narrative;
using Fabula.Production;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <param name="Row">Which film.</param>
/// <param name="What">The question: a name of JudgeQuestions, "place", "people" (how many), "last shot" or "crosses".</param>
public sealed record SeenInFilm(string Row, string What, bool Right);

/// <param name="renderer">Makes clips of the theatre's size. It stays the caller's.</param>
public sealed class FilmsTable(IRenderer renderer, Judge judge, ulong seed) : IDisposable
{
    public const string Words = "words alone", Pictures = "pictures, no words", Nothing = "neither", Drawn = "drawn truth";
    readonly Stage _stage = new(Filming.Width, Filming.Height);

    public IReadOnlyList<SeenInFilm> Observe(int number)
    {
        var story = LatentStories.Tell(seed, number, heldOut: true);
        var truth = Drawing(story);
        var folder = Directory.CreateTempSubdirectory("fabula-bible").FullName;
        try
        {
            DrawnPlan.Draw(story, folder);
            IReadOnlyList<IReadOnlyList<byte[]>> Film(bool pictures, bool described) => MadeFilms.Make(renderer,
                DrawnPlan.Of(story, new Chance(seed)["films"][number], pictures, described), FilmMethod.InfinityStory, folder);
            return
            [
                .. Marks(Drawn, story, truth, [.. truth.Select(clip => Enumerable.Range(0, clip.Seen.Count)
                    .Select(frame => clip.Frame(frame).ToArray()).ToList())]),
                .. Marks(Words, story, truth, Film(pictures: false, described: true)),
                .. Marks(Pictures, story, truth, Film(pictures: true, described: false)),
                .. Marks(Nothing, story, truth, Film(pictures: false, described: false)),
            ];
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    /// <summary>Every shot as it is drawn.</summary>
    internal List<Clip> Drawing(DrawnStory story) => [.. story.Shots.Select(shot => _stage.Draw(shot.Spec))];

    /// <summary>What the judge sees in the clips of a film.</summary>
    internal IEnumerable<SeenInFilm> Marks(string row, DrawnStory story, List<Clip> truth, IReadOnlyList<IReadOnlyList<byte[]>> clips)
    {
        foreach (var (i, shot) in story.Shots.Index())
        {
            var readings = judge.Read([.. clips[i].SelectMany(frame => frame)], clips[i].Count, Filming.Width, Filming.Height);
            var marks = ClipMarks.Of(truth[i], readings);
            yield return new(row, "place", marks.Place);
            yield return new(row, "people", marks.People);
            foreach (var person in marks.Attributes)
                foreach (var (question, right) in JudgeQuestions.OfPeople.Zip(person))
                {
                    if (right is not { } yes) continue;
                    yield return new(row, question.Name, yes);
                    if (i == story.Shots.Count - 1) yield return new(row, "last shot", yes);
                }
            if (shot.Transition is not { } kind) continue;
            var people = shot.Cast.Select(who => story.People[who]).ToList();
            // Roles stand as Playwright.Change has them: who stays, who leaves, who arrives.
            var leaving = kind is Transition.Enter ? null : people[kind is Transition.Exit ? ^1 : ^2];
            var ways = Tracks.Ways(readings, Filming.Width, TransitionsTable.Door(shot.Spec.Location));
            yield return new(row, "crosses",
                TransitionsTable.Crosses(ways, people, leaving, kind is Transition.Exit ? null : people[^1]));
        }
    }

    public static IReadOnlyList<EvidenceTable> Tables(IReadOnlyList<IReadOnlyList<SeenInFilm>> stories)
    {
        var seen = stories.SelectMany(story => story).ToList();
        string Share(string row, params string[] questions) => FilmsTable.Share(seen, row, questions);
        string[] all = [.. JudgeQuestions.OfPeople.Select(question => question.Name)];
        return [new("What the judge finds in films as their stories have it",
            ["who people are is told by", "place", "how many people", "hair", "top", "all attributes", "attributes in the last shot",
                "who comes or goes crosses the edge or the door"],
            [.. ((string[])[Words, Pictures, Nothing, Drawn]).Select(row => (string[])[row, Share(row, "place"), Share(row, "people"),
                Share(row, "hair"), Share(row, "top"), Share(row, all), Share(row, "last shot"), Share(row, "crosses")])],
            ["n: answers. Words alone: the model draws portraits and empty places from them first. Places are described in all rows.",
                "Drawn truth: the judge on the drawn shots."])];
    }

    /// <summary>Of a row's answers to these questions those that are right.</summary>
    internal static string Share(IReadOnlyList<SeenInFilm> seen, string row, IReadOnlyList<string> questions)
    {
        var asked = seen.Where(answer => answer.Row == row && questions.Contains(answer.What)).ToList();
        return Interval.OfShare(asked.Count(answer => answer.Right), asked.Count).AsPercent;
    }

    public void Dispose() => _stage.Dispose();
}
