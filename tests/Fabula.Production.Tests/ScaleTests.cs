using System.Diagnostics;
using Fabula.Build;
using Fabula.Narrative;
using Fabula.Narrative.Fountain;

namespace Fabula.Production.Tests;

[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;

[Collection(nameof(Alone))]
public class ScaleTests
{
    /// <summary>Seconds on the clock, or of the processor where others have kept it busy: nothing else runs in this process.</summary>
    sealed class Effort
    {
        readonly Stopwatch _clock = Stopwatch.StartNew();
        readonly TimeSpan _used = Environment.CpuUsage.TotalTime;

        public double Seconds => Math.Min(_clock.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - _used).TotalSeconds);
    }

    static string Screenplay(int shots) => string.Concat(Enumerable.Range(0, shots).Select(i =>
        (i % 10 == 0 ? $"EXT. {(i % 20 == 0 ? "PARK" : "KITCHEN")} - DAY\n\n" : "")
            + $"Ada waves {i} times. [[shot: {(i % 2 == 0 ? "wide" : "medium")}]]\n\n"));

    [Fact]
    public void Ten_thousand_shots_from_screenplay_to_graph_in_five_seconds()
    {
        var (text, bible) = (Screenplay(10_000), BibleReader.Read(SmallProduction.Bible));
        var renderer = new StandInRenderer();
        BuildGraph Graph()
        {
            var (plan, findings) = PlanFit.To(ScreenplayPlanner.Plan(FountainReader.Read(text), bible).Plan, renderer.Facts);
            Assert.DoesNotContain(findings, finding => finding.Severity == Severity.Error);
            var recipes = new Recipes(() => renderer, (_, _) => { }, () => 0);
            return FilmGraph.Create(new(plan, "/", [], renderer.Facts, renderer.Digest), recipes);
        }
        var clock = new Effort();
        var graph = Graph();
        Assert.InRange(clock.Seconds, 0, 5);
        Assert.True(graph.Steps.Count >= 10_000);
        graph = null!;
        GC.Collect();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 3; i++) _ = Graph();
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, -100 << 20, 8 << 20);
    }

    [Fact]
    public async Task A_thousand_shots_that_are_done_take_less_than_a_second()
    {
        using var production = new SmallProduction(Screenplay(1000));
        using (var film = production.Open())
        {
            var disk = new Disk(null, flush: false);
            Assert.True((await film.Told(() => BuildFolder.Open(film.Build, null, disk), jobs: 4)).Succeeded);
        }
        var clock = new Effort();
        var again = await production.Make();
        Assert.InRange(clock.Seconds, 0, 1);
        Assert.Empty(again.Ran);
        Assert.Equal(0, again.Calls);
    }
}
