// TransNet V2: for every frame of a video, how likely a shot ends there. It sees 27 x 48 pixels a frame.
//
// Paper: "TransNet V2: An Effective Deep Network Architecture for Fast Shot Transition Detection" (Souček, Lokoč 2020). Reference:
// soCzech/TransNetV2 @ 85cef72, inference-pytorch/transnetv2_pytorch.py. Parity: tests/Fabula.Models.Tests/GoldenTests.cs.
// Three stacks of dilated convolutions halve the picture each; beside them two tables say how alike a frame is to the 50 before and the 50
// behind it, once by the stacks' features and once by its colours.
//
// Shapes: B videos; T frames; F filters of the first stack; D width of the last hidden layer. Everything is computed in fp32.
using Fabula.Torch;

namespace Fabula.Models;

/// <summary>The reference's constructor arguments; the released weights have the ones given here.</summary>
public sealed record TransNetConfig
{
    /// <summary>Rows and columns of the pictures that it looks at.</summary>
    public const int Height = 27, Width = 48;
    /// <summary>Stacks. The reference's last layers fit three alone: 27 x 48 pixels, halved three times, are 3 x 6.</summary>
    public const int Stacks = 3;
    /// <summary>Frames that the tables of likeness hold, the frame itself in the middle.</summary>
    public const int Window = 101;
    /// <summary>Width of what each of the two tables becomes.</summary>
    public const int TableDim = 128;

    public int Filters { get; init; } = 16;
    /// <summary>Blocks in a stack.</summary>
    public int Blocks { get; init; } = 2;
    public int Dim { get; init; } = 1024;

    /// <summary>Channels behind a stack, which has four convolutions side by side.</summary>
    public int Channels(int stack) => 4 * (Filters << stack);

    /// <summary>The configuration that a file's shapes imply.</summary>
    /// <exception cref="CheckpointException">It holds another model.</exception>
    public static TransNetConfig Of(Weights weights) => new()
    {
        Filters = (int)Math.Clamp(weights.ShapeOf("SDDCNN.0.DDCNN.0.Conv3D_1.layers.1.weight").FirstOrDefault(), 0, 1 << 20),
        Blocks = Enumerable.Range(0, 17).TakeWhile(i => weights.Has($"SDDCNN.0.DDCNN.{i}.bn.weight")).Count(),
        Dim = (int)Math.Clamp(weights.ShapeOf("cls_layer1.weight").LastOrDefault(), 0, 1 << 20),
    };

    /// <exception cref="ArgumentException">The numbers are none of a network.</exception>
    public void Require()
    {
        if (Filters is < 1 or > 1024 || Blocks is < 1 or > 16 || Dim is < 1 or > 65536)
            throw new ArgumentException($"A TransNet V2 of {Filters} filters (F), {Blocks} blocks in a stack (S) and width {Dim} (D) is "
                + "none: F is 1 to 1024, S 1 to 16, D 1 to 65536.");
    }
}

/// <summary>The network. Weights are borrowed: they must outlive it.</summary>
public sealed class TransNetV2
{
    readonly TransNetStack[] _stacks;
    readonly Linear _projection, _likeness, _colours, _hidden, _oneHot, _manyHot;
    readonly Device _device;

    public TransNetConfig Config { get; }

    /// <param name="weights">Under the reference's names.</param>
    /// <exception cref="ArgumentException">The configuration is none.</exception>
    /// <exception cref="CheckpointException">The weights are not those of this configuration.</exception>
    public TransNetV2(TransNetConfig config, Weights weights)
    {
        config.Require();
        Config = config;
        _device = weights.Device;
        var (wide, last) = (weights.As(DType.F32), config.Channels(TransNetConfig.Stacks - 1));
        _stacks = [.. Enumerable.Range(0, TransNetConfig.Stacks).Select(i =>
            new TransNetStack(config, wide["SDDCNN"][i]["DDCNN"], i == 0 ? 3 : config.Channels(i - 1), config.Filters << i))];
        var all = Enumerable.Range(0, TransNetConfig.Stacks).Sum(config.Channels);
        const int Table = TransNetConfig.TableDim;
        _projection = new Linear(wide["frame_sim_layer"]["projection"], all, Table);
        _likeness = new Linear(wide["frame_sim_layer"]["fc"], TransNetConfig.Window, Table);
        _colours = new Linear(wide["color_hist_layer"]["fc"], TransNetConfig.Window, Table);
        const int Places = (TransNetConfig.Height >> TransNetConfig.Stacks) * (TransNetConfig.Width >> TransNetConfig.Stacks);
        _hidden = new Linear(wide["fc1"], 2 * Table + last * Places, config.Dim);
        (_oneHot, _manyHot) = (new Linear(wide["cls_layer1"], config.Dim, 1), new Linear(wide["cls_layer2"], config.Dim, 1));
        weights.EnsureAllUsed();
    }

    /// <summary>
    /// Logits for every frame: that it is the one in the middle of a change of shots, and that it is any frame of one. Their sigmoid is the
    /// probability.
    /// </summary>
    /// <param name="frames">[B, T, 27, 48, 3] u8.</param>
    /// <returns>Two tensors [B, T, 1] fp32.</returns>
    /// <exception cref="ArgumentException">The shape or the type does not fit.</exception>
    public (Tensor OneHot, Tensor ManyHot) Forward(Tensor frames, Trace? trace = null)
    {
        frames.Shaped("Frames", -1, -1, TransNetConfig.Height, TransNetConfig.Width, 3);
        if (frames.DType != DType.U8) throw new ArgumentException($"Frames hold {frames.DType}; this model wants bytes, 0 to 255.");
        using var scope = TensorScope.Open();
        frames = frames.To(_device);
        var (b, t) = (frames.Size(0), frames.Size(1));
        var x = frames.Permute(0, 4, 1, 2, 3).Float() / 255;                                     // [B, 3, T, 27, 48]
        var means = new List<Tensor>();
        foreach (var (i, stack) in _stacks.Index())
        {
            x = stack.Forward(x);                                                                // [B, 4 F 2^i, T, 27 >> i+1, 48 >> i+1]
            means.Add(x.Flatten(3).Mean(3));                                                     // [B, 4 F 2^i, T]
            trace?.Record($"SDDCNN.{i}", x);
        }
        var features = Tensor.Cat(1, [.. means]).Transpose(1, 2);                                // [B, T, 28 F]
        var likeness = Near(_projection.Forward(features), _likeness);                           // [B, T, 128]
        var colours = Near(Histograms(frames), _colours);                                        // [B, T, 128]
        trace?.Record("frame_sim", likeness);
        trace?.Record("color_hist", colours);
        x = x.Permute(0, 2, 3, 4, 1).Reshape(b, t, -1);                                          // [B, T, 3 6 16 F]
        x = _hidden.Forward(Tensor.Cat(2, colours, likeness, x)).Relu();                         // [B, T, D]
        return (scope.Keep(_oneHot.Forward(x)), scope.Keep(_manyHot.Forward(x)));
    }

    /// <summary>
    /// The probability of each frame of a video of any length that a change of shots has its middle there. In windows of 100 frames of
    /// which the middle 50 count, with the first and the last frame repeated before and behind [inference: predict_frames].
    /// </summary>
    /// <param name="frames">Bytes of 27 x 48 RGB pixels, one array a frame; read once, in order.</param>
    public IReadOnlyList<float> Probabilities(IEnumerable<byte[]> frames)
    {
        const int Step = 50, Margin = 25, Whole = Step + 2 * Margin;
        var (window, result, count) = (new List<byte[]>(Whole), new List<float>(), 0);
        foreach (var frame in frames)
        {
            if (count++ == 0) window.AddRange(Enumerable.Repeat(frame, Margin));
            window.Add(frame);
            if (window.Count == Whole) Take();
        }
        while (result.Count < count)
        {
            window.AddRange(Enumerable.Repeat(window[^1], Whole - window.Count));
            Take();
        }
        result.RemoveRange(count, result.Count - count);
        return result;

        void Take()
        {
            using var scope = TensorScope.Open();
            var pixels = Tensor.From<byte>([.. window.SelectMany(frame => frame)], Whole, TransNetConfig.Height, TransNetConfig.Width, 3);
            result.AddRange(Forward(pixels.Unsqueeze(0)).OneHot.Sigmoid().ToFloats().AsSpan(Margin, Step));
            window.RemoveRange(0, Step);
        }
    }

    /// <summary>How alike each frame is to its neighbours, through a layer: rows [B, T, n] -> [B, T, 128].</summary>
    static Tensor Near(Tensor rows, Linear layer)
    {
        using var scope = TensorScope.Open();
        const int Half = TransNetConfig.Window / 2;
        var (b, t) = (rows.Size(0), rows.Size(1));
        rows /= rows.Norm(-1, keep: true).Clamp(1e-12, double.PositiveInfinity);
        var table = rows.Matmul(rows.Transpose(1, 2)).Pad([Half, Half]);                         // [B, T, T + 100]
        // Row i of the padded table from column i on: 101 numbers around its diagonal.
        var first = Tensor.Arange(0, t * (t + 2 * Half + 1), DType.I64, rows.Device, t + 2 * Half + 1).Reshape(t, 1);
        var index = first + Tensor.Arange(0, TransNetConfig.Window, DType.I64, rows.Device).Reshape(1, TransNetConfig.Window);
        var near = table.Reshape(b, -1).IndexSelect(1, index.Reshape(-1)).Reshape(b, t, TransNetConfig.Window);
        return scope.Keep(layer.Forward(near).Relu());
    }

    /// <summary>How many pixels of each frame have each of 512 colours, 3 bits a channel: [B, T, H, W, 3] u8 -> [B, T, 512] fp32.</summary>
    static Tensor Histograms(Tensor frames)
    {
        using var scope = TensorScope.Open();
        var (b, t, pixels) = (frames.Size(0), frames.Size(1), frames.Size(2) * frames.Size(3));
        var level = Shift.Call(frames.To(DType.I64), 5).Float();
        var colour = level.Select(4, 0) * 64 + level.Select(4, 1) * 8 + level.Select(4, 2);      // [B, T, H, W]
        return scope.Keep(ScatterAdd.Call(Tensor.Zeros([b, t, 512], DType.F32, frames.Device), 2,
            colour.Reshape(b, t, pixels).To(DType.I64), Tensor.Ones([b, t, pixels], DType.F32, frames.Device)));
    }

    static readonly Op Shift = new("aten::bitwise_right_shift", "Tensor_Scalar"), ScatterAdd = new("aten::scatter_add");
}

/// <summary>Blocks one behind the other, the first one's output added at the end, and the picture halved.</summary>
sealed class TransNetStack(TransNetConfig config, Weights weights, int inputs, int filters)
{
    static readonly Op Pool = new("aten::avg_pool3d");
    readonly TransNetBlock[] _blocks = [.. Enumerable.Range(0, config.Blocks)
        .Select(i => new TransNetBlock(weights[i], i == 0 ? inputs : 4 * filters, filters))];

    /// <summary>x [B, inputs, T, H, W] -> [B, 4 filters, T, H/2, W/2].</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = TensorScope.Open();
        Tensor? first = null;
        foreach (var (i, block) in _blocks.Index())
        {
            x = block.Forward(x);
            if (i + 1 < _blocks.Length) x = x.Relu();
            first ??= x;
        }
        return scope.Keep(Pool.Call(x.Relu() + first!, new long[] { 1, 2, 2 }));
    }
}

/// <summary>Four convolutions side by side that reach 1, 2, 4 and 8 frames far, and a norm by recorded statistics.</summary>
sealed class TransNetBlock(Weights weights, int inputs, int filters)
{
    static readonly Op Conv3d = new("aten::conv3d"), BatchNorm = new("aten::batch_norm");
    readonly (int Reach, Tensor Space, Tensor Time)[] _convs = [.. new[] { 1, 2, 4, 8 }.Select(reach => (reach,
        weights[$"Conv3D_{reach}"]["layers"].Get("0.weight", 2 * filters, inputs, 1, 3, 3),
        weights[$"Conv3D_{reach}"]["layers"].Get("1.weight", filters, 2 * filters, 3, 1, 1)))];
    readonly Tensor[] _norm = Norm(weights["bn"], 4 * filters);

    /// <summary>x [B, inputs, T, H, W] -> [B, 4 filters, T, H, W].</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = TensorScope.Open();
        var parts = _convs.Select(conv =>
        {
            var y = Conv3d.Call(x, conv.Space, Arg.None, Ones, new long[] { 0, 1, 1 });          // [B, 2 filters, T, H, W]
            return Conv3d.Call(y, conv.Time, Arg.None, Ones, new long[] { conv.Reach, 0, 0 }, new long[] { conv.Reach, 1, 1 });
        });
        return scope.Keep(BatchNorm.Call(Tensor.Cat(1, [.. parts]), _norm[0], _norm[1], _norm[2], _norm[3], false, 0.0, 1e-3, false));
    }

    static readonly long[] Ones = [1, 1, 1];

    static Tensor[] Norm(Weights weights, int channels)
    {
        if (weights.Has("num_batches_tracked")) weights.Ignore("num_batches_tracked");
        return [.. new[] { "weight", "bias", "running_mean", "running_var" }.Select(name => weights.Get(name, channels))];
    }
}
