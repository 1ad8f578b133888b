// The whole C ABI between Fabula and libtorch: call any ATen operator by name, hold tensors by reference count,
// run backward, and read the allocator's counters. Everything else is C# over this page.
//
// Conventions: functions return 0, or -1 with the reason in ft_error() (per thread). A handle is a c10::TensorImpl*
// that owns one reference; results are new references, arguments are borrowed.
#pragma once
#include <stdint.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

enum ft_tag {
    FT_DEFAULT = 0,  // take the schema's default
    FT_NONE = 1,
    FT_TENSOR = 2,
    FT_INT = 3,
    FT_DOUBLE = 4,
    FT_BOOL = 5,
    FT_INTS = 6,     // n int64 at p
    FT_DOUBLES = 7,  // n double at p
    FT_TENSORS = 8,  // n handles at p, null = absent
    FT_DEVICE = 9,   // i = type << 32 | (uint32) index; CPU has index -1
    FT_STRING = 10,  // n bytes at p
    FT_DTYPE = 11,   // i = c10::ScalarType; told apart from ints because schemas do not
};

typedef struct {
    int32_t tag;
    int32_t n;
    union {
        int64_t i;
        double d;
        void* p;
    };
} ft_value;

typedef struct {
    int64_t numel;
    int64_t dims;
    const int64_t* sizes;    // valid while the handle lives and is not resized
    const int64_t* strides;  // in elements
    void* data;
    int32_t dtype;
    int32_t device_type;  // 0 CPU, 1 CUDA
    int32_t device_index;
    int32_t flags;  // 1 contiguous, 2 requires grad, 4 is leaf
} ft_meta;

const char* ft_error(void);
const char* ft_version(void);         // "1.13.1"
const char* ft_cpu_capability(void);  // "AVX512"
int ft_has_cuda(void);                // devices seen, 0 without CUDA

// Operators: overload "" is the default one. The handle is cached for ever.
int ft_op_find(const char* name, const char* overload, void** op);
const char* ft_op_schema(void* op);
int ft_op_arg(void* op, const char* name);  // position of a named argument, or -1
int ft_call(void* op, const ft_value* args, int n, ft_value* outs, int capacity, int* count);

// Tensors.
void ft_retain(void* tensor);
void ft_release(void* tensor);
void ft_release_many(void** tensors, int n);
void ft_describe(void* tensor, ft_meta* meta);
int ft_from_blob(void* data, const int64_t* sizes, const int64_t* strides, int dims, int dtype,
                 void (*release)(void*), void* context, void** tensor);

// Autograd.
int ft_set_requires_grad(void* tensor, int on);
int ft_grad(void* tensor, void** grad);  // null when absent
int ft_set_grad(void* tensor, void* grad);
int ft_backward(void* output, void* grad);  // grad may be null for a scalar
// An output whose gradient is computed by the caller: backward gets the output's gradient and writes one gradient (a new
// reference, or null) per input. drop is called once, when the graph forgets the node.
int ft_custom(void** inputs, int n, void* output, int (*backward)(void* context, void* grad, void** grads), void (*drop)(void* context),
              void* context, void** result);
int ft_grad_enabled(void);
void ft_set_grad_enabled(int on);

// The process.
void ft_set_threads(int n);
int ft_get_threads(void);
int ft_synchronize(int device_type, int device_index);
void ft_use_caching_allocator(void);                          // once, before the first tensor
void ft_memory(int64_t* live, int64_t* peak, int64_t* held);  // bytes: in tensors, its maximum, taken from the system
void ft_reset_peak(void);
void ft_trim(void);  // gives cached blocks back to the system

#ifdef __cplusplus
}
#endif

#pragma GCC visibility pop
