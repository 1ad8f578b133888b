// Read this first. A build graph says what is to be made: steps, each a recipe with settings and inputs, each input either a source file or
// another step's output. It is fixed before anything runs, and knows nothing of what the files mean.
//
//   var portrait = new Step("ada/portrait", Paint, Settings.Of(new { words = "a girl", seed = 7 }), [], ["portrait.png"]);
//   var shot = new Step("shot-1", Film, Settings.Of(new { action = "Ada waves" }), [portrait.As("face")], ["shot.mp4"]);
//   var graph = BuildGraph.Create([portrait, shot]);
//   using var folder = BuildFolder.Open("out/.build");
//   Console.WriteLine(folder.Plan(graph).Explain());                             // what would run, and why
//   await foreach (var news in folder.Runner().Run(graph)) Console.WriteLine(news); // run it
//
// Then: Step.cs (the nouns), StepKey.cs (what may influence a result), BuildPlan.cs (what is to be redone, and why), Runner.cs (doing it),
// FolderStore.cs and FileJournal.cs (what is kept). docs/build.md states the rules and how they are proved.
namespace Fabula.Build;

/// <summary>Steps that were found to fit together: every input exists, no step waits for itself.</summary>
public sealed class BuildGraph
{
    readonly Dictionary<string, int> _places;
    readonly int[][] _before, _after;

    /// <summary>In an order in which they can be made; of several such orders the one nearest to that in which they were given.</summary>
    public IReadOnlyList<Step> Steps { get; }

    /// <exception cref="GraphException">Names every problem: duplicate or unusable names, missing inputs, cycles.</exception>
    public static BuildGraph Create(IEnumerable<Step> steps)
    {
        Step[] given = [.. steps];
        var problems = new List<string>();
        var places = Validation.Index(given, problems);
        if (problems.Count > 0) throw new GraphException(problems);
        var before = given.Select(step => Upstream(step, places)).ToArray();
        var order = Order(given, before);
        Step[] ordered = [.. order.Select(i => given[i])];
        for (var i = 0; i < ordered.Length; i++) places[ordered[i].Id] = i;
        return new BuildGraph(ordered, places);
    }

    BuildGraph(Step[] ordered, Dictionary<string, int> places)
    {
        Steps = ordered;
        _places = places;
        _before = [.. ordered.Select(step => Upstream(step, places))];
        var after = ordered.Select(_ => new List<int>()).ToArray();
        for (var i = 0; i < ordered.Length; i++)
            foreach (var earlier in _before[i]) after[earlier].Add(i);
        _after = [.. after.Select(list => list.ToArray())];
    }

    /// <exception cref="GraphException">There is no such step.</exception>
    public Step this[string id] => Steps[PlaceOf(id)];

    public bool Contains(string id) => _places.ContainsKey(id);

    /// <summary>The part of the graph that these steps need: they themselves and all that comes before them.</summary>
    /// <exception cref="GraphException">There is no such step.</exception>
    public BuildGraph Only(params IEnumerable<string> ids)
    {
        var wanted = new bool[Steps.Count];
        foreach (var id in ids) wanted[PlaceOf(id)] = true;
        for (var i = Steps.Count - 1; i >= 0; i--)
            if (wanted[i])
                foreach (var earlier in _before[i]) wanted[earlier] = true;
        Step[] kept = [.. Steps.Where((_, i) => wanted[i])];
        return new BuildGraph(kept, kept.Index().ToDictionary(entry => entry.Item.Id, entry => entry.Index, StringComparer.Ordinal));
    }

    /// <summary>Places (in <see cref="Steps"/>) of the steps whose outputs this one reads, each once.</summary>
    internal ReadOnlySpan<int> Before(int place) => _before[place];

    /// <summary>Places of the steps that read this one's outputs, in order.</summary>
    internal ReadOnlySpan<int> After(int place) => _after[place];

    internal int PlaceOf(string id) => _places.TryGetValue(id, out var place) ? place
        : throw new GraphException([$"There is no step '{id}'. {Nearest(id)}"]);

    string Nearest(string id)
    {
        var alike = Steps.Select(step => step.Id).Where(other => other.StartsWith(id, StringComparison.OrdinalIgnoreCase)
            || other.Contains(id, StringComparison.OrdinalIgnoreCase)).Take(5).ToList();
        return alike.Count > 0 ? $"Did you mean {string.Join(" or ", alike)}?"
            : $"The graph has {Steps.Count} steps, the first is '{(Steps.Count > 0 ? Steps[0].Id : "")}'.";
    }

    static int[] Upstream(Step step, Dictionary<string, int> places) =>
        [.. step.Inputs.OfType<StepInput>().Select(input => places[input.Step]).Distinct()];

    /// <summary>Kahn's order, where of all steps that could come next the one given first comes.</summary>
    static List<int> Order(Step[] given, int[][] before)
    {
        var waiting = before.Select(list => list.Length).ToArray();
        var after = new List<int>[given.Length];
        for (var i = 0; i < given.Length; i++)
            foreach (var earlier in before[i]) (after[earlier] ??= []).Add(i);
        var free = new PriorityQueue<int, int>();
        for (var i = 0; i < given.Length; i++)
            if (waiting[i] == 0) free.Enqueue(i, i);
        var order = new List<int>(given.Length);
        while (free.TryDequeue(out var next, out _))
        {
            order.Add(next);
            foreach (var later in after[next] ?? [])
                if (--waiting[later] == 0) free.Enqueue(later, later);
        }
        return order.Count == given.Length ? order : throw new GraphException([Validation.DescribeCycle(given, before, waiting)]);
    }
}
