namespace Fabula.Build.Tests;

public class PlanTests
{
    static readonly Recipe Film = new("film", 1, (run, cancel) => File.WriteAllTextAsync(run.Output("x"), run.Settings.Canonical, cancel))
    {
        Cost = step => new StepCost(40, 3L << 30),
    };

    static BuildGraph Story(SourceInput photo, string action = "waves", Recipe? film = null, params Input[] more)
    {
        var face = new Step("ada/face", Toys.Say, Toys.Saying("green coat"), [photo], ["text.txt"]);
        var shot = new Step("shot-1", film ?? Film, Settings.Of(new { action, camera = new { lens = 35 } }),
            [face.As("face"), .. more], ["x"]);
        return BuildGraph.Create([face, shot, Toys.Step("cut", "cut", shot.As("clip"))]);
    }

    [Fact]
    public void A_new_film_is_planned_without_writing_anything()
    {
        using var folder = new TestFolder();
        using var open = BuildFolder.OpenToRead(folder.Build);
        Assert.Equal("""
            3 steps to run, 0 done. About 40 s of work. Up to 3072 MiB of memory for one step.
            run   ada/face: new
            run   shot-1: new; waits for ada/face
            run   cut: new; waits for shot-1
            """, open.Plan(Story(folder.Source("photo", "photo"))).Explain());
        Assert.False(Directory.Exists(folder.Build));
    }

    [Fact]
    public async Task A_plan_says_what_changed_and_how_far_it_can_see()
    {
        using var folder = new TestFolder();
        var photo = folder.Source("photo", "photo");
        await folder.Run(Story(photo));
        using var open = BuildFolder.OpenToRead(folder.Build);
        Assert.Equal("Nothing to do: 3 steps done.", open.Plan(Story(photo)).Explain());
        Assert.Equal("""
            1 step to run, 1 that may follow, 1 done. About 40 s of work. Up to 3072 MiB of memory for one step.
            run   shot-1: setting action: "waves" -> "runs"
            maybe cut: waits for shot-1
            A step marked maybe is redone only if what it waits for gives other bytes than before; that cannot be known ahead.
            """, open.Plan(Story(photo, "runs")).Explain());
        var other = folder.Source("photo-2", "other");
        var plan = open.Plan(Story(other with { Name = "photo" }, more: [other])).Explain();
        Assert.Contains($"ada/face: input photo changed: {photo.Path} {photo.Content.Digest.Brief} -> "
            + $"{other.Path} {other.Content.Digest.Brief}", plan);
        Assert.Contains("run   shot-1: waits for ada/face", plan); // a name was added to its inputs: never seen
        var newer = new Recipe("film", 2, Film.Run);
        Assert.Contains("run   shot-1: recipe film version 1 -> 2\n", open.Plan(Story(photo, film: newer)).Explain());
        Assert.Contains("run   shot-1: recipe film -> say; setting say: (none) -> ", open.Plan(Story(photo).With("shot-1", step =>
            step with
            {
                Recipe = Toys.Say,
                Settings = Settings.Parse("""{"action":"waves","camera":{"lens":35},"say":"x"}"""),
            })).Explain());
        Assert.Contains($"input photo-2 added ({other.Path} ", open.Plan(Story(photo, more: [other])).Explain());
        Assert.Contains("input photo taken away (", open.Plan(Story(photo).With("ada/face", step => step with { Inputs = [] })).Explain());
        Assert.Contains("outputs x -> x, y", open.Plan(Story(photo).With("shot-1", step => step with { Outputs = ["x", "y"] })).Explain());
    }

    [Fact]
    public async Task Costs_come_from_the_recipe_or_from_the_last_time()
    {
        using var folder = new TestFolder();
        var photo = folder.Source("photo", "photo");
        await folder.Run(Story(photo));
        using var open = BuildFolder.Open(folder.Build);
        var last = open.Journal.Last("cut")!;
        open.Journal.Append(last with { Seconds = 7 });
        var plan = open.Plan(Story(photo, "runs"));
        Assert.Equal((40, 47), plan.Seconds);
        Assert.Equal(3L << 30, plan.MemoryBytes);
    }

    [Fact]
    public async Task A_plan_can_be_made_while_another_process_builds()
    {
        using var folder = new TestFolder();
        var graph = BuildGraph.Create([Toys.Step("a", "A")]);
        using var building = BuildFolder.Open(folder.Build);
        await building.Run(graph);
        using var open = BuildFolder.OpenToRead(folder.Build);
        Assert.True(open.Plan(graph).NothingToDo);
        Assert.Throws<InvalidOperationException>(open.Runner);
    }
}

static class Changed
{
    public static BuildGraph With(this BuildGraph graph, string id, Func<Step, Step> change) =>
        BuildGraph.Create(graph.Steps.Select(step => step.Id == id ? change(step) : step));
}
