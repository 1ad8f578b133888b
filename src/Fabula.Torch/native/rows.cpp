// See rows.h. Plain loops that the compiler turns into vector code: FT_ROWS names this build's table.
#include "rows.h"

#include <cmath>
#include <cstring>

namespace {

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

void widen_row(const bf16* from, float* to, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) to[i] = as_float(static_cast<uint32_t>(from[i]) << 16);
}

void narrow_row(const float* from, bf16* to, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) to[i] = narrow(from[i]);
}

void scaled_narrow_row(const float* from, float scale, bf16* to, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) to[i] = narrow(from[i] * scale);
}

void scale_row(float* row, float scale, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) row[i] *= scale;
}

void layer_norm_row(const float* x, const float* weight, const float* bias, const float* shift, const float* scale, float eps,
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

void rms_norm_row(const float* x, const float* weight, float eps, float* y, int64_t n) {
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < n; i++) squares += x[i] * x[i];
    const float inverse = 1.0f / std::sqrt(squares / n + eps);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * inverse * weight[i];
}

void rotate_row(float* row, const float* cosine, const float* sine, int64_t heads, int64_t half) {
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

void gelu_tanh_row(float* x, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float u = 1.5957691216f * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
        x[i] = x[i] / (1.0f + fast_exp(-u > 87.0f ? 87.0f : -u));
    }
}

void gate_add_row(float* x, const float* y, const float* gate, int64_t n) {
    if (gate) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) x[i] += y[i] * gate[i];
    } else {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) x[i] += y[i];
    }
}

// scores become exp(scores + bias - max) in place; returns the sum of the row.
float exp_row(float* scores, const float* bias, int64_t n) {
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

}  // namespace

extern const Rows FT_ROWS = {
    widen_row, narrow_row, scaled_narrow_row, scale_row, layer_norm_row, rms_norm_row, rotate_row, gelu_tanh_row, gate_add_row, exp_row,
};
