// The few fused CPU kernels that a video transformer needs at inference, registered as operators "fabula::..." beside ATen's own.
// Every one has the plain ATen composition as its definition (Fused.cs), which is what training, CUDA and the tests use.
//
// Why: one pass instead of five over each activation; statistics in fp32 whatever the storage type (libtorch 1.13's bf16 layer norm is
// 13 times slower than a cast to fp32); attention without the L x L matrix. Work is split by rows and heads, each computed by one
// thread in one order, so the numbers do not depend on the number of threads.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

// One body, three instruction sets, chosen when the library loads.
#if defined(__x86_64__)
#define ROWS __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default"), noinline)) static
#else
#define ROWS static
#endif

namespace {

using at::Tensor;
using OptionalTensor = c10::optional<Tensor>;
using bf16 = uint16_t;

inline float as_float(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

inline uint32_t as_bits(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    return bits;
}

// Round to nearest even; NaN stays NaN.
inline bf16 narrow(float value) {
    const uint32_t bits = as_bits(value);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return static_cast<bf16>((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
}

// exp to about 1 ulp for x <= 88, by 2^n * p(r): the loop around it becomes vector code.
inline float fast_exp(float x) {
    x = x < -87.3f ? -87.3f : x;
    const float n = __builtin_rintf(x * 1.44269504f);
    float r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return p * as_float(static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23);
}

ROWS void widen_row(const bf16* from, float* to, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) to[i] = as_float(static_cast<uint32_t>(from[i]) << 16);
}

ROWS void narrow_row(const float* from, bf16* to, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) to[i] = narrow(from[i]);
}

ROWS void scaled_narrow_row(const float* from, float scale, bf16* to, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) to[i] = narrow(from[i] * scale);
}

ROWS void scale_row(float* row, float scale, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) row[i] *= scale;
}

ROWS void layer_norm_row(const float* x, const float* weight, const float* bias, const float* shift, const float* scale, float eps,
                         float* y, int64_t n) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) sum += x[i];
    const float mean = sum / n;
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    const float inverse = 1.0f / std::sqrt(squares / n + eps);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * inverse;
    if (weight) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) y[i] = y[i] * weight[i] + (bias ? bias[i] : 0.0f);
    }
    if (scale) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) y[i] = y[i] * (1.0f + scale[i]) + shift[i];
    }
}

ROWS void rms_norm_row(const float* x, const float* weight, float eps, float* y, int64_t n) {
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < n; i++) squares += x[i] * x[i];
    const float inverse = 1.0f / std::sqrt(squares / n + eps);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * inverse * weight[i];
}

ROWS void rotate_row(float* row, const float* cosine, const float* sine, int64_t heads, int64_t half) {
    for (int64_t h = 0; h < heads; h++) {
        float* head = row + h * half * 2;
#pragma omp simd
        for (int64_t i = 0; i < half; i++) {
            const float a = head[2 * i], b = head[2 * i + 1];
            head[2 * i] = a * cosine[i] - b * sine[i];
            head[2 * i + 1] = a * sine[i] + b * cosine[i];
        }
    }
}

ROWS void gelu_tanh_row(float* x, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float u = 1.5957691216f * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
        x[i] = x[i] / (1.0f + fast_exp(-u > 87.0f ? 87.0f : -u));
    }
}

ROWS void gate_add_row(float* x, const float* y, const float* gate, int64_t n) {
    if (gate) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) x[i] += y[i] * gate[i];
    } else {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) x[i] += y[i];
    }
}

// scores become exp(scores + bias - max) in place; returns the sum of the row.
ROWS float exp_row(float* scores, const float* bias, int64_t n) {
    float top = -INFINITY;
    if (bias) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) scores[i] += bias[i];
    }
#pragma omp simd reduction(max : top)
    for (int64_t i = 0; i < n; i++) top = scores[i] > top ? scores[i] : top;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        scores[i] = fast_exp(scores[i] - top);
        sum += scores[i];
    }
    return sum;
}

// A row of x as fp32: in place where it is fp32, through the buffer otherwise.
const float* row_in(const Tensor& x, int64_t offset, float* buffer, int64_t n) {
    if (x.scalar_type() == at::kFloat) return x.data_ptr<float>() + offset;
    widen_row(reinterpret_cast<const bf16*>(x.data_ptr()) + offset, buffer, n);
    return buffer;
}

void row_out(const float* row, const Tensor& y, int64_t offset, int64_t n) {
    if (y.scalar_type() == at::kFloat) {
        float* to = y.data_ptr<float>() + offset;
        if (to != row) std::memcpy(to, row, n * sizeof(float));
    } else {
        narrow_row(row, reinterpret_cast<bf16*>(y.data_ptr()) + offset, n);
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
    Table(const OptionalTensor& x, const OptionalTensor& index, int64_t batch, int64_t tokens, int64_t dim, const char* name) : tokens(tokens) {
        if (!x || !x->defined()) return;
        const bool indexed = index && index->defined();
        TORCH_CHECK(x->scalar_type() == at::kFloat && x->dim() == 3 && x->stride(2) == 1 && x->size(2) == dim &&
                        (x->size(0) == batch || x->size(0) == 1) && (indexed || x->size(1) == tokens || x->size(1) == 1),
                    name, " must be float32 [", batch, "|1, ", tokens, "|1, ", dim, "], not ", x->sizes());
        data = x->data_ptr<float>();
        sample = x->size(0) == 1 ? 0 : x->stride(0);
        token = x->size(1) == 1 ? 0 : x->stride(1);
        if (!indexed) return;
        TORCH_CHECK(index->scalar_type() == at::kLong && index->is_contiguous() && index->numel() == tokens, "index must be int64 [", tokens, "]");
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
            layer_norm_row(row_in(x, r * dim, in.data(), dim), w, b, shifts.at(r), scales.at(r),
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
            rms_norm_row(row_in(x, r * dim, in.data(), dim), w, static_cast<float>(eps), result.data(), dim);
            if (c) rotate_row(result.data(), c + (r % tokens) * half, s + (r % tokens) * half, heads, half);
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
            gelu_tanh_row(row, length);
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
            gate_add_row(x.data_ptr<float>() + r * dim, row_in(y, r * dim, in.data(), dim), gates.at(r), dim);
    });
    return x;
}

#ifdef FT_ONEDNN
extern "C" {
int dnnl_sgemm(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t, float, float*, int64_t);
int dnnl_gemm_bf16bf16f32(char, char, int64_t, int64_t, int64_t, float, const bf16*, int64_t, const bf16*, int64_t, float, float*, int64_t);
}

// softmax(q k^T scale + bias) v, exactly, for q [B, Lq, H, d], k and v [B, Lk, H, d], bias [B, Lk] or absent -> [B, Lq, H, d].
// Scores exist only for one block of queries of one head at a time and in fp32; strides are handed to the matrix product as they are.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const OptionalTensor& bias, double scale) {
    for (const Tensor* x : {&q, &k, &v}) check(*x, "q, k, v");
    TORCH_CHECK(q.dim() == 4 && k.sizes() == v.sizes() && q.size(0) == k.size(0) && q.size(2) == k.size(2) && q.size(3) == k.size(3) &&
                    q.scalar_type() == k.scalar_type() && k.scalar_type() == v.scalar_type() && k.size(1) > 0,
                "q, k, v must be [B, L, H, d] of one type: ", q.sizes(), k.sizes(), v.sizes());
    const int64_t batch = q.size(0), queries = q.size(1), keys = k.size(1), heads = q.size(2), d = q.size(3), stride = heads * d;
    const float* b = vector_of(bias, batch * keys, "bias");
    const bool half = q.scalar_type() == at::kBFloat16;
    Tensor y = at::empty(q.sizes(), q.options());
    const int64_t block = std::clamp<int64_t>((int64_t(1) << 21) / keys, 16, 192);
    const int64_t blocks = (queries + block - 1) / block;
    at::parallel_for(0, batch * heads * blocks, 1, [&](int64_t begin, int64_t end) {
        std::vector<float> scores(block * keys), out(half ? block * d : 0), sums(block);
        std::vector<bf16> weights(half ? block * keys : 0);
        for (int64_t i = begin; i < end; i++) {
            const int64_t head = i / blocks % heads, sample = i / blocks / heads, first = i % blocks * block;
            const int64_t rows = std::min(block, queries - first);
            const int64_t at_q = (sample * queries + first) * stride + head * d, at_k = sample * keys * stride + head * d;
            const float s = static_cast<float>(scale);
            if (half)
                dnnl_gemm_bf16bf16f32('N', 'T', rows, keys, d, s, reinterpret_cast<const bf16*>(q.data_ptr()) + at_q, stride,
                                      reinterpret_cast<const bf16*>(k.data_ptr()) + at_k, stride, 0.0f, scores.data(), keys);
            else
                dnnl_sgemm('N', 'T', rows, keys, d, s, q.data_ptr<float>() + at_q, stride, k.data_ptr<float>() + at_k, stride, 0.0f,
                           scores.data(), keys);
            for (int64_t r = 0; r < rows; r++) {
                sums[r] = 1.0f / exp_row(scores.data() + r * keys, b ? b + sample * keys : nullptr, keys);
                if (half) narrow_row(scores.data() + r * keys, weights.data() + r * keys, keys);
            }
            if (half) {
                dnnl_gemm_bf16bf16f32('N', 'N', rows, d, keys, 1.0f, weights.data(), keys,
                                      reinterpret_cast<const bf16*>(v.data_ptr()) + at_k, stride, 0.0f, out.data(), d);
                for (int64_t r = 0; r < rows; r++)
                    scaled_narrow_row(out.data() + r * d, sums[r], reinterpret_cast<bf16*>(y.data_ptr()) + at_q + r * stride, d);
            } else {
                float* to = y.data_ptr<float>() + at_q;
                dnnl_sgemm('N', 'N', rows, d, keys, 1.0f, scores.data(), keys, v.data_ptr<float>() + at_k, stride, 0.0f, to, stride);
                for (int64_t r = 0; r < rows; r++) scale_row(to + r * stride, sums[r], d);
            }
        }
    });
    return y;
}
#endif

}  // namespace

TORCH_LIBRARY(fabula, library) {
    library.def("layer_norm_modulate(Tensor x, Tensor? weight, Tensor? bias, Tensor? shift, Tensor? scale, Tensor? index, float eps, ScalarType out) -> Tensor");
    library.def("rms_norm_rotate(Tensor x, Tensor weight, Tensor? cosine, Tensor? sine, int heads, float eps) -> Tensor");
    library.def("gelu_tanh_(Tensor(a!) x) -> Tensor(a!)");
    library.def("gate_add_(Tensor(a!) x, Tensor y, Tensor? gate, Tensor? index) -> Tensor(a!)");
#ifdef FT_ONEDNN
    library.def("attention(Tensor q, Tensor k, Tensor v, Tensor? bias, float scale) -> Tensor");
#endif
}

TORCH_LIBRARY_IMPL(fabula, CPU, library) {
    library.impl("layer_norm_modulate", layer_norm_modulate);
    library.impl("rms_norm_rotate", rms_norm_rotate);
    library.impl("gelu_tanh_", gelu_tanh_);
    library.impl("gate_add_", gate_add_);
#ifdef FT_ONEDNN
    library.impl("attention", attention);
#endif
}
