// The layers the models are made of. Weights own, layers borrow: a layer is its tensors and one operator.
namespace Fabula.Torch;

/// <summary>
/// A low-rank addition to a linear layer, kept apart from its weight: y + x Aᵀ Bᵀ * scale. A [r, in], B [out, r], borrowed.
/// </summary>
public sealed record LowRank(Tensor A, Tensor B, double Scale)
{
    /// <summary>x [..., in] -> [..., out], in A's type.</summary>
    public Tensor Forward(Tensor x) => Linear.Apply(Linear.Apply(x, A, null), B, null) * Scale;
}

/// <summary>
/// y = x Wᵀ + b, plus what is attached (<see cref="Weights.Attach"/>). Weight [out, in]; the bias is optional in the file unless required.
/// </summary>
public sealed class Linear
{
    readonly IReadOnlyList<LowRank> _attached;
    public Tensor Weight { get; }
    public Tensor? Bias { get; }

    public Linear(Weights weights, long inputs, long outputs, bool bias = true)
    {
        Weight = weights.Get("weight", outputs, inputs);
        Bias = bias ? weights.Get("bias", outputs) : null;
        _attached = weights.Attached();
    }

    /// <summary>x [..., in] in the weight's type, converted to it where needed -> [..., out].</summary>
    public Tensor Forward(Tensor x)
    {
        var y = Apply(x, Weight, Bias);
        foreach (var addition in _attached) y = y + addition.Forward(x).To(y.DType);
        return y;
    }

    /// <summary>gelu of Forward, tanh form.</summary>
    public Tensor ForwardGelu(Tensor x) => _attached.Count > 0 ? Fused.GeluTanh(Forward(x))
        : Fused.LinearGelu(x.To(Weight.DType), Weight, Bias);

    /// <summary>As Forward, computed in fp32 whatever the weight's type: for small layers whose precision matters.</summary>
    public Tensor ForwardWide(Tensor x)
    {
        var y = Apply(x.Float(), Weight.Float(), Bias?.Float());
        foreach (var addition in _attached) y = y + addition.Forward(x).Float();
        return y;
    }

    /// <summary>As Forward, for a weight that is stored in another shape.</summary>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor? bias) => Fused.Linear(x.To(weight.DType), weight, bias);
}

/// <summary>Layer norm over the last dimension; statistics in fp32.</summary>
public sealed class LayerNorm(Weights weights, long dim, double eps)
{
    readonly Tensor _weight = weights.Get("weight", dim), _bias = weights.Get("bias", dim);

    public Tensor Forward(Tensor x, DType? result = null) => Fused.LayerNorm(x, _weight, _bias, eps, result ?? x.DType);
}

/// <summary>T5's layer norm: x / rms(x) * weight, no mean and no bias, in fp32.</summary>
public sealed class RmsNorm(Weights weights, long dim, double eps)
{
    readonly Tensor _weight = weights.Get("weight", dim);

    public Tensor Forward(Tensor x, DType? result = null)
    {
        if (x.Dims == 3) return Fused.RmsNormRotate(x, _weight, eps, 1).Squeeze(2).To(result ?? x.DType);
        var wide = x.Float();
        return (wide * (wide.Square().Mean(-1, keep: true) + eps).Rsqrt() * _weight.Float()).To(result ?? x.DType);
    }
}

/// <summary>Group norm of x [B, C, ...]: channels in groups, each group of a sample by its own mean and deviation; in fp32.</summary>
public sealed class GroupNorm(Weights weights, long channels, int groups, double eps)
{
    static readonly Op Aten = new("aten::group_norm");
    readonly Tensor _weight = weights.Get("weight", channels), _bias = weights.Get("bias", channels);

    /// <summary>The same shape, fp32.</summary>
    public Tensor Forward(Tensor x) => Aten.Call(x.Float(), groups, _weight.Float(), _bias.Float(), eps, true);
}

/// <summary>Rows of a table by number.</summary>
public sealed class Embedding(Weights weights, long rows, long dim)
{
    static readonly Op Aten = new("aten::embedding");
    public Tensor Weight { get; } = weights.Get("weight", rows, dim);

    /// <summary>ids [...] i64, each below the row count -> [..., dim].</summary>
    public Tensor Forward(Tensor ids) => Aten.Call(Weight, ids);
}

/// <summary>2-D or 3-D convolution by the rank of its weight [out, in, (kt,) kh, kw].</summary>
public sealed class Conv
{
    static readonly Op Aten2 = new("aten::conv2d"), Aten3 = new("aten::conv3d");
    readonly long[] _stride, _padding;
    readonly Op _op;
    public Tensor Weight { get; }
    public Tensor? Bias { get; }

    public Conv(Weights weights, long inputs, long outputs, long[] kernel, long[]? stride = null, long[]? padding = null, bool bias = true)
    {
        Weight = weights.Get("weight", [outputs, inputs, .. kernel]);
        Bias = bias ? weights.Get("bias", outputs) : null;
        _op = kernel.Length == 2 ? Aten2 : Aten3;
        _stride = stride ?? [.. kernel.Select(_ => 1L)];
        _padding = padding ?? [.. kernel.Select(_ => 0L)];
    }

    /// <summary>x [B, in, (T,) H, W] -> [B, out, ...] in the weight's type; bf16 is widened where products of it are slow.</summary>
    public Tensor Forward(Tensor x) => Weight.DType == DType.BF16 && Weight.Device.IsCpu && Fused.WidensBf16
        ? _op.Call(x.Float(), Weight.Float(), Bias?.Float(), _stride, _padding).To(DType.BF16)
        : _op.Call(x.To(Weight.DType), Weight, Bias, _stride, _padding);
}
