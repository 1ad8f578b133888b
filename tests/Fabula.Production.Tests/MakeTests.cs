// Promise 2: change one line, redo one shot, provably.
using Fabula.Build;
using Fabula.Narrative;

namespace Fabula.Production.Tests;

public class MakeTests
{
    [Fact]
    public async Task A_second_run_does_nothing_and_proves_it()
    {
        using var production = new SmallProduction();
        var first = await production.Make();
        Assert.True(first.Succeeded);
        Assert.Contains("bridge/ada-waves--ben-ada-jump", first.Ran);
        var artifacts = production.Artifacts();
        var second = await production.Make();
        Assert.Empty(second.Ran);
        Assert.Equal((0, 0), (second.Calls, second.Published));
        Assert.Equal(first.Film, second.Film);
        Assert.Equal(artifacts, production.Artifacts());
    }

    [Theory]
    [InlineData("screenplay.fountain", "She talks.", "She waves.", "clip/close-ada-she-*")]
    [InlineData("bible.yaml", "a kitchen with yellow cupboards", "a kitchen with red cupboards", "clip/ada-ben-sit-chair")]
    [InlineData("screenplay.fountain", "Ada walks to the right.", "Ada runs to the right.", "clip/ada-*-right")]
    public async Task A_changed_line_redoes_exactly_what_was_predicted(string file, string old, string now, string needed)
    {
        using var production = new SmallProduction();
        await production.Make();
        var before = production.Artifacts();
        production.Edit(file, old, now);
        BuildPlan plan;
        using (var film = production.Open()) plan = film.Look();
        var made = await production.Make();
        Assert.True(made.Succeeded);
        var run = plan.In(PlanState.Run).Select(step => step.Step.Id).ToHashSet();
        var maybe = plan.In(PlanState.Maybe).Select(step => step.Step.Id).ToHashSet();
        Assert.Contains(made.Ran, id => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(needed, id));
        Assert.All(run, id => Assert.Contains(id, made.Ran));
        Assert.All(made.Ran, id => Assert.True(run.Contains(id) || maybe.Contains(id), $"{id} was not predicted"));
        Assert.All(plan.In(PlanState.Done), step => Assert.DoesNotContain(step.Step.Id, made.Ran));
        Assert.Subset(production.Artifacts(), before);   // every other artifact is the same file
        Assert.Empty((await production.Make()).Ran);
    }

    [Fact]
    public async Task A_title_or_a_comment_costs_the_assembly_alone()
    {
        using var production = new SmallProduction();
        await production.Make();
        production.Edit("screenplay.fountain", "Title: Small", "Title: Large");
        Assert.Equal(["film"], (await production.Make()).Ran);
        production.Edit("bible.yaml", "film:", "# a remark\nfilm:");
        Assert.Equal(["film"], (await production.Make()).Ran);
    }

    [Fact]
    public async Task An_edited_plan_is_used_and_a_story_that_changed_as_well_is_not_guessed_about()
    {
        using var production = new SmallProduction();
        await production.Make();
        production.Edit("plan.json", "Ada waves.", "Ada hops.");
        var made = await production.Make();
        Assert.Contains("clip/ada-waves", made.Ran);
        Assert.Contains("Ada hops.", File.ReadAllText(Path.Combine(production.Root, "plan.json")));
        await production.Make(new(StandInRenderer.Name, Only: "ada-waves", Take: 2));          // a choice does not hide the edit
        production.Edit("screenplay.fountain", "She talks.", "She waves.");
        Assert.Contains("--again", Assert.Throws<NarrativeException>(() => production.Open()).Message);
        using var film = production.Open(new(StandInRenderer.Name, Again: true));
        Assert.True((await film.Told()).Succeeded);
        Assert.DoesNotContain("Ada hops.", File.ReadAllText(Path.Combine(production.Root, "plan.json")));
    }

    [Fact]
    public async Task Takes_are_kept_and_chosen()
    {
        using var production = new SmallProduction();
        var first = await production.Make();
        var second = await production.Make(new(StandInRenderer.Name, Only: "close-ada-she-talks", Take: 2));
        Assert.Equal(["clip/close-ada-she-talks"], second.Ran);
        Assert.True(new FileInfo(Path.Combine(production.Root, "out", "shots", "close-ada-she-talks.mp4")).Length > 1000);
        var film = await production.Make();
        Assert.Equal(["film"], film.Ran);
        Assert.NotEqual(first.Film, film.Film);
        production.Edit("screenplay.fountain", "Title: Small", "Title: Other");     // planned again: the choice is kept
        Assert.Equal(["film"], (await production.Make()).Ran);
        production.Edit("screenplay.fountain", "Title: Other", "Title: Small");
        await production.Make(new(StandInRenderer.Name, Only: "close-ada-she-talks", Take: 1));
        var back = await production.Make();
        Assert.Equal(0, back.Calls);                                                  // the first take was kept
        Assert.Throws<NarrativeException>(() => production.Open(new(StandInRenderer.Name, Only: "nobody", Take: 2)));
    }

    [Fact]
    public async Task Jobs_and_another_folder_give_the_same_film()
    {
        using var one = new SmallProduction();
        using var other = new SmallProduction();
        Assert.Equal((await one.Make()).Film, (await other.Make(jobs: 3)).Film);
    }

    [Fact]
    public async Task Damage_anywhere_is_healed()
    {
        using var production = new SmallProduction();
        var film = (await production.Make()).Film;
        foreach (var path in Directory.GetFiles(Path.Combine(production.Build, "objects"), "*", SearchOption.AllDirectories))
        {
            File.SetAttributes(path, FileAttributes.Normal);
            File.WriteAllText(path, "rotten");
        }
        File.WriteAllText(Path.Combine(production.Root, "out", "film.txt"), "scribbled");
        File.Delete(Path.Combine(production.Root, "out", "clips", "count.txt"));
        Made made;
        do made = await production.Make();
        while (!made.Succeeded);
        Assert.Equal(film, made.Film);
        Assert.Contains("close-ada", File.ReadAllText(Path.Combine(production.Root, "out", "film.txt")));
        Assert.True(File.Exists(Path.Combine(production.Root, "out", "clips", "count.txt")));
        File.WriteAllText(Path.Combine(production.Build, "published"), "{");
        File.WriteAllText(Path.Combine(production.Build, "planned"), "{");
        Assert.Equal(film, (await production.Make()).Film);
    }

    [Fact]
    public async Task A_second_run_in_the_same_folder_is_refused()
    {
        using var production = new SmallProduction();
        await production.Make();
        using var held = BuildFolder.Open(production.Build);
        using var film = production.Open();
        await Assert.ThrowsAsync<BuildFolderException>(() => film.Told());
        film.Look(); // looking needs no lock
    }

    [Theory]
    [InlineData("../outside.png")]
    [InlineData("/etc/passwd")]
    [InlineData("a/../../outside.png")]
    public void Paths_that_lead_out_of_the_folder_are_refused(string path)
    {
        using var production = new SmallProduction(bible: SmallProduction.Bible.Replace("ada: a woman with a red shirt",
            $"ada:\n    looks: a woman\n    pictures: [{path}]"));
        Assert.Contains("outside", Assert.Throws<NarrativeException>(() => production.Open()).Message);
        // And from a plan that somebody edited.
        using var other = new SmallProduction();
        using (var film = other.Open()) ProductionFolder.Write(film.Documents, film.Build);
        var plan = PlanJson.Read(File.ReadAllText(Path.Combine(other.Root, "plan.json")));
        other.Write("plan.json", PlanJson.Write(plan with
        {
            Characters = [.. plan.Characters.Select(person => person with { References = [path] })],
        }));
        using var opened = other.Open();
        Assert.Null(opened.Graph);
    }

    [Fact]
    public void A_picture_behind_a_link_is_refused()
    {
        using var production = new SmallProduction(bible: SmallProduction.Bible.Replace("ada: a woman with a red shirt",
            "ada:\n    looks: a woman\n    pictures: [ada.png]"));
        File.CreateSymbolicLink(Path.Combine(production.Root, "ada.png"), "/etc/passwd");
        Assert.Contains("link", Assert.Throws<GraphException>(() => production.Open()).Message);
    }
}
