// The few fused CPU kernels that a video transformer needs at inference, registered as operators "fabula::..." beside ATen's own.
// Every one has the plain ATen composition as its definition (Fused.cs), which is what training, CUDA and the tests use.
//
// Why: one pass instead of five over each activation; statistics in fp32 whatever the storage type (libtorch 1.13's bf16 layer norm is
// 13 times slower than a cast to fp32); attention without the L x L matrix. Rows are each computed by one thread in one order; matrix
// products are oneDNN's, whose rounding depends on how it splits the work (docs/architecture.md, Threads).
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "rows.h"

namespace {

using at::Tensor;
using OptionalTensor = c10::optional<Tensor>;

#if defined(__x86_64__)
bool has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

const Rows& vectorized() {
    static const Rows& best = []() -> const Rows& {
#if defined(__x86_64__)
        if (has_avx512()) return rows_v4;
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return rows_v3;
#endif
        return rows_base;
    }();
    return best;
}

// A row of x as fp32: in place where it is fp32, through the buffer otherwise.
const float* row_in(const Tensor& x, int64_t offset, float* buffer, int64_t n) {
    if (x.scalar_type() == at::kFloat) return x.data_ptr<float>() + offset;
    vectorized().widen(reinterpret_cast<const bf16*>(x.data_ptr()) + offset, buffer, n);
    return buffer;
}

void row_out(const float* row, const Tensor& y, int64_t offset, int64_t n) {
    if (y.scalar_type() == at::kFloat) {
        float* to = y.data_ptr<float>() + offset;
        if (to != row) std::memcpy(to, row, n * sizeof(float));
    } else {
        vectorized().narrow(row, reinterpret_cast<bf16*>(y.data_ptr()) + offset, n);
    }
}

void check(const Tensor& x, const char* name) {
    TORCH_CHECK(x.is_contiguous() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16), name,
                " must be contiguous float32 or bfloat16, not ", x.scalar_type(), x.is_contiguous() ? "" : " with strides");
}

const float* vector_of(const OptionalTensor& x, int64_t n, const char* name) {
    if (!x || !x->defined()) return nullptr;
    TORCH_CHECK(x->scalar_type() == at::kFloat && x->is_contiguous() && x->numel() == n, name, " must be ", n, " float32 values");
    return x->data_ptr<float>();
}

// A table [B|1, U, D] of which token i takes row index[i] (no index: U is 1 or L).
struct Table {
    const float* data = nullptr;
    const int64_t* rows = nullptr;
    int64_t sample = 0, token = 0, tokens;
    Table(const OptionalTensor& x, const OptionalTensor& index, int64_t batch, int64_t tokens, int64_t dim, const char* name)
        : tokens(tokens) {
        if (!x || !x->defined()) return;
        const bool indexed = index && index->defined();
        TORCH_CHECK(x->scalar_type() == at::kFloat && x->dim() == 3 && x->stride(2) == 1 && x->size(2) == dim &&
                        (x->size(0) == batch || x->size(0) == 1) && (indexed || x->size(1) == tokens || x->size(1) == 1),
                    name, " must be float32 [", batch, "|1, ", tokens, "|1, ", dim, "], not ", x->sizes());
        data = x->data_ptr<float>();
        sample = x->size(0) == 1 ? 0 : x->stride(0);
        token = x->size(1) == 1 ? 0 : x->stride(1);
        if (!indexed) return;
        TORCH_CHECK(index->scalar_type() == at::kLong && index->is_contiguous() && index->numel() == tokens, "index must be int64 [",
                    tokens, "]");
        rows = index->data_ptr<int64_t>();
        for (int64_t i = 0; i < tokens; i++) TORCH_CHECK(rows[i] >= 0 && rows[i] < x->size(1), "index ", rows[i], " is outside ", name);
    }
    const float* at(int64_t row) const {
        if (!data) return nullptr;
        const int64_t i = row % tokens;
        return data + (row / tokens) * sample + (rows ? rows[i] : i) * token;
    }
};

// x [B, L, D] -> layer norm over D, times weight plus bias, times (1 + scale) plus shift.
Tensor layer_norm_modulate(const Tensor& x, const OptionalTensor& weight, const OptionalTensor& bias, const OptionalTensor& shift,
                           const OptionalTensor& scale, const OptionalTensor& index, double eps, at::ScalarType out) {
    check(x, "x");
    TORCH_CHECK(x.dim() == 3, "x must be [B, L, D], not ", x.sizes());
    const int64_t tokens = x.size(1), dim = x.size(2), rows = x.size(0) * tokens;
    const float *w = vector_of(weight, dim, "weight"), *b = vector_of(bias, dim, "bias");
    const Table shifts(shift, index, x.size(0), tokens, dim, "shift"), scales(scale, index, x.size(0), tokens, dim, "scale");
    TORCH_CHECK((shifts.data == nullptr) == (scales.data == nullptr), "shift and scale come together");
    Tensor y = at::empty(x.sizes(), x.options().dtype(out));
    check(y, "the result");
    at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
        std::vector<float> in(dim), result(dim);
        for (int64_t r = begin; r < end; r++) {
            vectorized().layer_norm(row_in(x, r * dim, in.data(), dim), w, b, shifts.at(r), scales.at(r),
                           static_cast<float>(eps), result.data(), dim);
            row_out(result.data(), y, r * dim, dim);
        }
    });
    return y;
}

// x [B, L, heads * 2 * half] -> RMS norm over the whole last dimension, then rotation of neighbouring pairs by the angle tables
// [L, half] (absent: no rotation). Result [B, L, heads, 2 * half] in x's type.
Tensor rms_norm_rotate(const Tensor& x, const Tensor& weight, const OptionalTensor& cosine, const OptionalTensor& sine, int64_t heads,
                       double eps) {
    check(x, "x");
    TORCH_CHECK(x.dim() == 3 && heads > 0 && x.size(2) % heads == 0, "x must be [B, L, heads * d], not ", x.sizes());
    const int64_t tokens = x.size(1), dim = x.size(2), rows = x.size(0) * tokens, half = dim / heads / 2;
    const float* w = vector_of(weight, dim, "weight");
    const float *c = vector_of(cosine, tokens * half, "cosine"), *s = vector_of(sine, tokens * half, "sine");
    TORCH_CHECK(w && (c == nullptr) == (s == nullptr), "weight is needed; cosine and sine come together");
    Tensor y = at::empty({x.size(0), tokens, heads, dim / heads}, x.options());
    at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
        std::vector<float> in(dim), result(dim);
        for (int64_t r = begin; r < end; r++) {
            vectorized().rms_norm(row_in(x, r * dim, in.data(), dim), w, static_cast<float>(eps), result.data(), dim);
            if (c) vectorized().rotate(result.data(), c + (r % tokens) * half, s + (r % tokens) * half, heads, half);
            row_out(result.data(), y, r * dim, dim);
        }
    });
    return y;
}

// x <- gelu(x), tanh form, in place.
Tensor& gelu_tanh_(Tensor& x) {
    check(x, "x");
    constexpr int64_t block = 4096;
    const int64_t n = x.numel();
    at::parallel_for(0, (n + block - 1) / block, 4, [&](int64_t begin, int64_t end) {
        float buffer[block];
        for (int64_t i = begin; i < end; i++) {
            const int64_t length = std::min(block, n - i * block);
            const float* in = row_in(x, i * block, buffer, length);
            float* row = const_cast<float*>(in);
            vectorized().gelu_tanh(row, length);
            row_out(row, x, i * block, length);
        }
    });
    return x;
}

// x <- x + y * gate; x float32 [B, L, D], y float32 or bfloat16, gate [B|1, U, D] or absent.
Tensor& gate_add_(Tensor& x, const Tensor& y, const OptionalTensor& gate, const OptionalTensor& index) {
    check(x, "x");
    check(y, "y");
    TORCH_CHECK(x.dim() == 3 && x.sizes() == y.sizes() && x.scalar_type() == at::kFloat, "x must be float32 [B, L, D] like y: ", x.sizes(),
                " and ", y.sizes());
    const int64_t tokens = x.size(1), dim = x.size(2), rows = x.size(0) * tokens;
    const Table gates(gate, index, x.size(0), tokens, dim, "gate");
    at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
        std::vector<float> in(dim);
        for (int64_t r = begin; r < end; r++)
            vectorized().gate_add(x.data_ptr<float>() + r * dim, row_in(y, r * dim, in.data(), dim), gates.at(r), dim);
    });
    return x;
}

#ifdef FT_ONEDNN
extern "C" {
int dnnl_sgemm(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t, float, float*, int64_t);
int dnnl_gemm_bf16bf16f32(char, char, int64_t, int64_t, int64_t, float, const bf16*, int64_t, const bf16*, int64_t, float, float*, int64_t);
}

// Whether oneDNN multiplies bf16 well on this processor and does it in the order of arguments that is meant here. It needs AVX-512:
// without it oneDNN 2 refuses, and oneDNN 3 computes element by element, many times slower than in fp32.
bool has_bf16_product() {
    static const bool works = [] {
#if defined(__x86_64__)
        if (!has_avx512()) return false;
#endif
        const bf16 a[6] = {0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0};            // 1 .. 6, [2, 3]
        const bf16 b[6] = {0x3f80, 0, 0x4000, 0xbf80, 0x4040, 0x3f80};                 // 1 0, 2 -1, 3 1, [3, 2]
        const bf16 t[6] = {0x3f80, 0x4000, 0x4040, 0, 0xbf80, 0x3f80};                 // b transposed, [2, 3]
        float plain[4] = {}, transposed[4] = {};
        const float expected[4] = {14, 1, 32, 1};
        return dnnl_gemm_bf16bf16f32('N', 'N', 2, 2, 3, 1.0f, a, 3, b, 2, 0.0f, plain, 2) == 0 &&
               dnnl_gemm_bf16bf16f32('N', 'T', 2, 2, 3, 1.0f, a, 3, t, 3, 0.0f, transposed, 2) == 0 &&
               std::memcmp(plain, expected, sizeof plain) == 0 && std::memcmp(transposed, expected, sizeof transposed) == 0;
    }();
    return works;
}

void product(char transa, char transb, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda, const float* b,
             int64_t ldb, float* c, int64_t ldc) {
    TORCH_CHECK(dnnl_sgemm(transa, transb, m, n, k, alpha, a, lda, b, ldb, 0.0f, c, ldc) == 0, "oneDNN refused a matrix product");
}

void product(char transa, char transb, int64_t m, int64_t n, int64_t k, float alpha, const bf16* a, int64_t lda, const bf16* b,
             int64_t ldb, float* c, int64_t ldc) {
    TORCH_CHECK(dnnl_gemm_bf16bf16f32(transa, transb, m, n, k, alpha, a, lda, b, ldb, 0.0f, c, ldc) == 0, "oneDNN refused a bf16 product");
}

void widen(const bf16* from, float* to, int64_t n) {
    constexpr int64_t block = 16384;
    at::parallel_for(0, (n + block - 1) / block, 1, [&](int64_t begin, int64_t end) {
        vectorized().widen(from + begin * block, to + begin * block, std::min(end * block, n) - begin * block);
    });
}

// gelu(x w^T + bias), or without gelu, for x [.., in] and weight [out, in]. Bias and gelu are applied to a panel of outputs while it is
// still in the cache. In bf16 the products are fp32 over bf16 storage, for processors without AVX-512, where libtorch's own bf16 product
// is a hundred times slower: x and the weight are widened a block and a panel at a time, so memory grows by those and not by the weight.
Tensor linear(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, bool gelu) {
    for (const Tensor* operand : {&x, &weight}) check(*operand, "x and weight");
    TORCH_CHECK(x.scalar_type() == weight.scalar_type() && weight.dim() == 2 && x.dim() > 0 && x.size(-1) == weight.size(1) &&
                    weight.numel() > 0,
                "x [.., in] and weight [out, in] must be of one type: ", x.sizes(), weight.sizes());
    const bool half = x.scalar_type() == at::kBFloat16;
    const int64_t inputs = weight.size(1), outputs = weight.size(0), rows = x.numel() / inputs;
    const int64_t panel = std::min<int64_t>(512, outputs), block = std::min<int64_t>(2048, rows);
    auto shape = x.sizes().vec();
    shape.back() = outputs;
    Tensor y = at::empty(shape, x.options());
    const auto wide = x.options().dtype(at::kFloat);
    Tensor xs, ws, ys;
    if (half) xs = at::empty({block, inputs}, wide), ws = at::empty({panel, inputs}, wide), ys = at::empty({block, panel}, wide);
    const Tensor b = bias && bias->defined() ? bias->to(at::kFloat).contiguous() : Tensor();
    for (int64_t row = 0; row < rows; row += block) {
        const int64_t m = std::min(block, rows - row);
        if (half) widen(static_cast<const bf16*>(x.data_ptr()) + row * inputs, xs.data_ptr<float>(), m * inputs);
        const float* in = half ? xs.data_ptr<float>() : x.data_ptr<float>() + row * inputs;
        for (int64_t first = 0; first < outputs; first += panel) {
            const int64_t n = std::min(panel, outputs - first);
            if (half) widen(static_cast<const bf16*>(weight.data_ptr()) + first * inputs, ws.data_ptr<float>(), n * inputs);
            const float* w = half ? ws.data_ptr<float>() : weight.data_ptr<float>() + first * inputs;
            float* out = half ? ys.data_ptr<float>() : y.data_ptr<float>() + row * outputs + first;
            const int64_t stride = half ? n : outputs;
            product('N', 'T', m, n, inputs, 1.0f, in, inputs, w, inputs, out, stride);
            if (!half && !gelu && !b.defined()) continue;
            at::parallel_for(0, m, 64, [&](int64_t begin, int64_t end) {
                for (int64_t r = begin; r < end; r++) {
                    float* sums = out + r * stride;
                    if (b.defined()) vectorized().gate_add(sums, b.data_ptr<float>() + first, nullptr, n);
                    if (gelu) vectorized().gelu_tanh(sums, n);
                    if (half) vectorized().narrow(sums, static_cast<bf16*>(y.data_ptr()) + (row + r) * outputs + first, n);
                }
            });
        }
    }
    return y;
}

// softmax(q k^T scale + bias) v, exactly, for q [B, Lq, H, d], k and v [B, Lk, H, d], bias [B, Lk] or absent -> [B, Lq, H, d].
// Scores exist only for one block of queries of one head at a time and in fp32; strides are handed to the matrix product as they are.
template <typename T>
void attend(const T* q, const T* k, const T* v, const float* bias, float scale, T* y, int64_t batch, int64_t queries, int64_t keys,
            int64_t heads, int64_t d) {
    constexpr bool half = sizeof(T) == 2;
    const int64_t stride = heads * d, block = std::clamp<int64_t>((int64_t(1) << 21) / keys, 16, 192);
    const int64_t blocks = (queries + block - 1) / block;
    at::parallel_for(0, batch * heads * blocks, 1, [&](int64_t begin, int64_t end) {
        std::vector<float> scores(block * keys), out(half ? block * d : 0), inverse(block);
        std::vector<T> weights(half ? block * keys : 0);
        for (int64_t i = begin; i < end; i++) {
            const int64_t head = i / blocks % heads, sample = i / blocks / heads, first = i % blocks * block;
            const int64_t rows = std::min(block, queries - first);
            const int64_t at_q = (sample * queries + first) * stride + head * d, at_k = sample * keys * stride + head * d;
            product('N', 'T', rows, keys, d, scale, q + at_q, stride, k + at_k, stride, scores.data(), keys);
            for (int64_t r = 0; r < rows; r++) {
                float* row = scores.data() + r * keys;
                inverse[r] = 1.0f / vectorized().exp(row, bias ? bias + sample * keys : nullptr, keys);
                if constexpr (half) vectorized().narrow(row, weights.data() + r * keys, keys);
            }
            if constexpr (half) {
                product('N', 'N', rows, d, keys, 1.0f, weights.data(), keys, v + at_k, stride, out.data(), d);
                for (int64_t r = 0; r < rows; r++) vectorized().scaled_narrow(out.data() + r * d, inverse[r], y + at_q + r * stride, d);
            } else {
                product('N', 'N', rows, d, keys, 1.0f, scores.data(), keys, v + at_k, stride, y + at_q, stride);
                for (int64_t r = 0; r < rows; r++) vectorized().scale(y + at_q + r * stride, inverse[r], d);
            }
        }
    });
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const OptionalTensor& bias, double scale) {
    for (const Tensor* x : {&q, &k, &v}) check(*x, "q, k, v");
    TORCH_CHECK(q.dim() == 4 && k.sizes() == v.sizes() && q.size(0) == k.size(0) && q.size(2) == k.size(2) && q.size(3) == k.size(3) &&
                    q.scalar_type() == k.scalar_type() && k.scalar_type() == v.scalar_type() && k.size(1) > 0,
                "q, k, v must be [B, L, H, d] of one type: ", q.sizes(), k.sizes(), v.sizes());
    if (q.scalar_type() == at::kBFloat16 && !has_bf16_product())
        return attention(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), bias, scale).to(at::kBFloat16);
    const float* b = vector_of(bias, q.size(0) * k.size(1), "bias");
    Tensor y = at::empty(q.sizes(), q.options());
    auto run = [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        attend(static_cast<const T*>(q.data_ptr()), static_cast<const T*>(k.data_ptr()), static_cast<const T*>(v.data_ptr()), b,
               static_cast<float>(scale), static_cast<T*>(y.data_ptr()), q.size(0), q.size(1), k.size(1), q.size(2), q.size(3));
    };
    if (q.scalar_type() == at::kBFloat16) run(static_cast<bf16*>(nullptr));
    else run(static_cast<float*>(nullptr));
    return y;
}
#endif

}  // namespace

TORCH_LIBRARY(fabula, library) {
    library.def(
        "layer_norm_modulate(Tensor x, Tensor? weight, Tensor? bias, Tensor? shift, Tensor? scale, Tensor? index, float eps, "
        "ScalarType out) -> Tensor");
    library.def("rms_norm_rotate(Tensor x, Tensor weight, Tensor? cosine, Tensor? sine, int heads, float eps) -> Tensor");
    library.def("gelu_tanh_(Tensor(a!) x) -> Tensor(a!)");
    library.def("gate_add_(Tensor(a!) x, Tensor y, Tensor? gate, Tensor? index) -> Tensor(a!)");
#ifdef FT_ONEDNN
    library.def("has_bf16_product() -> bool", has_bf16_product);
    library.def("linear(Tensor x, Tensor weight, Tensor? bias, bool gelu) -> Tensor");
    library.def("attention(Tensor q, Tensor k, Tensor v, Tensor? bias, float scale) -> Tensor");
#endif
}

TORCH_LIBRARY_IMPL(fabula, CPU, library) {
    library.impl("layer_norm_modulate", layer_norm_modulate);
    library.impl("rms_norm_rotate", rms_norm_rotate);
    library.impl("gelu_tanh_", gelu_tanh_);
    library.impl("gate_add_", gate_add_);
#ifdef FT_ONEDNN
    library.impl("linear", linear);
    library.impl("attention", attention);
#endif
}
