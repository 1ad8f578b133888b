// Every exchange with a model, one JSON file each: agents/0007-shots.json. The record spares asking again what was answered before
// (a run that was cut off goes on), and from it a plan can be made again without any model. It holds no key and no address.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Fabula.Planning;

sealed record Exchange
{
    public const string CurrentFormat = "fabula-exchange/1";

    public required string Format { get; init; }
    public required string Agent { get; init; }
    public required string Subject { get; init; }
    public required string Model { get; init; }
    /// <summary>Of the request: schema and messages.</summary>
    public required string Digest { get; init; }
    public required JsonNode Schema { get; init; }
    public required IReadOnlyList<ChatTurn> Messages { get; init; }
    /// <summary>SHA-256 of the pictures that were shown; null where there were none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Pictures { get; init; }
    public required string Answer { get; init; }
    public string? Cut { get; init; }
}

/// <param name="endpoint">Null: replay, where every answer must be in the record.</param>
/// <param name="fix">What to do when the record has another request, as a sentence.</param>
sealed class ExchangeRecord(string folder, ChatEndpoint? endpoint,
    string fix = "Take the change of story, bible, options or Fabula back, or plan with --agents URL --agent-model NAME.")
{
    public const string Folder = "agents";
    const long LongestExchange = 16 << 20;
    static readonly JsonSerializerOptions Reading = new(DataJson.Options)
    {
        RespectNullableAnnotations = true,
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };
    int _number;

    public int Asked { get; private set; }

    public int Recorded => _number - Asked;

    /// <exception cref="PlanningException">No answer came, or the record has another request at this place.</exception>
    public async Task<ChatAnswer> Ask(ChatRequest request, CancellationToken cancel)
    {
        var path = PathOf(++_number, request.Agent);
        var known = Load(path);
        var digest = request.Digest();
        if (known is not null && known.Digest == digest && (endpoint is null || known.Model == endpoint.Model))
            return new(known.Answer, known.Cut);
        if (endpoint is null) throw Unknown(request, path, known);
        var answer = await endpoint.Ask(request, cancel).ConfigureAwait(false);
        Asked++;
        Write(path, new()
        {
            Format = Exchange.CurrentFormat,
            Agent = request.Agent,
            Subject = request.Subject,
            Model = endpoint.Model,
            Digest = digest,
            Schema = request.Schema,
            Messages = request.Messages,
            Pictures = request.PictureDigests,
            Answer = answer.Text,
            Cut = answer.Cut,
        });
        return answer;
    }

    /// <summary>The last exchanges ended without a valid answer: they are kept to be read, and the next run asks again.</summary>
    public void Fail(int rounds, string agent)
    {
        if (endpoint is null) return;
        for (var n = _number - rounds + 1; n <= _number; n++)
            File.Move(PathOf(n, agent), Path.ChangeExtension(PathOf(n, agent), ".failed.json"), overwrite: true);
    }

    /// <summary>The plan is made: exchanges that it does not rest on, of earlier runs, go.</summary>
    public void Complete()
    {
        if (endpoint is null) return;
        foreach (var file in Files(folder))
            if (Number(file) > _number || file.EndsWith(".failed.json", StringComparison.Ordinal)) File.Delete(file);
    }

    /// <summary>Forgets all answers.</summary>
    public static void Clear(string folder)
    {
        foreach (var file in Files(folder)) File.Delete(file);
    }

    PlanningException Unknown(ChatRequest request, string path, Exchange? known) => new(known is not null
        ? $"The record does not fit: {path} answers another request than the agent '{request.Agent}' has for {request.Subject}. {fix}"
        : $"The record does not fit: it has no {path}, which the agent '{request.Agent}' needs for {request.Subject}. {fix}");

    static Exchange? Load(string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            if (new FileInfo(path).Length > LongestExchange) throw new JsonException("it is too large");
            var exchange = JsonSerializer.Deserialize<Exchange>(File.ReadAllText(path), Reading);
            return exchange?.Format == Exchange.CurrentFormat ? exchange : throw new JsonException("it has another format");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new PlanningException($"{path} is not an exchange of the agents ({Brief.Of(e.Message, 120)}). "
                + "Delete it, and plan again.", e);
        }
    }

    void Write(string path, Exchange exchange)
    {
        Directory.CreateDirectory(folder);
        foreach (var stale in Files(folder)) // another agent stood at this place in an earlier run
            if (Number(stale) == _number) File.Delete(stale);
        // Under a temporary name first: whoever looks sees a whole file or none.
        var temporary = $"{path}.{Environment.ProcessId}.new";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            file.Write(JsonSerializer.SerializeToUtf8Bytes(exchange, DataJson.Indented));
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }

    string PathOf(int number, string agent) => Path.Combine(folder, $"{number:0000}-{agent}.json");

    static IEnumerable<string> Files(string folder) =>
        Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*.json").Where(file => Number(file) > 0)] : [];

    /// <summary>0 for files of others.</summary>
    static int Number(string file) => Path.GetFileName(file) is var name && name.IndexOf('-') is >= 4 and var dash
        && int.TryParse(name.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
