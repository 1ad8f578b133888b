// The reference constructors' arguments, as config.json files hold them, to our configuration records.
using System.Text.Json;

namespace Fabula.Models;

/// <summary>Fields of a configuration with errors that name the field. Whole numbers lie between 0 and 2^21: nothing real is larger.</summary>
static class ConfigJson
{
    const int Largest = 1 << 21;

    public static bool Has(this JsonElement element, string name) => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out _);

    public static JsonElement Field(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value
        : throw new FormatException($"config.json lacks '{name}'.");

    public static int Int(this JsonElement element, string name) => Whole(element.Field(name), name);
    public static int Int(this JsonElement element, string name, int otherwise) => element.Has(name) ? element.Int(name) : otherwise;

    public static double Double(this JsonElement element, string name, double otherwise) => !element.Has(name) ? otherwise
        : element.Field(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out var number) && double.IsFinite(number) ? number
        : throw Wrong(name, "a number");

    public static string Text(this JsonElement element, string name) =>
        element.Field(name) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : throw Wrong(name, "text");

    public static bool Flag(this JsonElement element, string name, bool otherwise = false) => !element.Has(name) ? otherwise
        : element.Field(name).ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => throw Wrong(name, "true or false") };

    public static int[] Ints(this JsonElement element, string name) => [.. element.List(name).Select(item => Whole(item, name))];
    public static bool[] Flags(this JsonElement element, string name) => [.. element.List(name).Select(item => item.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, "a list of true and false"),
    })];
    public static double[] Doubles(this JsonElement element, string name) => [.. element.List(name).Select(item =>
        item.ValueKind == JsonValueKind.Number && item.TryGetDouble(out var number) ? number : throw Wrong(name, "a list of numbers"))];

    static JsonElement.ArrayEnumerator List(this JsonElement element, string name) =>
        element.Field(name) is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() <= 1024 ? list.EnumerateArray()
        : throw Wrong(name, "a list of at most 1024 entries");

    static int Whole(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number is >= 0 and <= Largest ? number
        : throw Wrong(name, $"a whole number from 0 to {Largest}");

    static FormatException Wrong(string name, string wanted) => new($"config.json: '{name}' is not {wanted}.");
}

static class ReferenceConfig
{
    /// <summary>WanModel's arguments [Wan2.1 wan/modules/model.py].</summary>
    /// <param name="clipDim">Width of the CLIP tokens, which the reference hard-codes; 0 without image branch.</param>
    public static WanConfig Transformer(JsonElement arguments, int clipDim)
    {
        var config = new WanConfig
        {
            Kind = arguments.Text("model_type"),
            Dim = arguments.Int("dim"),
            FfnDim = arguments.Int("ffn_dim"),
            Heads = arguments.Int("num_heads"),
            Layers = arguments.Int("num_layers"),
            InDim = arguments.Int("in_dim"),
            OutDim = arguments.Int("out_dim"),
            FreqDim = arguments.Int("freq_dim"),
            TextDim = arguments.Int("text_dim"),
            TextLen = arguments.Int("text_len"),
            Eps = arguments.Double("eps", 1e-6),
            Patch = arguments.Ints("patch_size") is [> 0 and var t, > 0 and var h, > 0 and var w] ? (t, h, w)
                : throw new FormatException("config.json: 'patch_size' is not three numbers above 0."),
            CrossAttentionNorm = arguments.Flag("cross_attn_norm", true),
            ClipDim = clipDim,
        };
        if (config.Heads == 0 || config.Dim % config.Heads != 0 || config.HeadDim % 2 != 0 || config.HeadDim < 6 || config.FreqDim % 2 != 0)
            throw new FormatException($"config.json: {config.Heads} heads do not divide 'dim' {config.Dim} into even parts of 6 or more, "
                + $"or 'freq_dim' {config.FreqDim} is odd.");
        if (!arguments.Flag("qk_norm", true)) throw new FormatException("config.json: 'qk_norm' is false; every Wan model has it.");
        return config;
    }

    /// <summary>WanVAE_'s arguments [Wan2.1 wan/modules/vae.py, Wan2.2 wan/modules/vae2_2.py].</summary>
    public static WanVaeConfig Vae(JsonElement arguments) => new()
    {
        Dim = arguments.Int("dim"),
        DecDim = arguments.Int("dec_dim", 0),
        ZDim = arguments.Int("z_dim"),
        DimMult = arguments.Ints("dim_mult"),
        ResBlocks = arguments.Int("num_res_blocks"),
        AttnScales = arguments.Has("attn_scales") ? arguments.Doubles("attn_scales") : [],
        TemporalDownsample = arguments.Flags("temperal_downsample"),
    };

    /// <summary>VisionTransformer's arguments [Wan2.1 wan/modules/clip.py].</summary>
    public static WanClipConfig Clip(JsonElement arguments)
    {
        if (arguments.Text("activation") != "gelu" || arguments.Text("vision_pool") != "token"
            || !arguments.Flag("vision_pre_norm", true) || arguments.Flag("vision_post_norm"))
            throw new FormatException(
                "config.json describes a CLIP tower that no Wan model has: only a class token, norms first and plain GELU are known.");
        return new()
        {
            ImageSize = arguments.Int("image_size"),
            PatchSize = arguments.Int("patch_size"),
            Dim = arguments.Int("vision_dim"),
            MlpRatio = arguments.Double("vision_mlp_ratio", 4),
            Heads = Math.Max(1, arguments.Int("vision_heads")),
            Layers = arguments.Int("vision_layers"),
        };
    }

    /// <summary>T5Encoder's arguments [Wan2.1 wan/modules/t5.py].</summary>
    public static Umt5Config Umt5(JsonElement arguments) => new()
    {
        Vocabulary = arguments.Int("vocab"),
        Dim = arguments.Int("dim"),
        AttentionDim = arguments.Int("dim_attn"),
        FfnDim = arguments.Int("dim_ffn"),
        Heads = arguments.Int("num_heads"),
        Layers = arguments.Int("num_layers"),
        Buckets = arguments.Int("num_buckets"),
        SharedPositions = arguments.Flag("shared_pos", true),
    };
}
