// A plan filmed by the graph of films, in a folder of its own that is thrown away: what `fabula make` renders, without the file at the end.
using Fabula.Build;
using Fabula.Narrative;
using Fabula.Production;

namespace Fabula.Training.Evaluation;

public static class MadeFilms
{
    /// <param name="method">Null: every shot from its words alone.</param>
    /// <param name="pictures">The folder that the plan's pictures lie in.</param>
    /// <returns>For each shot of the plan its frames.</returns>
    /// <exception cref="InvalidOperationException">A step failed.</exception>
    public static IReadOnlyList<IReadOnlyList<byte[]>> Make(IRenderer renderer, FilmPlan plan, FilmMethod? method, string pictures) =>
        Made(renderer, plan, method, pictures, (fitted, graph) => graph, (fitted, made) =>
            fitted.Shots.Select(shot => Read(made(FilmGraph.Clip(shot.Id))!)).ToList());

    /// <summary>The plan with MovieDreamer's keyframes, as <c>fabula plan --keyframes</c> and then keeping all of them gives it.</summary>
    /// <param name="pictures">The folder that the plan's pictures lie in; the keyframes are written there.</param>
    /// <exception cref="InvalidOperationException">A step failed.</exception>
    public static FilmPlan WithKeyframes(IRenderer renderer, FilmPlan plan, string pictures) =>
        Made(renderer, plan, FilmMethod.MovieDreamer, pictures, (fitted, graph) => graph.Only(KeyframeSheet.Steps(graph, fitted)),
            (fitted, made) =>
        {
            KeyframeSheet.Write(pictures, fitted, made);
            return plan with
            {
                Shots = [.. plan.Shots.Select(shot => $"{KeyframeChoices.Folder}/{shot.Id}.png" is var path
                    && File.Exists(Path.Combine(pictures, path)) ? shot with { KeyframePicture = path } : shot)],
            };
        });

    /// <param name="part">The steps to run.</param>
    /// <param name="take">What to take from the result: the plan as it was filmed, and the file of a step.</param>
    static T Made<T>(IRenderer renderer, FilmPlan plan, FilmMethod? method, string pictures, Func<FilmPlan, BuildGraph, BuildGraph> part,
        Func<FilmPlan, Func<string, string?>, T> take)
    {
        var (fitted, findings) = PlanFit.To(plan with
        {
            Film = plan.Film with { Method = method },
            Shots = [.. plan.Shots.Select(shot => method is null ? shot with { Method = ShotMethod.Text } : shot)],
        }, renderer.Facts);
        if (findings.FirstOrDefault(finding => finding.Severity == Severity.Error) is { } error)
            throw new InvalidOperationException($"{error.Problem} {error.Fix}");
        var recipes = new Recipes(() => renderer, (run, _) => File.WriteAllBytes(run.Output(Recipes.Film), []), () => 0);
        var graph = part(fitted, FilmGraph.Create(new(fitted, pictures, [], renderer.Facts, renderer.Digest), recipes));
        var folder = Directory.CreateTempSubdirectory("fabula-films").FullName;
        try
        {
            using var build = BuildFolder.Open(folder);
            var ended = Run(build, graph).GetAwaiter().GetResult();
            return take(fitted, step => graph.Contains(step) ? build.Store.PathOf(ended.Results.Find(step)!.Value) : null);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    static async Task<BuildEnded> Run(BuildFolder build, BuildGraph graph)
    {
        var problem = "";
        await foreach (var news in build.Runner().Run(graph, new RunOptions(1)))
        {
            if (news is StepFailed failed) problem = $"{failed.Step.Id}: {failed.Problem}";
            if (news is not BuildEnded ended) continue;
            return ended.Outcome == BuildOutcome.Succeeded ? ended : throw new InvalidOperationException($"No film was made. {problem}");
        }
        throw new InvalidOperationException("The run ended without a word.");
    }

    static IReadOnlyList<byte[]> Read(string path)
    {
        using var file = FramesFile.Open(path);
        return [.. file.Read()];
    }
}
