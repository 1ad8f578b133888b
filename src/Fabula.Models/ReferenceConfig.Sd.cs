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

    /// <summary>EulerDiscreteScheduler's and DDIMScheduler's arguments [diffusers].</summary>
    public static NoiseConfig Noise(JsonElement arguments)
    {
        Only(arguments, "beta_schedule", "scaled_linear");
        Only(arguments, "timestep_spacing", "leading");
        Only(arguments, "interpolation_type", "linear");
        if (arguments.Flag("clip_sample") || arguments.Flag("thresholding") || arguments.Flag("rescale_betas_zero_snr"))
            throw new FormatException("config.json: clipped samples, thresholds and rescaled noise are not known.");
        var velocity = arguments.Has("prediction_type") && arguments.Text("prediction_type") == "v_prediction";
        if (!velocity) Only(arguments, "prediction_type", "epsilon");
        var karras = arguments.Flag("use_karras_sigmas");
        if (karras != (arguments.Has("timestep_type") && arguments.Text("timestep_type") == "continuous") || karras && !velocity)
            throw new FormatException("config.json: Karras's levels go together with continuous timesteps and 'v_prediction' only.");
        return new NoiseConfig
        {
            TrainingSteps = arguments.Int("num_train_timesteps", 2, 1 << 16),
            BetaStart = arguments.Double("beta_start", 0.0001),
            BetaEnd = arguments.Double("beta_end", 0.02),
            StepsOffset = arguments.Int("steps_offset", 0),
            Prediction = velocity ? Prediction.Velocity : Prediction.Epsilon,
            KarrasLevels = karras ? (arguments.Double("sigma_min", 0), arguments.Double("sigma_max", 0)) : null,
            EndsClean = arguments.Flag("set_alpha_to_one", true),
        };
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
