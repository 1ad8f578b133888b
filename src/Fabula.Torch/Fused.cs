// The transformer's inner operations, each with its definition in plain ATen and, for CPU inference, one fused kernel
// (native/kernels.cpp). Training, CUDA and unusual types take the definition. This is also where libtorch 1.13's gaps are
// closed once: bf16 layer norm, tanh GELU, attention without the whole score matrix. Where libtorch has a fused operator of its own
// (attention, from 2.0 on), training and CUDA take that.
namespace Fabula.Torch;

public static class Fused
{
    static readonly Op LayerNormOp = new("fabula::layer_norm_modulate"), RmsNormRotateOp = new("fabula::rms_norm_rotate"),
        GeluTanhInOp = new("fabula::gelu_tanh_"), GateAddOp = new("fabula::gate_add_"), AttentionOp = new("fabula::attention"),
        LinearOp = new("fabula::linear"), HasBf16Op = new("fabula::has_bf16_product"), AtenLinear = new("aten::linear"),
        AtenLayerNorm = new("aten::layer_norm"), AtenSdpa = new("aten::scaled_dot_product_attention");

    /// <summary>Whether fused kernels may be taken at all; the tests compare both ways.</summary>
    public static bool Enabled { get; set; } = true;

    static bool Fits(Tensor x) => Enabled && x.Device.IsCpu && (x.DType is DType.F32 or DType.BF16) && !Autograd.IsEnabled
        && !Checkpointing.IsInside;

    /// <summary>
    /// x Wᵀ + b for x [.., in] in the weight's type, weight [out, in]. libtorch multiplies bf16 well only where oneDNN does (AVX-512);
    /// elsewhere products run in fp32 over bf16 storage.
    /// </summary>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias) =>
        TakesLinear(x, weight) ? LinearOp.Call(x.Contiguous(), weight, bias, false) : AtenLinear.Call(x, weight, bias);

    /// <summary>gelu(x Wᵀ + b), tanh form: one pass over the result less.</summary>
    public static Tensor LinearGelu(Tensor x, Tensor weight, Tensor? bias) =>
        TakesLinear(x, weight) ? LinearOp.Call(x.Contiguous(), weight, bias, true) : GeluTanh(AtenLinear.Call(x, weight, bias));

    static bool TakesLinear(Tensor x, Tensor weight) =>
        Fits(x) && weight.IsContiguous && LinearOp.Exists && (weight.DType == DType.F32 || WidensBf16);

    /// <summary>Whether bf16 products run in fp32 on this processor.</summary>
    public static bool WidensBf16 => WidenBf16.Value;

    static readonly Lazy<bool> WidenBf16 = new(() => HasBf16Op.Exists && HasBf16Op.Number() == 0);

    /// <summary>
    /// Layer norm over the last dimension of x [B, L, D], times weight plus bias [D] where given, then times (1 + scale) plus shift
    /// ([B|1, U, D] fp32; token i takes row index[i], or without an index U is 1 or L) where given.
    /// Statistics and modulation in fp32; the result in <paramref name="result"/>.
    /// </summary>
    public static Tensor LayerNorm(Tensor x, Tensor? weight, Tensor? bias, double eps, DType result,
        Tensor? shift = null, Tensor? scale = null, Tensor? index = null)
    {
        if (Fits(x) && x.Dims == 3 && (result is DType.F32 or DType.BF16))
            return LayerNormOp.Call(x.Contiguous(), weight?.Float(), bias?.Float(), shift, scale, index, eps, result);
        var y = AtenLayerNorm.Call(x.Float(), new[] { x.Size(-1) }, weight?.Float(), bias?.Float(), eps);
        if (scale is not null) y = y * (PerToken(scale, index) + 1) + PerToken(shift!, index);
        return y.To(result);
    }

    /// <summary>
    /// RMS norm of x [B, L, D] over D, times weight [D], split into heads; then, where angles are given (cosine and sine [L, D/heads/2]
    /// fp32, or [B, L, D/heads/2] where samples differ, which takes the definition), neighbouring pairs are rotated. Returns
    /// [B, L, heads, D/heads] in x's type. In fp32 inside.
    /// </summary>
    public static Tensor RmsNormRotate(Tensor x, Tensor weight, double eps, int heads, Tensor? cosine = null, Tensor? sine = null)
    {
        if (Fits(x) && cosine is not { Dims: 3 }) return RmsNormRotateOp.Call(x.Contiguous(), weight.Float(), cosine, sine, heads, eps);
        var wide = x.Float();
        var y = wide * (wide.Square().Mean(-1, keep: true) + eps).Rsqrt() * weight.Float();
        y = y.Reshape(x.Size(0), x.Size(1), heads, x.Size(2) / heads);
        return (cosine is null ? y : Rotate(y, cosine, sine!)).To(x.DType);
    }

    /// <summary>Rotates neighbouring pairs of x [B, L, heads, 2n] by the angles [L, n] or [B, L, n].</summary>
    public static Tensor Rotate(Tensor x, Tensor cosine, Tensor sine)
    {
        var pairs = x.Reshape(x.Size(0), x.Size(1), x.Size(2), x.Size(3) / 2, 2);
        var (a, b) = (pairs.Select(-1, 0), pairs.Select(-1, 1));
        var (c, s) = (cosine.Unsqueeze(-2), sine.Unsqueeze(-2));                                 // [L, 1, n]
        return Tensor.Stack(-1, a * c - b * s, a * s + b * c).Reshape(x.Shape);
    }

    /// <summary>gelu(x) in its tanh form. May write over x: hand it a tensor that nobody else reads.</summary>
    public static Tensor GeluTanh(Tensor x)
    {
        if (Fits(x) && x.IsContiguous)
        {
            GeluTanhInOp.Do(x);
            return x;
        }
        return x * ((x * x * x * 0.044715 + x) * 1.5957691216057308).Sigmoid();
    }

    /// <summary>
    /// x + y * gate, written over x where that is allowed; x fp32 [B, L, D], gate [B|1, U, D] fp32 (index as in LayerNorm) or absent.
    /// </summary>
    public static Tensor GateAdd(Tensor x, Tensor y, Tensor? gate = null, Tensor? index = null)
    {
        if (Fits(x) && x.DType == DType.F32 && x.IsContiguous)
        {
            GateAddOp.Do(x, y.Contiguous(), gate, index);
            return x;
        }
        return x + (gate is null ? y : y.Float() * PerToken(gate, index));
    }

    static Tensor PerToken(Tensor table, Tensor? index) => index is null ? table : table.IndexSelect(1, index);

    /// <summary>
    /// softmax(q kᵀ · scale + bias) v for q [B, Lq, H, d], k and v [B, Lk, H, d], bias [B, Lk] fp32 (added to every score of that key) or
    /// absent.
    /// Returns [B, Lq, H, d]. Exact; memory is bounded by taking queries in blocks.
    /// </summary>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, double scale, Tensor? keyBias = null)
    {
        if (Fits(q) && AttentionOp.Exists) return AttentionOp.Call(q.Contiguous(), k.Contiguous(), v.Contiguous(), keyBias, scale);
        using var scope = TensorScope.Open();
        var (qh, kh, vh) = (q.Transpose(1, 2), k.Transpose(1, 2), v.Transpose(1, 2));            // [B, H, L, d]
        // libtorch 2.x: the fused operator. Its leading arguments have not changed since 2.0; the scale is folded into q. It takes a
        // bias in q's type only, and bf16 would shift the log of a large count by up to 1/64: then the definition serves.
        if (Enabled && AtenSdpa.Exists && (keyBias is null || keyBias.DType == q.DType))
            return scope.Keep(AtenSdpa.Call(qh * (scale * Math.Sqrt(q.Size(3))), kh, vh, keyBias?.Unsqueeze(1).Unsqueeze(1))
                .Transpose(1, 2));
        const long Block = 512;
        var blocks = new List<Tensor>();
        var kt = kh.Transpose(2, 3);
        for (long first = 0; first < q.Size(1); first += Block)
        {
            var scores = (qh.Narrow(2, first, Math.Min(Block, q.Size(1) - first)) * scale).Matmul(kt).Float(); // [B, H, block, Lk]
            if (keyBias is not null) scores += keyBias.Unsqueeze(1).Unsqueeze(1);
            blocks.Add(scores.Softmax(-1).To(q.DType).Matmul(vh));
        }
        return scope.Keep(Tensor.Cat(2, [.. blocks]).Transpose(1, 2).Contiguous());
    }
}
