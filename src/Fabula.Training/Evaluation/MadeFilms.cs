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
    public static IReadOnlyList<IReadOnlyList<byte[]>> Make(IRenderer renderer, FilmPlan plan, FilmMethod? method, string pictures)
    {
        var (fitted, findings) = PlanFit.To(plan with
        {
            Film = plan.Film with { Method = method },
            Shots = [.. plan.Shots.Select(shot => method is null ? shot with { Method = ShotMethod.Text } : shot)],
        }, renderer.Facts);
        if (findings.FirstOrDefault(finding => finding.Severity == Severity.Error) is { } error)
            throw new InvalidOperationException($"{error.Problem} {error.Fix}");
        var recipes = new Recipes(() => renderer, (run, _) => File.WriteAllBytes(run.Output(Recipes.Film), []), () => 0);
        var graph = FilmGraph.Create(new(fitted, pictures, [], renderer.Facts, renderer.Digest), recipes);
        var folder = Directory.CreateTempSubdirectory("fabula-films").FullName;
        try
        {
            using var build = BuildFolder.Open(folder);
            var ended = Run(build, graph).GetAwaiter().GetResult();
            return [.. fitted.Shots.Select(shot => Read(build.Store.PathOf(ended.Results.Find(FilmGraph.Clip(shot.Id))!.Value)))];
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
