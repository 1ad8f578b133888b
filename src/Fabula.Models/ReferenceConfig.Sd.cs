// The arguments of Hugging Face's LLaMA, of diffusers' networks and schedules, and of DINO, as their config.json files hold them.
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

    /// <summary>AutoencoderKL's arguments [diffusers].</summary>
    public static SdVaeConfig SdVae(JsonElement arguments)
    {
        Blocks(arguments, "up_block_types", "UpDecoderBlock2D");
        return Vae2D(arguments, arguments.Has("norm_num_groups") ? arguments.Int("norm_num_groups", 1, 1024) : 32);
    }

    /// <summary>AutoencoderKLTemporalDecoder's arguments [diffusers].</summary>
    public static SdVaeConfig SvdVae(JsonElement arguments) => Vae2D(arguments, SvdResnet.Groups);

    static SdVaeConfig Vae2D(JsonElement arguments, int groups)
    {
        Blocks(arguments, "down_block_types", "DownEncoderBlock2D");
        if (arguments.Int("in_channels", 3) != 3 || arguments.Int("out_channels", 3) != 3)
            throw new FormatException("config.json: 'in_channels' and 'out_channels' of a VAE are 3, red, green and blue.");
        var config = new SdVaeConfig
        {
            Widths = Small(arguments, "block_out_channels"),
            LayersPerBlock = arguments.Int("layers_per_block", 1, 16),
            ZDim = arguments.Int("latent_channels", 1, 512),
            Groups = groups,
            ScalingFactor = arguments.Double("scaling_factor", 0.18215),
        };
        return Consistent(config, config.Require);
    }

    /// <summary>UNet2DConditionModel's arguments, of SDXL's kind [diffusers].</summary>
    public static SdxlUnetConfig SdxlUnet(JsonElement arguments)
    {
        Only(arguments, "addition_embed_type", "text_time");
        if (!arguments.Flag("use_linear_projection"))
            throw new FormatException("config.json: 'use_linear_projection' is not true; every SDXL U-Net has it.");
        var widths = Small(arguments, "block_out_channels");
        var attends = Blocks(arguments, "down_block_types", "DownBlock2D", "CrossAttnDownBlock2D");
        if (!Blocks(arguments, "up_block_types", "UpBlock2D", "CrossAttnUpBlock2D").Reverse().SequenceEqual(attends))
            throw new FormatException("config.json: 'up_block_types' are not 'down_block_types' the other way round.");
        var layers = PerStage(arguments, "transformer_layers_per_block", widths.Length, 1);
        var config = new SdxlUnetConfig
        {
            InChannels = arguments.Int("in_channels", 1, 512),
            OutChannels = arguments.Int("out_channels", 1, 512),
            Widths = widths,
            LayersPerBlock = arguments.Int("layers_per_block", 1, 16),
            TransformerLayers = [.. layers.Select((count, i) => i < attends.Length && attends[i] ? count : 0)],
            MiddleLayers = layers.LastOrDefault(),
            Heads = PerStage(arguments, "attention_head_dim", widths.Length, 8),
            ContextDim = arguments.Int("cross_attention_dim", 1, 65536),
            SizeDim = arguments.Int("addition_time_embed_dim", 2, 65536),
            AddedDim = arguments.Int("projection_class_embeddings_input_dim", 1, 65536),
            Groups = arguments.Int("norm_num_groups", 32),
            Eps = arguments.Double("norm_eps", 1e-5),
        };
        return Consistent(config, config.Require);
    }

    /// <summary>UNetSpatioTemporalConditionModel's arguments [diffusers].</summary>
    public static SvdUnetConfig SvdUnet(JsonElement arguments)
    {
        var attends = Blocks(arguments, "down_block_types", "DownBlockSpatioTemporal", "CrossAttnDownBlockSpatioTemporal");
        if (!Blocks(arguments, "up_block_types", "UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal").Reverse()
            .SequenceEqual(attends))
            throw new FormatException("config.json: 'up_block_types' are not 'down_block_types' the other way round.");
        var widths = Small(arguments, "block_out_channels");
        var config = new SvdUnetConfig
        {
            InChannels = arguments.Int("in_channels", 1, 512),
            OutChannels = arguments.Int("out_channels", 1, 512),
            Widths = widths,
            LayersPerBlock = arguments.Int("layers_per_block", 1, 16),
            HasAttention = attends,
            TransformerLayers = arguments.Has("transformer_layers_per_block") ? arguments.Int("transformer_layers_per_block", 1, 64) : 1,
            Heads = PerStage(arguments, "num_attention_heads", widths.Length, 5),
            ContextDim = arguments.Int("cross_attention_dim", 1, 65536),
            AddedTimeDim = arguments.Int("addition_time_embed_dim", 2, 65536),
            AddedDim = arguments.Int("projection_class_embeddings_input_dim", 2, 65536),
        };
        return Consistent(config, config.Require);
    }

    /// <summary>VisionTransformer's arguments [facebookresearch/dino vision_transformer.py], and 'norm_eps' beside them.</summary>
    public static DinoConfig Dino(JsonElement recording)
    {
        var arguments = recording.Field("constructor");
        if (!arguments.Flag("qkv_bias", true) || arguments.Int("num_classes", 0) != 0)
            throw new FormatException("config.json: a DINO tower has biases for q, k and v and no classes.");
        var config = new DinoConfig
        {
            ImageSize = arguments.Ints("img_size") is [var side] ? side
                : throw new FormatException("config.json: 'img_size' is not a list of one number."),
            PatchSize = arguments.Int("patch_size", 1, 512),
            Dim = arguments.Int("embed_dim", 1, 16384),
            MlpRatio = arguments.Int("mlp_ratio", 1, 16),
            Heads = arguments.Int("num_heads", 1, 512),
            Layers = arguments.Int("depth", 1, 256),
            Eps = recording.Double("norm_eps", 1e-6),
        };
        return config.ImageSize <= 4096 ? Consistent(config, config.Require)
            : throw new FormatException($"config.json: 'img_size' {config.ImageSize} is above 4096.");
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

    /// <summary>Whether each block is of the second kind; all are of one of the two.</summary>
    static bool[] Blocks(JsonElement arguments, string name, string plain, string? attending = null) =>
        arguments.Field(name) is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() <= 8
            && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String
                && (item.GetString() == plain || attending is not null && item.GetString() == attending))
        ? [.. list.EnumerateArray().Select(item => item.GetString() != plain)]
        : throw new FormatException($"config.json: '{name}' is not at most 8 of {plain}{(attending is null ? "" : $" and {attending}")}.");

    /// <summary>Widths that a network can have.</summary>
    static int[] Small(JsonElement arguments, string name) =>
        arguments.Ints(name) is { Length: >= 1 and <= 8 } widths && widths.All(width => width is >= 1 and <= 8192) ? widths
        : throw new FormatException($"config.json: '{name}' is not 1 to 8 numbers from 1 to 8192.");

    /// <summary>One number for every stage, or one for each; at most 64.</summary>
    static int[] PerStage(JsonElement arguments, string name, int stages, int otherwise)
    {
        int[] numbers = !arguments.Has(name) || arguments.Field(name).ValueKind == JsonValueKind.Number
            ? [.. Enumerable.Repeat(arguments.Int(name, otherwise), stages)] : arguments.Ints(name);
        return numbers.All(number => number is >= 1 and <= 64) ? numbers
            : throw new FormatException($"config.json: '{name}' is not of numbers from 1 to 64.");
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
