/* Counts what a program asks of a CUDA driver and of cuBLAS: preloaded before them, it passes every call on.
   At the program's end the counts go to the file that CALLS names, a line each: the call, a space, how often.

       cc -O2 -shared -fPIC -o calls.so calls.c -ldl
       CALLS=counts LD_PRELOAD=./calls.so strata experiment … --device cuda */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Each argument is one word in a register or on the stack: fourteen hold those of cublasSgemm, the longest call. */
typedef void *Word;
#define WORDS Word a, Word b, Word c, Word d, Word e, Word f, Word g, Word h, Word i, Word j, Word k, Word l, Word m, Word n
#define PASSED a, b, c, d, e, f, g, h, i, j, k, l, m, n

#define COUNTED(EACH)                                                                                                       \
    EACH(cuLaunchKernel) EACH(cublasSgemm_v2)                                                                                                    \
    EACH(cuMemAlloc_v2) EACH(cuMemAllocAsync) EACH(cuMemFree_v2) EACH(cuMemFreeAsync)                                        \
    EACH(cuMemsetD8Async) EACH(cuMemsetD8_v2)                                                                               \
    EACH(cuMemcpyHtoDAsync_v2) EACH(cuMemcpyHtoD_v2) EACH(cuMemcpyDtoHAsync_v2) EACH(cuMemcpyDtoH_v2)                        \
    EACH(cuMemcpyDtoDAsync_v2) EACH(cuMemcpyDtoD_v2)                                                                        \
    EACH(cuStreamSynchronize) EACH(cuCtxSynchronize) EACH(cuEventRecord) EACH(cuStreamWaitEvent) EACH(cuEventSynchronize)

#define COUNTER(NAME)                                                                                                       \
    static atomic_ulong NAME##_calls;                                                                                       \
    int NAME(WORDS) {                                                                                                       \
        static int (*next)(WORDS);                                                                                          \
        if (!next) next = (int (*)(WORDS))dlsym(RTLD_NEXT, #NAME);                                                          \
        if (!next) {                                                                                                        \
            fprintf(stderr, "calls.so: no %s to pass the call to\n", #NAME);                                                \
            abort();                                                                                                        \
        }                                                                                                                   \
        atomic_fetch_add(&NAME##_calls, 1);                                                                                 \
        return next(PASSED);                                                                                                \
    }
COUNTED(COUNTER)

__attribute__((destructor)) static void write_counts(void) {
    const char *path = getenv("CALLS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
#define LINE(NAME) fprintf(file, "%s %lu\n", #NAME, atomic_load(&NAME##_calls));
    COUNTED(LINE)
    fclose(file);
}
