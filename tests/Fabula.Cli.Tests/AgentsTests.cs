using Fabula.Planning.Tests;

namespace Fabula.Cli.Tests;

/// <summary>`fabula plan --agents`, against a server on this machine.</summary>
public sealed class AgentsTests : IDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("fabula-agents-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    string Plan => Path.Combine(_root, "plan.json");

    [Fact]
    public async Task An_outline_becomes_a_plan_that_replay_writes_again()
    {
        File.WriteAllText(Path.Combine(_root, "outline.txt"), "Ada makes tea.\n\nTom comes in.\n\nThey drink it.\n\nIt rains.");
        Command.Run("plan", _root).IsRefused("outline.txt is planned by language models", "--agents");
        string first;
        await using (var server = await FakeModel.Start(new Author().Answer))
        {
            var made = Command.Run("plan", _root, "--model", "stand-in", "--agents", server.Address, "--agent-model", "fake");
            Assert.True(made.Code == 0, made.Errors + made.Output);
            Assert.Contains("8 shots in 2 scenes", made.Output, StringComparison.Ordinal);
            first = File.ReadAllText(Plan);
        }
        Assert.Equal(0, Command.Run("plan", _root, "--model", "stand-in").Code);
        Assert.Equal(first, File.ReadAllText(Plan));
        File.Delete(Plan);
        Directory.Delete(Path.Combine(_root, "out"), recursive: true);
        var replayed = Command.Run("plan", _root, "--model", "stand-in", "--replay");
        Assert.True(replayed.Code == 0, replayed.Errors);
        Assert.Equal(first, File.ReadAllText(Plan));
    }

    [Fact]
    public async Task Neither_a_changed_story_nor_an_edited_plan_is_planned_over_unasked()
    {
        File.WriteAllText(Path.Combine(_root, "idea.txt"), "Ada makes tea.\nTom comes in.");
        await using var server = await FakeModel.Start(new Author().Answer);
        string[] byAgents = ["plan", _root, "--model", "stand-in", "--agents", server.Address, "--agent-model", "fake"];
        Assert.Equal(0, Command.Run(byAgents).Code);
        File.WriteAllText(Path.Combine(_root, "idea.txt"), "Ada makes coffee.\nTom comes in.");
        Command.Run("make", _root, "--model", "stand-in").IsRefused("idea.txt", "has changed since language models planned the film");
        Assert.Equal(0, Command.Run(byAgents).Code);
        File.WriteAllText(Plan, File.ReadAllText(Plan).Replace("Ada laughs with Tom.", "Ada cries.", StringComparison.Ordinal));
        Command.Run(byAgents).IsRefused("plan.json was edited", "--again");
        Assert.Contains("Ada cries.", File.ReadAllText(Plan), StringComparison.Ordinal);
        Assert.Equal(0, Command.Run([.. byAgents, "--again"]).Code);
        Assert.DoesNotContain("Ada cries.", File.ReadAllText(Plan), StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_go_together_is_refused()
    {
        File.WriteAllText(Path.Combine(_root, "idea.txt"), "Ada makes tea.");
        Command.Run("plan", _root, "--agents", "http://127.0.0.1:1/v1").IsRefused("--agent-model NAME");
        Command.Run("plan", _root, "--agents", "http://127.0.0.1:1/v1", "--agent-model", "x", "--agent-key-env", "FABULA_NO_SUCH_KEY")
            .IsRefused("FABULA_NO_SUCH_KEY", "holds no key");
        Command.Run("plan", _root, "--agents", "http://127.0.0.1:1/v1", "--replay").IsRefused("--replay asks no model");
        Command.Run("plan", _root, "--replay", "--bridges", "some").IsRefused("--bridges is where-needed or every-pair");
        var replayed = Command.Run("plan", _root, "--replay");
        Assert.Equal(2, replayed.Code);
        Assert.Contains("fabula: The record does not fit: it has no ", replayed.Errors, StringComparison.Ordinal);
    }
}
