using System.Text.Json.Nodes;
using Fabula.Narrative;

namespace Fabula.Planning.Tests;

public sealed class RecordTests : IDisposable
{
    static readonly Author Good = new();
    readonly StoryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_record_gives_the_same_plan_with_the_server_gone()
    {
        string first;
        await using (var server = await FakeModel.Start(asked => // with a round of repair, which is recorded too
            asked is { Agent: "people", Round: 1 } ? new("{}") : Good.Answer(asked)))
        {
            var made = await _folder.Plan(server);
            first = PlanJson.Write(made.Planned.Plan);
            Assert.Equal((10, 0), (made.Asked, made.Recorded));
        }
        var replayed = await _folder.Plan(null);
        Assert.Equal(first, PlanJson.Write(replayed.Planned.Plan));
        Assert.Equal((0, 10), (replayed.Asked, replayed.Recorded));
    }

    [Fact]
    public async Task Each_exchange_is_a_file_with_the_request_and_the_answer()
    {
        await using var server = await FakeModel.Start(Good.Answer);
        await _folder.Plan(server);
        Assert.Equal(["0001-chapters.json", "0002-locations.json", "0003-people.json", "0004-scenes.json", "0005-scenes.json",
            "0006-shots.json", "0007-shots.json", "0008-transitions.json", "0009-transitions.json"], _folder.Files);
        var exchange = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder.Record, "0001-chapters.json")))!;
        Assert.Equal("fake", (string)exchange["model"]!);
        Assert.Equal(server.Requests[0].Messages[0].Text, (string)exchange["messages"]![0]!["text"]!);
        Assert.Equal(server.Requests[0].Schema.ToJsonString(), exchange["schema"]!.ToJsonString());
        Assert.Equal(Good.Answer(server.Requests[0]).Text, (string)exchange["answer"]!);
    }

    [Fact]
    public async Task A_record_of_another_story_is_refused()
    {
        await using (var server = await FakeModel.Start(Good.Answer)) await _folder.Plan(server);
        _folder.Text += " And then it rains.";
        await _folder.Refused(null, words: ["The record does not fit", "0001-chapters.json", "--agents URL"]);
    }

    [Fact]
    public async Task A_record_with_a_hole_or_a_broken_file_is_refused()
    {
        await using (var server = await FakeModel.Start(Good.Answer)) await _folder.Plan(server);
        File.Delete(Path.Combine(_folder.Record, "0006-shots.json"));
        await _folder.Refused(null, words: ["The record does not fit", "no ", "0006-shots.json", "scene 1"]);
        File.WriteAllText(Path.Combine(_folder.Record, "0002-locations.json"), "{\"format\":\"fabula-exchange/1\"}");
        await _folder.Refused(null, words: ["0002-locations.json is not an exchange of the agents", "Delete it"]);
    }

    [Fact]
    public async Task An_answer_that_was_changed_in_the_record_is_checked_like_any_other()
    {
        await using (var server = await FakeModel.Start(Good.Answer)) await _folder.Plan(server);
        var path = Path.Combine(_folder.Record, "0003-people.json");
        var exchange = JsonNode.Parse(File.ReadAllText(path))!;
        exchange["answer"] = ((string)exchange["answer"]!).Replace("\"tom\"", "\"../tom\"");
        File.WriteAllText(path, exchange.ToJsonString());
        await _folder.Refused(null, new(Rounds: 0), words: ["The agent 'people'", "'../tom' cannot be an id"]);
        Assert.True(File.Exists(path));
    }

    [Fact]
    public async Task A_run_that_failed_goes_on_where_it_stopped()
    {
        await using (var broken = await FakeModel.Start(asked => asked.Agent == "shots" ? new("{}") : Good.Answer(asked)))
            await _folder.Refused(broken, new(Rounds: 1), words: "The agent 'shots'");
        Assert.Equal(["0006-shots.failed.json", "0007-shots.failed.json"], _folder.Files.TakeLast(2));
        await using var server = await FakeModel.Start(Good.Answer);
        var made = await _folder.Plan(server);
        Assert.Equal(["shots", "shots", "transitions", "transitions"], server.Requests.Select(request => request.Agent));
        Assert.Equal((4, 5), (made.Asked, made.Recorded));
        Assert.DoesNotContain(_folder.Files, file => file.Contains("failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Another_model_or_the_wish_to_plan_again_asks_anew()
    {
        await using var server = await FakeModel.Start(Good.Answer);
        await _folder.Plan(server);
        Assert.Equal((0, 9), await Counts());
        Assert.Equal((9, 0), await Counts(again: true));
        Assert.Equal((9, 0), await Counts(model: "larger"));

        async Task<(int, int)> Counts(bool again = false, string model = "fake")
        {
            var made = await _folder.Plan(server, again: again, model: model);
            return (made.Asked, made.Recorded);
        }
    }

    [Fact]
    public async Task A_shorter_film_leaves_no_exchange_of_the_longer_one_behind()
    {
        await using (var server = await FakeModel.Start(new Author(Chapters: 3).Answer)) await _folder.Plan(server);
        File.WriteAllText(Path.Combine(_folder.Record, "notes.json"), "mine");
        await using (var server = await FakeModel.Start(new Author(Chapters: 1).Answer)) await _folder.Plan(server, again: true);
        Assert.Equal(7, _folder.Files.Count());
        Assert.Contains("notes.json", _folder.Files);
    }
}
