// What lies in a folder of downloaded or trained weights: which Wan it is, where its parts are, what is missing. Reads configurations
// and names, opens no weights. Two layouts: the original repositories' (Wan-AI/Wan2.1-*, Wan2.2-*) and diffusers' (*-Diffusers).
//
// Facts: Wan-Video/Wan2.1 @ 9737cba and Wan2.2 @ 42bf4cf, generate.py and wan/configs; huggingface/diffusers @ 58eb52c,
// scripts/convert_wan_to_diffusers.py and pipelines/wan/pipeline_wan.py (transformer is the high-noise expert, transformer_2 the low-noise one).
// Our own small models use the original layout with small numbers in config.json, and say the sizes of their other networks in
// vae_config.json, t5_config.json and clip_config.json beside it, under the reference constructors' argument names.
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fabula.Models.Text;
using Fabula.Torch;

namespace Fabula.Models;

public enum ModelLayout { Original, Diffusers }

/// <summary>2.1: 8x8 pixels and 16 channels; 2.2 (TI2V only): 16x16 pixels and 48 channels. Both take 4 frames to one.</summary>
public enum VaeKind { Wan21, Wan22 }

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
/// <param name="HighGuidance">Guidance of the high-noise expert; <paramref name="Guidance"/> is the low-noise expert's, or the only one.</param>
public sealed record SamplingDefaults(int Steps, double Shift, double Guidance, double HighGuidance, int Frames, int FramesPerSecond, double? SmallShift = null)
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

    public IEnumerable<ModelPart> Parts => [.. Transformers, Vae, TextEncoder, Tokenizer, .. ImageEncoder is null ? Array.Empty<ModelPart>() : [ImageEncoder]];

    public bool IsUsable => Parts.All(part => part.IsUsable);

    /// <summary>Looks at a folder.</summary>
    /// <exception cref="CheckpointException">There is no Wan model in it, or its configuration is broken; missing weights are no error here.</exception>
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
        if (name is Original.High or Original.Low) throw new CheckpointException(path, null, "holds one of two experts: name the folder above it");
        if (File.Exists(Path.Combine(path, Diffusers.Index))) return Diffusers.Open(path);
        if (Directory.Exists(Path.Combine(path, Original.High)) || Directory.Exists(Path.Combine(path, Original.Low))
            || File.Exists(Path.Combine(path, Original.ConfigName))) return Original.Open(path);
        throw new CheckpointException(path, null, $"holds no Wan model (looked for {Original.ConfigName} or the folders {Original.High} and "
            + $"{Original.Low}, as the original repositories have them, and for {Diffusers.Index}, as diffusers has it)");
    }

    /// <summary>What was found, for people.</summary>
    public string Describe()
    {
        var text = new StringBuilder().AppendLine($"{Name} ({(Layout == ModelLayout.Original ? "original" : "diffusers")} layout) in {Root}");
        foreach (var part in Parts)
            text.AppendLine($"  {part.Role,-26} {part.Problem ?? Path.GetRelativePath(Root, part.Path!)}");
        text.Append($"  sampling                   {Defaults.Steps} steps, shift {Defaults.Shift}");
        if (Defaults.SmallShift is { } small) text.Append($" ({small} at 480p)");
        text.Append(Boundary is { } boundary ? $", guidance {Defaults.HighGuidance} above {boundary} and {Defaults.Guidance} below" : $", guidance {Defaults.Guidance}");
        return text.Append($", {Defaults.Frames} frames at {Defaults.FramesPerSecond} fps").ToString();
    }

    /// <summary>The name and the defaults that follow from generation and kind; WanConfig's named values are the released sizes.</summary>
    internal static (string Name, SamplingDefaults Defaults, double? Boundary) Variant(WanConfig config, bool experts)
    {
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
        return has == wanted || !part.IsUsable ? part : part with { Problem = $"has {field} {has} where the transformer has {whose} {wanted}: it belongs to another model" };
    }
}

/// <summary>The layout of the original repositories.</summary>
static class Original
{
    public const string High = "high_noise_model", Low = "low_noise_model", ConfigName = "config.json";
    const string Weights = "diffusion_pytorch_model", T5 = "models_t5_umt5-xxl-enc-bf16", Clip = "models_clip_open-clip-xlm-roberta-large-vit-huge-14";

    public static ModelFolder Open(string root)
    {
        var experts = !File.Exists(Path.Combine(root, ConfigName));
        var (config, transformers) = experts ? Experts(root) : Single(root);
        var (name, defaults, boundary) = ModelFolder.Variant(config, experts);

        var (vaeKind, vaePath, vaeProblem) = FindVae(root, config.OutDim);
        var vae = new ModelPart(vaeKind == VaeKind.Wan21 ? "VAE 2.1" : "VAE 2.2", vaePath,
            Sizes.Of(Path.Combine(root, "vae_config.json"), vaeKind == VaeKind.Wan21 ? Sizes.Vae21 : Sizes.Vae22, Sizes.VaeBounds), vaeProblem);
        var (t5Path, t5Problem) = Disk.First(root, [T5 + ".safetensors", T5 + ".pth", "umt5-xxl-enc-bf16.safetensors"]);
        var t5 = new ModelPart("text encoder", t5Path, Sizes.Of(Path.Combine(root, "t5_config.json"), Sizes.Umt5, Sizes.Umt5Bounds), t5Problem);
        ModelPart? clip = null;
        if (config.ClipDim > 0)
        {
            var (path, problem) = Disk.First(root, [Clip + ".safetensors", Clip + ".pth"]);
            clip = new ModelPart("image encoder", path, Sizes.Of(Path.Combine(root, "clip_config.json"), Sizes.Clip, Sizes.ClipBounds), problem);
        }
        return new ModelFolder
        {
            Root = root, Layout = ModelLayout.Original, Name = name, Generation = name.Split(' ')[1], Config = config, Transformers = transformers,
            VaeKind = vaeKind, Vae = ModelFolder.Fitting(vae, "z_dim", config.OutDim, "out_dim"),
            TextEncoder = ModelFolder.Fitting(t5, "dim", config.TextDim, "text_dim"), Tokenizer = Disk.Tokenizer(root, ["google/umt5-xxl", "tokenizer"]),
            ImageEncoder = clip is null ? null : ModelFolder.Fitting(clip, "vision_dim", config.ClipDim, "CLIP width"),
            Boundary = boundary, Defaults = defaults,
        };
    }

    static (WanConfig, IReadOnlyList<ModelPart>) Single(string root)
    {
        var config = Read(root, experts: false);
        if (config.Kind is "i2v" or "flf2v")
        {
            using var json = SmallJson.Read(Path.Combine(root, ConfigName));
            var clip = Sizes.Of(Path.Combine(root, "clip_config.json"), Sizes.Clip, Sizes.ClipBounds).GetProperty("vision_dim").GetInt32();
            config = config with { ClipDim = new Fields(json.RootElement, Path.Combine(root, ConfigName)).Whole("clip_dim", 1, 16384, clip) };
        }
        var (path, problem) = Disk.Checkpoint(root, Weights);
        return (config, [new ModelPart("transformer", path, null, problem)]);
    }

    static (WanConfig, IReadOnlyList<ModelPart>) Experts(string root)
    {
        string[] folders = [Path.Combine(root, High), Path.Combine(root, Low)];
        var present = folders.Where(folder => File.Exists(Path.Combine(folder, ConfigName))).ToList();
        if (present.Count == 0) throw new CheckpointException(root, null, $"has no {ConfigName} in {High} or {Low}: download them again");
        var config = Read(present[0], experts: true);
        if (present.Count == 2 && Read(present[1], experts: true) != config)
            throw new CheckpointException(root, null, $"has two experts of different sizes: {High} and {Low} do not belong together");
        return (config, [.. folders.Zip(["transformer, high noise", "transformer, low noise"], (folder, role) =>
        {
            var (path, problem) = Directory.Exists(folder) ? Disk.Checkpoint(folder, Weights) : (null, $"is missing: there is no folder {Path.GetFileName(folder)}");
            return new ModelPart(role, path, null, problem);
        })]);
    }

    /// <summary>config.json; what it leaves out has the reference constructor's default [model.py WanModel.ignore_for_config].</summary>
    static WanConfig Read(string folder, bool experts)
    {
        var path = Path.Combine(folder, ConfigName);
        using var json = SmallJson.Read(path);
        var fields = new Fields(json.RootElement, path);
        if (fields.Text("_class_name", "WanModel") is "WanTransformer3DModel")
            throw new CheckpointException(folder, null, "is the transformer alone of a diffusers model: name the folder above it");
        var kind = fields.Text("model_type", "t2v");
        if (experts ? kind is not ("t2v" or "i2v") : kind is not ("t2v" or "i2v" or "flf2v" or "ti2v")) throw new CheckpointException(path, null,
            $"has model_type '{kind}', which Fabula does not have (it has {(experts ? "t2v and i2v as two experts" : "t2v, i2v, flf2v and ti2v")})");
        if (!fields.Flag("qk_norm", true)) throw new CheckpointException(path, null, "has qk_norm false, which no released Wan model has");
        return fields.Validated(new WanConfig
        {
            Kind = kind,
            Dim = fields.Whole("dim", 1, 16384),
            FfnDim = fields.Whole("ffn_dim", 1, 131072),
            Heads = fields.Whole("num_heads", 1, 512),
            Layers = fields.Whole("num_layers", 1, 256),
            InDim = fields.Whole("in_dim", 1, 1024, 16),
            OutDim = fields.Whole("out_dim", 1, 512, 16),
            FreqDim = fields.Whole("freq_dim", 2, 8192, 256),
            TextDim = fields.Whole("text_dim", 1, 65536, 4096),
            TextLen = fields.Whole("text_len", 1, 8192, 512),
            Eps = fields.Number("eps", 0, 0.1, 1e-6),
            Patch = fields.Patch("patch_size"),
            CrossAttentionNorm = fields.Flag("cross_attn_norm", true),
        });
    }

    static (VaeKind, string?, string?) FindVae(string root, int channels)
    {
        string[] old = ["Wan2.1_VAE.safetensors", "Wan2.1_VAE.pth", "wan_2.1_vae.safetensors"];
        string[] recent = ["Wan2.2_VAE.safetensors", "Wan2.2_VAE.pth", "wan2.2_vae.safetensors"];
        var isRecent = channels == 48 || channels != 16 && recent.Any(name => File.Exists(Path.Combine(root, name)));
        var (path, problem) = Disk.First(root, isRecent ? recent : old);
        return (isRecent ? VaeKind.Wan22 : VaeKind.Wan21, path, problem);
    }
}

/// <summary>The layout of diffusers pipelines.</summary>
static class Diffusers
{
    public const string Index = "model_index.json";

    public static ModelFolder Open(string root)
    {
        var path = Path.Combine(root, Index);
        using var json = SmallJson.Read(path);
        var fields = new Fields(json.RootElement, path);
        var pipeline = fields.Text("_class_name", "");
        if (pipeline is not ("WanPipeline" or "WanImageToVideoPipeline"))
            throw new CheckpointException(path, null, $"describes a '{pipeline}', which is none of Fabula's (WanPipeline, WanImageToVideoPipeline)");
        var experts = json.RootElement.TryGetProperty("transformer_2", out var second) && second.ValueKind == JsonValueKind.Array
            && second.EnumerateArray().Any(e => e.ValueKind != JsonValueKind.Null);
        var config = Read(Path.Combine(root, "transformer"), fields.Flag("expand_timesteps", false));
        if (experts && config.Kind is not ("t2v" or "i2v"))
            throw new CheckpointException(path, null, $"has two experts of kind {config.Kind}, which Fabula does not have");
        var lowConfig = Path.Combine(root, "transformer_2", Original.ConfigName);
        if (experts && File.Exists(lowConfig) && Read(Path.Combine(root, "transformer_2"), false) != config)
            throw new CheckpointException(root, null, "has two experts of different sizes: transformer and transformer_2 do not belong together");
        var (name, defaults, boundary) = ModelFolder.Variant(config, experts);
        if (experts) boundary = fields.Number("boundary_ratio", 0, 1, boundary!.Value);

        var vae = Vae(root, out var kind);
        var t5 = Part(root, "text_encoder", "text encoder", "model");
        var clip = Part(root, "image_encoder", "image encoder", "model");
        return new ModelFolder
        {
            Root = root, Layout = ModelLayout.Diffusers, Name = name, Generation = name.Split(' ')[1], Config = config,
            Transformers = experts ? [Part(root, "transformer", "transformer, high noise"), Part(root, "transformer_2", "transformer, low noise")]
                : [Part(root, "transformer", "transformer")],
            VaeKind = kind, Vae = ModelFolder.Fitting(vae, "z_dim", config.OutDim, "out_channels"),
            TextEncoder = ModelFolder.Fitting(t5 with { Config = Umt5(root) }, "dim", config.TextDim, "text_dim"),
            Tokenizer = Disk.Tokenizer(root, ["tokenizer"]),
            ImageEncoder = config.ClipDim == 0 ? null
                : ModelFolder.Fitting(clip with { Config = Clip(root) }, "vision_dim", config.ClipDim, "image_dim"),
            Boundary = boundary, Defaults = defaults,
        };
    }

    static ModelPart Part(string root, string folder, string role, string stem = "diffusion_pytorch_model")
    {
        var path = Path.Combine(root, folder);
        var (file, problem) = Directory.Exists(path) ? Disk.Checkpoint(path, stem) : (null, $"is missing: there is no folder {folder}");
        return new ModelPart(role, file, null, problem);
    }

    static WanConfig Read(string folder, bool perTokenTime)
    {
        var path = Path.Combine(folder, Original.ConfigName);
        if (!File.Exists(path)) throw new CheckpointException(path, null, "does not exist: without it the model's size is not known, download it again");
        using var json = SmallJson.Read(path);
        var fields = new Fields(json.RootElement, path);
        if (fields.Text("_class_name", "WanTransformer3DModel") is not "WanTransformer3DModel" and var other)
            throw new CheckpointException(path, null, $"describes a '{other}', which is none of Fabula's (WanTransformer3DModel)");
        var (heads, headDim) = (fields.Whole("num_attention_heads", 1, 512), fields.Whole("attention_head_dim", 2, 1024));
        var (inputs, outputs) = (fields.Whole("in_channels", 1, 1024), fields.Whole("out_channels", 1, 512));
        var clip = fields.Whole("image_dim", 0, 16384, 0);
        return fields.Validated(new WanConfig
        {
            Kind = perTokenTime ? "ti2v" : inputs == outputs ? "t2v" : fields.Whole("pos_embed_seq_len", 0, 8192, 0) > 0 ? "flf2v" : "i2v",
            Dim = checked(heads * headDim),
            FfnDim = fields.Whole("ffn_dim", 1, 131072),
            Heads = heads,
            Layers = fields.Whole("num_layers", 1, 256),
            InDim = inputs,
            OutDim = outputs,
            FreqDim = fields.Whole("freq_dim", 2, 8192, 256),
            TextDim = fields.Whole("text_dim", 1, 65536, 4096),
            Eps = fields.Number("eps", 0, 0.1, 1e-6),
            Patch = fields.Patch("patch_size"),
            CrossAttentionNorm = fields.Flag("cross_attn_norm", true),
            ClipDim = clip,
        });
    }

    static ModelPart Vae(string root, out VaeKind kind)
    {
        var path = Path.Combine(root, "vae", Original.ConfigName);
        var given = File.Exists(path) ? Sizes.Object(path) : [];
        kind = given["is_residual"] is JsonValue flag && flag.TryGetValue<bool>(out var yes) && yes ? VaeKind.Wan22 : VaeKind.Wan21;
        var config = Sizes.Of(path, kind == VaeKind.Wan22 ? Sizes.Vae22 : Sizes.Vae21, Sizes.VaeBounds, Renamed(given,
            ("base_dim", "dim"), ("decoder_base_dim", "dec_dim"), ("z_dim", "z_dim"), ("dim_mult", "dim_mult"), ("num_res_blocks", "num_res_blocks"),
            ("attn_scales", "attn_scales"), ("temperal_downsample", "temperal_downsample")));
        return Part(root, "vae", kind == VaeKind.Wan22 ? "VAE 2.2" : "VAE 2.1") with { Config = config };
    }

    static JsonElement Umt5(string root)
    {
        var path = Path.Combine(root, "text_encoder", Original.ConfigName);
        var given = File.Exists(path) ? Sizes.Object(path) : [];
        var config = Renamed(given, ("vocab_size", "vocab"), ("d_model", "dim"), ("d_ff", "dim_ffn"), ("num_heads", "num_heads"),
            ("num_layers", "num_layers"), ("relative_attention_num_buckets", "num_buckets"));
        if (given.ContainsKey("d_kv"))
        {
            using var json = SmallJson.Read(path);
            var fields = new Fields(json.RootElement, path);
            config["dim_attn"] = fields.Whole("d_kv", 1, 1024) * fields.Whole("num_heads", 1, 512);
        }
        return Sizes.Of(path, Sizes.Umt5, Sizes.Umt5Bounds, config);
    }

    static JsonElement Clip(string root)
    {
        var path = Path.Combine(root, "image_encoder", Original.ConfigName);
        return Sizes.Of(path, Sizes.Clip, Sizes.ClipBounds, Renamed(File.Exists(path) ? Sizes.Object(path) : [], ("hidden_size", "vision_dim"),
            ("num_attention_heads", "vision_heads"), ("num_hidden_layers", "vision_layers"), ("image_size", "image_size"), ("patch_size", "patch_size"),
            ("projection_dim", "embed_dim")));
    }

    static JsonObject Renamed(JsonObject given, params (string From, string To)[] names)
    {
        var result = new JsonObject();
        foreach (var (from, to) in names)
            if (given[from] is { } value) result[to] = value.DeepClone();
        return result;
    }
}

/// <summary>Sizes of the networks beside the transformer, under the reference constructors' names, with the released models' values.</summary>
static class Sizes
{
    public const string Vae21 = """{"dim":96,"z_dim":16,"dim_mult":[1,2,4,4],"num_res_blocks":2,"attn_scales":[],"temperal_downsample":[false,true,true]}""";
    public const string Vae22 = """{"dim":160,"dec_dim":256,"z_dim":48,"dim_mult":[1,2,4,4],"num_res_blocks":2,"attn_scales":[],"temperal_downsample":[false,true,true]}""";
    public const string Umt5 = """{"vocab":256384,"dim":4096,"dim_attn":4096,"dim_ffn":10240,"num_heads":64,"num_layers":24,"num_buckets":32,"shared_pos":false}""";
    public const string Clip = """{"embed_dim":1024,"image_size":224,"patch_size":14,"vision_dim":1280,"vision_mlp_ratio":4,"vision_heads":16,"vision_layers":32,"vision_pool":"token","activation":"gelu"}""";

    public static readonly (string, int, int)[] VaeBounds = [("dim", 1, 4096), ("dec_dim", 1, 4096), ("z_dim", 1, 512), ("num_res_blocks", 1, 16)];
    public static readonly (string, int, int)[] Umt5Bounds = [("vocab", 1, 1 << 21), ("dim", 1, 65536), ("dim_attn", 1, 65536),
        ("dim_ffn", 1, 262144), ("num_heads", 1, 512), ("num_layers", 1, 256), ("num_buckets", 2, 4096)];
    public static readonly (string, int, int)[] ClipBounds = [("embed_dim", 1, 16384), ("image_size", 1, 4096), ("patch_size", 1, 512),
        ("vision_dim", 1, 16384), ("vision_mlp_ratio", 1, 16), ("vision_heads", 1, 512), ("vision_layers", 2, 256)];

    /// <summary>The defaults, overridden by the file where it exists, or by what was taken from it.</summary>
    public static JsonElement Of(string path, string defaults, (string Name, int Low, int High)[] bounds, JsonObject? given = null)
    {
        given ??= File.Exists(path) ? Object(path) : [];
        var config = JsonNode.Parse(defaults)!.AsObject();
        foreach (var (name, value) in given) config[name] = value?.DeepClone();
        using var json = JsonDocument.Parse(config.ToJsonString());
        var fields = new Fields(json.RootElement, path);
        foreach (var (name, low, high) in bounds)
            if (config.ContainsKey(name)) fields.Whole(name, low, high);
        foreach (var (dim, heads) in new[] { ("dim_attn", "num_heads"), ("vision_dim", "vision_heads") })
            if (config.ContainsKey(dim) && fields.Whole(dim, 1, 65536) % fields.Whole(heads, 1, 512) != 0)
                throw new CheckpointException(path, null, $"has a {dim} that its {heads} do not divide");
        if (config.ContainsKey("dim_mult") && fields.List("dim_mult", 8, e => e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out var n) && n is > 0 and <= 64)
            != 1 + fields.List("temperal_downsample", 8, e => e.ValueKind is JsonValueKind.True or JsonValueKind.False))
            throw new CheckpointException(path, null, "has a 'dim_mult' that is not one longer than 'temperal_downsample'");
        return json.RootElement.Clone();
    }

    public static JsonObject Object(string path)
    {
        using var json = SmallJson.Read(path);
        // Of names that come twice the last counts; JsonNode.Parse would refuse them, but only when it is asked.
        var result = new JsonObject();
        foreach (var property in json.RootElement.EnumerateObject()) result[property.Name] = JsonNode.Parse(property.Value.GetRawText());
        return result;
    }
}

/// <summary>Numbers of a configuration that a stranger wrote, within bounds.</summary>
readonly record struct Fields(JsonElement Json, string Path)
{
    public int Whole(string name, int low, int high, int? otherwise = null)
    {
        if (!Json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null && otherwise is not null)
            return otherwise ?? throw new CheckpointException(Path, null, $"lacks '{name}'");
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= low && number <= high ? number
            : throw new CheckpointException(Path, null, $"has '{name}' {Shown(value)}, which is no whole number from {low} to {high}");
    }

    /// <summary>A number above low and below high.</summary>
    public double Number(string name, double low, double high, double otherwise)
    {
        if (!Json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return otherwise;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number > low && number < high ? number
            : throw new CheckpointException(Path, null, $"has '{name}' {Shown(value)}, which is no number between {low} and {high.ToString(CultureInfo.InvariantCulture)}");
    }

    public bool Flag(string name, bool otherwise) => !Json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? otherwise
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw new CheckpointException(Path, null, $"has '{name}' {Shown(value)}, which is neither true nor false");

    public string Text(string name, string otherwise) => !Json.TryGetProperty(name, out var value) ? otherwise
        : value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new CheckpointException(Path, null, $"has '{name}' {Shown(value)}, which is no text");

    public (int, int, int) Patch(string name)
    {
        if (!Json.TryGetProperty(name, out var value)) return (1, 2, 2);
        if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().ToList() is [var t, var h, var w]
            && new[] { t, h, w }.All(e => e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out var size) && size is > 0 and <= 16))
            return (t.GetInt32(), h.GetInt32(), w.GetInt32());
        throw new CheckpointException(Path, null, $"has '{name}' {Shown(value)}, which is not three whole numbers from 1 to 16");
    }

    /// <summary>The length of a list whose entries all pass.</summary>
    public int List(string name, int longest, Func<JsonElement, bool> passes) =>
        Json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= longest && value.EnumerateArray().All(passes)
            ? value.GetArrayLength() : throw new CheckpointException(Path, null, $"has '{name}' that is no list of at most {longest} sensible entries");

    /// <summary>What no single field can tell.</summary>
    public WanConfig Validated(WanConfig config)
    {
        if (config.Dim % config.Heads != 0) throw new CheckpointException(Path, null, $"has {config.Heads} heads, which do not divide its width {config.Dim}");
        if (config.HeadDim % 2 != 0 || config.HeadDim < 6)
            throw new CheckpointException(Path, null, $"has heads of width {config.HeadDim}; rotation needs an even one of 6 or more");
        if (config.FreqDim % 2 != 0) throw new CheckpointException(Path, null, $"has an odd freq_dim, {config.FreqDim}");
        var inputs = config.Kind is "i2v" or "flf2v" ? 2 * config.OutDim + 4 : config.OutDim;
        if (config.InDim != inputs) throw new CheckpointException(Path, null,
            $"has {config.InDim} channels in where a {config.Kind} model with {config.OutDim} out has {inputs}");
        return config;
    }

    static string Shown(JsonElement value) => value.GetRawText() is { Length: <= 40 } text ? text : value.GetRawText()[..40] + "...";
}

/// <summary>What is on disk, without reading more than a file's first bytes or an index of shards.</summary>
static class Disk
{
    /// <summary>The first of these files that is there, with what is wrong with it.</summary>
    public static (string? Path, string? Problem) First(string folder, string[] names) =>
        names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) is { } path ? (path, ProblemOf(path))
            : (null, $"is missing (looked for {string.Join(", ", names)})");

    /// <summary>A safetensors checkpoint of this stem: one file, or an index with all its shards.</summary>
    public static (string? Path, string? Problem) Checkpoint(string folder, string stem)
    {
        var (index, single) = (Path.Combine(folder, stem + ".safetensors.index.json"), Path.Combine(folder, stem + ".safetensors"));
        if (File.Exists(index)) return (index, ShardProblem(index));
        if (File.Exists(single)) return (single, ProblemOf(single));
        return Directory.EnumerateFiles(folder, stem + "*.safetensors").Order(StringComparer.Ordinal).ToList() switch
        {
            [] => (null, $"is missing (looked for {stem}*.safetensors in {Path.GetFileName(folder)})"),
            [var only] => (only, ProblemOf(only)),
            _ => (null, $"lacks {stem}.safetensors.index.json, which tells its shards apart: download it"),
        };
    }

    /// <summary>The first of these folders that holds a vocabulary.</summary>
    public static ModelPart Tokenizer(string root, string[] folders)
    {
        var found = folders.Select(folder => Path.Combine(root, folder))
            .FirstOrDefault(folder => WanTokenizer.Files.Any(name => File.Exists(Path.Combine(folder, name))));
        return new ModelPart("tokenizer", found, null, found is not null ? null
            : $"is missing (looked for {string.Join(" or ", WanTokenizer.Files)} in {string.Join(" and ", folders)})");
    }

    static string? ShardProblem(string index)
    {
        using var json = SmallJson.Read(index, longest: 16 << 20);
        if (!json.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object
            || map.EnumerateObject().Any(entry => entry.Value.ValueKind != JsonValueKind.String)) return $"has a broken index, {Path.GetFileName(index)}";
        foreach (var shard in map.EnumerateObject().Select(entry => entry.Value.GetString()!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            if (shard != Path.GetFileName(shard) || shard is "" or "." or "..") return $"has a broken index, {Path.GetFileName(index)}: it names a shard elsewhere";
            var path = Path.Combine(Path.GetDirectoryName(index)!, shard);
            if (!File.Exists(path)) return $"lacks the shard {shard}: download it";
            if (ProblemOf(path) is { } problem) return problem;
        }
        return null;
    }

    static string? ProblemOf(string path)
    {
        Span<byte> start = stackalloc byte[23];
        using var file = File.OpenRead(path);
        var read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return read == 0 ? $"is an empty file, {Path.GetFileName(path)}: download it again"
            : start[..read].SequenceEqual("version https://git-lfs"u8) ? $"is a Git LFS pointer, {Path.GetFileName(path)}: run 'git lfs pull'" : null;
    }
}
