using System.Net;
using System.Net.Sockets;

namespace Fabula.Planning.Tests;

public sealed class EndpointTests : IDisposable
{
    static readonly Author Good = new(Chapters: 1);
    readonly StoryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task A_busy_or_broken_endpoint_is_asked_again(int status)
    {
        var refused = 0;
        await using var server = await FakeModel.Start(asked => refused++ < 2 ? new(Status: status) : Good.Answer(asked));
        var made = await _folder.Plan(server);
        Assert.Equal(4, made.Planned.Plan.Shots.Count);
        Assert.Equal(3, server.Requests.Count(request => request.Agent == "chapters"));
    }

    [Fact]
    public async Task It_is_not_asked_for_ever_and_no_wait_is_longer_than_the_limit()
    {
        await using var server = await FakeModel.Start(_ => new(Status: 429, Own: context =>
        {
            context.Response.Headers.RetryAfter = "86400";
            return Task.CompletedTask;
        }));
        await _folder.Refused(server, words: ["The agent 'chapters'", "failed 3 times", "429"]);
        Assert.Equal(3, server.Requests.Count);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(302)]
    public async Task What_another_attempt_cannot_mend_is_asked_once(int status)
    {
        await using var server = await FakeModel.Start(_ => new(Status: status, Own: context =>
        {
            context.Response.Headers.Location = "/v1/chat/completions";
            return Task.CompletedTask;
        }));
        await _folder.Refused(server, words: ["The agent 'chapters'", "did not answer as a chat endpoint does", "'fake'"]);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task An_answer_that_never_ends_runs_into_the_time_limit()
    {
        await using var server = await FakeModel.Start(_ => new(Own: async context =>
        {
            await FakeModel.Say(context, "{");
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        }));
        var limits = StoryFolder.Quick with { Timeout = TimeSpan.FromMilliseconds(300) };
        await _folder.Refused(server, limits: limits, words: ["The agent 'chapters'", "no whole answer within 0.3 seconds"]);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData("data: {\n\n")]
    [InlineData("data: []\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":7}}]}\n\n")]
    [InlineData("<html>It works!</html>")]
    public async Task What_is_no_chat_completion_is_refused_or_is_no_answer(string body)
    {
        await using var server = await FakeModel.Start(_ => new(Own: async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes(body));
        }));
        await _folder.Refused(server, new(Rounds: 0), words: "The agent 'chapters'");
    }

    [Theory]
    [InlineData("length")]
    [InlineData("content_filter")]
    public async Task An_answer_that_was_cut_off_goes_back(string finish)
    {
        await using var server = await FakeModel.Start(asked =>
            asked is { Agent: "people", Round: 1 } ? Good.Answer(asked) with { Finish = finish } : Good.Answer(asked));
        await _folder.Plan(server);
        Assert.Equal(2, server.Requests.Count(request => request.Agent == "people"));
    }

    [Fact]
    public async Task An_endpoint_that_is_not_there_is_named()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        using var endpoint = new ChatEndpoint($"http://127.0.0.1:{port}/v1", "fake", null, StoryFolder.Quick);
        var error = await Assert.ThrowsAsync<PlanningException>(() =>
            StoryPlanner.Plan(_folder.Text, "idea.txt", new(), _folder.Root, endpoint));
        Assert.Contains($"127.0.0.1:{port} failed 3 times", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_key_goes_to_the_endpoint_and_nowhere_else()
    {
        await using var server = await FakeModel.Start(asked => asked.Agent == "people"
            ? new("{\"people\":[{\"id\":\"ada\",\"name\":\"Ada\",\"appearance\":\"" + asked.Authorization + "\"},"
                + "{\"id\":\"tom\",\"name\":\"Tom\",\"appearance\":\"a man\"}]}")
            : Good.Answer(asked));
        var made = await _folder.Plan(server);
        Assert.All(server.Requests, request => Assert.Equal($"Bearer {StoryFolder.Key}", request.Authorization));
        Assert.All(server.Requests, request => Assert.DoesNotContain(StoryFolder.Key, request.Body, StringComparison.Ordinal));
        Assert.Equal("Bearer [key]", made.Planned.Plan.Characters[0].Appearance);
        Assert.NotEmpty(_folder.Files);
        Assert.All(_folder.Files, file =>
            Assert.DoesNotContain(StoryFolder.Key, File.ReadAllText(Path.Combine(_folder.Record, file)), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("localhost:11434")]
    [InlineData("file:///etc/passwd")]
    [InlineData("http://user:password@localhost/v1")]
    [InlineData("http://localhost/v1?api-key=sesame")]
    public void An_address_that_is_none_or_carries_a_secret_is_refused(string address)
    {
        var error = Assert.Throws<PlanningException>(() => new ChatEndpoint(address, "fake"));
        Assert.DoesNotContain("sesame", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("password@", error.Message, StringComparison.Ordinal);
    }
}
