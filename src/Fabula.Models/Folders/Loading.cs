// A model folder's parts as networks. Weights stay mapped in their files where the wanted type is the stored one.
using Fabula.Models.Text;
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>A network and the weights it borrows; dispose of both together, on the tensor thread.</summary>
public sealed record Loaded<T>(T Network, Weights Weights) : IDisposable
{
    public void Dispose() => Weights.Dispose();
}

public static class Loading
{
    /// <summary>The transformer, or one of two experts: 0 is the only one or the high-noise one, 1 the low-noise one.</summary>
    /// <param name="loras">Merged before the network is built; each must change something.</param>
    /// <exception cref="CheckpointException">The part is missing, or its tensors do not fit the configuration.</exception>
    public static Loaded<WanTransformer> LoadTransformer(this ModelFolder folder, int expert, DType type, Device device,
        params IEnumerable<(Lora Lora, double Strength)> loras) => folder.LoadTransformer(expert, type, device, weights =>
        {
            foreach (var (lora, strength) in loras) lora.Merge(weights, strength);
        });

    /// <summary>As the other; its weights are changed, attached to or brought into memory before the network is built.</summary>
    public static Loaded<WanTransformer> LoadTransformer(this ModelFolder folder, int expert, DType type, Device device,
        Action<Weights> before) =>
        Build(folder.Transformers[expert], type, device, folder.Layout == ModelLayout.Diffusers ? WanNames.Transformer.Rename : null,
            weights =>
        {
            before(weights);
            return new WanTransformer(folder.Config, weights);
        });

    /// <summary>Another transformer of this model's configuration and layout, such as a fine-tuned one.</summary>
    internal static Loaded<WanTransformer> LoadTransformer(this ModelFolder folder, ModelPart part, DType type, Device device) =>
        Build(part, type, device, folder.Layout == ModelLayout.Diffusers ? WanNames.Transformer.Rename : null,
            weights => new WanTransformer(folder.Config, weights));

    /// <summary>The VAE. The reference runs it in fp32.</summary>
    public static Loaded<WanVae> LoadVae(this ModelFolder folder, DType type, Device device)
    {
        var config = ReferenceConfig.Vae(folder.Vae.Config!.Value);
        var names = config.IsResidual ? WanNames.Vae22(config.ResBlocks) : WanNames.Vae21(config.ResBlocks);
        return Build(folder.Vae, type, device, folder.Layout == ModelLayout.Diffusers ? names.Rename : null, weights =>
            WanVae.Create(config, weights));
    }

    public static Loaded<Umt5Encoder> LoadTextEncoder(this ModelFolder folder, DType type, Device device) =>
        Build(folder.TextEncoder, type, device, Umt5Encoder.Rename(), weights =>
            new Umt5Encoder(ReferenceConfig.Umt5(folder.TextEncoder.Config!.Value), weights));

    /// <summary>CLIP, of models that have it.</summary>
    public static Loaded<WanClipVision> LoadImageEncoder(this ModelFolder folder, DType type, Device device) =>
        Build(folder.ImageEncoder ?? throw new ArgumentException($"{folder.Name} has no image encoder."), type, device,
            WanClipVision.Rename, weights =>
            new WanClipVision(ReferenceConfig.Clip(folder.ImageEncoder.Config!.Value), weights));

    public static WanTokenizer LoadTokenizer(this ModelFolder folder) => WanTokenizer.Open(Usable(folder.Tokenizer), folder.Config.TextLen);

    internal static Loaded<T> Build<T>(ModelPart part, DType type, Device device, Func<string, string?>? rename, Func<Weights, T> build)
    {
        var weights = Weights.Open(Usable(part), type, device, rename);
        try
        {
            return new Loaded<T>(build(weights), weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    static string Usable(ModelPart part) => part is { Problem: null, Path: { } path } ? path
        : throw new CheckpointException(part.Path ?? part.Role, null, part.Problem ?? "is missing");
}
