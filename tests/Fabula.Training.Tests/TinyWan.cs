using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Training.Tests;

/// <summary>A memory model of random weights, as a folder in either layout; in the original one with two experts.</summary>
sealed class TinyWan : IDisposable
{
    static readonly WanConfig Config = new()
    {
        Kind = "i2v",
        Dim = 24,
        FfnDim = 32,
        Heads = 2,
        Layers = 2,
        InDim = 36,
        FreqDim = 16,
        TextDim = 16,
    };

    public const string Film = """{"name":"Tiny","width":48,"height":32,"rate":8,"frames":5,"steps":4,"guidance":1,"memory_guidance":1}""";

    public string Root { get; } = Directory.CreateTempSubdirectory("fabula-tiny-wan-").FullName;

    public TinyWan(bool diffusers) => LibTorch.Run(() => Make(diffusers));

    void Make(bool diffusers)
    {
        var vocabulary = PocketText.Vocabulary();
        if (diffusers)
        {
            foreach (var part in new[] { "transformer", "vae", "text_encoder", "tokenizer" }) Directory.CreateDirectory(At(part));
            Write("model_index.json", """
                {"_class_name":"WanImageToVideoPipeline","transformer":["diffusers","WanTransformer3DModel"]}
                """);
            Write("transformer/config.json", $$"""
                {"_class_name":"WanTransformer3DModel","num_attention_heads":2,"attention_head_dim":12,"in_channels":36,"out_channels":16,
                "ffn_dim":{{Config.FfnDim}},"num_layers":2,"freq_dim":16,"text_dim":16}
                """);
            Write("vae/config.json", """{"base_dim":6,"z_dim":16}""");
            Write("text_encoder/config.json", $$"""
                {"vocab_size":{{vocabulary.Count}},"d_model":16,"d_kv":8,"num_heads":2,"d_ff":16,"num_layers":1}
                """);
            Save("transformer/diffusion_pytorch_model.safetensors", 7, Transformer, WanNames.Transformer.ToDiffusers);
            Save("vae/diffusion_pytorch_model.safetensors", 7, Vae, WanNames.Vae21().ToDiffusers);
            Save("text_encoder/model.safetensors", 7, weights => Text(weights, vocabulary.Count), WanNames.Umt5.ToDiffusers);
            vocabulary.Save(At("tokenizer/spiece.model"));
        }
        else
        {
            foreach (var part in new[] { "high_noise_model", "low_noise_model", "google/umt5-xxl" }) Directory.CreateDirectory(At(part));
            foreach (var (expert, seed) in new[] { ("high_noise_model", 7ul), ("low_noise_model", 8ul) })
            {
                Write($"{expert}/config.json", """
                    {"_class_name":"WanModel","model_type":"i2v","dim":24,"ffn_dim":32,"num_heads":2,"num_layers":2,"freq_dim":16,
                    "text_dim":16,"in_dim":36}
                    """);
                Save($"{expert}/diffusion_pytorch_model.safetensors", seed, Transformer, name => name);
            }
            Write("vae_config.json", """{"dim":6}""");
            Write("t5_config.json", $$"""
                {"vocab":{{vocabulary.Count}},"dim":16,"dim_attn":16,"dim_ffn":16,"num_heads":2,"num_layers":1}
                """);
            Save("Wan2.1_VAE.safetensors", 7, Vae, name => name);
            Save("models_t5_umt5-xxl-enc-bf16.safetensors", 7, weights => Text(weights, vocabulary.Count), name => name);
            vocabulary.Save(At("google/umt5-xxl/spiece.model"));
        }
        Write("film.json", Film);
    }

    static void Transformer(Weights weights) => _ = new WanTransformer(Config, weights);
    static void Vae(Weights weights) => _ = WanVae.Create(new WanVaeConfig { Dim = 6 }, weights);
    static void Text(Weights weights, int words) => _ = new Umt5Encoder(new Umt5Config
    {
        Vocabulary = words,
        Dim = 16,
        AttentionDim = 16,
        FfnDim = 16,
        Heads = 2,
        Layers = 1,
    }, weights);

    public string At(string name) => Path.Combine(Root, name);
    public void Write(string file, string text) => File.WriteAllText(At(file), text);

    void Save(string file, ulong seed, Action<Weights> build, Func<string, string?> name)
    {
        using var weights = Weights.Fresh(seed, DType.F32, Device.Cpu);
        build(weights);
        Weights.Save(At(file), weights.Parameters.Select(pair => KeyValuePair.Create(name(pair.Key)!, pair.Value)));
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
