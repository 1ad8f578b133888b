// A keyframe's draft: what its tokens say of the place, and on it people as their portraits have them, where they stand. Not
// MovieDreamer's, whose renderer is told of people by vectors alone; see docs/models/moviedreamer.md.
//
// Shapes: B pictures; z, h, w of their latents.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>Somebody or something on a draft: cut out of a picture, and where it is.</summary>
/// <param name="IsPerson">The mask says where people stand; things go with them.</param>
public readonly record struct LaidFigure(CutOut Figure, StageBox Box, bool IsPerson = true);

public static class KeyframeCollage
{
    /// <summary>
    /// Sketches as latents [B, z, h, w] to drafts of the same shape: decoded, people laid on them, encoded again. One with nobody on it and
    /// no ground stays as it is.
    /// </summary>
    /// <param name="people">For each sketch.</param>
    /// <param name="grounds">For each sketch the empty place, of the frame's size, to be taken instead; null: the sketch.</param>
    public static Tensor Of(WanVae vae, Tensor sketches, IReadOnlyList<IReadOnlyList<LaidFigure>> people, IReadOnlyList<Picture?> grounds)
    {
        using var scope = TensorScope.Open();
        int[] changed = [.. Enumerable.Range(0, people.Count).Where(b => people[b].Count > 0 || grounds[b] is not null)];
        if (changed.Length == 0) return scope.Keep(sketches.Clone());
        var laid = changed.Select(b => Conditioning.FromBytes(Bytes(Collage.Of(grounds[b] ?? Decoded(vae, sketches, b),
            [.. people[b].Select(person => person.Figure)], [.. people[b].Select(person => person.Box)]))).Unsqueeze(1)).ToList();
        var encoded = vae.Encode(Tensor.Stack(0, [.. laid])).Squeeze(2);                         // [changed, z, h, w]
        return scope.Keep(Tensor.Stack(0, [.. Enumerable.Range(0, people.Count).Select(b =>
            Array.IndexOf(changed, b) is >= 0 and var at ? encoded.Select(0, at) : sketches.Select(0, b))]));
    }

    /// <summary>Latents [B, z, h, w] of one picture as pixels.</summary>
    public static Picture Decoded(WanVae vae, Tensor latents, int picture)
    {
        using var scope = TensorScope.Open();
        return Pixels(vae.Decode(latents.Narrow(0, picture, 1).Unsqueeze(2)).Squeeze(0).Squeeze(1));
    }

    /// <summary>An image [3, H, W] of values in -1..1.</summary>
    internal static Picture Pixels(Tensor image)
    {
        using var scope = TensorScope.Open();
        var rgb = ((image + 1) * 127.5).Round().Clamp(0, 255).To(DType.U8, Device.Cpu).Permute(1, 2, 0).Contiguous();
        return new(rgb.ToArray<byte>(), (int)rgb.Size(1), (int)rgb.Size(0));
    }

    static Tensor Bytes(Picture picture) => Tensor.From(picture.Rgb, picture.Height, picture.Width, 3);
}
