using System.Diagnostics;

namespace Fabula.Build.Tests;

/// <summary>What is timed runs alone.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;

[Collection(nameof(Alone))]
public class ScaleTests(Xunit.Abstractions.ITestOutputHelper output)
{
    const int Count = 10_000;

    /// <summary>A shot remembers the one before, the one a hundred before, and a portrait.</summary>
    static BuildGraph Film()
    {
        var steps = new Step[Count];
        for (var i = 0; i < Count; i++)
        {
            List<Input> inputs = [];
            if (i > 0) inputs.Add(steps[0].As("face"));
            if (i > 1) inputs.Add(steps[i - 1].As("before"));
            if (i > 100) inputs.Add(steps[i - 100].As("earlier"));
            steps[i] = new Step($"shot-{i}", Toys.Say, Settings.Of(new { say = $"{i}", seed = i, prompt = "Ada walks through the town" }),
                inputs, ["x"]);
        }
        return BuildGraph.Create(steps);
    }

    [Fact]
    public async Task Ten_thousand_steps_are_planned_and_found_done_in_a_second_each_with_flat_memory()
    {
        using var folder = new TestFolder(inMemory: true);
        Film(); // compiled
        var watch = Stopwatch.StartNew();
        var graph = Film();
        var building = watch.Elapsed;

        // The recipe of this test: constant time per step, since real contents would grow.
        graph = BuildGraph.Create(graph.Steps.Select(step => step with { Recipe = Short }));
        using (var open = BuildFolder.Open(folder.Build, null, new Disk(flush: false)))
            Assert.Equal(Count, (await open.Run(graph, new RunOptions(2))).Ran.Length);
        var making = watch.Elapsed - building;

        var (noOp, memory) = (new List<double>(), new List<long>());
        for (var i = 0; i < 6; i++)
        {
            watch.Restart();
            using (var open = BuildFolder.Open(folder.Build)) Assert.Empty((await open.Run(graph)).Ran);
            noOp.Add(watch.Elapsed.TotalSeconds);
            memory.Add(GC.GetTotalMemory(forceFullCollection: true));
        }
        using (var open = BuildFolder.Open(folder.Build))
        {
            var held = GC.GetTotalMemory(forceFullCollection: true) - memory[^1];
            output.WriteLine($"graph {building.TotalSeconds:0.000} s; making {making.TotalSeconds:0.0} s; "
                + $"no-op {string.Join(", ", noOp.Select(s => $"{s:0.000}"))} s; "
                + $"memory after each {string.Join(", ", memory.Select(bytes => $"{bytes / 1e6:0.0}"))} MB; "
                + $"an open folder {held / 1e6:0.0} MB");
            Assert.InRange(held, 1, 40_000_000);
            Assert.True(open.Plan(graph).NothingToDo);
        }
        // Bounds that hold on a busy machine too; the figures seen are in docs/build.md.
        Assert.InRange(building.TotalSeconds, 0, 1);
        Assert.InRange(noOp.Min(), 0, 1);
        Assert.InRange(memory[^1] - memory[1], long.MinValue, 2_000_000);       // what grows leaks; buffers may be given back
    }

    static Recipe Short { get; } = Toys.Text("short", run => run.Settings.Canonical);
}
