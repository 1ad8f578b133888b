using System.CommandLine;
using Fabula.Narrative;
using Fabula.Planning;
using Fabula.Production;

namespace Fabula.Cli.Commands;

/// <summary>Planning with a language model: which one, or its record.</summary>
sealed record AgentArguments(Option<string?> Address, Option<string?> Model, Option<string?> KeyVariable, Option<bool> Replay,
    Option<string> Bridges, Option<int?> Shots)
{
    const string WhereNeeded = "where-needed", EveryPair = "every-pair";

    public static AgentArguments Create() => new(
        new("--agents") { Description = "Let a language model plan: its address, as http://localhost:11434/v1 (docs/agents.md)" },
        new("--agent-model") { Description = "With --agents: the model's name there" },
        new("--agent-key-env") { Description = "With --agents: the environment variable that holds the key" },
        new("--replay") { Description = "Plan from the record of the agents in FOLDER/agents, without a model" },
        new("--bridges")
        {
            Description = $"By agents: clips between shots {WhereNeeded} or between {EveryPair} of a scene",
            DefaultValueFactory = _ => WhereNeeded,
        },
        new("--shots") { Description = "By agents: about how many shots the film should have" });

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[Address, Model, KeyVariable, Replay, Bridges, Shots]) command.Options.Add(option);
    }

    /// <summary>Writes plan.json if agents are asked for; false if not.</summary>
    public bool Plan(ParseResult parsed, string folder, string? output, bool again)
    {
        using var model = Endpoint(parsed);
        if (model is null && !parsed.GetValue(Replay)) return false;
        if (parsed.GetValue(Shots) is < 1 or > 2000) throw new FormatException("--shots is a number from 1 to 2000.");
        var joins = parsed.GetValue(Bridges) switch
        {
            WhereNeeded => JoinRule.SetAware,
            EveryPair => JoinRule.EveryPair,
            _ => throw new FormatException($"--bridges is {WhereNeeded} or {EveryPair}."),
        };
        var root = Path.GetFullPath(folder);
        var build = Path.Combine(Path.GetFullPath(output ?? Path.Combine(root, "out")), ".build");
        var story = ProductionFolder.Story(root, build, again);
        var made = StoryPlanner.Plan(story.Text, story.File, story.Bible, root, model, new(joins, parsed.GetValue(Shots)), again,
            news => Console.Error.WriteLine(Outcome.Shown(news))).GetAwaiter().GetResult();
        ProductionFolder.Adopt(story, made.Planned.Plan, build);
        Console.Error.WriteLine($"{made.Asked} answers from the model, {made.Recorded} from the record.");
        return true;
    }

    /// <summary>The language model, or null where none is asked for.</summary>
    public ChatEndpoint? Endpoint(ParseResult parsed)
    {
        if (parsed.GetValue(Address) is not { } address) return null;
        if (parsed.GetValue(Replay)) throw new FormatException("--replay asks no model. Leave --agents out, or --replay.");
        return new(address, parsed.GetValue(Model) ?? throw new FormatException(
            "--agents needs the model's name. Add --agent-model NAME."), Key(parsed.GetValue(KeyVariable)));
    }

    static string? Key(string? variable) => variable is null ? null : Environment.GetEnvironmentVariable(variable) is { Length: > 0 } key
        ? key : throw new FormatException($"The environment variable '{variable}' holds no key. Set it, or leave --agent-key-env out.");
}
