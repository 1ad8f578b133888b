// What looks at pictures in a curation: TransNet V2, CLIP and DINO where their weights are given, and what needs no weights where not.
using System.Security.Cryptography;
using Fabula.Models;
using Fabula.Torch;

namespace Fabula.Training.Curation;

/// <summary>Sees what a shot shows.</summary>
/// <param name="Name">For the report: looks, CLIP, DINO.</param>
/// <param name="Key">Names the weights: another key, another eye.</param>
/// <param name="See">RGB bytes of pictures [224, 224, 3] to a vector of length 1; the cosine of two says how alike they are.</param>
sealed record Eye(string Name, string Key, Func<IReadOnlyList<byte[]>, float[]> See);

/// <summary>The models of a curation. Files are opened at once; a file of another model is refused before any video is read.</summary>
public sealed class Eyes : IDisposable
{
    internal const int Side = 224;
    const int Block = 16;
    readonly List<Weights> _weights = [];
    readonly TransNetV2? _boundaries;

    /// <param name="boundaries">Weights of TransNet V2, a file; null: <see cref="ClassicBoundaries"/>.</param>
    /// <param name="clip">Weights of CLIP, which tells unrelated shots; null: colours and brightness do.</param>
    /// <param name="dino">Weights of DINO, which tells shots that are the same; null: as above.</param>
    /// <exception cref="CheckpointException">A file cannot be read, or holds another model.</exception>
    public Eyes(string? boundaries = null, string? clip = null, string? dino = null)
    {
        Same = Related = new("looks", "looks 1", Looks);
        try
        {
            if (boundaries is not null)
                (_boundaries, BoundaryKey) = (Open(boundaries, null, weights => new TransNetV2(TransNetConfig.Of(weights), weights)),
                    Digest(boundaries));
            if (clip is not null)
            {
                var tower = Open(clip, ClipImageEncoder.Rename, weights => new ClipImageEncoder(ClipImageConfig.Of(weights), weights));
                Related = new("CLIP", Digest(clip), pictures => Seen(pictures, pixels => tower.Embed(pixels.Float() / 255)));
            }
            if (dino is not null)
            {
                var tower = Open(dino, null, weights => new DinoVit(DinoConfig.Of(weights), weights));
                var side = tower.Config.Grid * tower.Config.PatchSize;
                Same = new("DINO", Digest(dino), pictures => Seen(pictures, pixels => tower.Embed(VBench.DinoPixels(pixels, side))));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal Eye Same { get; }
    internal Eye Related { get; }
    internal string BoundaryKey { get; } = $"classic {ClassicBoundaries.Version}";

    /// <summary>For the report.</summary>
    public string BoundaryName => _boundaries is null ? "the classic detector" : "TransNet V2";

    /// <param name="frames">RGB bytes of 48 x 27 pixels each.</param>
    public (IReadOnlyList<Boundary> Found, int Frames) Boundaries(IEnumerable<byte[]> frames, double framesPerSecond)
    {
        if (_boundaries is null) return new ClassicBoundaries().Find(frames, framesPerSecond);
        var probabilities = LibTorch.Run(() => _boundaries.Probabilities(frames));
        return (FrameRange.FromProbabilities(probabilities), probabilities.Count);
    }

    public void Dispose() => LibTorch.Run(() =>
    {
        foreach (var weights in _weights) weights.Dispose();
        _weights.Clear();
    });

    static float[] Looks(IReadOnlyList<byte[]> pictures) =>
        Mean([.. pictures.SelectMany(picture => Signature.Of(picture, Side, Side, Block).Look())], pictures.Count);

    static float[] Seen(IReadOnlyList<byte[]> pictures, Func<Tensor, Tensor> embed) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        var pixels = Tensor.From<byte>([.. pictures.SelectMany(picture => picture)], pictures.Count, Side, Side, 3).Permute(0, 3, 1, 2);
        var rows = embed(pixels).Float();
        return Mean((rows / rows.Norm(-1, keep: true).Clamp(1e-12, double.PositiveInfinity)).ToFloats(), pictures.Count);
    });

    /// <summary>Rows of length 1 [count, n] to their mean, of length 1 again.</summary>
    static float[] Mean(float[] rows, int count)
    {
        var mean = new float[rows.Length / count];
        for (var i = 0; i < rows.Length; i++) mean[i % mean.Length] += rows[i];
        var length = Math.Max(1e-12f, MathF.Sqrt(mean.Sum(x => x * x)));
        return [.. mean.Select(x => x / length)];
    }

    T Open<T>(string path, Func<string, string?>? rename, Func<Weights, T> make) => LibTorch.Run(() =>
    {
        var weights = Weights.Open(path, DType.F32, Device.Cpu, rename);
        _weights.Add(weights);
        weights.RequireFinite();
        return make(weights);
    });

    static string Digest(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
