// A language model behind an address that speaks OpenAI's chat completions: OpenAI itself, Ollama, llama.cpp's server, vLLM.
// Nothing that comes from there is trusted: its length, its time and the number of attempts are bounded here, its content by the critic.
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using OpenAI;
using OpenAI.Chat;

namespace Fabula.Planning;

/// <param name="Timeout">For one attempt, from the request to the answer's last word.</param>
/// <param name="Retries">Further attempts when the endpoint is busy (429), broken (5xx) or cannot be reached.</param>
/// <param name="FirstWait">Before the first of them; each further one waits twice as long.</param>
/// <param name="LongestWait">No wait is longer, whatever the endpoint asks for.</param>
/// <param name="MaxLetters">A longer answer is cut off there.</param>
public sealed record EndpointLimits(TimeSpan Timeout, int Retries, TimeSpan FirstWait, TimeSpan LongestWait, int MaxLetters)
{
    public static readonly EndpointLimits Usual =
        new(TimeSpan.FromMinutes(10), 4, TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(1), 40_000);
}

/// <summary>What a model said. Cut: why it is not whole, as a finding for the model; null if it is.</summary>
sealed record ChatAnswer(string Text, string? Cut);

public sealed class ChatEndpoint : IDisposable
{
    const int BytesPerLetter = 2_000; // each few letters of a stream come in a JSON object of their own
    const int ShortestSecret = 8;

    readonly EndpointLimits _limits;
    readonly string _where;
    readonly string? _key;
    readonly HttpClient _http;
    readonly ChatClient _client;

    public string Model { get; }

    /// <param name="address">Where chat/completions lies below: http://localhost:11434/v1.</param>
    /// <param name="key">Sent to the endpoint and nowhere else; null where it wants none.</param>
    /// <exception cref="PlanningException">The address cannot be used.</exception>
    public ChatEndpoint(string address, string model, string? key = null, EndpointLimits? limits = null)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new PlanningException($"'{address}' is not the address of a language model. Write one like http://localhost:11434/v1.");
        if (uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
            throw new PlanningException($"The address of '{uri.Host}' carries a name, a password or a query. Leave them out, put the key "
                + "into an environment variable, and name that with --agent-key-env.");
        (_limits, _where, _key, Model) = (limits ?? EndpointLimits.Usual, uri.Authority, string.IsNullOrEmpty(key) ? null : key, model);
        if (_key?.Any(letter => letter is <= ' ' or > '~') == true)
            throw new PlanningException("The key in the environment variable has blanks or letters that no key has. Set it anew.");
        // A redirection could carry the key elsewhere; a proxy has no business with this machine's own servers.
        var sockets = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = !uri.IsLoopback, UseCookies = false };
        _http = new(new LimitedAnswers((long)_limits.MaxLetters * BytesPerLetter, sockets)) { Timeout = Timeout.InfiniteTimeSpan };
        _client = new(model, new ApiKeyCredential(_key ?? "none"), new OpenAIClientOptions
        {
            Endpoint = uri,
            Transport = new HttpClientPipelineTransport(_http),
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            NetworkTimeout = _limits.Timeout,
        });
    }

    /// <summary>Asks once, and again where that may help.</summary>
    /// <exception cref="PlanningException">No answer came.</exception>
    internal async Task<ChatAnswer> Ask(ChatRequest request, CancellationToken cancel)
    {
        for (var attempt = 0; ; attempt++)
        {
            TimeSpan wait;
            using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            timer.CancelAfter(_limits.Timeout);
            try { return await Once(request, timer.Token).ConfigureAwait(false); }
            catch (Exception e) when (e is not PlanningException && !cancel.IsCancellationRequested)
            {
                if (timer.IsCancellationRequested || e is OperationCanceledException)
                    throw Failed(request, $"gave no whole answer within {_limits.Timeout.TotalSeconds:0.#} seconds. "
                        + "Take a smaller or faster model, or see whether the server is at work.");
                // Whatever else the client throws on a hostile answer (it promises no set of types) ends this agent, and nothing more.
                if (!MayPass(e)) throw Failed(request, $"did not answer as a chat endpoint does ({Told(e)}). See whether the address "
                    + $"ends where chat/completions begins, as in http://localhost:11434/v1, and whether it has the model '{Model}'.");
                if (attempt == _limits.Retries)
                    throw Failed(request, $"failed {attempt + 1} times, last with: {Told(e)}. Try again later: what was answered is kept.");
                wait = Wait(attempt, e as ClientResultException);
            }
            await Task.Delay(wait, cancel).ConfigureAwait(false);
        }
    }

    async Task<ChatAnswer> Once(ChatRequest request, CancellationToken cancel)
    {
        var options = new ChatCompletionOptions
        {
            ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat(request.Agent,
                BinaryData.FromString(request.Schema.ToJsonString()), jsonSchemaIsStrict: true),
        };
        var shown = request.Pictures.Select(picture =>
            ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(picture), "image/jpeg")).ToList();
        var first = request.Messages.FirstOrDefault(message => message.Role == ChatRole.User);
        IEnumerable<ChatMessage> messages = request.Messages.Select(message => (ChatMessage)(message.Role switch
        {
            ChatRole.System => new SystemChatMessage(message.Text),
            ChatRole.Assistant => new AssistantChatMessage(message.Text),
            _ when shown.Count > 0 && message == first =>
                new UserChatMessage([.. shown, ChatMessageContentPart.CreateTextPart(message.Text)]),
            _ => new UserChatMessage(message.Text),
        }));
        var text = new StringBuilder();
        string? cut = null;
        await foreach (var update in _client.CompleteChatStreamingAsync(messages, options, cancel).ConfigureAwait(false))
        {
            foreach (var part in update.ContentUpdate) text.Append(part.Text);
            if (update.RefusalUpdate is { Length: > 0 }) cut = "It was refused, not answered.";
            if (update.FinishReason is ChatFinishReason.Length) cut = "It ended before it was whole. Write less.";
            if (update.FinishReason is ChatFinishReason.ContentFilter) cut = "It was held back by the endpoint's filter.";
            if (text.Length <= _limits.MaxLetters) continue;
            text.Length = _limits.MaxLetters;
            cut = $"It was longer than {_limits.MaxLetters} letters. Write less.";
            break;
        }
        // Half a letter of two halves becomes a replacement sign here, as it would in the record.
        return new(Hidden(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.ToString()))), cut);
    }

    static bool MayPass(Exception e) => e switch
    {
        ClientResultException { Status: 408 or 429 or (>= 500 and <= 599) } => true,
        ClientResultException { Status: 0 } or HttpRequestException => true,
        IOException and not AnswerTooLongException => true,
        AggregateException all => all.InnerExceptions.All(MayPass),
        _ => false,
    };

    TimeSpan Wait(int attempt, ClientResultException? error)
    {
        var wait = _limits.FirstWait * Math.Pow(2, attempt);
        if (error?.GetRawResponse()?.Headers.TryGetValue("Retry-After", out var asked) == true && int.TryParse(asked, out var seconds)
            && seconds > wait.TotalSeconds) wait = TimeSpan.FromSeconds(seconds);
        return wait < _limits.LongestWait ? wait : _limits.LongestWait;
    }

    PlanningException Failed(ChatRequest request, string how) => new($"The agent '{request.Agent}' stopped: the model at {_where} {how}");

    string Told(Exception e) => Brief.Of(Hidden(e.Message.ReplaceLineEndings(" ").Trim().TrimEnd('.')), 200);

    /// <summary>An endpoint that says the key back must not put it into a file or onto the screen.</summary>
    string Hidden(string text) => _key is { Length: >= ShortestSecret } ? text.Replace(_key, "[key]", StringComparison.Ordinal) : text;

    public void Dispose() => _http.Dispose();
}
