using System.Text.Json;
using Fabula.Torch;

namespace Fabula.Models.Golden;

/// <summary>Recorded networks of Stable Diffusion XL and Stable Video Diffusion: both VAEs, both U-Nets.</summary>
static class SdGolden
{
    const string Image = "AutoencoderKL", Clip = "AutoencoderKLTemporalDecoder", Sdxl = "UNet2DConditionModel",
        Svd = "UNetSpatioTemporalConditionModel";

    public static bool IsVae(Fixture fixture) => ClassOf(fixture) is Image or Clip;
    public static bool IsUnet(Fixture fixture) => ClassOf(fixture) is Sdxl or Svd;

    static string? ClassOf(Fixture fixture) => fixture.Config.Has("constructor")
        && fixture.Config.TryGetProperty("class", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString() : null;

    public static void RunVae(Fixture fixture)
    {
        var arguments = fixture.Config.Field("constructor");
        var (images, latents) = (fixture.Numbers("image", -1, 3, -1, -1), fixture.Numbers("z", -1, -1, -1, -1));
        Tensor mean, logVariance;
        if (ClassOf(fixture) == Image)
        {
            var vae = new SdVae(ReferenceConfig.SdVae(arguments), fixture.Weights("", SdVae.Rename));
            (mean, logVariance) = vae.Encode(images);
            fixture.Made("decode", vae.Decode(latents));
        }
        else
        {
            var vae = new SvdVae(ReferenceConfig.SvdVae(arguments), fixture.Weights());
            (mean, logVariance) = vae.Encode(images);
            fixture.Made("decode", vae.Decode(latents, (int)latents.Size(0)));
        }
        fixture.Made("mean", mean);
        fixture.Made("logvar", logVariance);
    }

    public static void RunUnet(Fixture fixture)
    {
        var arguments = fixture.Config.Field("constructor");
        using var trace = new Trace();
        if (ClassOf(fixture) == Sdxl)
        {
            var unet = new SdxlUnet(ReferenceConfig.SdxlUnet(arguments), fixture.Weights());
            fixture.Made("out", unet.Forward(fixture.Numbers("sample", -1, -1, -1, -1), fixture.Input("timestep", -1),
                fixture.Numbers("encoder_hidden_states", -1, -1, -1), fixture.Numbers("text_embeds", -1, -1),
                fixture.Input("time_ids", -1, -1), trace));
        }
        else
        {
            var unet = new SvdUnet(ReferenceConfig.SvdUnet(arguments), fixture.Weights());
            fixture.Made("out", unet.Forward(fixture.Numbers("sample", -1, -1, -1, -1, -1), fixture.Input("timestep", -1),
                fixture.Numbers("encoder_hidden_states", -1, -1, -1), fixture.Numbers("added_time_ids", -1, -1), trace));
        }
        foreach (var (name, tensor) in trace.Tensors) fixture.Made(name, tensor);
    }
}
