// The reference constructors' arguments, as config.json files hold them, to our configuration records.
using System.Text.Json;

namespace Fabula.Models;

/// <summary>
/// Fields of a configuration with errors that name the field. Whole numbers lie between 0 and 2^21: nothing real is larger.
/// </summary>
static class ConfigJson
{
    const int Largest = 1 << 21;

    public static bool Has(this JsonElement element, string name) => element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty(name, out _);

    public static JsonElement Field(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value
        : throw new FormatException($"config.json lacks '{name}'.");

    public static int Int(this JsonElement element, string name) => Whole(element.Field(name), name);
    /// <summary>A whole number within bounds.</summary>
    public static int Int(this JsonElement element, string name, int low, int high) => element.Int(name) is var number && number >= low
        && number <= high
        ? number : throw new FormatException($"config.json: '{name}' is {number}, which is not from {low} to {high}.");
    public static int Int(this JsonElement element, string name, int otherwise) => element.Has(name) ? element.Int(name) : otherwise;

    public static double Double(this JsonElement element, string name, double otherwise) => !element.Has(name) ? otherwise
        : element.Field(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out var number)
            && double.IsFinite(number) ? number
        : throw Wrong(name, "a number");

    public static string Text(this JsonElement element, string name) =>
        element.Field(name) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : throw Wrong(name, "text");

    public static bool Flag(this JsonElement element, string name, bool otherwise = false) => !element.Has(name) ? otherwise
        : element.Field(name).ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ =>
            throw Wrong(name, "true or false")
        };

    public static int[] Ints(this JsonElement element, string name) => [.. element.List(name).Select(item => Whole(item, name))];
    public static bool[] Flags(this JsonElement element, string name) => [.. element.List(name).Select(item => item.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, "a list of true and false"),
    })];
    public static double[] Doubles(this JsonElement element, string name) => [.. element.List(name).Select(item =>
        item.ValueKind == JsonValueKind.Number && item.TryGetDouble(out var number) ? number : throw Wrong(name, "a list of numbers"))];

    /// <summary>A list of 1 to 1024 pairs of finite numbers.</summary>
    public static (double, double)[] Pairs(this JsonElement element, string name) => [.. element.List(name).Select(item =>
        item.ValueKind == JsonValueKind.Array && item.EnumerateArray()
            .ToList() is [{ ValueKind: JsonValueKind.Number } first, { ValueKind: JsonValueKind.Number } second]
            && first.TryGetDouble(out var a) && second.TryGetDouble(out var b) && double.IsFinite(a) && double.IsFinite(b)
            ? (a, b) : throw Wrong(name, "a list of pairs of numbers"))];

    static JsonElement.ArrayEnumerator List(this JsonElement element, string name) =>
        element.Field(name) is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() <= 1024 ? list.EnumerateArray()
        : throw Wrong(name, "a list of at most 1024 entries");

    static int Whole(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number is >= 0 and <= Largest ? number
        : throw Wrong(name, $"a whole number from 0 to {Largest}");

    static FormatException Wrong(string name, string wanted) => new($"config.json: '{name}' is not {wanted}.");
}

public static partial class ReferenceConfig
{
    /// <summary>WanModel's arguments [Wan2.1 wan/modules/model.py].</summary>
    /// <param name="clipDim">Width of the CLIP tokens, which the reference hard-codes; 0 without image branch.</param>
    public static WanConfig Transformer(JsonElement arguments, int clipDim)
    {
        var config = new WanConfig
        {
            Kind = arguments.Text("model_type") is "t2v" or "i2v" or "flf2v" or "ti2v" ? arguments.Text("model_type")
                : throw new FormatException(
                    $"config.json: 'model_type' is '{arguments.Text("model_type")}'; known are t2v, i2v, flf2v and ti2v."),
            Dim = arguments.Int("dim", 1, 16384),
            FfnDim = arguments.Int("ffn_dim", 1, 131072),
            Heads = arguments.Int("num_heads", 1, 512),
            Layers = arguments.Int("num_layers", 1, 256),
            InDim = arguments.Int("in_dim", 1, 1024),
            OutDim = arguments.Int("out_dim", 1, 512),
            FreqDim = arguments.Int("freq_dim", 2, 8192),
            TextDim = arguments.Int("text_dim", 1, 65536),
            TextLen = arguments.Int("text_len", 1, 8192),
            Eps = Positive("eps", arguments.Double("eps", 1e-6)),
            Patch = arguments.Ints("patch_size") is [> 0 and <= 16 and var t, > 0 and <= 16 and var h, > 0 and <= 16 and var w] ? (t, h, w)
                : throw new FormatException("config.json: 'patch_size' is not three numbers from 1 to 16."),
            CrossAttentionNorm = arguments.Flag("cross_attn_norm", true),
            ClipDim = clipDim,
        };
        if (config.Dim % config.Heads != 0 || config.HeadDim % 2 != 0 || config.HeadDim < 6 || config.FreqDim % 2 != 0)
            throw new FormatException($"config.json: {config.Heads} heads do not divide 'dim' {config.Dim} into even parts of 6 or more, "
                + $"or 'freq_dim' {config.FreqDim} is odd.");
        if (!arguments.Flag("qk_norm", true)) throw new FormatException("config.json: 'qk_norm' is false; every Wan model has it.");
        return config;
    }

    static double Positive(string name, double value) =>
        value > 0 ? value : throw new FormatException($"config.json: '{name}' is {value}, which is not above 0.");

    /// <summary>WanVAE_'s arguments [Wan2.1 wan/modules/vae.py, Wan2.2 wan/modules/vae2_2.py].</summary>
    public static WanVaeConfig Vae(JsonElement arguments)
    {
        var config = new WanVaeConfig
        {
            Dim = arguments.Int("dim", 1, 4096),
            DecDim = arguments.Has("dec_dim") ? arguments.Int("dec_dim", 1, 4096) : 0,
            ZDim = arguments.Int("z_dim", 1, 512),
            DimMult = arguments.Ints("dim_mult"),
            ResBlocks = arguments.Int("num_res_blocks", 1, 16),
            AttnScales = arguments.Has("attn_scales") ? arguments.Doubles("attn_scales") : [],
            TemporalDownsample = arguments.Flags("temperal_downsample"),
            IsPocket = arguments.Flag("pocket"),
            Mean = arguments.Has("latents_mean") ? [.. arguments.Doubles("latents_mean").Select(value => (float)value)] : null,
            Std = arguments.Has("latents_std") ? [.. arguments.Doubles("latents_std").Select(value => (float)value)] : null,
        };
        if (config.DimMult.Count is < 2 or > 8 || config.DimMult.Any(times => times is < 1 or > 64)
            || config.DimMult.Count != config.TemporalDownsample.Count + 1)
            throw new FormatException(
                "config.json: 'dim_mult' is not 2 to 8 numbers from 1 to 64, one more than 'temperal_downsample' has.");
        return config;
    }

    /// <summary>VisionTransformer's arguments [Wan2.1 wan/modules/clip.py].</summary>
    public static WanClipConfig Clip(JsonElement arguments)
    {
        if (arguments.Text("activation") != "gelu" || arguments.Text("vision_pool") != "token"
            || !arguments.Flag("vision_pre_norm", true) || arguments.Flag("vision_post_norm"))
            throw new FormatException(
                "config.json describes a CLIP tower that no Wan model has: only a class token, norms first and plain GELU are known.");
        var config = new WanClipConfig
        {
            ImageSize = arguments.Int("image_size", 1, 4096),
            PatchSize = arguments.Int("patch_size", 1, 512),
            Dim = arguments.Int("vision_dim", 1, 16384),
            MlpRatio = arguments.Double("vision_mlp_ratio", 4),
            Heads = arguments.Int("vision_heads", 1, 512),
            Layers = arguments.Int("vision_layers", 1, 256),
        };
        if (config.ImageSize < config.PatchSize || config.Dim % config.Heads != 0 || config.MlpRatio is not (> 0 and <= 16))
            throw new FormatException(
                $"config.json: 'patch_size' {config.PatchSize} is larger than the image, 'vision_heads' {config.Heads} do not "
                + $"divide 'vision_dim' {config.Dim}, or 'vision_mlp_ratio' {config.MlpRatio} is not above 0 and at most 16.");
        return config;
    }

    /// <summary>T5Encoder's arguments [Wan2.1 wan/modules/t5.py].</summary>
    public static Umt5Config Umt5(JsonElement arguments)
    {
        var config = new Umt5Config
        {
            Vocabulary = arguments.Int("vocab", 1, 1 << 21),
            Dim = arguments.Int("dim", 1, 65536),
            AttentionDim = arguments.Int("dim_attn", 1, 65536),
            FfnDim = arguments.Int("dim_ffn", 1, 262144),
            Heads = arguments.Int("num_heads", 1, 512),
            Layers = arguments.Int("num_layers", 1, 256),
            Buckets = arguments.Int("num_buckets", 4, 256),
            SharedPositions = arguments.Flag("shared_pos", true),
        };
        if (config.AttentionDim % config.Heads != 0)
            throw new FormatException($"config.json: 'num_heads' {config.Heads} do not divide 'dim_attn' {config.AttentionDim}.");
        return config;
    }

    /// <summary>TransNetV2's arguments [TransNetV2 inference-pytorch/transnetv2_pytorch.py].</summary>
    public static TransNetConfig TransNet(JsonElement arguments)
    {
        if (arguments.Int("L") != TransNetConfig.Stacks) throw new FormatException(
            $"config.json: 'L' is {arguments.Int("L")}; the reference's last layers fit {TransNetConfig.Stacks} stacks alone.");
        foreach (var (flag, usual) in new[]
        {
            ("use_many_hot_targets", true), ("use_frame_similarity", true), ("use_color_histograms", true), ("use_mean_pooling", false),
            ("use_resnet_features", false), ("use_resnet_like_top", false), ("frame_similarity_on_last_layer", false),
        })
            if (arguments.Flag(flag, usual) != usual)
                throw new FormatException($"config.json: '{flag}' is not {(usual ? "true" : "false")}, as in every released TransNet V2.");
        return new()
        {
            Filters = arguments.Int("F", 1, 1024),
            Blocks = arguments.Int("S", 1, 16),
            Dim = arguments.Int("D", 1, 65536),
        };
    }
}
