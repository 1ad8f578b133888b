// VBench's subject and background consistency of held-out stories, filmed by each method, beside how much moves, and beside films that
// cheat: one frozen frame, one shot again and again, the right shots in a wrong order. What none of these can have is that shots which
// share somebody or a place are more alike than shots which do not. `fabula evaluate consistency`.
//
// Formulas: VBench (CVPR 2024; Fabula.Models/VBench.cs). Its numbers are of one video; a film is a video for each shot, and once more a
// video as a whole. There is no RAFT for its dynamic degree here; motion is the mean change of a level from frame to frame (its temporal
// flickering, turned round).
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Production;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Evaluation;

/// <summary>Of one film; consistencies 0 to 1, motion as a share of the full range.</summary>
/// <param name="Subject">Mean over the frames of all shots, each shot a video of its own.</param>
/// <param name="WholeSubject">The film as one video.</param>
/// <param name="SubjectTells">How much more alike shots are that share somebody than shots that share nobody; null where there are not
/// both.</param>
/// <param name="BackgroundTells">The same with places.</param>
public sealed record SeenFilm(string Row, double? Subject, double? Background, double? WholeSubject, double? WholeBackground,
    double Motion, double? SubjectTells, double? BackgroundTells);

/// <param name="subject">Who compares people.</param>
/// <param name="background">Who compares whole frames.</param>
public sealed class ConsistencyTable(Filming filming, FrameVectors subject, FrameVectors background, ulong seed) : IDisposable
{
    public const string Frozen = "one frozen frame", Repeated = "one shot repeated", Shuffled = "shots shuffled", Drawn = "drawn truth",
        Words = "words alone";
    readonly Stage _stage = new(Filming.Width, Filming.Height);

    public IReadOnlyList<SeenFilm> Observe(int number)
    {
        var story = LatentStories.Tell(seed, number, heldOut: true);
        List<IReadOnlyList<byte[]>> truth = [.. story.Shots.Select(shot => Frames(_stage.Draw(shot.Spec)))];
        var order = new Chance(seed)["order"][number].Shuffled<int>([.. Enumerable.Range(0, truth.Count)]);
        var films = new List<(string Row, IReadOnlyList<IReadOnlyList<byte[]>> Shots)>
        {
            (Drawn, truth), (Shuffled, [.. order.Select(shot => truth[shot])]), (Repeated, [.. truth.Select(_ => truth[0])]),
            (Frozen, [.. truth.Select(shot => shot.Select(_ => truth[0][0]).ToList())]),
        };
        var pictures = Directory.CreateTempSubdirectory("fabula-bible").FullName;
        try
        {
            DrawnPlan.Draw(story, pictures);
            var plan = DrawnPlan.Of(story, new Chance((ulong)number), pictures: true);
            foreach (var (name, method) in Methods)
                films.Add((name, MadeFilms.Make(filming.Renderer, plan, method, pictures)));
        }
        finally { Directory.Delete(pictures, recursive: true); }
        return [.. films.Select(film => Mark(film.Row, story, film.Shots))];
    }

    /// <summary>Films of the model's own.</summary>
    public static readonly IReadOnlyList<(string Name, FilmMethod? Method)> Methods =
        [(Words, null), ("storymem", FilmMethod.StoryMem), ("infinitystory", FilmMethod.InfinityStory)];

    static List<byte[]> Frames(Clip clip) => [.. Enumerable.Range(0, clip.Seen.Count).Select(frame => clip.Frame(frame).ToArray())];

    /// <param name="shots">Frames of each shot of the story, or what stands in their place.</param>
    public SeenFilm Mark(string row, DrawnStory story, IReadOnlyList<IReadOnlyList<byte[]>> shots)
    {
        var (people, whole) = (shots.Select(subject.Look).ToList(), shots.Select(background.Look).ToList());
        static double? Value(FrameMean mean) => mean.Count == 0 ? null : mean.Value;
        static double? Each(IEnumerable<IReadOnlyList<float[]?>> shots) => Value(FrameMean.Of(shots.Select(FrameVectors.Consistency)));
        static double? Film(IEnumerable<IReadOnlyList<float[]?>> shots) =>
            Value(FrameVectors.Consistency([.. shots.SelectMany(shot => shot)]));
        return new(row, Each(people), Each(whole), Film(people), Film(whole), shots.Average(Motion),
            Tells(people, (a, b) => story.Shots[a].Cast.Intersect(story.Shots[b].Cast).Any()),
            Tells(whole, (a, b) => story.Shots[a].Place == story.Shots[b].Place));
    }

    /// <summary>The mean change of a level from frame to frame, of the full range.</summary>
    public static double Motion(IReadOnlyList<byte[]> frames) => frames.Count < 2 ? 0 : LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        return 1 - VBench.Steadiness(Tensor.From(frames.SelectMany(frame => frame).ToArray(), frames.Count, Filming.Height, Filming.Width,
            3));
    });

    /// <summary>Mean likeness of pairs of shots that share, less that of pairs that do not; of a shot its mean vector counts.</summary>
    public static double? Tells(IReadOnlyList<IReadOnlyList<float[]?>> shots, Func<int, int, bool> share)
    {
        var means = shots.Select(Mean).ToList();
        var pairs = Enumerable.Range(0, shots.Count).SelectMany(a => Enumerable.Range(0, a).Select(b => (a, b)))
            .Where(pair => means[pair.a] is not null && means[pair.b] is not null)
            .ToLookup(pair => share(pair.a, pair.b), pair => Cosine(means[pair.a]!, means[pair.b]!));
        return pairs[true].Any() && pairs[false].Any() ? pairs[true].Average() - pairs[false].Average() : null;
    }

    /// <summary>The mean of vectors that were made one long.</summary>
    static double[]? Mean(IReadOnlyList<float[]?> vectors)
    {
        var seen = vectors.OfType<float[]>().ToList();
        if (seen.Count == 0) return null;
        var sum = new double[seen[0].Length];
        foreach (var vector in seen)
        {
            var length = Math.Max(1e-12, Math.Sqrt(vector.Sum(value => (double)value * value)));
            for (var i = 0; i < sum.Length; i++) sum[i] += vector[i] / length;
        }
        return sum;
    }

    static double Cosine(double[] a, double[] b)
    {
        double Dot(double[] x, double[] y) => x.Zip(y, (p, q) => p * q).Sum();
        return Dot(a, b) / Math.Max(1e-12, Math.Sqrt(Dot(a, a) * Dot(b, b)));
    }

    public static IReadOnlyList<EvidenceTable> Tables(IReadOnlyList<IReadOnlyList<SeenFilm>> stories, string subject, string background)
    {
        string[] rows = [.. Methods.Select(method => method.Name), Drawn, Shuffled, Repeated, Frozen];
        string Of(string row, Func<SeenFilm, double?> value) => Interval.OfMean([.. stories.SelectMany(story => story)
            .Where(film => film.Row == row).Select(value).OfType<double>()]).AsDistance;
        return [new("Consistency by VBench's formulas, beside motion",
            ["film", "subject, each shot", "background, each shot", "motion", "subject, whole film", "background, whole film",
                "who is shared tells", "place shared tells"],
            [.. rows.Select(row => (string[])[row, Of(row, film => film.Subject), Of(row, film => film.Background),
                Of(row, film => film.Motion), Of(row, film => film.WholeSubject), Of(row, film => film.WholeBackground),
                Of(row, film => film.SubjectTells), Of(row, film => film.BackgroundTells)])],
            [$"Subjects are compared by {subject}, backgrounds by {background}; these are not VBench's published numbers unless that is "
                + "DINO and CLIP.",
                "\"Tells\": how much more alike two shots are that share somebody, or a place, than two that do not: films that cheat have "
                + "none of it.", "Motion: mean change of a level from frame to frame, of the full range. n: stories."])];
    }

    public void Dispose() => _stage.Dispose();
}
