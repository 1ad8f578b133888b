// Arithmetic and shape operators, under the names PyTorch gives them.
namespace Fabula.Torch;

public sealed unsafe partial class Tensor
{
    static readonly Op AddOp = new("aten::add", "Tensor"), AddScalarOp = new("aten::add", "Scalar"), SubOp = new("aten::sub", "Tensor"),
        MulOp = new("aten::mul", "Tensor"), MulScalarOp = new("aten::mul", "Scalar"), DivOp = new("aten::div", "Tensor"),
        DivScalarOp = new("aten::div", "Scalar"), NegOp = new("aten::neg"), RsubOp = new("aten::rsub", "Scalar"),
        AddInOp = new("aten::add_", "Tensor"), MulInOp = new("aten::mul_", "Tensor"), MulInScalarOp = new("aten::mul_", "Scalar"),
        AddInScalarOp = new("aten::add_", "Scalar"), DivInOp = new("aten::div_", "Tensor"), SubInOp = new("aten::sub_", "Tensor"),
        ZeroOp = new("aten::zero_"), FillOp = new("aten::fill_", "Scalar"), LerpOp = new("aten::lerp_", "Scalar"),
        AddcmulOp = new("aten::addcmul_"), AddcdivOp = new("aten::addcdiv_"), SquareOp = new("aten::square");

    static readonly Op ExpOp = new("aten::exp"), LogOp = new("aten::log"), SqrtOp = new("aten::sqrt"), RsqrtOp = new("aten::rsqrt"),
        SinOp = new("aten::sin"), CosOp = new("aten::cos"), TanhOp = new("aten::tanh"), AbsOp = new("aten::abs"),
        SigmoidOp = new("aten::sigmoid"), SiluOp = new("aten::silu"), SiluInOp = new("aten::silu_"), ReluOp = new("aten::relu"),
        GeluOp = new("aten::gelu"), ClampOp = new("aten::clamp"), ClampInOp = new("aten::clamp_"),
            PowOp = new("aten::pow", "Tensor_Scalar"),
        RoundOp = new("aten::round"), SoftmaxOp = new("aten::softmax", "int"), LogSoftmaxOp = new("aten::log_softmax", "int"),
        MatmulOp = new("aten::matmul"), SumOp = new("aten::sum", "dim_IntList"), SumAllOp = new("aten::sum"),
            MeanOp = new("aten::mean", "dim"),
        MeanAllOp = new("aten::mean"), MaxAllOp = new("aten::max"), MinAllOp = new("aten::min"), MaxOp = new("aten::amax"),
        ArgmaxOp = new("aten::argmax"), NormOp = new("aten::linalg_vector_norm"), IsFiniteOp = new("aten::isfinite"),
            AllOp = new("aten::all"),
        EqOp = new("aten::eq", "Scalar"), LtOp = new("aten::lt", "Scalar"),
        WhereOp = new("aten::where", "self"), MaskedFillOp = new("aten::masked_fill", "Scalar"),
        CumsumOp = new("aten::cumsum");

    static readonly Op ReshapeOp = new("aten::reshape"), ViewOp = new("aten::view"), PermuteOp = new("aten::permute"),
        TransposeOp = new("aten::transpose", "int"), ContiguousOp = new("aten::contiguous"), UnsqueezeOp = new("aten::unsqueeze"),
        SqueezeOp = new("aten::squeeze", "dim"), ExpandOp = new("aten::expand"), NarrowOp = new("aten::narrow"),
            SelectOp = new("aten::select", "int"),
        SliceOp = new("aten::slice", "Tensor"), CatOp = new("aten::cat"), StackOp = new("aten::stack"), ChunkOp = new("aten::chunk"),
        SplitOp = new("aten::split_with_sizes"), FlipOp = new("aten::flip"), RepeatOp = new("aten::repeat"),
        RepeatInterleaveOp = new("aten::repeat_interleave", "self_int"), CloneOp = new("aten::clone"), DetachOp = new("aten::detach"),
        IndexSelectOp = new("aten::index_select"), FlattenOp = new("aten::flatten", "using_ints"), PadOp = new("aten::constant_pad_nd"),
        ViewDtypeOp = new("aten::view", "dtype");

    static readonly Op BicubicOp = new("aten::upsample_bicubic2d"), BilinearOp = new("aten::upsample_bilinear2d"),
        BilinearAntialiasOp = new("aten::_upsample_bilinear2d_aa");

    public static Tensor operator +(Tensor a, Tensor b) => AddOp.Call(a, b);
    public static Tensor operator +(Tensor a, double b) => AddScalarOp.Call(a, b);
    public static Tensor operator +(double a, Tensor b) => AddScalarOp.Call(b, a);
    public static Tensor operator -(Tensor a, Tensor b) => SubOp.Call(a, b);
    public static Tensor operator -(Tensor a, double b) => AddScalarOp.Call(a, -b);
    public static Tensor operator -(double a, Tensor b) => RsubOp.Call(b, a);
    public static Tensor operator -(Tensor a) => NegOp.Call(a);
    public static Tensor operator *(Tensor a, Tensor b) => MulOp.Call(a, b);
    public static Tensor operator *(Tensor a, double b) => MulScalarOp.Call(a, b);
    public static Tensor operator *(double a, Tensor b) => MulScalarOp.Call(b, a);
    public static Tensor operator /(Tensor a, Tensor b) => DivOp.Call(a, b);
    public static Tensor operator /(Tensor a, double b) => DivScalarOp.Call(a, b);

    // In place, returning this tensor.
    public Tensor Add_(Tensor other, double alpha = 1) { AddInOp.Do(this, other, alpha); return this; }
    public Tensor Add_(double other) { AddInScalarOp.Do(this, other); return this; }
    public Tensor Sub_(Tensor other) { SubInOp.Do(this, other); return this; }
    public Tensor Mul_(Tensor other) { MulInOp.Do(this, other); return this; }
    public Tensor Mul_(double other) { MulInScalarOp.Do(this, other); return this; }
    public Tensor Div_(Tensor other) { DivInOp.Do(this, other); return this; }
    public Tensor Zero_() { ZeroOp.Do(this); return this; }
    public Tensor Fill_(double value) { FillOp.Do(this, value); return this; }
    /// <summary>this + weight * (end - this).</summary>
    public Tensor Lerp_(Tensor end, double weight) { LerpOp.Do(this, end, weight); return this; }
    /// <summary>this + value * a * b.</summary>
    public Tensor Addcmul_(Tensor a, Tensor b, double value = 1) { AddcmulOp.Do(this, a, b, value); return this; }
    /// <summary>this + value * a / b.</summary>
    public Tensor Addcdiv_(Tensor a, Tensor b, double value = 1) { AddcdivOp.Do(this, a, b, value); return this; }
    public Tensor Silu_() { SiluInOp.Do(this); return this; }
    public Tensor Clamp_(double low, double high) { ClampInOp.Do(this, low, high); return this; }

    public Tensor Exp() => ExpOp.Call(this);
    public Tensor Log() => LogOp.Call(this);
    public Tensor Sqrt() => SqrtOp.Call(this);
    public Tensor Rsqrt() => RsqrtOp.Call(this);
    public Tensor Sin() => SinOp.Call(this);
    public Tensor Cos() => CosOp.Call(this);
    public Tensor Tanh() => TanhOp.Call(this);
    public Tensor Abs() => AbsOp.Call(this);
    public Tensor Square() => SquareOp.Call(this);
    public Tensor Sigmoid() => SigmoidOp.Call(this);
    public Tensor Silu() => SiluOp.Call(this);
    public Tensor Relu() => ReluOp.Call(this);
    /// <summary>The exact (error function) form; the tanh form is <see cref="Fused.GeluTanh"/>.</summary>
    public Tensor Gelu() => GeluOp.Call(this);
    public Tensor Clamp(double low, double high) => ClampOp.Call(this, low, high);
    public Tensor Pow(double exponent) => PowOp.Call(this, exponent);
    public Tensor Round() => RoundOp.Call(this);
    public Tensor Softmax(int dim) => SoftmaxOp.Call(this, dim);
    public Tensor LogSoftmax(int dim) => LogSoftmaxOp.Call(this, dim);
    public Tensor Matmul(Tensor other) => MatmulOp.Call(this, other);
    public Tensor Sum() => SumAllOp.Call(this);
    public Tensor Sum(int dim, bool keep = false) => SumOp.Call(this, new long[] { dim }, keep);
    public Tensor Mean() => MeanAllOp.Call(this);
    public Tensor Mean(int dim, bool keep = false) => MeanOp.Call(this, new long[] { dim }, keep);
    public Tensor Max() => MaxAllOp.Call(this);
    public Tensor Min() => MinAllOp.Call(this);
    public Tensor Max(int dim, bool keep = false) => MaxOp.Call(this, new long[] { dim }, keep);
    public Tensor Argmax(int dim) => ArgmaxOp.Call(this, dim);
    /// <summary>Euclidean length along a dimension.</summary>
    public Tensor Norm(int dim, bool keep = false) => NormOp.Call(this, 2.0, new long[] { dim }, keep);
    public Tensor Cumsum(int dim) => CumsumOp.Call(this, dim);
    public Tensor Eq(double value) => EqOp.Call(this, value);
    /// <summary>Where it is less than the value, as bools.</summary>
    public Tensor Lt(double value) => LtOp.Call(this, value);
    public Tensor MaskedFill(Tensor mask, double value) => MaskedFillOp.Call(this, mask, value);
    /// <summary>Where this mask is true take <paramref name="yes"/>, else <paramref name="no"/>.</summary>
    public Tensor Where(Tensor yes, Tensor no) => WhereOp.Call(this, yes, no);
    /// <summary>Whether no element is NaN or infinite.</summary>
    public bool AllFinite()
    {
        using var scope = TensorScope.Open();
        return AllOp.Call(IsFiniteOp.Call(this)).Item() != 0;
    }

    public Tensor Reshape(params long[] shape) => ReshapeOp.Call(this, shape);
    public Tensor View(params long[] shape) => ViewOp.Call(this, shape);
    /// <summary>The same bytes read as another element type of the same size.</summary>
    public Tensor ViewAs(DType type) => ViewDtypeOp.Call(this, type);
    public Tensor Permute(params long[] order) => PermuteOp.Call(this, order);
    public Tensor Transpose(int a, int b) => TransposeOp.Call(this, a, b);
    public Tensor Contiguous() => ContiguousOp.Call(this);
    public Tensor Unsqueeze(int dim) => UnsqueezeOp.Call(this, dim);
    public Tensor Squeeze(int dim) => SqueezeOp.Call(this, dim);
    public Tensor Expand(params long[] shape) => ExpandOp.Call(this, shape);
    public Tensor Flatten(int from = 0, int to = -1) => FlattenOp.Call(this, from, to);
    public Tensor Narrow(int dim, long start, long length) => NarrowOp.Call(this, dim, start, length);
    public Tensor Select(int dim, long index) => SelectOp.Call(this, dim, index);
    public Tensor Slice(int dim, long start, long end, long step = 1) => SliceOp.Call(this, dim, start, end, step);
    public Tensor[] Chunk(int parts, int dim) => ChunkOp.Many(parts, this, parts, dim);
    public Tensor[] Split(long[] sizes, int dim) => SplitOp.Many(sizes.Length, this, sizes, dim);
    public Tensor Flip(int dim) => FlipOp.Call(this, new long[] { dim });
    public Tensor Repeat(params long[] times) => RepeatOp.Call(this, times);
    public Tensor RepeatInterleave(int times, int dim) => RepeatInterleaveOp.Call(this, times, dim);
    public Tensor IndexSelect(int dim, Tensor index) => IndexSelectOp.Call(this, dim, index);
    /// <summary>Pads with a constant; pairs (before, after) from the last dimension backwards, as torch.nn.functional.pad.</summary>
    public Tensor Pad(long[] pairs, double value = 0) => PadOp.Call(this, pairs, value);
    /// <summary>Images [B, C, H, W] at another size, cubic (a = -0.75), corners not aligned, without antialias.</summary>
    public Tensor ResizeBicubic(long height, long width) => BicubicOp.Call(this, new[] { height, width }, false, Arg.None, Arg.None);
    /// <summary>
    /// Images [B, C, H, W] at another size, linear, corners not aligned; <paramref name="antialias"/> averages when shrinking.
    /// </summary>
    public Tensor ResizeBilinear(long height, long width, bool antialias = false) =>
        (antialias ? BilinearAntialiasOp : BilinearOp).Call(this, new[] { height, width }, false, Arg.None, Arg.None);
    public Tensor Clone() => CloneOp.Call(this);
    public Tensor Detach() => DetachOp.Call(this);

    public static Tensor Cat(int dim, params Tensor[] parts) => parts.Length == 1 ? parts[0].Share() : CatOp.Call(parts, dim);
    public static Tensor Stack(int dim, params Tensor[] parts) => StackOp.Call(parts, dim);
}
