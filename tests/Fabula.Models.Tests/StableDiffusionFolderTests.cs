using System.Text.Json.Nodes;
using Fabula.Models.Golden;
using Fabula.Torch;

namespace Fabula.Models.Tests;

/// <summary>Diffusers folders of SDXL and SVD: recorded networks laid out as pipelines are saved, opened, and run as recorded.</summary>
public sealed class StableDiffusionFolderTests : IDisposable
{
    const string Xl = "StableDiffusionXLPipeline", Video = "StableVideoDiffusionPipeline";
    readonly string _root = Directory.CreateTempSubdirectory("fabula-sd").FullName;

    public void Dispose() => Directory.Delete(_root, true);

    static string Golden(string name) => Path.Combine(Repository.Root, "tests", "golden", name);

    string Put(string file, string text)
    {
        var path = Path.Combine(_root, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    void PutPart(string folder, string recording)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Golden(recording), "config.json")))!;
        var arguments = config["constructor"]!.AsObject();
        arguments["_class_name"] = config["class"]!.DeepClone();
        Put($"{folder}/config.json", arguments.ToJsonString());
        File.Copy(Path.Combine(Golden(recording), "weights.safetensors"),
            Path.Combine(_root, folder, "diffusion_pytorch_model.safetensors"));
    }

    void Lay(string pipeline, string unet, string vae)
    {
        Put("model_index.json", $$"""{"_class_name":"{{pipeline}}","unet":["diffusers","X"],"vae":["diffusers","Y"]}""");
        Put("scheduler/scheduler_config.json", pipeline == Xl ? XlSchedule : VideoSchedule);
        PutPart("unet", unet);
        PutPart("vae", vae);
    }

    // As the released folders have them.
    const string XlSchedule = """
        {"_class_name":"EulerDiscreteScheduler","beta_end":0.012,"beta_schedule":"scaled_linear","beta_start":0.00085,"clip_sample":false,
        "interpolation_type":"linear","num_train_timesteps":1000,"prediction_type":"epsilon","sample_max_value":1.0,
        "set_alpha_to_one":false,"skip_prk_steps":true,"steps_offset":1,"timestep_spacing":"leading","trained_betas":null,
        "use_karras_sigmas":false}
        """;
    const string VideoSchedule = """
        {"_class_name":"EulerDiscreteScheduler","beta_end":0.012,"beta_schedule":"scaled_linear","beta_start":0.00085,"clip_sample":false,
        "interpolation_type":"linear","num_train_timesteps":1000,"prediction_type":"v_prediction","set_alpha_to_one":false,
        "sigma_max":700.0,"sigma_min":0.002,"skip_prk_steps":true,"steps_offset":1,"timestep_spacing":"leading",
        "timestep_type":"continuous","trained_betas":null,"use_karras_sigmas":true}
        """;
    const string ReleasedXlUnet = """
        {"_class_name":"UNet2DConditionModel","act_fn":"silu","addition_embed_type":"text_time","addition_embed_type_num_heads":64,
        "addition_time_embed_dim":256,"attention_head_dim":[5,10,20],"block_out_channels":[320,640,1280],"center_input_sample":false,
        "class_embed_type":null,"conv_in_kernel":3,"cross_attention_dim":2048,
        "down_block_types":["DownBlock2D","CrossAttnDownBlock2D","CrossAttnDownBlock2D"],"dual_cross_attention":false,
        "flip_sin_to_cos":true,"freq_shift":0,"in_channels":4,"layers_per_block":2,"mid_block_type":"UNetMidBlock2DCrossAttn",
        "norm_eps":1e-05,"norm_num_groups":32,"num_attention_heads":null,"num_class_embeds":null,"out_channels":4,
        "projection_class_embeddings_input_dim":2816,"sample_size":128,"time_embedding_type":"positional",
        "transformer_layers_per_block":[1,2,10],"up_block_types":["CrossAttnUpBlock2D","CrossAttnUpBlock2D","UpBlock2D"],
        "upcast_attention":null,"use_linear_projection":true}
        """;
    const string ReleasedVae = """
        {"_class_name":"AutoencoderKL","act_fn":"silu","block_out_channels":[128,256,512,512],
        "down_block_types":["DownEncoderBlock2D","DownEncoderBlock2D","DownEncoderBlock2D","DownEncoderBlock2D"],"force_upcast":true,
        "in_channels":3,"latent_channels":4,"layers_per_block":2,"norm_num_groups":32,"out_channels":3,"sample_size":1024,
        "scaling_factor":0.13025,"up_block_types":["UpDecoderBlock2D","UpDecoderBlock2D","UpDecoderBlock2D","UpDecoderBlock2D"]}
        """;

    static Fixture Recording(string name) => new(Golden(name), DType.F32, Device.Cpu);

    static Tensor Wanted(string recording, string output)
    {
        using var weights = Weights.Open(Path.Combine(Golden(recording), "outputs.safetensors"), DType.F32, Device.Cpu);
        return weights.Get(output, DType.F32, weights.ShapeOf(output)!).Clone();
    }

    [Fact]
    public void A_folder_of_SDXL_opens_and_draws_as_recorded() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        Lay(Xl, "sdxl_unet", "sd_vae");
        var folder = StableDiffusionFolder.Open(_root);
        Assert.True(folder.IsUsable);
        Assert.StartsWith("Stable Diffusion XL, 16, 24 wide (diffusers layout)", folder.Describe());
        Assert.Equal((1000, Prediction.Epsilon), (folder.Noise.TrainingSteps, folder.Noise.Prediction));
        using var given = Recording("sdxl_unet");
        using var unet = folder.LoadXlUnet(DType.F32, Device.Cpu);
        Close.To(Wanted("sdxl_unet", "out"), unet.Network.Forward(given.Numbers("sample", -1, -1, -1, -1), given.Input("timestep", -1),
            given.Numbers("encoder_hidden_states", -1, -1, -1), given.Numbers("text_embeds", -1, -1),
            given.Input("time_ids", -1, -1)), 3e-5);
        using var coded = Recording("sd_vae");
        using var vae = folder.LoadPictureVae(DType.F32, Device.Cpu);
        Close.To(Wanted("sd_vae", "decode"), vae.Network.Decode(coded.Numbers("z", -1, -1, -1, -1)), 3e-5);
        Assert.Contains("makes no clips", Assert.Throws<ArgumentException>(() => folder.LoadVideoUnet(DType.F32, Device.Cpu)).Message);
        Assert.Contains("makes no clips", Assert.Throws<ArgumentException>(() => folder.LoadClipVae(DType.F32, Device.Cpu)).Message);
    });

    [Fact]
    public void A_folder_of_SVD_opens_and_moves_as_recorded() => OnTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        Lay(Video, "svd_unet", "svd_vae_temporal");
        var folder = StableDiffusionFolder.Open(_root);
        Assert.StartsWith("Stable Video Diffusion, 32, 32 wide (diffusers layout)", folder.Describe());
        Assert.Equal((Prediction.Velocity, (0.002, 700.0)), (folder.Noise.Prediction, folder.Noise.KarrasLevels));
        using var given = Recording("svd_unet");
        using var unet = folder.LoadVideoUnet(DType.F32, Device.Cpu);
        Close.To(Wanted("svd_unet", "out"), unet.Network.Forward(given.Numbers("sample", -1, -1, -1, -1, -1), given.Input("timestep", -1),
            given.Numbers("encoder_hidden_states", -1, -1, -1), given.Numbers("added_time_ids", -1, -1)), 3e-5);
        using var coded = Recording("svd_vae_temporal");
        using var vae = folder.LoadClipVae(DType.F32, Device.Cpu);
        var latents = coded.Numbers("z", -1, -1, -1, -1);
        Close.To(Wanted("svd_vae_temporal", "decode"), vae.Network.Decode(latents, (int)latents.Size(0)), 3e-5);
        Assert.Contains("draws no pictures", Assert.Throws<ArgumentException>(() => folder.LoadXlUnet(DType.F32, Device.Cpu)).Message);
    });

    [Fact]
    public void The_released_configurations_are_known()
    {
        Put("model_index.json", $$"""{"_class_name":"{{Xl}}"}""");
        Put("scheduler/scheduler_config.json", XlSchedule);
        Put("unet/config.json", ReleasedXlUnet);
        Put("vae/config.json", ReleasedVae);
        var folder = StableDiffusionFolder.Open(_root);
        Assert.Equal("Stable Diffusion XL", folder.Name);
        Assert.Equivalent(SdxlUnetConfig.Base, folder.Xl);
        Assert.Equivalent(SdVaeConfig.Sdxl, folder.VaeConfig);
        // Nothing of it is downloaded yet.
        Assert.False(folder.IsUsable);
        Assert.Contains("is missing", folder.Unet.Problem);
    }

    [Fact]
    public void What_is_broken_is_named()
    {
        Lay(Xl, "sdxl_unet", "sd_vae");
        var vae = Path.Combine(_root, "vae", "config.json");
        File.WriteAllText(vae, File.ReadAllText(vae).Replace("\"latent_channels\":4", "\"latent_channels\":8", StringComparison.Ordinal));
        var folder = StableDiffusionFolder.Open(_root);
        Assert.Contains("8 latent channels where the U-Net has 4", folder.Vae.Problem);
        Assert.Throws<CheckpointException>(() => folder.LoadPictureVae(DType.F32, Device.Cpu));
        Put("unet/config.json", "{}");
        Assert.Contains("use_linear_projection", Assert.Throws<CheckpointException>(() => StableDiffusionFolder.Open(_root)).Message);
        File.Delete(Path.Combine(_root, "unet", "config.json"));
        Assert.Contains("does not exist", Assert.Throws<CheckpointException>(() => StableDiffusionFolder.Open(_root)).Message);
        Put("model_index.json", """{"_class_name":"WanPipeline"}""");
        Assert.False(StableDiffusionFolder.Is(_root));
        Assert.Contains(Video, Assert.Throws<CheckpointException>(() => StableDiffusionFolder.Open(_root)).Message);
    }

    [Theory]
    [InlineData("sdxl_unet", "Stable Diffusion XL U-Net: 4 channels in, 2 stages from 16 channels on")]
    [InlineData("svd_unet", "Stable Video Diffusion U-Net: 8 channels in, 2 stages from 32 channels on")]
    [InlineData("sd_vae", "Stable Diffusion VAE: 4 latent channels")]
    [InlineData("svd_vae_temporal", "Stable Video Diffusion VAE: 4 latent channels")]
    public void A_file_alone_tells_what_it_is(string recording, string said)
    {
        using var checkpoint = Checkpoint.Open(Path.Combine(Golden(recording), "weights.safetensors"));
        Assert.Equal(said, Architecture.Identify(checkpoint)?.Summary);
    }
}
