using System.CommandLine;
using Fabula.Training;

namespace Fabula.Cli.Commands;

/// <summary>`fabula train`: one recipe for each model. A run that was stopped goes on when it is started again.</summary>
static class TrainCommand
{
    public static Command Create() => new("train", "Teach a model on the paper theatre")
    {
        Recipe("judge", "The judge, who reads who and what is in a frame", new JudgeRecipe().Steps, (run, output) =>
            new JudgeRecipe(run.Steps, run.Seed).Run(run.Folder, run.Threads, output, run.Cancel)),
    };

    sealed record Asked(string Folder, int Steps, ulong Seed, int Threads, CancellationToken Cancel);

    static Command Recipe(string name, string description, int usual, Action<Asked, TextWriter> train)
    {
        var folder = new Option<string>("--out") { Description = "Folder of the run; an unfinished run in it goes on", Required = true };
        var steps = new Option<int>("--steps") { Description = "Updates of the weights", DefaultValueFactory = _ => usual };
        var seed = new Option<ulong>("--seed") { Description = "Where all draws of chance come from", DefaultValueFactory = _ => 1 };
        var threads = new Option<int>("--threads")
        {
            Description = "CPU threads; from 2 on one draws while the others learn",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        var command = new Command(name, description) { folder, steps, seed, threads };
        command.SetAction((parsed, cancel) => Task.FromResult(Outcome.Of(() =>
        {
            var asked = new Asked(parsed.GetValue(folder)!, Within(parsed.GetValue(steps), 100_000_000, "--steps"), parsed.GetValue(seed),
                Within(parsed.GetValue(threads), 1024, "--threads"), cancel);
            train(asked, Console.Out);
            return 0;
        })));
        return command;
    }

    static int Within(int value, int most, string option) => value >= 1 && value <= most ? value
        : throw new FormatException($"{option} {value} is not a number from 1 to {most}.");
}
