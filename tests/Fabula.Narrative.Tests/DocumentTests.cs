// The documents that people write beside the screenplay: bible, plan, StoryMem story, idea.
// What is wrong is named with its place and its fix.
using System.Diagnostics;

namespace Fabula.Narrative.Tests;

public class DocumentTests
{
    static string Refusal(Action read) => Assert.Throws<NarrativeException>(read).Message;

    [Fact]
    public void The_bible_gives_people_places_props_style_and_film()
    {
        var bible = PlannerTests.Lighthouse;
        Assert.Equal(["ada", "mia", "tom"], bible.People.Select(person => person.Id));
        Assert.Equal(("Old Tom", "Tom"), (bible.People[2].Name, bible.People[2].Also[0]));
        Assert.Equal(("Lamp room", true), (bible.Places[2].Name, bible.Places[2].Inside));
        Assert.Equal((16, 81, 7), (bible.Film.Rate, bible.Film.Frames, bible.Film.Seed));
        Assert.Equal("umbrella", Assert.Single(bible.Props).Id);
    }

    [Theory]
    [InlineData("peopel:\n  ada: tall", "line 1", "Did you mean 'people'?")]
    [InlineData("people:\n  ada:\n    loks: tall", "line 3", "Did you mean 'looks'?")]
    [InlineData("people:\n  ada:\n    name: Ada", "line 3", "Add a line 'looks")]
    [InlineData("people:\n  Ada B: tall", "line 2", "ada-b")]
    [InlineData("people:\n  ada: tall\n  ada: short", "line 3", "twice")]
    [InlineData("people:\n  ada: tall\n  eda:\n    name: Ada\n    looks: small", "line 3", "Rename")]
    [InlineData("people:\n  ada: &a tall\n  ben: *a", "line 2", "aliases")]
    [InlineData("people: !!set {ada}", "line 1", "Tags")]
    [InlineData("people: !System.IO.FileInfo x", "line 1", "Tags")]
    [InlineData("title: a\n---\ntitle: b", "line 2", "---")]
    [InlineData("people: [", "line", "not YAML")]
    [InlineData("film:\n  frames: 80", "line 2", "81")]
    [InlineData("film:\n  rate: many", "line 2", "from 1 to 120")]
    [InlineData("places:\n  beach:\n    looks: sand\n    inside: maybe", "line 4", "yes or no")]
    [InlineData("- a", "line 1", "people:")]
    public void A_bible_with_a_slip_names_the_line_and_the_fix(string yaml, string line, string fix)
    {
        var message = Refusal(() => BibleReader.Read(yaml));
        Assert.StartsWith($"bible.yaml, {line}", message);
        Assert.Contains(fix, message);
    }

    [Theory]
    [InlineData("pictures/ada.png", true)]
    [InlineData("ada 2.png", true)]
    [InlineData("../ada.png", false)]
    [InlineData("a/../../b.png", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("C:/ada.png", false)]
    [InlineData("a\\b.png", false)]
    [InlineData("https://x/ada.png", false)]
    [InlineData("-rf", false)]
    [InlineData("~/ada.png", false)]
    [InlineData("a//b", false)]
    [InlineData("a\nb", false)]
    public void Pictures_stay_inside_the_production_folder(string path, bool inside)
    {
        Assert.Equal(inside, ProductionPath.IsInside(path));
        var yaml = $"people:\n  ada:\n    looks: tall\n    pictures: [{System.Text.Json.JsonSerializer.Serialize(path)}]";
        if (inside) Assert.Equal(path, BibleReader.Read(yaml).People[0].Pictures[0]);
        else Assert.Contains("outside the production folder", Refusal(() => BibleReader.Read(yaml)));
    }

    [Fact]
    public void A_bible_that_would_fill_the_memory_is_refused_at_once()
    {
        var clock = Stopwatch.StartNew();
        Assert.Contains("deep", Refusal(() => BibleReader.Read(new string('[', 500_000))));
        Assert.Contains("deep", Refusal(() => BibleReader.Read(string.Concat(Enumerable.Repeat("- ", 5_000)))));
        Assert.Contains("deep",
            Refusal(() => BibleReader.Read(string.Concat(Enumerable.Range(0, 300).Select(i => new string(' ', i) + "a:\n")))));
        Assert.Contains("letters", Refusal(() => BibleReader.Read(new string('a', 1_000_001))));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"took {clock.Elapsed}");
    }

    [Fact]
    public void Any_text_is_a_bible_or_a_NarrativeException()
    {
        var random = new Random(7);
        string[] pieces = ["people:", "\n  ", "\n", "ada", ": ", "[", "]", "{", "}", "&a", "*a", "!x", "- ", "#", "'", "\"", "|", ">", "%",
            "---", "\t", "looks", "?", "\0", "é", ","];
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(20)).Select(_ => pieces[random.Next(pieces.Length)]));
            try { BibleReader.Read(text); }
            catch (NarrativeException) { }
        }
    }

    [Theory]
    [InlineData("\"title\":", "\"titel\":", "$.film has no field 'titel'. Did you mean 'title'?")]
    [InlineData("\"size\": \"wide\"", "\"size\": \"wyde\"", "$.shots[0].size is 'wyde'. Did you mean 'wide'?")]
    [InlineData("\"size\": \"wide\"", "\"size\": 1", "$.shots[0].size is 1. Write a word in quotes there.")]
    [InlineData("\"frames\": 81", "\"frames\": \"81\"", "$.shots[0].frames is \"81\". Write a whole number there.")]
    [InlineData("\"frames\": 81", "\"frames\": 81.5", "$.shots[0].frames is 81.5.")]
    [InlineData("\"frames\": 81", "\"frames\": null", "$.shots[0].frames is null.")]
    [InlineData("\"cut\": true,", "", "$.shots[0] has no 'cut'")]
    [InlineData("\"start\": [\"ada\"]", "\"start\": \"ada\"", "$.shots[0].start is \"ada\". Write a list in [ ] there.")]
    [InlineData("\"start\": [\"ada\"]", "\"start\": [1]", "$.shots[0].start[0] is 1.")]
    [InlineData("fabula-plan/1", "fabula-plan/9", "$.format is 'fabula-plan/9'")]
    [InlineData("\"cut\": true,", "\"cut\": true, \"cut\": true,", "twice")]
    [InlineData("\"cut\": true,", "\"cut\": true", "line")]
    public void A_plan_with_a_slip_names_the_path_and_the_fix(string from, string to, string expected)
    {
        var text = PlanJson.Write(PlannerTests.Sample);
        var at = text.IndexOf(from, StringComparison.Ordinal);
        Assert.Contains(expected, Refusal(() => PlanJson.Read(string.Concat(text.AsSpan(0, at), to, text.AsSpan(at + from.Length)))));
    }

    [Fact]
    public void What_a_plan_leaves_out_has_the_value_that_its_form_promises()
    {
        var shot = PlannerTests.Sample.Shots[0] with { Takes = [], Take = 1, Dialogue = [], Sides = new Dictionary<string, string>() };
        var node = System.Text.Json.Nodes.JsonNode.Parse(PlanJson.Write(PlannerTests.Sample with { Props = [] }))!;
        node.AsObject().Remove("props");
        foreach (var name in new[] { "take", "takes", "dialogue", "sides" }) node["shots"]![0]!.AsObject().Remove(name);
        foreach (var name in new[] { "stay", "enter", "exit" }) node["transitions"]![0]!.AsObject().Remove(name);
        foreach (var list in new[] { "characters", "locations" })
            foreach (var name in new[] { "aliases", "references" }) node[list]![0]!.AsObject().Remove(name);
        var spoken = node["shots"]!.AsArray().SelectMany(one => one!["dialogue"]?.AsArray() ?? []).First()!.AsObject();
        spoken.Remove("onScreen");
        var plan = PlanJson.Read(node.ToJsonString());
        var first = plan.Shots[0];
        Assert.Equal((1, 0, 0, 0, 0), (first.Take, first.Takes.Count, first.Dialogue.Count, first.Sides.Count, plan.Props.Count));
        Assert.Empty(plan.Transitions[0].Stay.Concat(plan.Transitions[0].Enter).Concat(plan.Transitions[0].Exit));
        Assert.Empty(plan.Characters[0].Aliases.Concat(plan.Characters[0].References).Concat(plan.Locations[0].References));
        Assert.True(plan.Shots.SelectMany(one => one.Dialogue).First().OnScreen);
        Assert.Equal(PlanJson.Write(plan with { Shots = [shot] }), PlanJson.Write(plan with { Shots = [plan.Shots[0]] }));
    }

    const string Story = """
        {"story_name": "Dog", "story_overview": "A dog finds a ball.", "scenes": [
          {"scene_num": 1, "video_prompts": ["A brown dog runs.", "The dog finds a red ball."], "first_frame_prompt": ["A dog.", "A ball."],
           "cut": ["True", false]},
          {"scene_num": 2, "video_prompts": ["Ada throws the ball."], "first_frame_prompt": ["Ada."], "cut": [true]}]}
        """;

    [Fact]
    public void A_StoryMem_story_becomes_a_plan_without_findings()
    {
        var planned = StoryMemPlan.From(StoryMem.Read(Story), PlannerTests.Lighthouse);
        Assert.Equal("", string.Join('\n', planned.Findings));
        Assert.Equal([true, false, true], planned.Plan.Shots.Select(shot => shot.Cut));
        Assert.Equal([JoinMethod.Continue, JoinMethod.Cut], planned.Plan.Transitions.Select(join => join.Method));
        Assert.Equal(["ada"], planned.Plan.Shots[2].Start);
        Assert.Equal([planned.Plan.Shots[0].Id, planned.Plan.Shots[1].Id], planned.Plan.Shots[2].Memory);
    }

    [Fact]
    public void Of_a_StoryMem_story_the_bible_reads_who_is_there_and_where_and_how_near()
    {
        const string Told = """
            {"story_overview": "Tea.", "scenes": [
              {"scene_num": 1, "cut": [true, false, true],
               "video_prompts": ["Wide shot, on the beach. Ada waits.", "Mia comes in from the left.", "Close-up. Ada smiles."]},
              {"scene_num": 2, "cut": [true, true],
               "video_prompts": ["Nobody knows where.", "Extreme close-up: Mia leaves through the door."]}]}
            """;
        var plan = StoryMemPlan.From(StoryMem.Read(Told), PlannerTests.Lighthouse).Plan;
        Assert.Equal(["beach", "story"], plan.Scenes.Select(scene => scene.Location));
        Assert.Equal(["beach", "story"], plan.Locations.Select(place => place.Id));
        Assert.NotEqual("", plan.Locations[0].Description);
        Assert.Equal([ShotSize.Wide, ShotSize.Medium, ShotSize.Close, ShotSize.Medium, ShotSize.ExtremeClose],
            plan.Shots.Select(shot => shot.Size));
        Assert.Equal(["ada|ada", "ada|ada mia", "ada|ada", "|", "mia|"],
            plan.Shots.Select(shot => $"{string.Join(' ', shot.Start)}|{string.Join(' ', shot.End)}"));
        Assert.Equal("left", plan.Shots[1].Sides["mia"]);
        Assert.Equal("door", plan.Shots[4].Sides["mia"]);
        Assert.Empty(StoryMemPlan.From(StoryMem.Read(Told), PlannerTests.Lighthouse).Findings);
    }

    [Theory]
    [InlineData("\"scene_num\": 2", "\"scene_num\": 3", "$.scenes[1].scene_num is 3")]
    [InlineData("\"True\"", "\"Yes\"", "$.scenes[0].cut[0] is \"Yes\". Write true or false there.")]
    [InlineData("\"True\"", "false", "Write true.")]
    [InlineData("\"True\", false", "true", "$.scenes[0].cut has 1 entries for 2 prompts")]
    [InlineData("\"A brown dog runs.\"", "\" \"", "$.scenes[0].video_prompts[0] is empty")]
    [InlineData("\"story_overview\"", "\"story_overveiw\"", "Did you mean 'story_overview'?")]
    [InlineData("\"Dog\",", "\"Dog\"", "line 1")]
    public void A_StoryMem_story_with_a_slip_names_the_path_and_the_fix(string from, string to, string expected) =>
        Assert.Contains(expected, Refusal(() => StoryMem.Read(Story.Replace(from, to))));

    [Fact]
    public void An_idea_is_told_sentence_by_sentence_where_it_says()
    {
        var idea = Idea.Read("Ada waits on the beach. Mia enters.\nThey walk to the kitchen! Old Tom drinks tea.");
        var planned = ScreenplayPlanner.Plan(idea.ToScreenplay(PlannerTests.Lighthouse), PlannerTests.Lighthouse, source: "idea");
        Assert.Equal(["EXT. BEACH", "INT. KITCHEN"], planned.Plan.Scenes.Select(scene => scene.Heading));
        Assert.Equal(4, planned.Plan.Shots.Count);
        Assert.Contains("one paragraph", Refusal(() => Idea.Read("One.\n\nTwo.")));
        Assert.Contains("Nothing is told", Refusal(() => Idea.Read(" \n ")));
    }
}
