// cuBLAS's single-precision product in host memory, column by column as BLAS defines it.
#include <cstddef>
#include <cstdio>
#include <cstdlib>

extern "C" {
int cublasCreate_v2(void **handle) { return *handle = (void *)1, 0; }
int cublasDestroy_v2(void *) { return 0; }
int cublasSetStream_v2(void *, void *) { return 0; }
int cublasSgemm_v2(void *, int transpose_a, int transpose_b, int m, int n, int k, const float *alpha, const float *a, int lda,
                   const float *b, int ldb, const float *beta, float *c, int ldc) {
    if (const char *path = getenv("CUDA_EMULATOR_LOG")) {
        FILE *file = fopen(path, "a");
        fprintf(file, "product %d %d %d\n", m, n, k);
        fclose(file);
    }
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < m; i++) {
            float sum = 0;
            for (int l = 0; l < k; l++) {
                float x = transpose_a ? a[l + (size_t)i * lda] : a[i + (size_t)l * lda];
                float y = transpose_b ? b[j + (size_t)l * ldb] : b[l + (size_t)j * ldb];
                sum += x * y;
            }
            float *to = c + i + (size_t)j * ldc;
            *to = *beta == 0 ? *alpha * sum : *alpha * sum + *beta * *to;
        }
    }
    return 0;
}
}
