using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Cli.Commands;

/// <summary>`fabula models inspect PATH`: architecture, layers, types, sizes and memory, from headers and configurations alone.</summary>
static class InspectModel
{
    public static int Run(string path, bool check, bool names)
    {
        if (IsModelFolder(path)) return Folder(path, check);
        using var checkpoint = Checkpoint.Open(path);
        Describe(checkpoint);
        if (names)
            foreach (var entry in checkpoint.Entries.Values.OrderBy(entry => entry.Name, StringComparer.Ordinal))
                Console.WriteLine($"  {Outcome.Shown(entry.Name)}  {entry.DType}  [{string.Join(", ", entry.Shape)}]");
        if (check) CheckWeights(path);
        return 0;
    }

    static bool IsModelFolder(string path) => Directory.Exists(path) && (File.Exists(Path.Combine(path, "model_index.json"))
        || Directory.Exists(Path.Combine(path, "high_noise_model")) || Directory.Exists(Path.Combine(path, "low_noise_model"))
        || File.Exists(Path.Combine(path, "config.json")));

    static int Folder(string path, bool check)
    {
        if (StableDiffusionFolder.Is(path))
        {
            var pictures = StableDiffusionFolder.Open(path);
            Console.WriteLine(pictures.Describe());
            Parts(pictures.Parts, check);
            return pictures.IsUsable ? 0 : 1;
        }
        var folder = ModelFolder.Open(path);
        Console.WriteLine(folder.Describe());
        Parts(folder.Parts.Where(part => part != folder.Tokenizer), check);
        Console.WriteLine();
        Memory(folder.Config, folder.Transformers.Count);
        return folder.IsUsable ? 0 : 1;
    }

    static void Parts(IEnumerable<ModelPart> parts, bool check)
    {
        Console.WriteLine();
        foreach (var part in parts.Where(part => part is { IsUsable: true, Path: not null }))
        {
            Console.Write($"{part.Role}: ");
            using var checkpoint = Checkpoint.Open(part.Path!);
            Describe(checkpoint);
            if (check) CheckWeights(part.Path!);
        }
    }

    static void Describe(Checkpoint checkpoint)
    {
        var found = Architecture.Identify(checkpoint);
        Console.WriteLine(found?.Summary ?? "no architecture that Fabula knows");
        var types = checkpoint.Entries.Values.GroupBy(entry => entry.DType).OrderByDescending(group => group.Sum(entry => entry.Bytes))
            .Select(group => $"{group.Key} {Size(group.Sum(entry => entry.Bytes))}");
        Console.WriteLine($"  {checkpoint.Entries.Count} tensors, {Numbers(checkpoint)} numbers: {string.Join(", ", types)}");
        if (found?.Transformer is { } config) Memory(config, 1);
    }

    static void CheckWeights(string path)
    {
        LibTorch.Run(() =>
        {
            using var weights = Weights.Open(path, DType.F32, Device.Cpu);
            weights.RequireFinite();
        });
        Console.WriteLine("  every weight is finite");
    }

    /// <summary>What sampling takes at the sizes people use, for each type: weights of one expert and the peak of a step.</summary>
    static void Memory(WanConfig config, int experts)
    {
        Console.WriteLine($"  memory to sample in bf16 (fp32 in brackets): weights{(experts > 1 ? " of one expert" : "")} "
            + $"{Size(config.WeightBytes(DType.BF16))}"
            + $" ({Size(config.WeightBytes(DType.F32))}), and per step");
        var stride = config.OutDim == 48 ? 16 : 8;
        foreach (var (width, height, frames) in new[] { (832, 480, 17), (832, 480, 81), (1280, 720, 81) })
        {
            var tokens = (long)Conditioning.LatentFrames(frames) * (height / stride / config.Patch.H) * (width / stride / config.Patch.W);
            Console.WriteLine($"    {width}x{height}, {frames,2} frames: {tokens,6} tokens  {Size(config.StepBytes(tokens, DType.BF16)),8}"
                + $" ({Size(config.StepBytes(tokens, DType.F32))})");
        }
    }

    static string Numbers(Checkpoint checkpoint)
    {
        var count = checkpoint.Entries.Values.Sum(entry => entry.Shape.Aggregate(1.0, (a, b) => a * b));
        return count >= 1e9 ? $"{count / 1e9:F2} billion" : count >= 1e6 ? $"{count / 1e6:F1} million" : $"{count:F0}";
    }

    static string Size(double bytes) => bytes >= 1e9 ? $"{bytes / 1e9:F1} GB" : bytes >= 1e6 ? $"{bytes / 1e6:F0} MB"
        : $"{bytes / 1e3:F0} kB";
}
