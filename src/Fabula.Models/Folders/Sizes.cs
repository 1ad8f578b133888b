using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>
/// Sizes of the networks beside the transformer, under the reference constructors' names, with the released models' values.
/// </summary>
static class Sizes
{
    public const string Vae21 =
        """{"dim":96,"z_dim":16,"dim_mult":[1,2,4,4],"num_res_blocks":2,"attn_scales":[],"temperal_downsample":[false,true,true]}""";
    public const string Vae22 = """
        {"dim":160,"dec_dim":256,"z_dim":48,"dim_mult":[1,2,4,4],"num_res_blocks":2,"attn_scales":[],
        "temperal_downsample":[false,true,true]}
        """;
    public const string Umt5 = """
        {"vocab":256384,"dim":4096,"dim_attn":4096,"dim_ffn":10240,"num_heads":64,"num_layers":24,"num_buckets":32,"shared_pos":false}
        """;
    public const string Clip = """
        {"embed_dim":1024,"image_size":224,"patch_size":14,"vision_dim":1280,"vision_mlp_ratio":4,"vision_heads":16,"vision_layers":32,
        "vision_pool":"token","activation":"gelu"}
        """;

    public static readonly (string, int, int)[] VaeBounds = [("dim", 1, 4096), ("dec_dim", 1, 4096), ("z_dim", 1, 512),
        ("num_res_blocks", 1, 16)];
    public static readonly (string, int, int)[] Umt5Bounds = [("vocab", 1, 1 << 21), ("dim", 1, 65536), ("dim_attn", 1, 65536),
        ("dim_ffn", 1, 262144), ("num_heads", 1, 512), ("num_layers", 1, 256), ("num_buckets", 4, 256)];
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
        if (config.ContainsKey("dim_mult") && fields.List("dim_mult", 8, e => e.ValueKind == JsonValueKind.Number
            && e.TryGetInt32(out var n) && n is > 0 and <= 64)
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
            : throw new CheckpointException(Path, null,
                $"has '{name}' {Shown(value)}, which is no number between {low} and {high.ToString(CultureInfo.InvariantCulture)}");
    }

    public bool Flag(string name, bool otherwise) => !Json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null
        ? otherwise
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw new CheckpointException(Path, null, $"has '{name}' {Shown(value)}, which is neither true nor false");

    public string Text(string name, string otherwise) => !Json.TryGetProperty(name, out var value) ? otherwise
        : value.ValueKind == JsonValueKind.String ? value.GetString()!
            : throw new CheckpointException(Path, null, $"has '{name}' {Shown(value)}, which is no text");

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
        Json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= longest
            && value.EnumerateArray().All(passes)
            ? value.GetArrayLength() : throw new CheckpointException(Path, null,
                $"has '{name}' that is no list of at most {longest} sensible entries");

    /// <summary>What no single field can tell.</summary>
    public WanConfig Validated(WanConfig config)
    {
        if (config.Dim % config.Heads != 0) throw new CheckpointException(Path, null,
            $"has {config.Heads} heads, which do not divide its width {config.Dim}");
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
