// What lies in a folder of downloaded or trained weights: which Wan it is, where its parts are, what is missing. Reads configurations
// and names, opens no weights. Two layouts: the original repositories' (Wan-AI/Wan2.1-*, Wan2.2-*) and diffusers' (*-Diffusers).
//
// Facts: Wan-Video/Wan2.1 @ 9737cba and Wan2.2 @ 42bf4cf, generate.py and wan/configs; huggingface/diffusers @ 58eb52c,
// scripts/convert_wan_to_diffusers.py and pipelines/wan/pipeline_wan.py (transformer is the high-noise expert, transformer_2 the low-noise
// one).
// Our own small models use the original layout with small numbers in config.json, and say the sizes of their other networks in
// vae_config.json, t5_config.json and clip_config.json beside it, under the reference constructors' argument names.
using System.Text;
using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models;

public enum ModelLayout { Original, Diffusers }

/// <summary>2.1: 8x8 pixels and 16 channels; 2.2 (TI2V only): 16x16 pixels and 48 channels. Both take 4 frames to one.</summary>
public enum VaeKind { Wan21, Wan22, Pocket }

/// <summary>One part of a model on disk.</summary>
/// <param name="Role">What it is, in words.</param>
/// <param name="Path">A file that <see cref="Checkpoint.Open"/> opens, or the tokenizer's folder; null if there is none.</param>
/// <param name="Config">The reference constructor's arguments; null where there are none.</param>
/// <param name="Problem">Why it cannot be used, as the rest of a sentence that begins with the role; null if it can.</param>
public sealed record ModelPart(string Role, string? Path, JsonElement? Config, string? Problem)
{
    public bool IsUsable => Problem is null;
}

/// <summary>How the model is meant to be sampled [generate.py and wan/configs].</summary>
/// <param name="SmallShift">The shift for 480p, where it is another one (2.1 image to video).</param>
/// <param name="HighGuidance">
/// Guidance of the high-noise expert; <paramref name="Guidance"/> is the low-noise expert's, or the only one.
/// </param>
public sealed record SamplingDefaults(int Steps, double Shift, double Guidance, double HighGuidance, int Frames, int FramesPerSecond,
    double? SmallShift = null)
{
    public double ShiftFor(int width, int height) => SmallShift is { } small && (long)width * height <= 480 * 832 ? small : Shift;
}

public sealed record ModelFolder
{
    public required string Root { get; init; }
    public required ModelLayout Layout { get; init; }
    /// <summary>"Wan 2.2 I2V A14B", or for sizes of one's own "Wan 2.1 T2V, 96 wide, 4 layers".</summary>
    public required string Name { get; init; }
    /// <summary>"2.1" or "2.2".</summary>
    public required string Generation { get; init; }
    /// <summary>The transformer, of which two experts share one configuration.</summary>
    public required WanConfig Config { get; init; }
    /// <summary>One, or the high-noise expert and then the low-noise one.</summary>
    public required IReadOnlyList<ModelPart> Transformers { get; init; }
    public required VaeKind VaeKind { get; init; }
    public required ModelPart Vae { get; init; }
    public required ModelPart TextEncoder { get; init; }
    public required ModelPart Tokenizer { get; init; }
    /// <summary>CLIP, which 2.1 image models have.</summary>
    public ModelPart? ImageEncoder { get; init; }
    /// <summary>Of two experts: timesteps from 1000 times this on belong to the high-noise one.</summary>
    public double? Boundary { get; init; }
    public required SamplingDefaults Defaults { get; init; }

    public IEnumerable<ModelPart> Parts =>
        ((ModelPart?[])[.. Transformers, Vae, TextEncoder, Tokenizer, ImageEncoder]).OfType<ModelPart>();

    public bool IsUsable => Parts.All(part => part.IsUsable);

    /// <summary>Up to 2 GiB of weights: all parts may stay loaded, and computing on a CPU is in fp32.</summary>
    public bool IsSmall => Parts.Where(part => File.Exists(part.Path)).Sum(part => new FileInfo(part.Path!).Length) <= 2L << 30;

    /// <summary>Looks at a folder.</summary>
    /// <exception cref="CheckpointException">
    /// There is no Wan model in it, or its configuration is broken; missing weights are no error here.
    /// </exception>
    public static ModelFolder Open(string path)
    {
        try { return Look(path); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, null, $"cannot be read ({e.Message.TrimEnd('.')})", e);
        }
    }

    static ModelFolder Look(string path)
    {
        if (File.Exists(path)) throw new CheckpointException(path, null, "is a file: name the folder of the model");
        if (!Directory.Exists(path)) throw new CheckpointException(path, null, "does not exist");
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        if (name is OriginalLayout.High or OriginalLayout.Low) throw new CheckpointException(path, null,
            "holds one of two experts: name the folder above it");
        if (File.Exists(Path.Combine(path, DiffusersLayout.Index))) return DiffusersLayout.Open(path);
        if (Directory.Exists(Path.Combine(path, OriginalLayout.High)) || Directory.Exists(Path.Combine(path, OriginalLayout.Low))
            || File.Exists(Path.Combine(path, OriginalLayout.ConfigName))) return OriginalLayout.Open(path);
        throw new CheckpointException(path, null,
            $"holds no Wan model (looked for {OriginalLayout.ConfigName} or the folders {OriginalLayout.High} and "
            + $"{OriginalLayout.Low}, as the original repositories have them, and for {DiffusersLayout.Index}, as diffusers has it)");
    }

    /// <summary>What was found, for people.</summary>
    public string Describe()
    {
        var text = new StringBuilder()
            .AppendLine($"{Name} ({(Layout == ModelLayout.Original ? "original" : "diffusers")} layout) in {Root}");
        foreach (var part in Parts)
            text.AppendLine($"  {part.Role,-26} {part.Problem ?? Path.GetRelativePath(Root, part.Path!)}");
        text.Append($"  sampling                   {Defaults.Steps} steps, shift {Defaults.Shift}");
        if (Defaults.SmallShift is { } small) text.Append($" ({small} at 480p)");
        text.Append(Boundary is { } boundary ? $", guidance {Defaults.HighGuidance} above {boundary} and {Defaults.Guidance} below"
            : $", guidance {Defaults.Guidance}");
        return text.Append($", {Defaults.Frames} frames at {Defaults.FramesPerSecond} fps").ToString();
    }

    /// <summary>The name and the defaults that follow from generation and kind; WanConfig's named values are the released sizes.</summary>
    internal static (string Name, SamplingDefaults Defaults, double? Boundary) Variant(WanConfig config, bool experts)
    {
        if (config.AnswersClean)
            return ($"Fabula pocket, {config.Dim} wide, {config.Layers} layers", new SamplingDefaults(8, 3, 1, 1, 17, 8), null);
        var (family, defaults, boundary) = (config.Kind, experts) switch
        {
            ("t2v", false) => ("Wan 2.1 T2V", new SamplingDefaults(50, 5, 5, 5, 81, 16), (double?)null),
            ("i2v", false) => ("Wan 2.1 I2V", new SamplingDefaults(40, 5, 5, 5, 81, 16, SmallShift: 3), null),
            ("flf2v", false) => ("Wan 2.1 FLF2V", new SamplingDefaults(50, 16, 5, 5, 81, 16), null),
            ("t2v", true) => ("Wan 2.2 T2V", new SamplingDefaults(40, 12, 3, 4, 81, 16), 0.875),
            ("i2v", true) => ("Wan 2.2 I2V", new SamplingDefaults(40, 5, 3.5, 3.5, 81, 16), 0.9),
            _ => ("Wan 2.2 TI2V", new SamplingDefaults(50, 5, 5, 5, 121, 24), null),
        };
        var size = config == WanConfig.T2V_1_3B ? " 1.3B" : config == WanConfig.TI2V_5B ? " 5B"
            : config == WanConfig.T2V_14B || config == WanConfig.I2V_A14B ? experts ? " A14B" : " 14B"
            : config == WanConfig.I2V_14B || config == WanConfig.FLF2V_14B ? " 14B" : $", {config.Dim} wide, {config.Layers} layers";
        return (family + size, defaults, boundary);
    }

    /// <summary>The parts' sizes must fit each other.</summary>
    internal static ModelPart Fitting(ModelPart part, string field, int wanted, string whose)
    {
        var has = part.Config!.Value.GetProperty(field).GetInt32();
        if (has == wanted || !part.IsUsable) return part;
        return part with { Problem = $"has {field} {has} where the transformer has {whose} {wanted}: it belongs to another model" };
    }
}
