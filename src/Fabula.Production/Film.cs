// A production on its way to a film: documents, plan, model and graph together. What the command line and, later, the studio hold.
using System.Runtime.CompilerServices;
using System.Text.Json;
using Fabula.Build;
using Fabula.Models;
using Fabula.Narrative;
using Fabula.Production.Delivery;

namespace Fabula.Production;

/// <param name="Model">A model folder, or "stand-in".</param>
/// <param name="Output">Where the film goes; out/ in the production unless given.</param>
/// <param name="Steps">Denoising steps; null: the model's own number.</param>
/// <param name="Seed">A film seed in place of the plan's: every shot gets another one that follows from it.</param>
/// <param name="Only">One shot, whose take may be chosen with <paramref name="Take"/>.</param>
/// <param name="Method">In place of the plan's.</param>
/// <param name="Keyframes">Only the first frames of shots, as a sheet (<see cref="KeyframeSheet"/>).</param>
/// <param name="Redo">A shot whose keyframe gets another seed.</param>
/// <param name="Lock">A shot whose keyframe is kept as it was last seen on the sheet.</param>
/// <param name="Again">Plan from the story although plan.json was edited.</param>
public sealed record FilmOptions(string Model, string? Output = null, int? Steps = null, int? Seed = null, string? Only = null,
    int? Take = null, FilmMethod? Method = null, string Device = "cpu", int? Threads = null, bool Again = false,
    bool Keyframes = false, string? Redo = null, string? Lock = null)
{
    /// <summary>A folder with weights that look at frames for StoryMem's bank (<see cref="ClipLooks"/>); null: none are needed.</summary>
    public string? Eyes { get; init; }
}

/// <summary>Every shot, bridge and picture of a film whose state is known ahead. Dispose of it to let the model go.</summary>
public sealed class Film : IDisposable
{
    readonly Lazy<SeenWords?> _words;
    readonly string? _only;
    readonly IFrameEyes? _eyes;
    double _secondsPerWork;

    public string Root { get; }
    /// <summary>Where the finished files go.</summary>
    public string Output { get; }
    /// <summary>The build folder.</summary>
    public string Build => Path.Combine(Output, ".build");
    public ProductionDocuments Documents { get; }
    /// <summary>As the model makes it.</summary>
    public FilmPlan Plan { get; }
    public IReadOnlyList<Finding> Findings { get; }
    public IRenderer Renderer { get; }

    /// <summary>Null where an error among the findings keeps the film from being made.</summary>
    public BuildGraph? Graph { get; }

    /// <exception cref="NarrativeException">A document is missing or cannot be read.</exception>
    /// <exception cref="GraphException">A picture of the bible is missing.</exception>
    public static Film Open(string root, FilmOptions options, Action<string>? reading = null) =>
        new(root, options, build => OpenRenderer(options, build, reading), Assembly.Of);

    internal Film(string root, FilmOptions options, Func<string, IRenderer> renderer, Assemble assemble)
    {
        Root = Path.GetFullPath(root);
        Output = Path.GetFullPath(options.Output ?? Path.Combine(Root, "out"));
        Documents = ProductionFolder.Read(Root, Build, options.Again);
        if (options.Take is { } take)
            Documents = ProductionFolder.Choose(Documents, options.Only
                ?? throw new NarrativeException("--take chooses the take of one shot. Name it with --only SHOT."), take);
        if (options.Redo is { } redo) Documents = KeyframeChoices.Redo(Documents, redo);
        if (options.Lock is { } kept) Documents = KeyframeChoices.Lock(Documents, Output, kept);
        Renderer = renderer(Build);
        _words = new(() => Renderer.Words);
        var seeded = options.Seed is { } seed ? Reseeded(Documents.Plan, seed) : Documents.Plan;
        if (options.Method is { } method) seeded = seeded with { Film = seeded.Film with { Method = method } };
        if (Documents.HasErrors)
        {
            (Plan, Findings) = (seeded, Documents.Findings);
            return;
        }
        (Plan, var fit) = PlanFit.To(seeded, Renderer.Facts);
        Findings = [.. Documents.Findings, .. fit];
        if (Findings.Any(finding => finding.Severity == Severity.Error)) return;
        var model = new ModelFacts(Renderer.Facts.Name, Renderer.Digest, options.Steps ?? Renderer.Facts.Steps, Renderer.Facts.Guidance,
            typeof(Film).Assembly.GetName().Version?.ToString(3) ?? "");
        _eyes = options.Eyes is { } folder ? new ClipEyes(ClipLooks.Open(folder, Path.Combine(Build, "weights"))) : new PlainEyes();
        var recipes = new Recipes(() => Renderer, assemble(Documents, Plan, model), () => _secondsPerWork, _eyes);
        Graph = FilmGraph.Create(new(Plan, Root, Documents.Sources, Renderer.Facts, Renderer.Digest, options.Steps)
        {
            Eyes = _eyes.Digest,
            WordsFirst = Renderer.WantsWordsFirst,
        }, recipes);
        if (options.Keyframes) Graph = Graph.Only(KeyframeSheet.Steps(Graph, Plan));
        if (options.Only is not { } only) return;
        _only = new[] { only, FilmGraph.Bridge(only), FilmGraph.Clip(only) }.FirstOrDefault(Graph.Contains)
            ?? throw new NarrativeException($"There is no shot '{only}'. "
                + Nearest.Advice(only, [.. Plan.Shots.Select(shot => shot.Id)]));
        Graph = Graph.Only(_only);
    }

    static IRenderer OpenRenderer(FilmOptions options, string build, Action<string>? reading) =>
        options.Model == StandInRenderer.Name ? new StandInRenderer()
        : new ModelRenderer(FilmModel.Open(options.Model, Path.Combine(build, "weights"), options.Device, options.Threads, reading));

    static FilmPlan Reseeded(FilmPlan plan, int seed) => plan with
    {
        Film = plan.Film with { Seed = seed },
        Shots = [.. plan.Shots.Select(shot => shot with { Seed = PlanIds.Seed(seed, shot.Id), Take = 1 })],
        Transitions = [.. plan.Transitions.Select(join => join.Seed is null ? join : join with { Seed = PlanIds.Seed(seed, join.Id) })],
    };

    /// <summary>Words that the model has never seen; opens its vocabulary.</summary>
    public IReadOnlyList<Finding> WordFindings() => _words.Value is { } words ? WordWarnings.Of(Plan, words, Renderer.Facts.Name) : [];

    /// <summary>What would run, and why; writes nothing.</summary>
    public BuildPlan Look()
    {
        using var folder = BuildFolder.OpenToRead(Build);
        Measure(folder);
        return folder.Plan(Graph!);
    }

    /// <summary>Makes the film, or as much of it as the graph holds, and puts it into <see cref="Output"/>.</summary>
    /// <exception cref="BuildFolderException">Another run is at work there, or something cannot be written.</exception>
    public IAsyncEnumerable<BuildEvent> Make(int jobs = 1, CancellationToken cancel = default) =>
        Make(() => BuildFolder.Open(Build), jobs, null, cancel);

    internal async IAsyncEnumerable<BuildEvent> Make(Func<BuildFolder> open, int jobs, Action<string>? point = null,
        [EnumeratorCancellation] CancellationToken cancel = default)
    {
        using var folder = open();
        Writing(Root, () => ProductionFolder.Write(Documents, Build));
        Measure(folder);
        await foreach (var news in folder.Runner().Run(Graph!, new RunOptions(jobs), cancel))
        {
            if (news is BuildEnded { Outcome: BuildOutcome.Succeeded } ended) Writing(Output, () => Show(ended, folder, point));
            yield return news;
        }
    }

    /// <summary>Puts what was made where people look.</summary>
    void Show(BuildEnded ended, BuildFolder folder, Action<string>? point)
    {
        string File(Artifact artifact) => folder.Store.PathOf(artifact);
        if (Graph!.Contains(FilmGraph.Film))
        {
            var film = ended.Results.Find(FilmGraph.Film)!.Value;
            Published = Publishing.Publish(Output, Build, film, File(film), point);
            Digest = film.Digest.ToString();
        }
        else if (_only is null)
            Shown = KeyframeSheet.Write(Output, Plan, step => Graph.Contains(step) ? File(ended.Results.Find(step)!.Value) : null);
        else if (ended.Results.Find(_only) is { } one)
            Shown = ShotFile.Write(Path.Combine(Output, "shots"), _only, File(one), Plan.Film.Rate, Plan.Film.Title, Renderer.Facts.Name);
    }

    /// <summary>Refusals of the file system become a sentence with the way out.</summary>
    static void Writing(string folder, Action write)
    {
        try { write(); }
        catch (Exception e) when (DiskAdvice.SentenceOf(e, folder) is { } advice)
        {
            throw new BuildFolderException(advice, e);
        }
    }

    /// <summary>Files written into <see cref="Output"/> by the last <see cref="Make(int, CancellationToken)"/>.</summary>
    public int Published { get; private set; }

    /// <summary>
    /// With <see cref="FilmOptions.Only"/>, the video file of that one step, with <see cref="FilmOptions.Keyframes"/> the page, to look at.
    /// </summary>
    public string? Shown { get; private set; }

    /// <summary>Of the finished film.</summary>
    public string? Digest { get; private set; }

    /// <summary>How long rendering took before, from the journal: seconds for a unit of work.</summary>
    void Measure(BuildFolder folder)
    {
        var (seconds, work, seen) = (0.0, 0.0, 0);
        foreach (var step in Graph!.Steps)
        {
            if (step.Recipe.Name != "clip" || folder.Journal.Last(step.Id) is not { } last || last.Recipe != "clip") continue;
            try { work += last.Settings.Read<ClipSettings>().Work(); }
            catch (JsonException) { continue; }
            seconds += last.Seconds;
            if (++seen == 50) break;
        }
        _secondsPerWork = work > 0 ? seconds / work : 0;
    }

    public void Dispose()
    {
        Renderer.Dispose();
        _eyes?.Dispose();
    }
}
