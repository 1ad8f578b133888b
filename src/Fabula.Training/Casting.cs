// People drawn for no story, as a portrait each: so that a model that learns to draw them from words meets more faces than stories have.
using Fabula.Models;
using Fabula.Torch;
using Fabula.Training.PaperTheatre;

namespace Fabula.Training;

/// <param name="Portrait">Latents [z, 16, 28].</param>
/// <param name="Figures">[16, 28]: how much of each latent is the person.</param>
public sealed record Casting(Person Person, Half[] Portrait, float[] Figures)
{
    const int Batch = 16;

    /// <summary>Nobody is held out. On the tensor thread.</summary>
    /// <param name="vae">Whose latents they are, normalised.</param>
    public static IReadOnlyList<Casting> Draw(WanVae vae, Chance chance, int count, int height = 128, int width = 224)
    {
        using var off = Autograd.Disable();
        using var stage = new Stage(width, height);
        var (stride, made) = (vae.Config.SpatialStride, new List<Casting>());
        for (var at = 0; at < count; at += Batch)
        {
            using var scope = TensorScope.Open();
            List<Clip> clips = [.. Enumerable.Range(at, Math.Min(Batch, count - at))
                .Select(i => stage.Draw(ShotSpec.Portrait(Person.Draw(chance[i], null, heldOut: false))))];
            var latents = vae.Encode(VaeRecipe.Pixels([.. clips.SelectMany(clip => clip.Frames)], clips.Count, 1, height, width));
            foreach (var (i, clip) in clips.Index())
            {
                var figures = new float[height / stride * (width / stride)];
                for (var pixel = 0; pixel < clip.Masks.Length; pixel++)
                    if (clip.Masks[pixel] is > 0 and < Clip.OpenDoor)
                        figures[pixel / width / stride * (width / stride) + pixel % width / stride] += 1f / (stride * stride);
                made.Add(new(clip.Spec.Roles[0].Person,
                    latents.Narrow(0, i, 1).To(DType.F16).Contiguous().ToArray<Half>(), figures));
            }
        }
        return made;
    }
}
