// The arguments of Hugging Face's LLaMA and of diffusers' networks and schedules, as their config.json files hold them.
using System.Text.Json;

namespace Fabula.Models;

public static partial class ReferenceConfig
{
    /// <summary>LlamaConfig's fields [transformers].</summary>
    public static LlamaConfig Llama(JsonElement arguments)
    {
        Only(arguments, "hidden_act", "silu");
        Only(arguments, "rope_scaling", null);
        var heads = arguments.Int("num_attention_heads", 1, 512);
        var config = new LlamaConfig
        {
            Vocabulary = arguments.Int("vocab_size", 1, 1 << 20),
            Dim = arguments.Int("hidden_size", 1, 65536),
            FfnDim = arguments.Int("intermediate_size", 1, 262144),
            Layers = arguments.Int("num_hidden_layers", 1, 256),
            Heads = heads,
            KeyHeads = Given(arguments, "num_key_value_heads") ? arguments.Int("num_key_value_heads", 1, 512) : heads,
            MaxTokens = arguments.Int("max_position_embeddings", 1, 1 << 21),
            RopeTheta = arguments.Double("rope_theta", 10000),
            Eps = arguments.Double("rms_norm_eps", 1e-6),
            AttentionBias = arguments.Flag("attention_bias"),
            TiedHead = arguments.Flag("tie_word_embeddings"),
        };
        if (Given(arguments, "head_dim") && arguments.Int("head_dim") * heads != config.Dim)
            throw new FormatException($"config.json: 'head_dim' times {heads} heads is not 'hidden_size' {config.Dim}.");
        return Consistent(config, config.Require);
    }

    /// <summary>Whether a field is there and not null.</summary>
    static bool Given(JsonElement arguments, string name) =>
        arguments.Has(name) && arguments.Field(name).ValueKind != JsonValueKind.Null;

    /// <summary>Refuses a field that is given and says anything else.</summary>
    static void Only(JsonElement arguments, string name, string? known)
    {
        if (Given(arguments, name) && (known is null || arguments.Text(name) != known))
            throw new FormatException($"config.json: '{name}' is something that Fabula does not know; known is {known ?? "null"}.");
    }

    static T Consistent<T>(T config, Action require)
    {
        try
        {
            require();
        }
        catch (ArgumentException e) { throw new FormatException($"config.json: {e.Message}", e); }
        return config;
    }
}
