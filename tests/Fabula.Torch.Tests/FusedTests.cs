using System.Runtime.Intrinsics.X86;
using Fabula.Torch;

namespace Fabula.Torch.Tests;

/// <summary>Every fused kernel against its definition in plain ATen, over types, broadcasts and awkward sizes.</summary>
[Collection("fused")]
public class FusedTests
{
    static readonly RandomSource Random = new(7);

    static Tensor Normal(string name, params long[] shape) => Random.Normal(name, 0, shape);

    static void Compare(Func<Tensor> work, double tolerance)
    {
        Fused.Enabled = false;
        Tensor expected;
        try { expected = work().Float(); }
        finally { Fused.Enabled = true; }
        Close.To(expected, work().Float(), tolerance);
    }

    [Theory]
    [InlineData(1, 1, 2), InlineData(2, 5, 7), InlineData(1, 33, 96), InlineData(3, 17, 130)]
    public void Layer_norm_with_modulation_equals_its_definition(int batch, int tokens, int dim) => OnTorch.Run(() =>
    {
        var x = Normal("x", batch, tokens, dim);
        var (w, b) = (Normal("w", dim), Normal("b", dim));
        var index = Tensor.From(Enumerable.Range(0, tokens).Select(i => (long)(i % 3)).ToArray(), tokens);
        Compare(() => Fused.LayerNorm(x, null, null, 1e-6, DType.F32), 3e-5);
        Compare(() => Fused.LayerNorm(x, w, b, 1e-5, DType.F32), 3e-5);
        foreach (var (n, u) in new[] { (1, 1), (batch, 1), (1, tokens), (batch, tokens) })
            Compare(() => Fused.LayerNorm(x, w, b, 1e-6, DType.F32, Normal("s", n, u, dim), Normal("c", n, u, dim)), 1e-4);
        Compare(() => Fused.LayerNorm(x, null, null, 1e-6, DType.F32, Normal("s", 1, 3, dim), Normal("c", 1, 3, dim), index), 1e-4);
        Compare(() => Fused.LayerNorm(x.To(DType.BF16), null, null, 1e-6, DType.BF16), 4e-2);
        Compare(() => Fused.LayerNorm(x, null, null, 1e-6, DType.BF16), 4e-2);
    });

    [Theory]
    [InlineData(1, 3, 1, 2), InlineData(2, 9, 3, 12), InlineData(1, 40, 2, 128)]
    public void Rms_norm_with_rotation_equals_its_definition(int batch, int tokens, int heads, int head) => OnTorch.Run(() =>
    {
        var (x, w) = (Normal("x", batch, tokens, heads * head), Normal("w", heads * head));
        var angles = Normal("a", tokens, head / 2);
        Compare(() => Fused.RmsNormRotate(x, w, 1e-6, heads), 1e-5);
        Compare(() => Fused.RmsNormRotate(x, w, 1e-6, heads, angles.Cos(), angles.Sin()), 1e-5);
        Compare(() => Fused.RmsNormRotate(x.To(DType.BF16), w, 1e-6, heads, angles.Cos(), angles.Sin()), 6e-2);
    });

    [Fact]
    public void Gelu_equals_its_definition_even_far_out() => OnTorch.Run(() =>
    {
        var x = Tensor.Cat(0, Normal("x", 5000) * 3, Tensor.From(new float[] { -1e30f, -100, -20, 0, 20, 100, 1e30f }, 7));
        Compare(() => Fused.GeluTanh(x.Narrow(0, 0, 5006).Clone()), 1e-6);
        Assert.Equal([0f, 1e30f], new[] { Fused.GeluTanh(x.Clone()).ToFloats()[5000] * -0f, Fused.GeluTanh(x.Clone()).ToFloats()[5006] });
        Compare(() => Fused.GeluTanh(x.Narrow(0, 0, 5000).To(DType.BF16).Clone()), 5e-2);
    });

    [Fact]
    public void Gated_residuals_equal_their_definition() => OnTorch.Run(() =>
    {
        var (x, y) = (Normal("x", 2, 6, 50), Normal("y", 2, 6, 50));
        var index = Tensor.From(new long[] { 0, 1, 1, 0, 2, 2 }, 6);
        Compare(() => Fused.GateAdd(x.Clone(), y), 0);
        Compare(() => Fused.GateAdd(x.Clone(), y, Normal("g", 1, 1, 50)), 1e-6);
        Compare(() => Fused.GateAdd(x.Clone(), y.To(DType.BF16), Normal("g", 1, 3, 50), index), 1e-6);
    });

    [Theory]
    [InlineData(1, 1, 1, 1, 2), InlineData(2, 7, 13, 3, 16), InlineData(1, 400, 300, 2, 64), InlineData(2, 5, 700, 1, 128)]
    public void Attention_equals_its_definition(int batch, int queries, int keys, int heads, int head) => OnTorch.Run(() =>
    {
        var (q, k, v) = (Normal("q", batch, queries, heads, head), Normal("k", batch, keys, heads, head),
            Normal("v", batch, keys, heads, head));
        var bias = Normal("b", batch, keys);
        Compare(() => Fused.Attention(q, k, v, 0.2), 2e-5);
        Compare(() => Fused.Attention(q, k, v, 0.2, bias), 2e-5);
        Compare(() => Fused.Attention(q.To(DType.BF16), k.To(DType.BF16), v.To(DType.BF16), 0.2, bias), 5e-2);
    });

    /// <summary>softmax(q kᵀ scale + bias) v, written out in fp64.</summary>
    static Tensor ExactAttention(Tensor q, Tensor k, Tensor v, double scale, Tensor? bias)
    {
        Tensor Heads(Tensor x) => x.To(DType.F64).Transpose(1, 2);
        var scores = Heads(q).Matmul(Heads(k).Transpose(2, 3)) * scale;
        if (bias is not null) scores += bias.To(DType.F64).Unsqueeze(1).Unsqueeze(1);
        return scores.Softmax(-1).Matmul(Heads(v)).Transpose(1, 2);
    }

    /// <summary>
    /// There are up to three ways to attention: our kernel, libtorch's fused operator where it has one (from 2.0 on; with gradients), and
    /// the definition in blocks. On any libtorch each that exists is compared with fp64, in values and in gradients.
    /// </summary>
    [Theory]
    [InlineData(1, 1, 1, 1, 2), InlineData(2, 7, 13, 3, 16), InlineData(1, 600, 40, 2, 32), InlineData(2, 33, 77, 2, 128)]
    public void Every_way_to_attention_gives_the_exact_values_and_gradients(int batch, int queries, int keys, int heads, int head) =>
        OnTorch.Run(() =>
    {
        Tensor[] given = [Normal("q", batch, queries, heads, head), Normal("k", batch, keys, heads, head),
            Normal("v", batch, keys, heads, head)];
        var weights = Normal("w", batch, queries, heads, head);
        (Tensor Value, Tensor[] Gradients) Both(Func<Tensor, Tensor, Tensor, Tensor> attention)
        {
            using var on = Autograd.Enable();
            var leaves = given.Select(x => x.Clone().RequireGrad()).ToArray();
            var y = attention(leaves[0], leaves[1], leaves[2]);
            y.Backward(weights.To(y.DType));
            var result = (y.Detach(), leaves.Select(x => x.Grad!).ToArray());
            foreach (var leaf in leaves) leaf.Grad = null;
            return result;
        }
        foreach (var bias in new[] { null, Normal("b", batch, keys) * 3 })
        {
            var exact = Both((q, k, v) => ExactAttention(q, k, v, 0.2, bias));
            Close.To(exact.Value, Fused.Attention(given[0], given[1], given[2], 0.2, bias), 2e-5);
            foreach (var enabled in new[] { true, false })
            {
                Fused.Enabled = enabled;
                try
                {
                    var (value, gradients) = Both((q, k, v) => Fused.Attention(q, k, v, 0.2, bias));
                    Close.To(exact.Value, value, 2e-5);
                    for (var i = 0; i < 3; i++) Close.To(exact.Gradients[i], gradients[i],
                        2e-5 * (1 + exact.Gradients[i].Abs().Max().Item()));
                }
                finally { Fused.Enabled = true; }
            }
        }
    });

    [Theory]
    [InlineData(false), InlineData(true)]
    public void A_count_stays_exact_in_bf16_attention(bool gradients) => OnTorch.Run(() =>
    {
        // log 397 lies between two bf16 numbers, 1.5 % off the nearer; the rounding of the result itself is 0.4 %.
        using var mode = gradients ? Autograd.Enable() : Autograd.Disable();
        var nothing = Tensor.Zeros([1, 2, 1, 8], DType.BF16, Device.Cpu);
        var v = Tensor.Cat(1, Tensor.Ones([1, 1, 1, 8], DType.BF16, Device.Cpu), Tensor.Zeros([1, 1, 1, 8], DType.BF16, Device.Cpu));
        var bias = Tensor.From(new[] { 0f, MathF.Log(397) }, 1, 2);
        Close.To(Tensor.Full([1, 2, 1, 8], 1 / 398.0, DType.F64, Device.Cpu), Fused.Attention(nothing, nothing, v, 1, bias), 5e-3 / 398);
    });

    [Fact]
    public void A_key_with_bias_minus_infinity_is_not_seen() => OnTorch.Run(() =>
    {
        var (q, k, v) = (Normal("q", 1, 3, 1, 8), Normal("k", 1, 5, 1, 8), Normal("v", 1, 5, 1, 8));
        var bias = Tensor.From(new[] { 0f, 0, 0, float.NegativeInfinity, float.NegativeInfinity }, 1, 5);
        Close.To(Fused.Attention(q, k.Narrow(1, 0, 3), v.Narrow(1, 0, 3), 1), Fused.Attention(q, k, v, 1, bias), 5e-6);
    });

    [Fact]
    public void A_key_that_stands_for_many_weighs_as_many() => OnTorch.Run(() =>
    {
        var (q, k, v) = (Normal("q", 1, 3, 2, 8), Normal("k", 1, 2, 2, 8), Normal("v", 1, 2, 2, 8));
        Tensor Many(Tensor x) => Tensor.Cat(1, x.Narrow(1, 0, 1), x.Narrow(1, 1, 1).Expand(1, 500, 2, 8));
        var bias = Tensor.From(new[] { 0f, MathF.Log(500) }, 1, 2);
        // 500 equal terms are added one after the other, and rounded the same way: 8e-6 over AVX-512, 1.4e-5 over the reference BLAS.
        Close.To(Fused.Attention(q, Many(k), Many(v), 1), Fused.Attention(q, k, v, 1, bias), 2e-5);
    });

    [Fact]
    public void A_not_a_number_stays_one_in_bf16() => OnTorch.Run(() =>
    {
        var x = Tensor.From(new[] { float.NaN, 1, float.PositiveInfinity, float.NegativeInfinity }, 1, 1, 4);
        var y = Fused.GateAdd(Tensor.Zeros([1, 1, 4], DType.F32, Device.Cpu), x.To(DType.BF16)).ToFloats();
        Assert.True(float.IsNaN(y[0]) && y[1] == 1 && float.IsPositiveInfinity(y[2]) && float.IsNegativeInfinity(y[3]));
        Assert.True(Fused.LayerNorm(x, null, null, 1e-6, DType.BF16).ToFloats().All(float.IsNaN));
    });

    [Theory]
    [InlineData(3, 40, 24), InlineData(65, 96, 700), InlineData(2100, 16, 530)]
    public void Linear_layers_with_and_without_gelu_equal_their_definition(int rows, int inputs, int outputs) => OnTorch.Run(() =>
    {
        var (x, w, b) = (Normal("x", 1, rows, inputs), Normal("w", outputs, inputs) * 0.2, Normal("b", outputs));
        Compare(() => Fused.Linear(x, w, null), 2e-5);
        Compare(() => Fused.Linear(x, w, b), 2e-5);
        Compare(() => Fused.LinearGelu(x, w, b), 2e-5);
    });

    [Theory]
    [InlineData(3, 40, 24), InlineData(65, 96, 700)]
    public void A_bf16_layer_equals_the_fp32_one_to_bf16_precision(int rows, int inputs, int outputs) => OnTorch.Run(() =>
    {
        var (x, w, b) = (Normal("x", 1, rows, inputs).To(DType.BF16), Normal("w", outputs, inputs).To(DType.BF16),
            Normal("b", outputs).To(DType.BF16));
        var expected = Linear.Apply(x.Float(), w.Float(), b.Float());
        Close.To(expected, Linear.Apply(x, w, b).Float(), expected.Abs().Max().Item() / 128);
    });

    [Fact]
    public void Without_AVX512_bf16_products_are_widened_even_where_oneDNN_would_take_them() => OnTorch.Run(() =>
    {
        var avx512 = Avx512BW.IsSupported && Avx512DQ.IsSupported && Avx512F.VL.IsSupported;
        var shared = new Op("fabula::linear").Exists;  // this libtorch shares its oneDNN with our kernels
        if (X86Base.IsSupported) Assert.Equal(shared && !avx512, Fused.WidensBf16);
        else Assert.True(shared || !Fused.WidensBf16);
    });

    /// <summary>Attention's products may be split between threads in another way, and then differ in their last bits (AVX-512).</summary>
    [Fact]
    public void One_thread_and_two_give_the_same_bits_and_nearly_the_same_attention() => OnTorch.Run(() =>
    {
        var (x, mod) = (Normal("x", 1, 300, 96), Normal("m", 1, 1, 96));
        var q = Normal("q", 1, 300, 4, 24);
        var before = LibTorch.Threads;
        byte[] Bits()
        {
            using var scope = TensorScope.Open();
            return [.. Fused.LayerNorm(x, null, null, 1e-6, DType.F32, mod, mod).Bytes(),
                .. Fused.RmsNormRotate(x, mod.Reshape(96), 1e-6, 4).Bytes(), .. Fused.GeluTanh(x.Clone()).Bytes()];
        }
        try
        {
            LibTorch.Threads = 1;
            var (one, attention) = (Bits(), Fused.Attention(q, q, q, 0.2));
            LibTorch.Threads = 2;
            Assert.Equal(one, Bits());
            Close.To(attention, Fused.Attention(q, q, q, 0.2), 5e-6);
        }
        finally { LibTorch.Threads = before; }
    });
}
