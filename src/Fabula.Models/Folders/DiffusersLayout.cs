using System.Text.Json;
using System.Text.Json.Nodes;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The layout of diffusers pipelines.</summary>
static class DiffusersLayout
{
    public const string Index = "model_index.json";

    public static ModelFolder Open(string root)
    {
        var path = Path.Combine(root, Index);
        using var json = SmallJson.Read(path);
        var fields = new Fields(json.RootElement, path);
        var pipeline = fields.Text("_class_name", "");
        if (pipeline is not ("WanPipeline" or "WanImageToVideoPipeline"))
            throw new CheckpointException(path, null,
                $"describes a '{pipeline}', which is none of Fabula's (WanPipeline, WanImageToVideoPipeline)");
        var experts = json.RootElement.TryGetProperty("transformer_2", out var second) && second.ValueKind == JsonValueKind.Array
            && second.EnumerateArray().Any(e => e.ValueKind != JsonValueKind.Null);
        var config = Read(Path.Combine(root, "transformer"), fields.Flag("expand_timesteps", false));
        if (experts && config.Kind is not ("t2v" or "i2v"))
            throw new CheckpointException(path, null, $"has two experts of kind {config.Kind}, which Fabula does not have");
        var lowConfig = Path.Combine(root, "transformer_2", OriginalLayout.ConfigName);
        if (experts && File.Exists(lowConfig) && Read(Path.Combine(root, "transformer_2"), false) != config)
            throw new CheckpointException(root, null,
                "has two experts of different sizes: transformer and transformer_2 do not belong together");
        var (name, defaults, boundary) = ModelFolder.Variant(config, experts);
        if (experts) boundary = fields.Number("boundary_ratio", 0, 1, boundary!.Value);

        var vae = Vae(root, out var kind);
        var t5 = Part(root, "text_encoder", "text encoder", "model");
        var clip = Part(root, "image_encoder", "image encoder", "model");
        return new ModelFolder
        {
            Root = root,
            Layout = ModelLayout.Diffusers,
            Name = name,
            Generation = name.Split(' ')[1],
            Config = config,
            Transformers = !experts ? [Part(root, "transformer", "transformer")]
                : [Part(root, "transformer", "transformer, high noise"), Part(root, "transformer_2", "transformer, low noise")],
            VaeKind = kind,
            Vae = ModelFolder.Fitting(vae, "z_dim", config.OutDim, "out_channels"),
            TextEncoder = ModelFolder.Fitting(t5 with { Config = Umt5(root) }, "dim", config.TextDim, "text_dim"),
            Tokenizer = Disk.Tokenizer(root, ["tokenizer"]),
            ImageEncoder = config.ClipDim == 0 ? null
                : ModelFolder.Fitting(clip with { Config = Clip(root) }, "vision_dim", config.ClipDim, "image_dim"),
            Boundary = boundary,
            Defaults = defaults,
        };
    }

    public static ModelPart Part(string root, string folder, string role, string stem = "diffusion_pytorch_model")
    {
        var path = Path.Combine(root, folder);
        var (file, problem) = Directory.Exists(path) ? Disk.Checkpoint(path, stem) : (null, $"is missing: there is no folder {folder}");
        return new ModelPart(role, file, null, problem);
    }

    static WanConfig Read(string folder, bool perTokenTime)
    {
        var path = Path.Combine(folder, OriginalLayout.ConfigName);
        if (!File.Exists(path)) throw new CheckpointException(path, null,
            "does not exist: without it the model's size is not known, download it again");
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
        var path = Path.Combine(root, "vae", OriginalLayout.ConfigName);
        var given = File.Exists(path) ? Sizes.Object(path) : [];
        kind = given["is_residual"] is JsonValue flag && flag.TryGetValue<bool>(out var yes) && yes ? VaeKind.Wan22 : VaeKind.Wan21;
        var config = Sizes.Of(path, kind == VaeKind.Wan22 ? Sizes.Vae22 : Sizes.Vae21, Sizes.VaeBounds, Renamed(given,
            ("base_dim", "dim"), ("decoder_base_dim", "dec_dim"), ("z_dim", "z_dim"), ("dim_mult", "dim_mult"),
            ("num_res_blocks", "num_res_blocks"), ("attn_scales", "attn_scales"), ("temperal_downsample", "temperal_downsample")));
        return Part(root, "vae", kind == VaeKind.Wan22 ? "VAE 2.2" : "VAE 2.1") with { Config = config };
    }

    static JsonElement Umt5(string root)
    {
        var path = Path.Combine(root, "text_encoder", OriginalLayout.ConfigName);
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
        var path = Path.Combine(root, "image_encoder", OriginalLayout.ConfigName);
        return Sizes.Of(path, Sizes.Clip, Sizes.ClipBounds, Renamed(File.Exists(path) ? Sizes.Object(path) : [],
            ("hidden_size", "vision_dim"), ("num_attention_heads", "vision_heads"), ("num_hidden_layers", "vision_layers"),
            ("image_size", "image_size"), ("patch_size", "patch_size"), ("projection_dim", "embed_dim")));
    }

    static JsonObject Renamed(JsonObject given, params (string From, string To)[] names)
    {
        var result = new JsonObject();
        foreach (var (from, to) in names)
            if (given[from] is { } value) result[to] = value.DeepClone();
        return result;
    }
}
