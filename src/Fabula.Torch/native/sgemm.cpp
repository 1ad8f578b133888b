// Debian's libtorch multiplies fp32 matrices with whatever libblas is installed: the plain reference BLAS, which is many times slower than
// oneDNN, or OpenBLAS, whose kernel for new CPUs is half as fast as oneDNN's and which keeps a thread pool of its own. This library stands
// before libblas in libtorch_cpu's lookup order, so its sgemm_ is the one that is called.
// Without effect where BLAS is linked statically (the official 2.x builds, which carry MKL).
#include <stdint.h>

extern "C" {

int dnnl_sgemm(char transa, char transb, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda, const float* b,
               int64_t ldb, float beta, float* c, int64_t ldc);

// Fortran order is row-major order of the transposed product: C^T = B^T A^T.
__attribute__((visibility("default"))) void sgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
                                                   const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
                                                   const float* beta, float* c, const int* ldc) {
    dnnl_sgemm(*transb, *transa, *n, *m, *k, *alpha, b, *ldb, a, *lda, *beta, c, *ldc);
}
}
