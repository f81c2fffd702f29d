// A driver (libcuda.so.1) whose card is host memory: it runs the kernels that the build script compiled for the host, a thread after another,
// and writes each call into the file that CUDA_EMULATOR_LOG names. Fresh memory is filled with NaN, and each allocation has a guard on both sides.
#include "kernels.h"

#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <ucontext.h>
#include <vector>

Dim blockIdx, threadIdx, blockDim, gridDim;

static void fail(const std::string &what) {
    fprintf(stderr, "cuda-emulator: %s\n", what.c_str());
    abort();
}

// The card does one thing at a time, whichever thread asks.
static std::recursive_mutex busy;
#define ALONE std::lock_guard<std::recursive_mutex> alone(busy)

static void log(const std::string &line) {
    ALONE;
    static FILE *file = [] {
        const char *path = getenv("CUDA_EMULATOR_LOG");
        return path ? fopen(path, "a") : nullptr;
    }();
    if (file) {
        fprintf(file, "%s\n", line.c_str());
        fflush(file);
    }
}

std::map<std::string, Kernel> &kernels() {
    static std::map<std::string, Kernel> all;
    return all;
}

// Threads of a block that meet at barriers: each has a stack of its own and runs until the next barrier.
static std::vector<ucontext_t> threads;
static std::vector<std::vector<char>> stacks;
static ucontext_t scheduler;
static std::vector<bool> done;
static const Kernel *current;
static void **arguments;

void __syncthreads() { swapcontext(&threads[threadIdx.x], &scheduler); }

static void thread() {
    (*current)(arguments);
    done[threadIdx.x] = true;
}

static void run_block() {
    unsigned int count = blockDim.x;
    threads.resize(count);
    stacks.resize(count);
    done.assign(count, false);
    for (unsigned int t = 0; t < count; t++) {
        stacks[t].resize(1 << 15);
        getcontext(&threads[t]);
        threads[t].uc_stack.ss_sp = stacks[t].data();
        threads[t].uc_stack.ss_size = stacks[t].size();
        threads[t].uc_link = &scheduler;
        makecontext(&threads[t], thread, 0);
    }
    for (bool left = true; left;) {
        left = false;
        for (unsigned int t = 0; t < count; t++) {
            if (!done[t]) {
                threadIdx.x = t;
                swapcontext(&scheduler, &threads[t]);
                left |= !done[t];
            }
        }
    }
}

// Memory.
static const size_t GUARD = 256;
static const unsigned char MARK = 0xA5;
static std::map<uint64_t, size_t> blocks;

static uint64_t allocate(size_t size) {
    ALONE;
    unsigned char *memory = (unsigned char *)aligned_alloc(256, (size + 2 * GUARD + 255) / 256 * 256);
    memset(memory, MARK, GUARD);
    memset(memory + GUARD, 0xFF, size);
    memset(memory + GUARD + size, MARK, GUARD);
    uint64_t at = (uint64_t)(memory + GUARD);
    blocks[at] = size;
    return at;
}

static void check(uint64_t at, size_t size) {
    const unsigned char *memory = (const unsigned char *)at - GUARD;
    for (size_t i = 0; i < GUARD; i++) {
        if (memory[i] != MARK || memory[GUARD + size + i] != MARK) {
            fail("a kernel wrote beside a buffer of " + std::to_string(size) + " bytes");
        }
    }
}

// The place must be inside one allocation.
static void *inside(uint64_t at, size_t size) {
    ALONE;
    auto next = blocks.upper_bound(at);
    if (next == blocks.begin() || at + size > std::prev(next)->first + std::prev(next)->second) {
        if (size == 0) {
            return (void *)at;
        }
        fail("a copy or a fill of " + std::to_string(size) + " bytes leaves its buffer");
    }
    return (void *)at;
}

static int release(uint64_t at) {
    ALONE;
    auto block = blocks.find(at);
    if (block == blocks.end()) {
        return 1;
    }
    check(block->first, block->second);
    // What is used after this is seen.
    memset((void *)at, 0xFF, block->second);
    free((unsigned char *)at - GUARD);
    blocks.erase(block);
    return 0;
}

static int copy(const char *name, void *to, const void *from, size_t size) {
    log(std::string(name) + " " + std::to_string(size));
    memcpy(to, from, size);
    return 0;
}

extern "C" {
int cuInit(unsigned int) { return 0; }
int cuDeviceGet(int *device, int) { return *device = 0; }
int cuDeviceGetAttribute(int *value, int, int) { return *value = 1, 0; }
int cuDevicePrimaryCtxRetain(void **context, int) { return *context = (void *)1, 0; }
int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
int cuCtxSetCurrent(void *) { return 0; }
int cuEventCreate(void **event, unsigned int) { return *event = (void *)1, 0; }
int cuEventDestroy_v2(void *) { return 0; }
int cuEventRecord(void *, void *) { return log("event"), 0; }
int cuStreamCreate(void **stream, unsigned int) { return *stream = (void *)2, 0; }
int cuStreamDestroy_v2(void *) { return 0; }
int cuStreamWaitEvent(void *, void *, unsigned int) { return log("wait"), 0; }
int cuStreamSynchronize(void *) {
    ALONE;
    for (auto &block : blocks) {
        check(block.first, block.second);
    }
    return log("synchronize"), 0;
}
int cuGetErrorString(int, const char **text) { return *text = "an error of the card that is none", 0; }
int cuGetErrorName(int, const char **text) { return *text = "CARD", 0; }
int cuMemAllocAsync(uint64_t *at, size_t size, void *) { return log("allocate"), *at = allocate(size), 0; }
int cuMemFreeAsync(uint64_t at, void *) { return log("free"), release(at); }
int cuMemAlloc_v2(uint64_t *, size_t) { fail("memory pools are there"); return 1; }
int cuMemFree_v2(uint64_t) { fail("memory pools are there"); return 1; }
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size, void *) {
    return copy("upload", inside(to, size), from, size);
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, void *) {
    return copy("download", to, inside(from, size), size);
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t size, void *) {
    return copy("copy", inside(to, size), inside(from, size), size);
}
int cuMemcpyHtoD_v2(uint64_t, const void *, size_t) { fail("a blocking copy"); return 1; }
int cuMemcpyDtoH_v2(void *, uint64_t, size_t) { fail("a blocking copy"); return 1; }
int cuMemcpyDtoD_v2(uint64_t, uint64_t, size_t) { fail("a blocking copy"); return 1; }
int cuMemsetD8_v2(uint64_t, unsigned char, size_t) { fail("a blocking fill"); return 1; }
int cuMemsetD8Async(uint64_t at, unsigned char value, size_t size, void *) {
    log("fill " + std::to_string(size));
    memset(inside(at, size), value, size);
    return 0;
}
int cuModuleLoad(void **, const char *) { fail("a module from a file"); return 1; }
int cuModuleLoadData(void **module, const void *image) { return *module = new std::string((const char *)image), 0; }
int cuModuleUnload(void *module) { return delete (std::string *)module, 0; }
int cuModuleGetFunction(void **function, void *module, const char *name) {
    // The text that NVRTC or nvcc made must have it, whatever runs here in its place.
    if (((std::string *)module)->find(".entry " + std::string(name) + "(") == std::string::npos) {
        return 500;
    }
    return *function = new std::string(name), 0;
}
int cuLaunchKernel(void *function, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, unsigned int by,
                   unsigned int bz, unsigned int, void *, void **parameters, void **) {
    ALONE;
    const std::string &name = *(std::string *)function;
    log("launch " + name);
    auto kernel = kernels().find(name);
    if (kernel == kernels().end()) {
        fail("no kernel " + name + "; name its file in the script that builds this");
    }
    if (gx == 0 || gy * gz * by * bz != 1 || gx >= 1u << 31 || bx == 0 || bx > 1024) {
        fail(name + ": a grid of " + std::to_string(gx) + " blocks of " + std::to_string(bx) + " threads");
    }
    gridDim = {gx, 1, 1};
    blockDim = {bx, 1, 1};
    current = &kernel->second;
    arguments = parameters;
    // Those that reduce meet at barriers.
    bool barriers = name.find("_to_fwd") != name.npos || name.find("_bwd_lhs") != name.npos || name.find("_bwd_rhs") != name.npos;
    for (unsigned int b = 0; b < gx; b++) {
        blockIdx = {b, 0, 0};
        if (barriers) {
            run_block();
            continue;
        }
        for (unsigned int t = 0; t < bx; t++) {
            threadIdx = {t, 0, 0};
            kernel->second(parameters);
        }
    }
    return 0;
}
}
