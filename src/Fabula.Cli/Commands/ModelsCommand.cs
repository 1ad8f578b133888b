using System.CommandLine;
using Fabula.Torch;

namespace Fabula.Cli.Commands;

/// <summary>
/// `fabula models`: what is on this machine, what a file or folder holds, and whether this machine computes as the reference did.
/// </summary>
static class ModelsCommand
{
    public static Command Create() => new("models", "Models on this machine")
    {
        ListCommand(), InspectCommand(), VerifyCommand(),
    };

    static Command ListCommand()
    {
        var folders = new Argument<string[]>("FOLDER")
        {
            Description = "Where to look; ./models and $FABULA_MODELS unless given",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var command = new Command("list", "Model folders that Fabula can open") { folders };
        command.SetAction(parsed => Outcome.Of(() => ListModels.Run(parsed.GetValue(folders) ?? [])));
        return command;
    }

    static Command InspectCommand()
    {
        var path = new Argument<string>("PATH") { Description = "A checkpoint file, a sharded folder, or a whole model folder" };
        var check = new Option<bool>("--check") { Description = "Read every weight and refuse NaN and infinity" };
        var names = new Option<bool>("--names") { Description = "List every tensor" };
        var command = new Command("inspect", "What a file or folder holds, and the memory it needs, before anything is loaded")
        {
            path, check, names,
        };
        command.SetAction(parsed => Outcome.Of(() =>
            InspectModel.Run(parsed.GetValue(path)!, parsed.GetValue(check), parsed.GetValue(names))));
        return command;
    }

    static Command VerifyCommand()
    {
        var folders = new Argument<string[]>("DIR")
        {
            Description = "A recorded reference: config.json, weights, inputs, outputs",
            Arity = ArgumentArity.OneOrMore,
        };
        var dtype = new Option<string>("--dtype")
        {
            Description = "fp32, or bf16 for the looser comparison",
            DefaultValueFactory = _ => "fp32",
        };
        dtype.AcceptOnlyFromAmong("fp32", "bf16");
        var device = new Option<string>("--device") { Description = "cpu, cuda or cuda:N", DefaultValueFactory = _ => "cpu" };
        var threads = new Option<int?>("--threads") { Description = "CPU threads; all cores unless given" };
        var command = new Command("verify", "Runs Fabula on recorded inputs and compares every output with the reference's")
        {
            folders, dtype, device, threads,
        };
        command.SetAction(parsed => Outcome.Of(() =>
        {
            if (parsed.GetValue(threads) is { } n)
                LibTorch.Threads = n is >= 1 and <= 1024 ? n
                    : throw new FormatException($"--threads {n} is not a number of threads from 1 to 1024.");
            return VerifyModels.Run(parsed.GetValue(folders)!, parsed.GetValue(dtype) == "bf16" ? DType.BF16 : DType.F32,
                Device.Parse(parsed.GetValue(device)!));
        }));
        return command;
    }
}
