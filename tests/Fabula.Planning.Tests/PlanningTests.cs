using System.Text.Json.Nodes;
using Fabula.Narrative;

namespace Fabula.Planning.Tests;

public sealed class PlanningTests : IDisposable
{
    readonly StoryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Three_lines_become_a_plan_that_passes_every_check()
    {
        await using var server = await FakeModel.Start(new Author().Answer);
        var made = await _folder.Plan(server);
        Assert.Empty(made.Planned.Findings);
        var plan = PlanJson.Read(PlanJson.Write(made.Planned.Plan));
        Assert.Equal("agents", plan.Film.Source);
        Assert.Equal(8, plan.Shots.Count);
        Assert.Equal(["kitchen-morning", "kitchen-morning-2"], plan.Scenes.Select(scene => scene.Id));
        Assert.Equal(["kitchen"], plan.Locations.Select(place => place.Id));
        Assert.Equal("Medium shot. Kitchen: a small kitchen with a blue stove, morning. Ada is a tall woman in a yellow dress. "
            + "Ada fills the kettle. Soft watercolour.", plan.Shots[0].Prompt);
        Assert.Equal(65, plan.Shots[0].Frames);
        Assert.Equal(["ada-fills-kettle"], plan.Shots[1].Memory);
        Assert.Equal(["chapters", "locations", "people", "scenes", "scenes", "shots", "shots", "transitions", "transitions"],
            server.Requests.Select(request => request.Agent));
    }

    [Fact]
    public async Task How_shots_join_follows_from_who_is_visible()
    {
        await using var server = await FakeModel.Start(new Author().Answer);
        var joins = (await _folder.Plan(server)).Planned.Plan.Transitions;
        Assert.Equal([JoinMethod.Bridge, JoinMethod.Continue, JoinMethod.Cut, JoinMethod.Cut], joins.Take(4).Select(join => join.Method));
        Assert.Equal([JoinKind.Enter, JoinKind.Stay, JoinKind.Exit, JoinKind.Stay], joins.Take(4).Select(join => join.Kind));
        Assert.Equal("Tom moves across the picture.", joins[0].Prompt);
        Assert.Equal(["tom"], joins[0].Enter);
        Assert.NotNull(joins[0].Seed);
    }

    [Fact]
    public async Task Every_pair_of_a_scene_gets_a_bridge_where_that_is_asked_for()
    {
        await using var server = await FakeModel.Start(new Author().Answer);
        var plan = (await _folder.Plan(server, new(JoinRule.EveryPair))).Planned.Plan;
        Assert.All(plan.Transitions.Index(), join =>
            Assert.Equal(join.Index == 3 ? JoinMethod.Cut : JoinMethod.Bridge, join.Item.Method)); // 3: from scene to scene
        Assert.All(plan.Transitions.Where(join => join.Method == JoinMethod.Bridge), join => Assert.NotNull(join.Prompt));
    }

    [Fact]
    public async Task People_and_places_of_the_bible_stay_as_they_are()
    {
        await using var server = await FakeModel.Start(new Author().Answer);
        var bible = BibleReader.Read("people:\n  ada: a small woman in red\nplaces:\n  kitchen: a ship's galley\n");
        var plan = (await _folder.Plan(server, bible: bible)).Planned.Plan;
        Assert.Equal("a ship's galley", Assert.Single(plan.Locations).Description);
        Assert.Equal("a small woman in red", plan.Characters[0].Appearance);
        Assert.Equal(["ada", "tom"], plan.Characters.Select(person => person.Id));
        var shown = server.Requests.First(request => request.Agent == "people").Data["given"]!.AsArray();
        Assert.Equal("a small woman in red", (string)Assert.Single(shown)!["appearance"]!);
    }

    [Fact]
    public async Task A_screenplay_keeps_its_title_and_its_scenes_lines()
    {
        await using var server = await FakeModel.Start(new Author().Answer);
        _folder.Text = "Title: The Long Wait\n\nINT. KITCHEN - MORNING\n\nAda fills the kettle.\n\nEXT. HARBOUR - DAY\n\nTom waves.\n";
        _folder.File = "screenplay.fountain";
        var plan = (await _folder.Plan(server)).Planned.Plan;
        Assert.Equal("The Long Wait", plan.Film.Title);
        Assert.Equal([3, 7], plan.Scenes.Select(scene => scene.Line!.Value));
        Assert.Equal("a screenplay", (string)server.Requests[0].Data["kind"]!);
        Assert.Contains("EXT. HARBOUR", (string)server.Requests[^3].Data["passages"]![0]!["text"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_film_of_120_shots_asks_no_larger_requests_than_a_small_one()
    {
        var author = new Author(Chapters: 10, ScenesPerChapter: 3, ShotsPerScene: 4);
        await using var server = await FakeModel.Start(author.Answer);
        _folder.Text = string.Join("\n\n", Enumerable.Range(1, 60).Select(i => $"Part {i:00}. Ada makes tea and Tom drinks it."));
        var made = await _folder.Plan(server, new(Shots: 120));
        Assert.Equal(120, made.Planned.Plan.Shots.Count);
        Assert.DoesNotContain(made.Planned.Findings, finding => finding.Severity == Severity.Error);
        foreach (var agent in new[] { "scenes", "shots", "transitions" })
        {
            var sizes = server.Requests.Where(request => request.Agent == agent).Select(request => request.Body.Length).ToList();
            Assert.True(sizes.Count >= 10, agent);
            Assert.True(sizes.Max() - sizes.Min() < 600, $"{agent}: {sizes.Min()} to {sizes.Max()}"); // what came before, and no more
        }
        Assert.Equal(4, (int)server.Requests.Last(request => request.Agent == "shots").Data["shots"]!);
    }

    [Fact]
    public void Every_schema_is_closed_and_requires_every_field()
    {
        foreach (var schema in new[] { Agents.Chapters.Schema, Agents.Locations.Schema, Agents.People.Schema, Agents.Scenes.Schema,
            Agents.Shots.Schema, Agents.Transitions.Schema }) Closed(schema);

        static void Closed(JsonNode? node)
        {
            if (node is JsonArray list) foreach (var item in list) Closed(item);
            if (node is not JsonObject schema) return;
            if (schema["properties"] is JsonObject properties)
            {
                Assert.False((bool)schema["additionalProperties"]!);
                var required = schema["required"]!.AsArray().Select(name => (string)name!);
                Assert.Equal(properties.Select(field => field.Key).Order(), required.Order());
                Assert.Equal("object", (string)schema["type"]!);
            }
            foreach (var (_, value) in schema) Closed(value);
        }
    }

    [Theory]
    [InlineData("one line", "a.txt", "1")]
    [InlineData("one\ntwo\nthree", "a.txt", "1,2,3")]
    [InlineData("- one\n- two\n  more of two\n- three\n\n# four", "a.txt", "1,2,4,6")]
    [InlineData("A paragraph\nthat is wrapped\n\nAnother\nwrapped one", "a.txt", "1,4")]
    [InlineData("Title: X\n\nINT. A - DAY\n\nB.\n\nINT. C - DAY\n\nD.", "a.fountain", "3,7")]
    public void A_story_is_cut_where_its_kind_of_text_is(string text, string file, string lines) =>
        Assert.Equal(lines, string.Join(',', Story.Read(text, file).Passages.Select(passage => passage.Line)));

    [Fact]
    public void Long_passages_are_cut_at_sentences_and_nothing_is_lost()
    {
        var text = string.Concat(Enumerable.Repeat("Ada waits by the sea. ", 300)).Trim();
        var passages = Story.Read(text, "a.txt").Passages;
        Assert.All(passages, passage => Assert.InRange(passage.Text.Length, 1, Story.MaxPassage));
        Assert.Equal(text, string.Join(' ', passages.Select(passage => passage.Text)));
        var wall = Story.Read(new string('x', 5000), "a.txt").Passages;
        Assert.Equal([1200, 1200, 1200, 1200, 200], wall.Select(passage => passage.Text.Length));
    }
}
