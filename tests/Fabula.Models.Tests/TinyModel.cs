using Fabula.Models.Tests.Text;
using Fabula.Models.Text;
using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>A whole text-to-video model of random weights, written as a folder in either layout, and a film made from it.</summary>
sealed class TinyModel : IDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("fabula-tiny").FullName;
    readonly WanConfig _config;
    readonly SentencePieceModel _vocabulary = PocketVocabulary.Make(SegmentationType.Unigram, bytes: true);

    public static readonly WanConfig Small = new() { Dim = 48, FfnDim = 112, Heads = 4, Layers = 2, FreqDim = 32, TextDim = 32 };
    public static readonly WanConfig Wider = Small with { Dim = 96, FfnDim = 256, Layers = 4 };

    public TinyModel(WanConfig config) => _config = config;

    public string Original()
    {
        var root = Path.Combine(_root, "original");
        Directory.CreateDirectory(Path.Combine(root, "google/umt5-xxl"));
        Write(root, "config.json", $$"""
            {"_class_name":"WanModel","model_type":"t2v","dim":{{_config.Dim}},"ffn_dim":{{_config.FfnDim}},"num_heads":{{_config.Heads}},
            "num_layers":{{_config.Layers}},"freq_dim":{{_config.FreqDim}},"text_dim":{{_config.TextDim}}}
            """);
        Write(root, "vae_config.json", """{"dim":6}""");
        Write(root, "t5_config.json", $$"""
            {"vocab":{{_vocabulary.Count}},"dim":{{_config.TextDim}},"dim_attn":48,"dim_ffn":40,"num_heads":4,"num_layers":2}
            """);
        Save(Path.Combine(root, "diffusion_pytorch_model.safetensors"), Transformer, name => name);
        Save(Path.Combine(root, "Wan2.1_VAE.safetensors"), Vae, name => name);
        Save(Path.Combine(root, "models_t5_umt5-xxl-enc-bf16.safetensors"), Text, name => name);
        _vocabulary.Save(Path.Combine(root, "google/umt5-xxl/spiece.model"));
        return root;
    }

    public string Diffusers()
    {
        var root = Path.Combine(_root, "diffusers");
        foreach (var folder in new[] { "transformer", "vae", "text_encoder", "tokenizer" })
            Directory.CreateDirectory(Path.Combine(root, folder));
        Write(root, "model_index.json", """{"_class_name":"WanPipeline","transformer":["diffusers","WanTransformer3DModel"]}""");
        Write(root, "transformer/config.json", $$"""
            {"_class_name":"WanTransformer3DModel","num_attention_heads":{{_config.Heads}},"attention_head_dim":{{_config.HeadDim}},
            "in_channels":16,"out_channels":16,"ffn_dim":{{_config.FfnDim}},"num_layers":{{_config.Layers}},"freq_dim":{{_config.FreqDim}},
            "text_dim":{{_config.TextDim}}}
            """);
        Write(root, "vae/config.json", """{"base_dim":6,"z_dim":16}""");
        Write(root, "text_encoder/config.json", $$"""
            {"vocab_size":{{_vocabulary.Count}},"d_model":{{_config.TextDim}},"d_kv":12,"num_heads":4,"d_ff":40,"num_layers":2}
            """);
        Save(Path.Combine(root, "transformer/diffusion_pytorch_model.safetensors"), Transformer, WanNames.Transformer.ToDiffusers);
        Save(Path.Combine(root, "vae/diffusion_pytorch_model.safetensors"), Vae, WanNames.Vae21().ToDiffusers);
        Save(Path.Combine(root, "text_encoder/model.safetensors"), Text, WanNames.Umt5.ToDiffusers);
        _vocabulary.Save(Path.Combine(root, "tokenizer/spiece.model"));
        return root;
    }

    void Transformer(Weights weights) => _ = new WanTransformer(_config, weights);
    static void Vae(Weights weights) => _ = WanVae.Create(new WanVaeConfig { Dim = 6 }, weights);
    void Text(Weights weights) => _ = new Umt5Encoder(new Umt5Config
    {
        Vocabulary = _vocabulary.Count,
        Dim = _config.TextDim,
        AttentionDim = 48,
        FfnDim = 40,
        Heads = 4,
        Layers = 2,
    }, weights);

    static void Write(string root, string file, string text) => File.WriteAllText(Path.Combine(root, file), text);

    static void Save(string path, Action<Weights> build, Func<string, string?> name)
    {
        using var weights = Weights.Fresh(7, DType.F32, Device.Cpu);
        build(weights);
        Weights.Save(path, weights.Parameters.Select(pair => KeyValuePair.Create(
            name(pair.Key) ?? throw new InvalidOperationException($"'{pair.Key}' has no name in the other layout."), pair.Value)));
    }

    /// <summary>Text to latents to frames: the bytes of each stage, which the caller compares.</summary>
    public static (byte[] Rows, byte[] Latents, byte[] Frames) Film(string folder, DType type = DType.F32)
    {
        using var scope = TensorScope.Open();
        var model = ModelFolder.Open(folder);
        Assert.True(model.IsUsable, model.Describe());
        var tokenizer = model.LoadTokenizer();
        using var encoder = model.LoadTextEncoder(type, Device.Cpu);
        Tensor Encoded(string prompt) => encoder.Network.Encode([tokenizer.Encode(prompt)])[0];
        var (prompt, negative) = (Encoded("the red cat walks in New York"), Encoded("blurred"));
        using var transformer = model.LoadTransformer(0, type, Device.Cpu);
        var shot = new WanShot
        {
            Schedule = Schedule.UniPC(4, 5),
            Noise = new RandomSource(3).Normal("noise", 0, 1, 16, 3, 10, 14),
            Prompt = prompt,
            NegativePrompt = negative,
        };
        SolverState? last = null;
        foreach (var state in new WanSampler(new(transformer.Network, 5)).Sample(shot)) last = state;
        using var done = last!;
        using var vae = model.LoadVae(DType.F32, Device.Cpu);
        var frames = vae.Network.Decode(done.Latents);
        Assert.Equal([1, 3, 9, 80, 112], frames.Shape);
        return (Bytes(prompt), Bytes(done.Latents), Bytes(frames));
    }

    static byte[] Bytes(Tensor tensor) => tensor.Contiguous().Bytes().ToArray();

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
