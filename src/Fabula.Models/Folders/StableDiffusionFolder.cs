// A diffusers folder of Stable Diffusion XL or Stable Video Diffusion: U-Net, VAE and schedule, as MovieDreamer takes them. Reads
// configurations and names, opens no weights.
//
// Facts: huggingface/diffusers @ 7f551e2 (v0.25.0), model_index.json and the folders unet, vae and scheduler that pipelines save
// (pipelines/stable_diffusion_xl, pipelines/stable_video_diffusion).
using System.Text;
using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models;

/// <param name="Xl">The U-Net's configuration where it draws pictures; null where it makes clips.</param>
/// <param name="Video">The U-Net's configuration where it makes clips; null where it draws pictures.</param>
public sealed record StableDiffusionFolder(string Root, SdxlUnetConfig? Xl, SvdUnetConfig? Video, SdVaeConfig VaeConfig, NoiseConfig Noise,
    ModelPart Unet, ModelPart Vae)
{
    const string Index = DiffusersLayout.Index;
    static readonly string[] XlPipelines = ["StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline"];
    const string VideoPipeline = "StableVideoDiffusionPipeline";

    public string Name => Xl is { } xl ? "Stable Diffusion XL" + Unusual(xl.Widths, SdxlUnetConfig.Base.Widths)
        : "Stable Video Diffusion" + Unusual(Video!.Widths, SvdUnetConfig.XT.Widths);

    public IEnumerable<ModelPart> Parts => [Unet, Vae];

    public bool IsUsable => Parts.All(part => part.IsUsable);

    /// <summary>Whether a folder says that it is one.</summary>
    /// <exception cref="CheckpointException">Its index is broken.</exception>
    public static bool Is(string path) => File.Exists(Path.Combine(path, Index))
        && PipelineOf(path) is { } pipeline && (pipeline == VideoPipeline || XlPipelines.Contains(pipeline));

    /// <exception cref="CheckpointException">
    /// It is none, or one of its configurations is missing or broken; missing weights are no error here.
    /// </exception>
    public static StableDiffusionFolder Open(string path)
    {
        if (!Is(path))
            throw new CheckpointException(Path.Combine(path, Index), null,
                $"is missing or describes no pipeline of Stable Diffusion ({string.Join(", ", [.. XlPipelines, VideoPipeline])})");
        var video = PipelineOf(path) == VideoPipeline;
        var noise = Read(path, "scheduler", "scheduler_config.json", ReferenceConfig.Noise);
        var vae = Read(path, "vae", OriginalLayout.ConfigName, arguments => video ? ReferenceConfig.SvdVae(arguments)
            : ReferenceConfig.SdVae(arguments));
        var xl = video ? null : Read(path, "unet", OriginalLayout.ConfigName, ReferenceConfig.SdxlUnet);
        var moving = video ? Read(path, "unet", OriginalLayout.ConfigName, ReferenceConfig.SvdUnet) : null;
        var latents = xl?.OutChannels ?? moving!.OutChannels;
        var decoder = DiffusersLayout.Part(path, "vae", "VAE");
        if (vae.ZDim != latents && decoder.IsUsable)
            decoder = decoder with
            {
                Problem = $"has {vae.ZDim} latent channels where the U-Net has {latents}: it belongs to another model",
            };
        return new(path, xl, moving, vae, noise, DiffusersLayout.Part(path, "unet", "U-Net"), decoder);
    }

    /// <exception cref="ArgumentException">This model makes clips.</exception>
    /// <exception cref="CheckpointException">The part is missing, or its tensors do not fit the configuration.</exception>
    public Loaded<SdxlUnet> LoadXlUnet(DType type, Device device) => Loading.Build(Unet, type, device, null,
        weights => new SdxlUnet(Xl ?? throw Other("draws no pictures"), weights));

    /// <exception cref="ArgumentException">This model draws pictures.</exception>
    /// <exception cref="CheckpointException">The part is missing, or its tensors do not fit the configuration.</exception>
    public Loaded<SvdUnet> LoadVideoUnet(DType type, Device device) => Loading.Build(Unet, type, device, null,
        weights => new SvdUnet(Video ?? throw Other("makes no clips"), weights));

    /// <summary>The VAE of pictures.</summary>
    /// <exception cref="ArgumentException">This model makes clips.</exception>
    /// <exception cref="CheckpointException">The part is missing, or its tensors do not fit the configuration.</exception>
    public Loaded<SdVae> LoadPictureVae(DType type, Device device) => Xl is null ? throw Other("draws no pictures")
        : Loading.Build(Vae, type, device, SdVae.Rename, weights => new SdVae(VaeConfig, weights));

    /// <summary>The VAE of clips, whose decoder looks along time.</summary>
    /// <exception cref="ArgumentException">This model draws pictures.</exception>
    /// <exception cref="CheckpointException">The part is missing, or its tensors do not fit the configuration.</exception>
    public Loaded<SvdVae> LoadClipVae(DType type, Device device) => Video is null ? throw Other("makes no clips")
        : Loading.Build(Vae, type, device, SdVae.Rename, weights => new SvdVae(VaeConfig, weights));

    /// <summary>What was found, for people.</summary>
    public string Describe()
    {
        var text = new StringBuilder().AppendLine($"{Name} (diffusers layout) in {Root}");
        foreach (var part in Parts)
            text.AppendLine($"  {part.Role,-26} {part.Problem ?? Path.GetRelativePath(Root, part.Path!)}");
        return text.Append($"  {"schedule",-26} {Noise.TrainingSteps} steps of training, the network tells "
            + (Noise.Prediction == Prediction.Epsilon ? "noise" : "velocity")).ToString();
    }

    ArgumentException Other(string what) => new($"{Name} {what}.");

    static string Unusual(IReadOnlyList<int> widths, IReadOnlyList<int> released) =>
        widths.SequenceEqual(released) ? "" : $", {string.Join(", ", widths)} wide";

    static string? PipelineOf(string root)
    {
        var path = Path.Combine(root, Index);
        using var json = SmallJson.Read(path);
        return new Fields(json.RootElement, path).Text("_class_name", "");
    }

    static T Read<T>(string root, string folder, string name, Func<JsonElement, T> of)
    {
        var path = Path.Combine(root, folder, name);
        if (!File.Exists(path)) throw new CheckpointException(path, null, "does not exist: download it again");
        using var json = SmallJson.Read(path);
        try { return of(json.RootElement); }
        catch (FormatException e) { throw new CheckpointException(path, null, $"cannot be used ({e.Message.TrimEnd('.')})", e); }
    }
}
