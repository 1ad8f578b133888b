using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The layout of the original repositories.</summary>
static class OriginalLayout
{
    public const string High = "high_noise_model", Low = "low_noise_model", ConfigName = "config.json";
    const string Weights = "diffusion_pytorch_model";
    const string Pocket = "pocket_vae.safetensors";
    const string T5 = "models_t5_umt5-xxl-enc-bf16", Clip = "models_clip_open-clip-xlm-roberta-large-vit-huge-14";

    public static ModelFolder Open(string root)
    {
        var experts = !File.Exists(Path.Combine(root, ConfigName));
        var (config, transformers) = experts ? Experts(root) : Single(root);
        var (name, defaults, boundary) = ModelFolder.Variant(config, experts);

        var (vaeKind, vaePath, vaeProblem) = FindVae(root, config.OutDim);
        var vae = new ModelPart(vaeKind switch { VaeKind.Wan21 => "VAE 2.1", VaeKind.Wan22 => "VAE 2.2", _ => "pocket VAE" }, vaePath,
            Sizes.Of(Path.Combine(root, "vae_config.json"), vaeKind == VaeKind.Wan21 ? Sizes.Vae21 : Sizes.Vae22, Sizes.VaeBounds),
            vaeProblem);
        var (t5Path, t5Problem) = Disk.First(root, [T5 + ".safetensors", T5 + ".pth", "umt5-xxl-enc-bf16.safetensors"]);
        var t5 = new ModelPart("text encoder", t5Path, Sizes.Of(Path.Combine(root, "t5_config.json"), Sizes.Umt5, Sizes.Umt5Bounds),
            t5Problem);
        ModelPart? clip = null;
        if (config.ClipDim > 0)
        {
            var (path, problem) = Disk.First(root, [Clip + ".safetensors", Clip + ".pth"]);
            clip = new ModelPart("image encoder", path, Sizes.Of(Path.Combine(root, "clip_config.json"), Sizes.Clip, Sizes.ClipBounds),
                problem);
        }
        return new ModelFolder
        {
            Root = root,
            Layout = ModelLayout.Original,
            Name = name,
            Generation = name.Split(' ')[1],
            Config = config,
            Transformers = transformers,
            VaeKind = vaeKind,
            Vae = ModelFolder.Fitting(vae, "z_dim", config.OutDim, "out_dim"),
            TextEncoder = ModelFolder.Fitting(t5, "dim", config.TextDim, "text_dim"),
            Tokenizer = Disk.Tokenizer(root, ["google/umt5-xxl", "tokenizer"]),
            ImageEncoder = clip is null ? null : ModelFolder.Fitting(clip, "vision_dim", config.ClipDim, "CLIP width"),
            Boundary = boundary,
            Defaults = defaults,
        };
    }

    static (WanConfig, IReadOnlyList<ModelPart>) Single(string root)
    {
        var config = Read(root, experts: false);
        if (config.Kind is "i2v" or "flf2v")
        {
            var path = Path.Combine(root, ConfigName);
            using var json = SmallJson.Read(path);
            var clip = Sizes.Of(Path.Combine(root, "clip_config.json"), Sizes.Clip, Sizes.ClipBounds).GetProperty("vision_dim").GetInt32();
            // 0: an image model without CLIP, as one expert of Wan 2.2 is, and our own small models are.
            config = config with { ClipDim = new Fields(json.RootElement, path).Whole("clip_dim", 0, 16384, clip) };
        }
        var (file, problem) = Disk.Checkpoint(root, Weights);
        return (config, [new ModelPart("transformer", file, null, problem)]);
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
            var (path, problem) = Directory.Exists(folder) ? Disk.Checkpoint(folder, Weights)
                : (null, $"is missing: there is no folder {Path.GetFileName(folder)}");
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
        var known = experts ? new[] { "t2v", "i2v" } : ["t2v", "i2v", "flf2v", "ti2v"];
        if (!known.Contains(kind)) throw new CheckpointException(path, null, $"has model_type '{kind}', which Fabula does not have "
            + $"(of {(experts ? "two experts" : "one transformer")} it has {string.Join(", ", known)})");
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
            LearnedPositions = (fields.Whole("position_rows", 0, 4096, 0), fields.Whole("position_columns", 0, 4096, 0)),
            AnswersClean = fields.Flag("answers_clean", false),
            TakesDrafts = fields.Flag("takes_drafts", false),
            PoolsText = fields.Flag("pools_text", false),
        });
    }

    static (VaeKind, string?, string?) FindVae(string root, int channels)
    {
        string[] old = ["Wan2.1_VAE.safetensors", "Wan2.1_VAE.pth", "wan_2.1_vae.safetensors"];
        string[] recent = ["Wan2.2_VAE.safetensors", "Wan2.2_VAE.pth", "wan2.2_vae.safetensors"];
        if (File.Exists(Path.Combine(root, Pocket))) return (VaeKind.Pocket, Path.Combine(root, Pocket), null);
        var isRecent = channels == 48 || channels != 16 && recent.Any(name => File.Exists(Path.Combine(root, name)));
        var (path, problem) = Disk.First(root, isRecent ? recent : old);
        return (isRecent ? VaeKind.Wan22 : VaeKind.Wan21, path, problem);
    }
}
