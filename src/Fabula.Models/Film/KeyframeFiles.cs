// MovieDreamer's two networks as files: weights and a configuration beside them, which strangers may have written.
using System.Text.Json;
using System.Text.Json.Serialization;
using Fabula.Torch;

namespace Fabula.Models;

public static class KeyframeFiles
{
    public const string Tokenizer = "keyframe_tokenizer", Planner = "keyframe_planner";

    /// <summary>How configurations are written.</summary>
    public static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        IgnoreReadOnlyProperties = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>Whether a folder holds both.</summary>
    public static bool AreIn(string folder) => new[] { Tokenizer, Planner }.All(name =>
        File.Exists(Path.Combine(folder, name + ".safetensors")) && File.Exists(Path.Combine(folder, name + "_config.json")));

    /// <summary>In fp32.</summary>
    /// <exception cref="CheckpointException">A file is missing, broken, or of another network.</exception>
    public static Loaded<KeyframeTokenizer> OpenTokenizer(string folder) =>
        Open<KeyframeTokenizerConfig, KeyframeTokenizer>(folder, Tokenizer, config => config.Require(),
            (config, weights) => new(config, weights));

    /// <inheritdoc cref="OpenTokenizer"/>
    public static Loaded<KeyframePlanner> OpenPlanner(string folder) =>
        Open<KeyframePlannerConfig, KeyframePlanner>(folder, Planner, config => config.Require(),
            (config, weights) => new(config, weights));

    static Loaded<TNetwork> Open<TConfig, TNetwork>(string folder, string name, Action<TConfig> require,
        Func<TConfig, Weights, TNetwork> of)
    {
        var path = Path.Combine(folder, name + "_config.json");
        TConfig config;
        try
        {
            using var json = SmallJson.Read(path);
            config = json.RootElement.Deserialize<TConfig>(Json)!;
            require(config);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new CheckpointException(path, null, $"does not describe {name} ({e.Message.TrimEnd('.')})", e);
        }
        var weights = Weights.Open(Path.Combine(folder, name + ".safetensors"), DType.F32, Device.Cpu);
        try { return new(of(config, weights), weights); }
        catch
        {
            weights.Dispose();
            throw;
        }
    }
}
