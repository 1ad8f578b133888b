// `fabula models verify DIR`: runs our implementation on a recorded reference and compares every output.
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>One output's comparison. Passed when |ours - recorded| stays within absolute + relative * |recorded| everywhere.</summary>
/// <param name="MaxError">Largest absolute difference; NaN when there is nothing to compare.</param>
public sealed record Check(string Output, long[] Shape, double MaxError, double Absolute, double Relative, bool Passed,
    string? Note = null);

public static class Verification
{
    /// <summary>What can be verified: how config.json tells the kind, what runs it, and the tolerances of an output in fp32.</summary>
    sealed record Kind(string Name, Func<Fixture, bool> Is, Action<Fixture> Run,
        Func<string, (double Absolute, double Relative)> Tolerance);

    static readonly Kind[] Kinds =
    [
        new("Wan video transformer", WanTransformerGolden.Is, WanTransformerGolden.Run, _ => (2e-5, 1e-4)),
        new("Wan video VAE", WanVaeGolden.Is, WanVaeGolden.Run, WanVaeGolden.Tolerance),
        new("UMT5 text encoder", Umt5Golden.Is, Umt5Golden.Run, Umt5Golden.Tolerance),
        new("Wan CLIP image tower", WanClipGolden.Is, WanClipGolden.Run, _ => (1e-5, 1e-4)),
        new("Wan and StoryMem generation", GenerationGolden.Is, GenerationGolden.Run, GenerationGolden.Tolerance),
        new("StoryMem keyframe selection", KeyframeGolden.Is, KeyframeGolden.Run, KeyframeGolden.Tolerance),
        new("Flow matching solvers", SchedulerGolden.Is, SchedulerGolden.Run, SchedulerGolden.Tolerance),
        new("LoRA", LoraGolden.Is, LoraGolden.Run, LoraGolden.Tolerance),
        new("LLaMA", LlamaGolden.Is, LlamaGolden.Run, LlamaGolden.Tolerance),
        new("SDXL and SVD schedules", NoiseScheduleGolden.Is, NoiseScheduleGolden.Run, NoiseScheduleGolden.Tolerance),
        new("Stable Diffusion VAE", SdGolden.IsVae, SdGolden.RunVae, _ => (3e-5, 0)),
        new("Stable Diffusion U-Net", SdGolden.IsUnet, SdGolden.RunUnet, _ => (3e-5, 0)),
        new("DINO vision transformer", DinoGolden.Is, DinoGolden.Run, _ => (1e-5, 0)),
        new("TransNet V2", TransNetGolden.Is, TransNetGolden.Run, _ => (2e-5, 1e-5)),
        new("VBench measures", VBenchGolden.Is, VBenchGolden.Run, _ => (1e-6, 0)),
        new("Wan rotary positions", WanRotationGolden.Is, WanRotationGolden.Run, _ => (1e-6, 0)),
    ];

    /// <summary>The kind of network that a folder records, or null.</summary>
    public static string? KindOf(Fixture fixture) => Kinds.FirstOrDefault(kind => kind.Is(fixture))?.Name;

    /// <summary>Runs and compares. On the tensor thread.</summary>
    /// <exception cref="FormatException">config.json describes nothing that Fabula has.</exception>
    /// <exception cref="CheckpointException">A file is missing or broken, or weights do not fit the configuration.</exception>
    public static IReadOnlyList<Check> Run(Fixture fixture)
    {
        using var scope = TensorScope.Open();
        var kind = Kinds.FirstOrDefault(kind => kind.Is(fixture)) ?? throw new FormatException(
            $"{fixture.Folder}/config.json describes nothing that Fabula can verify. "
            + $"Known: {string.Join(", ", Kinds.Select(k => k.Name))}.");
        if (!fixture.Outputs().Any())
            throw new CheckpointException(Path.Combine(fixture.Folder, "outputs.safetensors"), null,
                "holds no outputs: there is nothing to compare");
        RunGuarded(kind, fixture);
        var checks = new List<Check>();
        foreach (var (name, expected) in fixture.Outputs())
        {
            var (absolute, relative) = kind.Tolerance(name);
            checks.Add(!fixture.Results.TryGetValue(name, out var made)
                ? new Check(name, expected.Shape, double.NaN, absolute, relative, false, "not computed")
                : fixture.Type == DType.F32 ? Compare(name, made, expected, absolute, relative) : CompareLoosely(name, made, expected));
        }
        return checks;
    }

    /// <summary>
    /// Recordings are strangers' files: whatever does not fit together in them, foreseen or not, is said as theirs in one sentence.
    /// </summary>
    static void RunGuarded(Kind kind, Fixture fixture)
    {
        try
        {
            kind.Run(fixture);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException or TorchException
            or ArithmeticException or IndexOutOfRangeException or KeyNotFoundException or OutOfMemoryException)
        {
            var reason = e.Message.ReplaceLineEndings(" ").TrimEnd('.');
            throw new CheckpointException(fixture.Folder, null, e is FormatException
                ? $"cannot be run ({reason})" : $"cannot be run: config.json and inputs do not fit together ({reason})", e);
        }
    }

    static Check Compare(string name, Tensor made, Tensor expected, double absolute, double relative)
    {
        using var scope = TensorScope.Open();
        if (!made.Shape.AsSpan().SequenceEqual(expected.Shape))
            return new Check(name, expected.Shape, double.NaN, absolute, relative, false,
                $"ours has shape [{string.Join(", ", made.Shape)}]");
        if (expected.Count == 0) return new Check(name, expected.Shape, 0, absolute, relative, true);
        var (a, b) = (made.To(DType.F64, Device.Cpu), expected.To(DType.F64));
        var error = (a - b).Abs();
        // A NaN compares false with everything, so the test is that no element is known to be outside and all are finite.
        var excess = (error - b.Abs() * relative).Max().Item();
        return new Check(name, expected.Shape, error.Max().Item(), absolute, relative, a.AllFinite() && excess <= absolute);
    }

    /// <summary>For bf16: the error's root mean square within 5 % of the recorded values' own.</summary>
    static Check CompareLoosely(string name, Tensor made, Tensor expected)
    {
        const double Share = 0.05;
        using var scope = TensorScope.Open();
        if (!made.Shape.AsSpan().SequenceEqual(expected.Shape) || expected.Count == 0) return Compare(name, made, expected, 0, 0);
        var (a, b) = (made.To(DType.F64, Device.Cpu), expected.To(DType.F64));
        var (error, size) = ((a - b).Square().Mean().Item(), b.Square().Mean().Item());
        var share = error == 0 ? 0 : Math.Sqrt(error / size);
        return new Check(name, expected.Shape, (a - b).Abs().Max().Item(), 0, Share, share <= Share,
            $"rms error {share:P2} of the values'");
    }
}
