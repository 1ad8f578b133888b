using Fabula.Narrative;

namespace Fabula.Planning.Tests;

/// <summary>A production folder of a test, and planning in it.</summary>
sealed class StoryFolder : IDisposable
{
    public const string Key = "sk-test-0123456789-secret";

    /// <summary>Long enough where an answer comes, on a busy machine too.</summary>
    public static readonly EndpointLimits Quick = new(TimeSpan.FromSeconds(60), 2, TimeSpan.FromMilliseconds(5),
        TimeSpan.FromMilliseconds(20), 20_000);

    public string Root { get; } = Directory.CreateTempSubdirectory("fabula-planning-").FullName;

    public string Text { get; set; } = "Ada makes tea.\nTom comes in from the harbour.\nThey drink it together.";

    public string File { get; set; } = "idea.txt";

    public string Record => Path.Combine(Root, "agents");

    public IEnumerable<string> Files => Directory.Exists(Record)
        ? Directory.EnumerateFiles(Record).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal) : [];

    public async Task<StoryPlan> Plan(FakeModel? server, StoryOptions? options = null, Bible? bible = null, EndpointLimits? limits = null,
        bool again = false, string model = "fake")
    {
        using var endpoint = server is null ? null : new ChatEndpoint(server.Address, model, Key, limits ?? Quick);
        return await StoryPlanner.Plan(Text, File, bible ?? new(), Root, endpoint, options, again);
    }

    /// <summary>Planning fails with one line that holds all of these words.</summary>
    public async Task<string> Refused(FakeModel? server, StoryOptions? options = null, Bible? bible = null, EndpointLimits? limits = null,
        params string[] words)
    {
        var error = await Assert.ThrowsAsync<PlanningException>(() => Plan(server, options, bible, limits));
        Assert.All(words, word => Assert.True(error.Message.Contains(word, StringComparison.Ordinal), $"no '{word}' in: {error.Message}"));
        Assert.DoesNotContain(error.Message, char.IsControl);
        Assert.DoesNotContain(Key, error.Message, StringComparison.Ordinal);
        Assert.InRange(error.Message.Length, 40, 1000);
        return error.Message;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
