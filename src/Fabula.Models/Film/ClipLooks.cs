// How frames look to CLIP, and how fine they look to an aesthetic head over it: bytes in, numbers out, for choosing keyframes. A folder
// holds the weights: clip.* any CLIP image tower (StoryMem: ViT-B/32); where there are any, aesthetic.* one linear layer to a mark from
// 0 to 10 (LAION's predictor), over aesthetic_clip.*, or over clip.* where there is no such file. Nothing is loaded before frames come.
//
// Reference for what is compared how: StoryMem @ e027735 extract_keyframes.py, see KeyframeSelection.cs.
using Fabula.Torch;

namespace Fabula.Models;

/// <param name="Feature">Of length 1, for comparing frames of one shot.</param>
/// <param name="Whole">Of length 1, for comparing frames with remembered ones.</param>
/// <param name="Aesthetic">0 to about 10; null without a head.</param>
public sealed record ClipLook(float[] Feature, float[] Whole, double? Aesthetic);

/// <summary>Safe to use from several threads: they wait for one another.</summary>
public sealed class ClipLooks : IDisposable
{
    const int Part = 8;
    static readonly string[] Endings = [".safetensors", ".pth", ".pt", ".bin"];

    readonly string _clip;
    readonly string? _head, _headClip;
    readonly List<Weights> _weights = [];
    ClipImageEncoder? _tower, _headTower;
    Linear? _linear;

    /// <summary>Of the weights.</summary>
    public string Digest { get; }

    public bool HasAesthetic => _head is not null;

    /// <summary>Looks at a folder; loads nothing.</summary>
    /// <param name="digestCache">A file for the digests of weights, so that they are read once.</param>
    /// <exception cref="CheckpointException">There is no clip.* in it.</exception>
    public static ClipLooks Open(string folder, string? digestCache = null) => new(folder, digestCache);

    ClipLooks(string folder, string? digestCache)
    {
        string? Find(string stem) => Endings.Select(ending => Path.Combine(folder, stem + ending)).FirstOrDefault(File.Exists);
        _clip = Find("clip") ?? throw new CheckpointException(folder, null,
            "holds no CLIP (looked for clip.safetensors, .pth, .pt and .bin): copy the weights of ViT-B/32 there under that name");
        (_head, _headClip) = (Find("aesthetic"), Find("aesthetic_clip"));
        Digest = WeightsDigest.Of(new[] { _clip, _head, _headClip }.OfType<string>(), folder, digestCache);
    }

    /// <param name="frames">Each [H, W, 3], of one size.</param>
    /// <exception cref="CheckpointException">The weights are another model's.</exception>
    public IReadOnlyList<ClipLook> Of(IReadOnlyList<byte[]> frames, int width, int height) => LibTorch.Run(() =>
    {
        Load();
        var looks = new List<ClipLook>(frames.Count);
        foreach (var part in frames.Chunk(Part))
        {
            using var scope = TensorScope.Open();
            var pixels = Tensor.From<byte>([.. part.SelectMany(frame => frame)], part.Length, height, width, 3).Permute(0, 3, 1, 2)
                .Contiguous();
            var (features, whole) = (Rows(KeyframeSelection.Embed(_tower!, pixels)), Rows(KeyframeSelection.EmbedWhole(_tower!, pixels)));
            var marks = _linear is null ? null : Marks(pixels);
            for (var i = 0; i < part.Length; i++) looks.Add(new(features[i], whole[i], marks?[i]));
        }
        return looks;
    });

    float[] Marks(Tensor pixels)
    {
        var features = _headTower!.Forward(VBench.ClipPixels(pixels, _headTower.Config.ImageSize));
        return _linear!.ForwardWide(features / features.Norm(-1, keep: true).Clamp(1e-12, double.PositiveInfinity)).Flatten().ToFloats();
    }

    static float[][] Rows(Tensor features) => [.. features.ToFloats().Chunk((int)features.Size(1))];

    void Load()
    {
        if (_tower is not null) return;
        var tower = Tower(_clip);
        if (_head is not null)
        {
            _headTower = _headClip is null ? tower : Tower(_headClip);
            var head = Weights.Open(_head, DType.F32, Device.Cpu);
            _weights.Add(head);
            _linear = new Linear(head, _headTower.Config.EmbedDim, 1);
            head.EnsureAllUsed();
        }
        _tower = tower;
    }

    ClipImageEncoder Tower(string path)
    {
        var weights = Weights.Open(path, DType.F32, Device.Cpu, ClipImageEncoder.Rename);
        _weights.Add(weights);
        return new ClipImageEncoder(ClipImageConfig.Of(weights), weights);
    }

    public void Dispose()
    {
        if (_weights.Count == 0) return;
        LibTorch.Run(() =>
        {
            foreach (var weights in _weights) weights.Dispose();
        });
        _weights.Clear();
        (_tower, _headTower, _linear) = (null, null, null);
    }
}
