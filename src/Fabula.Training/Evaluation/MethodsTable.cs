// The methods side by side: the same drawn stories, told in words alone, with the same seeds and the same model, filmed once by each
// method. `fabula evaluate methods`.
using System.Diagnostics;
using System.Globalization;
using Fabula.Narrative;
using Fabula.Production;

namespace Fabula.Training.Evaluation;

/// <summary>One film of one story.</summary>
/// <param name="Seen">As <see cref="FilmsTable"/> asks it.</param>
/// <param name="Motion">Mean change of a level from frame to frame, 0 to 1, over all shots.</param>
/// <param name="Seconds">Of rendering a shot, everything before it included.</param>
public sealed record FilmByMethod(string Row, IReadOnlyList<SeenInFilm> Seen, double Motion, double Seconds);

/// <param name="renderer">Makes clips of the theatre's size. It stays the caller's.</param>
public sealed class MethodsTable(IRenderer renderer, Judge judge, ulong seed) : IDisposable
{
    public static readonly IReadOnlyList<(string Row, FilmMethod? Method)> Rows =
    [
        ("none: every shot from its words", null), ("StoryMem", FilmMethod.StoryMem), ("OneStory", FilmMethod.OneStory),
        ("InfinityStory", FilmMethod.InfinityStory), ("MovieDreamer", FilmMethod.MovieDreamer), (Combined, FilmMethod.OneStory),
    ];

    /// <summary>What is told as a whole first, and then filmed with what earlier shots have shown.</summary>
    const string Combined = "MovieDreamer's keyframes, then OneStory";

    readonly FilmsTable _films = new(renderer, judge, seed);

    public IReadOnlyList<FilmByMethod> Observe(int number)
    {
        var story = LatentStories.Tell(seed, number, heldOut: true);
        var plan = DrawnPlan.Of(story, new Chance(seed)["films"][number]);
        var truth = _films.Drawing(story);
        var empty = Directory.CreateTempSubdirectory("fabula-bible").FullName;
        try
        {
            return [.. Rows.Select(row =>
            {
                var clock = Stopwatch.StartNew();
                var told = row.Row == Combined ? MadeFilms.WithKeyframes(renderer, plan, empty) : plan;
                var clips = MadeFilms.Make(renderer, told, row.Method, empty);
                var seconds = clock.Elapsed.TotalSeconds / clips.Count;
                return new FilmByMethod(row.Row, [.. _films.Marks(row.Row, story, truth, clips)],
                    clips.Average(ConsistencyTable.Motion), seconds);
            })];
        }
        finally { Directory.Delete(empty, recursive: true); }
    }

    public static IReadOnlyList<EvidenceTable> Tables(IReadOnlyList<IReadOnlyList<FilmByMethod>> stories)
    {
        string[] all = [.. JudgeQuestions.OfPeople.Select(question => question.Name)];
        return [new("The same stories by every method",
            ["method", "place", "how many people", "all attributes", "attributes in the last shot", "who comes or goes crosses",
                "motion", "seconds a shot"],
            [.. Rows.Select(row =>
            {
                var films = stories.SelectMany(story => story).Where(film => film.Row == row.Row).ToList();
                var seen = films.SelectMany(film => film.Seen).ToList();
                string Of(params string[] questions) => FilmsTable.Share(seen, row.Row, questions);
                return (string[])[row.Row, Of("place"), Of("people"), Of(all), Of("last shot"), Of("crosses"),
                    Interval.OfMean([.. films.Select(film => film.Motion)]).AsDistance,
                    films.Average(film => film.Seconds).ToString("0.0", CultureInfo.InvariantCulture)];
            })],
            ["Words alone say who people are; every method but the first has the model draw their portraits and the places before any",
                "shot, and lays them on its drafts. Shots begin with cuts. n: answers; of motion: stories. Seconds: on the machine as it",
                "was, portraits, places and keyframes included."])];
    }

    public void Dispose() => _films.Dispose();
}
