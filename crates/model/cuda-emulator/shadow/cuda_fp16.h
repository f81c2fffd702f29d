// What dfdx's kernels take from CUDA, for the host's compiler: indices, barriers, atomic operations of one thread at a time. Half
// precision has its names only; nothing here launches it.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static
#define __CUDA_ARCH__ 900

struct Dim {
    unsigned int x, y, z;
};
extern Dim blockIdx, threadIdx, blockDim, gridDim;
void __syncthreads();

using std::max;
using std::min;
inline unsigned int min(unsigned int a, int b) { return a < (unsigned int)b ? a : b; }
inline size_t min(unsigned int a, size_t b) { return a < b ? a : b; }
inline size_t min(size_t a, unsigned int b) { return a < b ? a : b; }

template <typename T, typename U> T as(U value) {
    static_assert(sizeof(T) == sizeof(U), "as wide");
    T bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
inline float __uint_as_float(unsigned int x) { return as<float>(x); }
inline unsigned int __float_as_uint(float x) { return as<unsigned int>(x); }
inline float __int_as_float(int x) { return as<float>(x); }
inline int __float_as_int(float x) { return as<int>(x); }
inline double __longlong_as_double(long long x) { return as<double>(x); }
inline long long __double_as_longlong(double x) { return as<long long>(x); }
using std::isnan;
using std::signbit;

template <typename T, typename U> T atomicAdd(T *at, U value) {
    T old = *at;
    *at = old + (T)value;
    return old;
}
template <typename T, typename U> T atomicMax(T *at, U value) {
    T old = *at;
    *at = old > (T)value ? old : (T)value;
    return old;
}
template <typename T, typename U> T atomicMin(T *at, U value) {
    T old = *at;
    *at = old < (T)value ? old : (T)value;
    return old;
}
template <typename T> T atomicCAS(T *, T, T) { abort(); }

struct __half {
    unsigned short bits;
    __half() = default;
    template <typename T> __half(T) { abort(); }
    template <typename T> __half &operator=(T) { abort(); }
    operator float() const { abort(); }
};
#define HALF_ARITHMETIC(sign)                                                                                          \
    inline __half operator sign(__half, __half) { abort(); }                                                           \
    template <typename T> inline __half operator sign(__half, T) { abort(); }                                          \
    template <typename T> inline __half operator sign(T, __half) { abort(); }                                          \
    template <typename T> inline __half &operator sign##=(__half &, T) { abort(); }
HALF_ARITHMETIC(+)
HALF_ARITHMETIC(-)
HALF_ARITHMETIC(*)
HALF_ARITHMETIC(/)
#define HALF_OPERATION(name)                                                                                           \
    template <typename... T> inline __half name(T...) { abort(); }
HALF_OPERATION(hcos)
HALF_OPERATION(hsin)
HALF_OPERATION(hsqrt)
HALF_OPERATION(hlog)
HALF_OPERATION(hexp)
HALF_OPERATION(__habs)
HALF_OPERATION(__hmax)
HALF_OPERATION(__hmin)
HALF_OPERATION(__hmax_nan)
HALF_OPERATION(__hmin_nan)
HALF_OPERATION(__float2half)
HALF_OPERATION(__ushort_as_half)
template <typename... T> inline bool __hisnan(T...) { abort(); }
inline float __half2float(__half) { abort(); }
inline unsigned short __half_as_ushort(__half) { abort(); }
