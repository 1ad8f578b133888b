// Arithmetic over one row of numbers, compiled once per instruction set (CMakeLists.txt) and chosen when the library loads.
#pragma once
#include <cstdint>

using bf16 = uint16_t;

struct Rows {
    void (*widen)(const bf16* from, float* to, int64_t n);  // bf16 to fp32
    void (*narrow)(const float* from, bf16* to, int64_t n);  // fp32 to bf16, to nearest even; NaN stays NaN
    void (*scaled_narrow)(const float* from, float scale, bf16* to, int64_t n);  // as narrow, times a number
    void (*scale)(float* row, float scale, int64_t n);
    void (*layer_norm)(const float* x, const float* weight, const float* bias, const float* shift, const float* scale, float eps,
                       float* y, int64_t n);
    void (*rms_norm)(const float* x, const float* weight, float eps, float* y, int64_t n);
    void (*rotate)(float* row, const float* cosine, const float* sine, int64_t heads, int64_t half);
    void (*gelu_tanh)(float* x, int64_t n);
    void (*gate_add)(float* x, const float* y, const float* gate, int64_t n);
    float (*exp)(float* scores, const float* bias, int64_t n);  // x becomes exp(x + bias - max); returns the sum
};

extern const Rows rows_base, rows_v3, rows_v4;  // any x86-64 (or another processor), AVX2 with FMA, AVX-512
