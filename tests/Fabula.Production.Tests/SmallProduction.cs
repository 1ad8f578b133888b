using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Production.Delivery;

namespace Fabula.Production.Tests;

/// <summary>A production of five small shots in a folder of its own: returning people and places, a bridge, a continuation.</summary>
sealed class SmallProduction : IDisposable
{
    public const string Screenplay = """
        Title: Small

        EXT. PARK - DAY

        Ada walks to the right. [[shot: wide]]

        Ada waves. [[shot: wide]]

        Ben and Ada jump. [[shot: wide]] [[bridge]]

        INT. KITCHEN - DAY

        Ada and Ben sit on the chair. [[shot: wide]]

        Close on Ada. She talks.
        """;

    public const string Bible = """
        film:
          width: 32
          height: 16
          rate: 8
          frames: 5
          seed: 7
        people:
          ada: a woman with a red shirt
          ben: a boy with a green shirt
        places:
          park: a green park
          kitchen: a kitchen with yellow cupboards
        """;

    public string Root { get; } = Directory.CreateTempSubdirectory("fabula-film-").FullName;
    public string Build => Path.Combine(Root, "out", ".build");

    public SmallProduction(string screenplay = Screenplay, string bible = Bible)
    {
        Write("screenplay.fountain", screenplay);
        Write("bible.yaml", bible);
    }

    public void Write(string name, string text) => File.WriteAllText(Path.Combine(Root, name), text);

    public void Edit(string name, string old, string now)
    {
        var text = File.ReadAllText(Path.Combine(Root, name));
        Assert.Contains(old, text);
        Write(name, text.Replace(old, now));
    }

    /// <summary>With an assembly that lists the clips, where video files are not the matter: they would take most of the time.</summary>
    public Film Open(FilmOptions? options = null, Func<string, IRenderer>? renderer = null)
    {
        var chosen = options ?? new(StandInRenderer.Name);
        return new(Root, chosen, renderer ?? (build => chosen.Model == StandInRenderer.Name ? new StandInRenderer()
            : new ModelRenderer(FilmModel.Open(chosen.Model, Path.Combine(build, "weights"), threads: chosen.Threads))), List);
    }

    static Action<StepRun, CancellationToken> List(ProductionDocuments documents, FilmPlan plan, ModelFacts model) => (run, _) =>
    {
        var folder = Path.Combine(run.Folder, "list");
        Directory.CreateDirectory(Path.Combine(folder, "clips"));
        var clips = Assembly.Clips(run, plan);
        File.WriteAllLines(Path.Combine(folder, "film.txt"),
            clips.Select(clip => $"{clip.ShotId} {clip.Digest} {clip.DropFirst} {clip.Seed}"));
        File.WriteAllText(Path.Combine(folder, "clips", "count.txt"), $"{plan.Film.Title}, {clips.Count} clips");
        Assembly.Pack(folder, run.Output(Recipes.Film));
    };

    /// <summary>Opens, makes, closes.</summary>
    public async Task<Made> Make(FilmOptions? options = null, int jobs = 1)
    {
        using var film = Open(options);
        return await film.Told(jobs: jobs);
    }

    public HashSet<string> Artifacts() => StoredFiles.Of(Path.Combine(Build, "objects"));

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

/// <summary>What a run told.</summary>
sealed record Made(List<BuildEvent> Events, string? Film, int Calls, int Published)
{
    public BuildEnded End => (BuildEnded)Events[^1];
    public string[] Ran => [.. Events.OfType<StepFinished>().Select(done => done.Step.Id).Order(StringComparer.Ordinal)];
    public string[] Unchanged => [.. Events.OfType<StepReused>().Select(done => done.Step.Id)];
    public bool Succeeded => End.Outcome == BuildOutcome.Succeeded;
}

static class Running
{
    public static async Task<Made> Told(this Film film, Func<BuildFolder>? open = null, int jobs = 1, Action<string>? point = null,
        CancellationToken cancel = default)
    {
        Assert.True(film.Graph is not null, string.Join('\n', film.Findings));
        var events = new List<BuildEvent>();
        await foreach (var news in film.Make(open ?? (() => BuildFolder.Open(film.Build)), jobs, point, cancel)) events.Add(news);
        Assert.DoesNotContain(events, news => news is StepFailed { Problem: not "killed" } && point is null);
        return new Made(events, film.Digest, film.Renderer.Calls, film.Published);
    }
}
