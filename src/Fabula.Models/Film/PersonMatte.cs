// Where people are in a picture, pixel by pixel: so that somebody can be cut out of any frame that shows them, and not only out of a
// portrait on plain ground. A U-Net (Ronneberger, Fischer, Brox: "U-Net", 2015) of five sizes, without norms. Taught by
// Fabula.Training/MatteRecipe.cs.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>Shapes: B pictures; C channels; H, W multiples of 16.</summary>
public sealed class MatteNet
{
    static readonly int[] Widths = [12, 24, 48, 64, 96];
    readonly Conv _stem, _deepA, _deepB, _out;
    readonly Conv[] _down, _up;

    public MatteNet(Weights weights)
    {
        Conv Three(Weights of, int inputs, int outputs, int stride = 1) => new(of, inputs, outputs, [3, 3], [stride, stride], [1, 1]);
        _stem = Three(weights["stem"], 3, Widths[0]);
        _down = [.. Enumerable.Range(0, Widths.Length - 1).Select(i => Three(weights["down"][i], Widths[i], Widths[i + 1], 2))];
        (_deepA, _deepB) = (Three(weights["deep"][0], Widths[^1], Widths[^1]), Three(weights["deep"][1], Widths[^1], Widths[^1]));
        _up = [.. Enumerable.Range(0, Widths.Length - 1).Select(i => Three(weights["up"][i], Widths[i + 1] + Widths[i], Widths[i]))];
        _out = new(weights["out"], Widths[0], 1, [1, 1]);
    }

    /// <summary>x [B, 3, H, W] in -1..1 -> logits [B, H, W]: above 0 where somebody is.</summary>
    public Tensor Forward(Tensor x)
    {
        var sizes = new List<Tensor> { _stem.Forward(x).Relu() };                                 // [B, 12, H, W]
        foreach (var down in _down) sizes.Add(down.Forward(sizes[^1]).Relu());                    // [B, 24, H/2, W/2] ...
        var y = sizes[^1];                                                                        // [B, 96, H/16, W/16]
        y = y + _deepA.Forward(y).Relu();
        y = y + _deepB.Forward(y).Relu();
        for (var i = _up.Length - 1; i >= 0; i--)
            y = _up[i].Forward(Tensor.Cat(1, y.ResizeBilinear(sizes[i].Size(2), sizes[i].Size(3)), sizes[i])).Relu();
        return _out.Forward(y).Squeeze(1);
    }
}

/// <summary>A model folder's matte; a folder may have none.</summary>
public sealed class PersonMatte : IDisposable
{
    public const string FileName = "person_matte.safetensors";

    /// <summary>A larger picture is looked at in this size: people are found as large as they were learned.</summary>
    const int Longest = 448, Multiple = 16;

    readonly Weights _weights;
    readonly MatteNet _net;

    PersonMatte(Weights weights)
    {
        (_weights, _net) = (weights, new(weights));
        weights.EnsureAllUsed();
    }

    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>In fp32, on the CPU.</summary>
    /// <exception cref="CheckpointException">The file is missing, broken, or of another network.</exception>
    public static PersonMatte Open(string folder) => LibTorch.Run(() =>
    {
        var weights = Weights.Open(Path.Combine(folder, FileName), DType.F32, Device.Cpu);
        try { return new PersonMatte(weights); }
        catch
        {
            weights.Dispose();
            throw;
        }
    });

    /// <summary>Per pixel [H, W] whether it shows somebody.</summary>
    public bool[] Of(Picture picture) => LibTorch.Run(() =>
    {
        using var scope = TensorScope.Open();
        var (height, width) = (picture.Height, picture.Width);
        var smaller = Math.Min(1, (double)Longest / Math.Max(height, width));
        long Side(int pixels) => Math.Max(Multiple, (long)Math.Round(pixels * smaller / Multiple) * Multiple);
        var x = Conditioning.FromBytes(Tensor.From(picture.Rgb, height, width, 3)).Unsqueeze(0);
        if ((Side(height), Side(width)) != (height, width)) x = x.ResizeBilinear(Side(height), Side(width), antialias: true);
        var logits = _net.Forward(x).Unsqueeze(1);
        if ((Side(height), Side(width)) != (height, width)) logits = logits.ResizeBilinear(height, width);
        return Array.ConvertAll(logits.Flatten().ToArray<float>(), logit => logit > 0);
    });

    public void Dispose() => LibTorch.Run(_weights.Dispose);
}
