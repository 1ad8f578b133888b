using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>Folders as people have them, with tiny files in the places of large ones.</summary>
public sealed class ModelFolderTests : IDisposable
{
    const string T5 = "models_t5_umt5-xxl-enc-bf16.pth", Clip = "models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth";
    const string Small =
        """{"_class_name":"WanModel","model_type":"t2v","dim":96,"ffn_dim":256,"num_heads":4,"num_layers":4,"text_dim":64}""";
    readonly string _root = Directory.CreateTempSubdirectory("fabula-folder").FullName;

    void Put(string file, string text = "weights")
    {
        var path = Path.Combine(_root, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    static string Config(WanConfig config, string kind) => $$"""
        {"_class_name":"WanModel","_diffusers_version":"0.30.0","dim":{{config.Dim}},"eps":1e-06,
        "ffn_dim":{{config.FfnDim}},"freq_dim":256,"in_dim":{{config.InDim}},
        "model_type":"{{kind}}","num_heads":{{config.Heads}},"num_layers":{{config.Layers}},"out_dim":{{config.OutDim}},"text_len":512}
        """;

    void PutOriginal(WanConfig config, string vae = "Wan2.1_VAE.pth")
    {
        Put("config.json", Config(config, config.Kind));
        Put("diffusion_pytorch_model.safetensors");
        Put(vae);
        Put(T5);
        Put("google/umt5-xxl/spiece.model");
        if (config.ClipDim > 0) Put(Clip);
    }

    void PutExperts(WanConfig config, string kind)
    {
        foreach (var folder in new[] { "high_noise_model", "low_noise_model" })
        {
            Put($"{folder}/config.json", Config(config, kind));
            Put($"{folder}/diffusion_pytorch_model.safetensors.index.json",
                """
                {"weight_map":{"a":"diffusion_pytorch_model-00001-of-00002.safetensors",
                "b":"diffusion_pytorch_model-00002-of-00002.safetensors"}}
                """);
            Put($"{folder}/diffusion_pytorch_model-00001-of-00002.safetensors");
            Put($"{folder}/diffusion_pytorch_model-00002-of-00002.safetensors");
        }
        Put("Wan2.1_VAE.pth");
        Put(T5);
        Put("google/umt5-xxl/tokenizer.json");
    }

    void PutDiffusers(WanConfig config, bool experts, string extra = "", string pipeline = "WanPipeline", string more = "")
    {
        Put("model_index.json",
            $$"""
            {"_class_name":"{{pipeline}}","transformer":["diffusers","WanTransformer3DModel"],
            "transformer_2":[{{(experts ? "\"diffusers\",\"WanTransformer3DModel\"" : "null,null")}}]{{extra}}}
            """);
        foreach (var folder in experts ? ["transformer", "transformer_2"] : new[] { "transformer" })
        {
            Put($"{folder}/config.json", $$"""
                {"_class_name":"WanTransformer3DModel","attention_head_dim":{{config.HeadDim}},"num_attention_heads":{{config.Heads}},
                "in_channels":{{config.InDim}},
                "out_channels":{{config.OutDim}},"ffn_dim":{{config.FfnDim}},"num_layers":{{config.Layers}},
                "text_dim":4096,"freq_dim":256,"eps":1e-06,"patch_size":[1,2,2],
                "image_dim":{{(config.ClipDim > 0 ? config.ClipDim : "null")}},"cross_attn_norm":true{{more}}}
                """);
            Put($"{folder}/diffusion_pytorch_model.safetensors");
        }
        Put("vae/config.json", config.OutDim == 48 ? """{"base_dim":160,"decoder_base_dim":256,"z_dim":48,"is_residual":true}"""
            : """{"base_dim":96,"z_dim":16}""");
        Put("vae/diffusion_pytorch_model.safetensors");
        Put("text_encoder/config.json",
            """
            {"d_model":4096,"d_kv":64,"num_heads":64,"d_ff":10240,"num_layers":24,"vocab_size":256384,"relative_attention_num_buckets":32}
            """);
        Put("text_encoder/model.safetensors");
        Put("tokenizer/spiece.model");
        if (config.ClipDim == 0) return;
        Put("image_encoder/config.json",
            """
            {"hidden_size":1280,"num_attention_heads":16,"num_hidden_layers":32,"image_size":224,"patch_size":14,"projection_dim":1024}
            """);
        Put("image_encoder/model.safetensors");
    }

    public static TheoryData<string> Released => ["T2V_1_3B", "T2V_14B", "I2V_14B", "FLF2V_14B", "TI2V_5B"];

    static WanConfig Named(string name) => name switch
    {
        "T2V_1_3B" => WanConfig.T2V_1_3B,
        "T2V_14B" => WanConfig.T2V_14B,
        "I2V_14B" => WanConfig.I2V_14B,
        "FLF2V_14B" => WanConfig.FLF2V_14B,
        _ => WanConfig.TI2V_5B,
    };

    [Theory, MemberData(nameof(Released))]
    public void A_released_model_of_one_transformer_is_known_by_its_sizes(string name)
    {
        var config = Named(name);
        PutOriginal(config, config.OutDim == 48 ? "Wan2.2_VAE.pth" : "Wan2.1_VAE.pth");
        var found = ModelFolder.Open(_root);
        Assert.Equal(config, found.Config);
        Assert.True(found.IsUsable, found.Describe());
        Assert.Single(found.Transformers);
        Assert.Null(found.Boundary);
        Assert.Equal(config.ClipDim > 0, found.ImageEncoder is not null);
        Assert.Equal(config.OutDim == 48 ? VaeKind.Wan22 : VaeKind.Wan21, found.VaeKind);
        Assert.Equal((name switch
        {
            "T2V_1_3B" => "Wan 2.1 T2V 1.3B",
            "T2V_14B" => "Wan 2.1 T2V 14B",
            "I2V_14B" => "Wan 2.1 I2V 14B",
            "FLF2V_14B" => "Wan 2.1 FLF2V 14B",
            _ => "Wan 2.2 TI2V 5B",
        }, name == "TI2V_5B" ? "2.2" : "2.1"), (found.Name, found.Generation));
    }

    [Theory]
    [InlineData("t2v", "Wan 2.2 T2V A14B", 0.875, 12, 3, 4)]
    [InlineData("i2v", "Wan 2.2 I2V A14B", 0.9, 5, 3.5, 3.5)]
    public void Two_experts_are_known_with_their_boundary(string kind, string name, double boundary, double shift, double low, double high)
    {
        PutExperts(kind == "t2v" ? WanConfig.T2V_14B : WanConfig.I2V_A14B, kind);
        var found = ModelFolder.Open(_root);
        Assert.True(found.IsUsable, found.Describe());
        Assert.Equal(name, found.Name);
        Assert.Equal(boundary, found.Boundary);
        Assert.Equal(new SamplingDefaults(40, shift, low, high, 81, 16), found.Defaults);
        Assert.Contains("high_noise_model", found.Transformers[0].Path, StringComparison.Ordinal);
        Assert.Contains("low_noise_model", found.Transformers[1].Path, StringComparison.Ordinal);
        Assert.Null(found.ImageEncoder);
    }

    [Fact]
    public void Defaults_depend_on_the_size_where_the_reference_says_so()
    {
        PutOriginal(WanConfig.I2V_14B);
        var defaults = ModelFolder.Open(_root).Defaults;
        Assert.Equal((3.0, 3.0, 5.0), (defaults.ShiftFor(832, 480), defaults.ShiftFor(480, 832), defaults.ShiftFor(1280, 720)));
    }

    [Fact]
    public void Diffusers_folders_are_read_too()
    {
        PutDiffusers(WanConfig.T2V_1_3B, experts: false);
        var found = ModelFolder.Open(_root);
        Assert.True(found.IsUsable, found.Describe());
        Assert.Equal((ModelLayout.Diffusers, "Wan 2.1 T2V 1.3B", WanConfig.T2V_1_3B), (found.Layout, found.Name, found.Config));
        Assert.Equal(4096, found.TextEncoder.Config!.Value.GetProperty("dim_attn").GetInt32());
    }

    [Fact]
    public void In_diffusers_the_first_transformer_is_the_high_noise_one()
    {
        PutDiffusers(WanConfig.I2V_A14B, experts: true, ",\"boundary_ratio\":0.85", "WanImageToVideoPipeline");
        var found = ModelFolder.Open(_root);
        Assert.True(found.IsUsable, found.Describe());
        Assert.Equal(("Wan 2.2 I2V A14B", 0.85), (found.Name, found.Boundary));
        Assert.Equal("transformer, high noise", found.Transformers[0].Role);
        Assert.Equal(Path.Combine(_root, "transformer", "diffusion_pytorch_model.safetensors"), found.Transformers[0].Path);
        Assert.Equal(Path.Combine(_root, "transformer_2", "diffusion_pytorch_model.safetensors"), found.Transformers[1].Path);
    }

    [Fact]
    public void Diffusers_image_models_have_clip_and_the_small_one_the_newer_vae()
    {
        PutDiffusers(WanConfig.I2V_14B, experts: false, pipeline: "WanImageToVideoPipeline");
        Assert.Equal(WanConfig.I2V_14B, ModelFolder.Open(_root).Config);
        PutDiffusers(WanConfig.TI2V_5B, experts: false, ",\"expand_timesteps\":true");
        var found = ModelFolder.Open(_root);
        Assert.Equal(("Wan 2.2 TI2V 5B", VaeKind.Wan22, WanConfig.TI2V_5B), (found.Name, found.VaeKind, found.Config));
        Assert.Equal(256, found.Vae.Config!.Value.GetProperty("dec_dim").GetInt32());
        PutDiffusers(WanConfig.FLF2V_14B, experts: false, more: ",\"pos_embed_seq_len\":514");
        Assert.Equal(WanConfig.FLF2V_14B, ModelFolder.Open(_root).Config);
    }

    [Fact]
    public void Small_models_say_their_other_sizes_beside_their_config()
    {
        Put("config.json", Small);
        Put("diffusion_pytorch_model.safetensors");
        Put("Wan2.1_VAE.safetensors");
        Put("models_t5_umt5-xxl-enc-bf16.safetensors");
        Put("google/umt5-xxl/spiece.model");
        Put("vae_config.json", """{"dim":8,"num_res_blocks":1}""");
        Put("t5_config.json", """{"vocab":500,"dim":64,"dim_attn":64,"dim_ffn":128,"num_heads":4,"num_layers":2}""");
        var found = ModelFolder.Open(_root);
        Assert.True(found.IsUsable, found.Describe());
        Assert.Equal("Wan 2.1 T2V, 96 wide, 4 layers", found.Name);
        var (vae, t5) = (found.Vae.Config!.Value, found.TextEncoder.Config!.Value);
        Assert.Equal((8, 16, 1), (vae.GetProperty("dim").GetInt32(), vae.GetProperty("z_dim").GetInt32(),
            vae.GetProperty("num_res_blocks").GetInt32()));
        Assert.Equal((500, 32), (t5.GetProperty("vocab").GetInt32(), t5.GetProperty("num_buckets").GetInt32()));
    }

    [Fact]
    public void What_is_missing_is_said_part_by_part()
    {
        PutExperts(WanConfig.T2V_14B, "t2v");
        File.Delete(Path.Combine(_root, "low_noise_model/diffusion_pytorch_model-00002-of-00002.safetensors"));
        File.Delete(Path.Combine(_root, T5));
        Put("Wan2.1_VAE.pth", "");
        Directory.Delete(Path.Combine(_root, "google"), true);
        var found = ModelFolder.Open(_root);
        Assert.False(found.IsUsable);
        Assert.Equal(["transformer, low noise", "VAE 2.1", "text encoder", "tokenizer"],
            found.Parts.Where(part => !part.IsUsable).Select(part => part.Role));
        Assert.Contains("lacks the shard diffusion_pytorch_model-00002-of-00002.safetensors", found.Describe(), StringComparison.Ordinal);
        Assert.Contains("looked for models_t5_umt5-xxl-enc-bf16.safetensors", found.Describe(), StringComparison.Ordinal);
        Assert.Contains("empty file, Wan2.1_VAE.pth", found.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pointer_in_place_of_the_file_is_seen()
    {
        PutOriginal(WanConfig.T2V_1_3B);
        Put("diffusion_pytorch_model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0");
        Assert.Contains("git lfs pull", ModelFolder.Open(_root).Transformers[0].Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_of_another_model_are_not_usable()
    {
        PutOriginal(WanConfig.T2V_1_3B);
        Put("vae_config.json", """{"z_dim":48}""");
        Put("t5_config.json", """{"dim":64}""");
        var found = ModelFolder.Open(_root);
        Assert.Contains("z_dim 48 where the transformer has out_dim 16", found.Vae.Problem, StringComparison.Ordinal);
        Assert.Contains("dim 64 where the transformer has text_dim 4096", found.TextEncoder.Problem, StringComparison.Ordinal);
    }

    void Refused(string words)
    {
        var error = Assert.Throws<CheckpointException>(() => ModelFolder.Open(_root));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void An_empty_folder_is_refused_with_what_was_looked_for() =>
        Refused("looked for config.json or the folders high_noise_model and low_noise_model");

    [Fact]
    public void A_file_and_an_absent_folder_are_refused()
    {
        Put("a");
        Assert.Throws<CheckpointException>(() => ModelFolder.Open(Path.Combine(_root, "a")));
        Assert.Throws<CheckpointException>(() => ModelFolder.Open(Path.Combine(_root, "b")));
    }

    [Fact]
    public void One_part_of_a_model_is_refused_with_the_folder_to_name()
    {
        PutExperts(WanConfig.T2V_14B, "t2v");
        Assert.Contains("folder above", Assert.Throws<CheckpointException>(() => ModelFolder.Open(Path.Combine(_root, "high_noise_model")))
            .Message, StringComparison.Ordinal);
        PutDiffusers(WanConfig.T2V_14B, experts: false);
        Assert.Contains("folder above", Assert.Throws<CheckpointException>(() => ModelFolder.Open(Path.Combine(_root, "transformer")))
            .Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Experts_of_different_sizes_are_refused()
    {
        PutExperts(WanConfig.T2V_14B, "t2v");
        Put("low_noise_model/config.json", Config(WanConfig.T2V_1_3B, "t2v"));
        Refused("do not belong together");
    }

    [Theory]
    [InlineData("", "is not JSON")]
    [InlineData("[]", "is no JSON object")]
    [InlineData("{\"dim\":\"\\ud800\"}", "not valid Unicode")]
    [InlineData("{\"_class_name\":5}", "no text")]
    [InlineData("{\"model_type\":\"vace\"}", "has model_type 'vace'")]
    [InlineData("{\"model_type\":\"\\u001b[31m\"}", "has model_type '?[31m'")]
    [InlineData("{\"dim\":96}", "lacks 'ffn_dim'")]
    [InlineData("{\"dim\":-96}", "'dim' -96")]
    [InlineData("{\"dim\":0}", "'dim' 0")]
    [InlineData("{\"dim\":1e300}", "'dim' 1e300")]
    [InlineData("{\"dim\":99999999999999999999}", "no whole number")]
    [InlineData("{\"dim\":2147483647}", "no whole number")]
    [InlineData("{\"dim\":96.5}", "no whole number")]
    [InlineData("{\"dim\":{\"a\":1,\"a\":2}}", "no whole number")]
    [InlineData("{\"dim\":96,\"ffn_dim\":8,\"num_heads\":5,\"num_layers\":1}", "5 heads, which do not divide its width 96")]
    [InlineData("{\"dim\":96,\"ffn_dim\":8,\"num_heads\":32,\"num_layers\":1}", "heads of width 3")]
    [InlineData("{\"dim\":96,\"ffn_dim\":8,\"num_heads\":0,\"num_layers\":1}", "'num_heads' 0")]
    [InlineData("{\"dim\":96,\"ffn_dim\":8,\"num_heads\":4,\"num_layers\":100000}", "'num_layers' 100000")]
    [InlineData("{\"dim\":96,\"ffn_dim\":8,\"num_heads\":4,\"num_layers\":1,\"eps\":0}", "'eps' 0")]
    [InlineData("{\"dim\":96,\"ffn_dim\":8,\"num_heads\":4,\"num_layers\":1,\"freq_dim\":7}", "odd freq_dim")]
    [InlineData("{\"dim\":96,\"ffn_dim\":8,\"num_heads\":4,\"num_layers\":1,\"patch_size\":[1,2]}", "three whole numbers")]
    [InlineData("{\"dim\":96,\"ffn_dim\":8,\"num_heads\":4,\"num_layers\":1,\"patch_size\":[1,0,2]}", "three whole numbers")]
    [InlineData("{\"dim\":96,\"ffn_dim\":8,\"num_heads\":4,\"num_layers\":1,\"qk_norm\":false}", "qk_norm false")]
    [InlineData("{\"dim\":96,\"ffn_dim\":8,\"num_heads\":4,\"num_layers\":1,\"in_dim\":20}",
        "20 channels in where a t2v model with 16 out has 16")]
    public void A_hostile_config_is_refused_in_one_sentence(string json, string words)
    {
        Put("config.json", json);
        Refused(words);
    }

    [Theory]
    [InlineData("vae_config.json", "{\"dim\":0}")]
    [InlineData("vae_config.json", "{\"dim_mult\":[1,2]}")]
    [InlineData("vae_config.json", "{\"dim_mult\":[1,2,4,-4]}")]
    [InlineData("vae_config.json", "{\"temperal_downsample\":[0,1,1]}")]
    [InlineData("vae_config.json", "{\"z_dim\":{\"a\":1,\"a\":2}}")]
    [InlineData("vae_config.json", "{\"num_res_blocks\":1000000000}")]
    [InlineData("t5_config.json", "{\"num_heads\":7}")]
    [InlineData("t5_config.json", "{\"vocab\":null}")]
    [InlineData("t5_config.json", "{\"num_layers\":\"two\"}")]
    public void Hostile_sizes_of_other_networks_are_refused(string file, string json)
    {
        PutOriginal(WanConfig.T2V_1_3B);
        Put(file, json);
        Refused(file);
    }

    [Fact]
    public void A_config_of_megabytes_is_refused()
    {
        Put("config.json", "{\"a\":\"" + new string('x', 2 << 20) + "\"}");
        Refused("too long for a configuration");
    }

    [Fact]
    public void An_index_that_points_elsewhere_is_a_problem_of_its_part()
    {
        PutExperts(WanConfig.T2V_14B, "t2v");
        Put("high_noise_model/diffusion_pytorch_model.safetensors.index.json",
            """{"weight_map":{"a":"../low_noise_model/diffusion_pytorch_model-00001-of-00002.safetensors"}}""");
        Assert.Contains("names a shard elsewhere", ModelFolder.Open(_root).Transformers[0].Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"_class_name\":\"StableDiffusionPipeline\"}", "describes a 'StableDiffusionPipeline'")]
    [InlineData("{}", "describes a ''")]
    [InlineData("{\"_class_name\":\"WanPipeline\"}", "config.json does not exist")]
    public void A_diffusers_index_of_another_pipeline_is_refused(string json, string words)
    {
        Put("model_index.json", json);
        Refused(words);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
