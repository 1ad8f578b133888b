// The folder of a pocket model: the layout and the key names of a real Wan model, so that everything that opens one opens the other.
using System.Text.Json;
using System.Text.Json.Nodes;
using Fabula.Models;
using Fabula.Models.Text;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

public static class PocketFolder
{
    const string Vae = "pocket_vae.safetensors", Text = "models_t5_umt5-xxl-enc-bf16.safetensors",
        Video = "diffusion_pytorch_model.safetensors", VaeConfig = "vae_config.json";
    public const string Tokenizer = KeyframeFiles.Tokenizer, Planner = KeyframeFiles.Planner;
    const string Vocabulary = "google/umt5-xxl/spiece.model";

    /// <summary>The VAE as bf16, with the mean and deviation of its latents, which make them of mean 0 and deviation 1.</summary>
    public static void WriteVae(string folder, WanVaeConfig network, IEnumerable<KeyValuePair<string, Tensor>> weights, float[] mean,
        float[] deviation)
    {
        Weights.Save(At(folder, Vae), weights, DType.BF16);
        WriteJson(At(folder, VaeConfig), new()
        {
            ["pocket"] = true,
            ["dim"] = network.Dim,
            ["dec_dim"] = network.DecDim,
            ["z_dim"] = network.ZDim,
            ["dim_mult"] = Numbers(network.DimMult),
            ["num_res_blocks"] = 1,
            ["attn_scales"] = new JsonArray(),
            ["temperal_downsample"] = new JsonArray([.. network.TemporalDownsample.Select(flag => JsonValue.Create(flag))]),
            ["latents_mean"] = Numbers(mean),
            ["latents_std"] = Numbers(deviation),
        });
    }

    public static void WriteText(string folder, SentencePieceModel vocabulary, Umt5Config network,
        IEnumerable<KeyValuePair<string, Tensor>> weights)
    {
        Weights.Save(At(folder, Text), weights, DType.BF16);
        WriteJson(At(folder, "t5_config.json"), new()
        {
            ["vocab"] = network.Vocabulary,
            ["dim"] = network.Dim,
            ["dim_attn"] = network.AttentionDim,
            ["dim_ffn"] = network.FfnDim,
            ["num_heads"] = network.Heads,
            ["num_layers"] = network.Layers,
            ["num_buckets"] = network.Buckets,
            ["shared_pos"] = network.SharedPositions,
        });
        vocabulary.Save(At(folder, Vocabulary));
        File.WriteAllLines(At(folder, "words.txt"), Lexicon.Words);
    }

    /// <summary>
    /// How the pocket model is sampled: two steps. What the drafts leave open is learned as a mean, and every further step only brings
    /// traces of the noise back.
    /// </summary>
    public const int Steps = 2;
    public const double Shift = 1.5;

    /// <summary>How much more than the network would a sample keeps of its drafts; training does not.</summary>
    public const double DraftTrust = 3;

    /// <summary>The video weights as bf16, their configuration, and how films are made with them.</summary>
    public static void WriteVideo(string folder, WanConfig network, IEnumerable<KeyValuePair<string, Tensor>> weights)
    {
        Weights.Save(At(folder, Video), weights, DType.BF16);
        WriteJson(At(folder, "config.json"), new()
        {
            ["_class_name"] = "WanModel",
            ["model_type"] = network.Kind,
            ["dim"] = network.Dim,
            ["ffn_dim"] = network.FfnDim,
            ["num_heads"] = network.Heads,
            ["num_layers"] = network.Layers,
            ["in_dim"] = network.InDim,
            ["out_dim"] = network.OutDim,
            ["freq_dim"] = network.FreqDim,
            ["text_dim"] = network.TextDim,
            ["text_len"] = network.TextLen,
            ["eps"] = network.Eps,
            ["patch_size"] = Numbers([network.Patch.T, network.Patch.H, network.Patch.W]),
            ["clip_dim"] = network.ClipDim,
            ["position_rows"] = network.LearnedPositions.Rows,
            ["position_columns"] = network.LearnedPositions.Columns,
            ["answers_clean"] = network.AnswersClean,
            ["takes_drafts"] = network.TakesDrafts,
            ["pools_text"] = network.PoolsText,
        });
        WriteJson(At(folder, "film.json"), new()
        {
            ["name"] = "Pocket",
            ["width"] = 224,
            ["height"] = 128,
            ["rate"] = (int)ShotSpec.FramesPerSecond,
            ["frames"] = 17,
            ["steps"] = Steps,
            ["shift"] = Shift,
            ["guidance"] = 1,
            ["memory_guidance"] = 1,
            ["most_memory"] = 3,
            ["memory_stride"] = 5,
            ["draft_trust"] = DraftTrust,
            ["draws_portraits"] = true,
        });
    }

    /// <summary>MovieDreamer's tokenizer or planner: its weights as bf16, and its configuration.</summary>
    public static void Write<T>(string folder, string name, T network, IEnumerable<KeyValuePair<string, Tensor>> weights)
    {
        Weights.Save(At(folder, name + ".safetensors"), weights, DType.BF16);
        WriteJson(At(folder, name + "_config.json"), (JsonObject)JsonSerializer.SerializeToNode(network, KeyframeFiles.Json)!);
    }

    /// <summary>A tokenizer that the recipe has written, in fp32. The caller disposes of the weights.</summary>
    public static (KeyframeTokenizer Network, Weights Weights) OpenTokenizer(string folder)
    {
        var loaded = KeyframeFiles.OpenTokenizer(folder);
        return (loaded.Network, loaded.Weights);
    }

    /// <summary>A planner that the recipe has written, in fp32. The caller disposes of the weights.</summary>
    public static (KeyframePlanner Network, Weights Weights) OpenPlanner(string folder)
    {
        var loaded = KeyframeFiles.OpenPlanner(folder);
        return (loaded.Network, loaded.Weights);
    }

    /// <summary>The parts that the video recipe needs, in fp32. The caller disposes of the weights.</summary>
    public static (VideoTools Tools, Weights[] Weights) OpenTools(string folder)
    {
        var vae = Weights.Open(Path.Combine(folder, Vae), DType.F32, Device.Cpu);
        var text = Weights.Open(Path.Combine(folder, Text), DType.F32, Device.Cpu);
        JsonElement Config(string name)
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, name)));
            return json.RootElement.Clone();
        }
        var tokenizer = WanTokenizer.Open(Path.Combine(folder, Vocabulary), PocketText.Length);
        var tools = new VideoTools(WanVae.Create(ReferenceConfig.Vae(Config(VaeConfig)), vae),
            new Umt5Encoder(ReferenceConfig.Umt5(Config("t5_config.json")) with { MaxTokens = PocketText.Length }, text), tokenizer);
        return (tools, [vae, text]);
    }

    /// <summary>The VAE's configuration and weights of a pocket folder, to go on from.</summary>
    public static (WanVaeConfig Config, Weights Weights) OpenVae(string folder)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, VaeConfig)));
        return (ReferenceConfig.Vae(json.RootElement), Weights.Open(Path.Combine(folder, Vae), DType.F32, Device.Cpu));
    }

    /// <summary>The video weights of a pocket folder, to go on from.</summary>
    public static Weights OpenVideo(string folder) => Weights.Open(Path.Combine(folder, Video), DType.F32, Device.Cpu);

    /// <summary>Tells the video weights of a pocket folder apart from others.</summary>
    public static string MarkOfVideo(string folder) => OwnPictures.MarkOf(Path.Combine(folder, Video));

    static string At(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    static JsonArray Numbers(IEnumerable<int> values) => new([.. values.Select(value => JsonValue.Create(value))]);
    static JsonArray Numbers(IEnumerable<float> values) => new([.. values.Select(value => JsonValue.Create(value))]);

    static void WriteJson(string path, JsonObject json)
    {
        File.WriteAllText(path + ".new", json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
        File.Move(path + ".new", path, overwrite: true);
    }
}
