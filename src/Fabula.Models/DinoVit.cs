// DINO's vision transformer: one row that says what a picture shows. VBench measures with it whether a subject stays itself.
//
// Paper: "Emerging Properties in Self-Supervised Vision Transformers" (Caron et al. 2021). Reference: facebookresearch/dino @ 7c446df,
// vision_transformer.py. Parity: tests/Fabula.Models.Tests/GoldenTests.cs.
//
// Shapes: B pictures; H, W rows and columns; h, w the same in patches; L = 1 + h w tokens; D width; N heads.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The reference's constructor arguments.</summary>
public sealed record DinoConfig
{
    /// <summary>Side of the square pictures that it was taught on, pixels.</summary>
    public int ImageSize { get; init; } = 224;
    public int PatchSize { get; init; } = 16;
    public int Dim { get; init; } = 768;
    /// <summary>Width of the feed-forward over <see cref="Dim"/>.</summary>
    public int MlpRatio { get; init; } = 4;
    public int Heads { get; init; } = 12;
    public int Layers { get; init; } = 12;
    public double Eps { get; init; } = 1e-6;

    /// <summary>Patches along a side of those pictures.</summary>
    public int Grid => ImageSize / PatchSize;

    /// <summary>dino_vitbase16_pretrain.pth: VBench's judge of subjects.</summary>
    public static readonly DinoConfig ViT_B16 = new();

    /// <summary>The configuration that a file's shapes imply; heads are 64 wide, as in every released tower.</summary>
    /// <exception cref="CheckpointException">It holds another model.</exception>
    public static DinoConfig Of(Weights weights)
    {
        var kernel = weights.ShapeOf("patch_embed.proj.weight");
        var (dim, patch) = kernel is [> 0 and <= 16384 and var d, 3, > 0 and <= 512 and var p, _] ? ((int)d, (int)p)
            : throw new CheckpointException(weights.Source, "patch_embed.proj.weight", "is not the first layer of a DINO tower");
        return new()
        {
            ImageSize = patch * (int)Math.Clamp(Math.Sqrt(Math.Max(1, weights.ShapeOf("pos_embed").ElementAtOrDefault(1) - 1)), 1, 512),
            PatchSize = patch,
            Dim = dim,
            Heads = Math.Max(1, dim / 64),
            Layers = Enumerable.Range(0, 257).TakeWhile(i => weights.Has($"blocks.{i}.norm1.weight")).Count(),
        };
    }

    /// <exception cref="ArgumentException">The numbers do not go together.</exception>
    public void Require()
    {
        if (new[] { PatchSize, Dim, MlpRatio, Heads, Layers }.Min() < 1 || ImageSize < PatchSize || Dim % Heads != 0 || !(Eps > 0))
            throw new ArgumentException($"A DINO tower of width {Dim}, {Heads} heads and {Layers} layers over pictures of {ImageSize} in "
                + $"patches of {PatchSize} is none: heads divide the width, and at least one patch fits.");
    }
}

/// <summary>The network. Weights are borrowed: they must outlive it.</summary>
public sealed class DinoVit
{
    static readonly Op Bicubic = new("aten::upsample_bicubic2d");
    readonly Tensor _patch, _patchBias, _class, _positions;
    readonly DinoBlock[] _blocks;
    readonly LayerNorm _norm;
    readonly Device _device;

    public DinoConfig Config { get; }

    /// <param name="weights">Under the reference's names, as the released .pth files have them.</param>
    /// <exception cref="ArgumentException">The configuration does not go together.</exception>
    /// <exception cref="CheckpointException">The weights are not those of this configuration.</exception>
    public DinoVit(DinoConfig config, Weights weights)
    {
        config.Require();
        Config = config;
        _device = weights.Device;
        var (dim, wide) = (config.Dim, weights.As(DType.F32));
        _patch = weights.Get("patch_embed.proj.weight", dim, 3, config.PatchSize, config.PatchSize);
        _patchBias = wide.Get("patch_embed.proj.bias", dim);
        _class = wide.Get("cls_token", 1, 1, dim);
        _positions = wide.Get("pos_embed", 1, 1 + config.Grid * config.Grid, dim);
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(i => new DinoBlock(config, weights["blocks"][i]))];
        _norm = new LayerNorm(weights["norm"], dim, config.Eps);
        weights.EnsureAllUsed();
    }

    /// <summary>Pictures to what they show: the class token's row.</summary>
    /// <param name="pixels">[B, 3, H, W] by ImageNet's mean and deviation, sides multiples of the patch.</param>
    /// <returns>[B, D] fp32, not of length one.</returns>
    /// <exception cref="ArgumentException">The shape does not fit.</exception>
    public Tensor Embed(Tensor pixels)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(Forward(pixels).Select(1, 0).Contiguous());
    }

    /// <summary>All tokens after the closing norm: [B, L, D] fp32, the class token first.</summary>
    /// <inheritdoc cref="Embed"/>
    public Tensor Forward(Tensor pixels, Trace? trace = null)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(_norm.Forward(Run(pixels, _blocks.Length, trace)));
    }

    /// <summary>How much each token of the last block attends to each: [B, N, L, L] fp32, rows that add up to 1.</summary>
    /// <inheritdoc cref="Embed"/>
    public Tensor LastAttention(Tensor pixels)
    {
        using var scope = TensorScope.Open();
        return scope.Keep(_blocks[^1].Attention(Run(pixels, _blocks.Length - 1, null)));
    }

    Tensor Run(Tensor pixels, int blocks, Trace? trace)
    {
        pixels.Shaped("Pictures", -1, 3, -1, -1).SidesOf("Pictures", Config.PatchSize);
        var (rows, columns) = (pixels.Size(2) / Config.PatchSize, pixels.Size(3) / Config.PatchSize);
        var x = ClipImageEncoder.EmbedPatches(pixels.To(_device), _patch) + _patchBias;          // [B, L - 1, D]
        x = Tensor.Cat(1, _class.Expand(x.Size(0), 1, Config.Dim), x) + Positions(rows, columns);  // [B, L, D]
        for (var i = 0; i < blocks; i++)
        {
            x = _blocks[i].Forward(x);
            trace?.Record($"block.{i}", x);
        }
        return x;
    }

    /// <summary>
    /// The learned positions; for another grid resized (cubic), the class token's kept. The reference stretches by a tenth of a patch more
    /// than the grids' ratio, which moves every sample a little.
    /// </summary>
    Tensor Positions(long rows, long columns)
    {
        var side = Config.Grid;
        if (rows == side && columns == side) return _positions;
        var grid = _positions.Narrow(1, 1, side * side).Reshape(1, side, side, Config.Dim).Permute(0, 3, 1, 2);  // [1, D, g, g]
        var resized = Bicubic.Call(grid, new[] { rows, columns }, false, (rows + 0.1) / side, (columns + 0.1) / side);
        return Tensor.Cat(1, _positions.Narrow(1, 0, 1), resized.Flatten(2).Transpose(1, 2));
    }
}

/// <summary>Self-attention and feed-forward, each on a norm of its input and added to it.</summary>
sealed class DinoBlock(DinoConfig config, Weights weights)
{
    readonly LayerNorm _norm1 = new(weights["norm1"], config.Dim, config.Eps), _norm2 = new(weights["norm2"], config.Dim, config.Eps);
    readonly Linear _qkv = new(weights["attn"]["qkv"], config.Dim, 3 * config.Dim),
        _proj = new(weights["attn"]["proj"], config.Dim, config.Dim);
    readonly Linear _fc1 = new(weights["mlp"]["fc1"], config.Dim, config.MlpRatio * config.Dim),
        _fc2 = new(weights["mlp"]["fc2"], config.MlpRatio * config.Dim, config.Dim);
    readonly double _scale = 1 / Math.Sqrt(config.Dim / config.Heads);

    /// <summary>x [B, L, D] fp32 -> the same.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = TensorScope.Open();
        var qkv = Split(x);
        var y = Fused.Attention(qkv.Select(2, 0), qkv.Select(2, 1), qkv.Select(2, 2), _scale);   // [B, L, N, d]
        x += _proj.Forward(y.Reshape(x.Shape));
        return scope.Keep(x + _fc2.Forward(_fc1.Forward(_norm2.Forward(x)).Gelu()));
    }

    /// <summary>x [B, L, D] -> [B, N, L, L].</summary>
    public Tensor Attention(Tensor x)
    {
        var qkv = Split(x).Float();
        var (q, k) = (qkv.Select(2, 0).Transpose(1, 2), qkv.Select(2, 1).Transpose(1, 2));       // [B, N, L, d]
        return (q * _scale).Matmul(k.Transpose(2, 3)).Softmax(-1);
    }

    Tensor Split(Tensor x) =>
        _qkv.Forward(_norm1.Forward(x)).Reshape(x.Size(0), x.Size(1), 3, config.Heads, config.Dim / config.Heads);
}
