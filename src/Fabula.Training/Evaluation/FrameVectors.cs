// Who compares frames: DINO and CLIP as VBench has them where their weights are given, else the judge's own vectors. A table says which.
using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Training.Evaluation;

/// <param name="Name">For the reader of a table.</param>
/// <param name="Look">Frames, each [H, W, 3], to a vector each; null for a frame that shows nothing to compare.</param>
public sealed record FrameVectors(string Name, Func<IReadOnlyList<byte[]>, IReadOnlyList<float[]?>> Look)
{
    const int Part = 8;

    /// <summary>Who is there: the mean of the judge's vectors of all people; frames in which it sees nobody are left out.</summary>
    public static FrameVectors People(Judge judge) => new("the judge's vectors of people", frames => [.. Features(judge, frames)
        .Select(seen => seen.People.Count == 0 ? null : Sum(seen.People))]);

    /// <summary>What a frame shows as a whole.</summary>
    public static FrameVectors Whole(Judge judge) => new("the judge's vectors of frames", frames => [.. Features(judge, frames)
        .Select(seen => seen.Whole)]);

    /// <param name="weights">A DINO tower's; they must outlive what is returned. VBench's is ViT-B/16.</param>
    public static FrameVectors Dino(Weights weights)
    {
        var network = LibTorch.Run(() => new DinoVit(DinoConfig.Of(weights), weights));
        return new("DINO", Of(frames => network.Embed(VBench.DinoPixels(frames))));
    }

    /// <param name="weights">A CLIP image tower's, opened with <see cref="ClipImageEncoder.Rename"/>. VBench's is ViT-B/32.</param>
    public static FrameVectors Clip(Weights weights)
    {
        var network = LibTorch.Run(() => new ClipImageEncoder(ClipImageConfig.Of(weights), weights));
        return new("CLIP", Of(frames => network.Forward(VBench.ClipPixels(frames, network.Config.ImageSize))));
    }

    /// <summary>VBench's consistency of one video over its frames that show something; see <see cref="VBench.Consistency"/>.</summary>
    public static FrameMean Consistency(IReadOnlyList<float[]?> vectors)
    {
        var rows = vectors.OfType<float[]>().ToList();
        if (rows.Count == 0) return new(0, 0);
        return LibTorch.Run(() =>
        {
            using var scope = TensorScope.Open();
            return VBench.Consistency(Tensor.From(rows.SelectMany(row => row).ToArray(), rows.Count, rows[0].Length));
        });
    }

    static IReadOnlyList<FrameFeatures> Features(Judge judge, IReadOnlyList<byte[]> frames) =>
        judge.Features([.. frames.SelectMany(frame => frame)], frames.Count, Filming.Width, Filming.Height);

    static float[] Sum(IReadOnlyList<float[]> vectors) =>
        [.. Enumerable.Range(0, vectors[0].Length).Select(i => vectors.Sum(vector => vector[i]))];

    /// <summary>A few frames at a time; embed takes [T, 3, H, W] u8 and gives [T, E].</summary>
    static Func<IReadOnlyList<byte[]>, IReadOnlyList<float[]?>> Of(Func<Tensor, Tensor> embed) => frames =>
        [.. frames.Chunk(Part).SelectMany(part => LibTorch.Run(() =>
        {
            using var scope = TensorScope.Open();
            var pixels = Tensor.From(part.SelectMany(frame => frame).ToArray(), part.Length, Filming.Height, Filming.Width, 3);
            var rows = embed(pixels.Permute(0, 3, 1, 2).Contiguous());
            return rows.ToFloats().Chunk((int)rows.Size(1)).ToList();
        }))];
}
