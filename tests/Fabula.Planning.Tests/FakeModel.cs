// A server on this machine that speaks chat completions as a language model's does, and answers as a test tells it to.
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fabula.Planning.Tests;

/// <summary>A request as it came. Body: the whole of it.</summary>
sealed record Asked(string Body, string? Authorization)
{
    readonly JsonNode _json = JsonNode.Parse(Body)!;

    public string Agent => (string)_json["response_format"]!["json_schema"]!["name"]!;

    public JsonNode Schema => _json["response_format"]!["json_schema"]!["schema"]!;

    public IReadOnlyList<(string Role, string Text)> Messages => [.. _json["messages"]!.AsArray()
        .Select(message => ((string)message!["role"]!, Text(message["content"]!)))];

    /// <summary>How many pictures it was shown.</summary>
    public int Pictures => Body.Split("data:image/jpeg;base64,").Length - 1;

    /// <summary>What the agent was shown.</summary>
    public JsonNode Data => JsonNode.Parse(Messages[1].Text)!;

    /// <summary>1, or 2 in a round of repair.</summary>
    public int Round => Messages.Count > 2 ? 2 : 1;

    static string Text(JsonNode content) => content is JsonArray parts
        ? string.Concat(parts.Select(part => (string?)part!["text"])) : (string)content!;
}

/// <summary>How a test has the server answer: text in a stream, a status alone, or something of its own.</summary>
sealed record Reply(string? Text = null, int Status = 200, Func<HttpContext, Task>? Own = null, string Finish = "stop");

sealed class FakeModel : IAsyncDisposable
{
    readonly WebApplication _server;
    readonly Lock _lock = new();

    public List<Asked> Requests { get; } = [];

    public string Address { get; }

    FakeModel(WebApplication server) => (_server, Address) = (server, server.Urls.First() + "/v1");

    public static async Task<FakeModel> Start(Func<Asked, Reply> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        var server = builder.Build();
        FakeModel? fake = null;
        server.MapPost("/v1/chat/completions", context => fake!.Answer(context, answer));
        await server.StartAsync();
        return fake = new(server);
    }

    async Task Answer(HttpContext context, Func<Asked, Reply> answer)
    {
        using var reader = new StreamReader(context.Request.Body);
        var asked = new Asked(await reader.ReadToEndAsync(), context.Request.Headers.Authorization);
        Reply reply;
        lock (_lock)
        {
            Requests.Add(asked);
            reply = answer(asked);
        }
        context.Response.StatusCode = reply.Status;
        if (reply.Own is { } own) await own(context);
        else if (reply.Status != 200) await context.Response.WriteAsync("""{"error":{"message":"said the server"}}""");
        else
        {
            await Say(context, reply.Text!);
            await context.Response.WriteAsync(Event(new { }, reply.Finish) + "data: [DONE]\n\n");
        }
    }

    /// <summary>A piece of an answer, as one event of the stream.</summary>
    public static async Task Say(HttpContext context, string text)
    {
        if (!context.Response.HasStarted) context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync(Event(new { role = "assistant", content = text }, null));
        await context.Response.Body.FlushAsync();
    }

    static string Event(object delta, string? finish) => "data: " + JsonSerializer.Serialize(new
    {
        id = "x",
        @object = "chat.completion.chunk",
        created = 1,
        model = "fake",
        choices = new[] { new { index = 0, delta, finish_reason = finish } },
    }) + "\n\n";

    /// <summary>At once, whatever is still being said.</summary>
    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
