// Runs the kernels on the host for the tests, thread after thread. `program gather`, `mask`, `loss` and `views` read their numbers and buffers from
// the standard input and write the result to the standard output.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

struct Dim {
    unsigned int x;
};
static Dim blockIdx, blockDim, threadIdx, gridDim;
#define __global__
#define __device__
#include "kernels.cu"

template <typename T> static std::vector<T> read(size_t count) {
    std::vector<T> values(count);
    if (fread(values.data(), sizeof(T), count, stdin) != count) {
        exit(2);
    }
    return values;
}

template <typename Kernel> static void launch(unsigned int blocks, unsigned int threads, Kernel kernel) {
    blockDim.x = threads;
    gridDim.x = blocks;
    for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++) {
        for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++) {
            kernel();
        }
    }
}

// What the result is filled with before, and what must still lie behind it.
static const float UNTOUCHED = -12345.5f;
static const size_t BEHIND = 4096;

static int write(const std::vector<float> &out) {
    size_t count = out.size() - BEHIND;
    for (size_t i = count; i < out.size(); i++) {
        if (out[i] != UNTOUCHED) {
            fprintf(stderr, "value %zu was written; there are %zu\n", i, count);
            return 3;
        }
    }
    return fwrite(out.data(), sizeof(float), count, stdout) == count ? 0 : 2;
}

int main(int, char **arguments) {
    if (!strcmp(arguments[1], "gather")) {
        std::vector<unsigned int> n = read<unsigned int>(6);
        unsigned int samples = n[0], features = n[1], part = n[2], parts = n[3], blocks = n[4], threads = n[5];
        std::vector<unsigned char> bytes = read<unsigned char>((size_t)samples * features);
        std::vector<float> tables = read<float>((size_t)parts * 256);
        std::vector<unsigned int> indices = read<unsigned int>(blocks);
        std::vector<float> out((size_t)blocks * features + BEHIND, UNTOUCHED);
        launch(blocks, threads,
               [&] { gather_bytes(out.data(), bytes.data(), tables.data(), indices.data(), features, part); });
        return write(out);
    }
    if (!strcmp(arguments[1], "loss")) {
        std::vector<unsigned int> n = read<unsigned int>(4);
        unsigned int samples = n[0], classes = n[1], blocks = n[2], threads = n[3];
        std::vector<float> logits = read<float>((size_t)samples * classes);
        std::vector<float> targets = read<float>((size_t)samples * 3);
        std::vector<float> numbers = read<float>(2);
        float smoothing = numbers[0], *upstream = &numbers[1];
        // What the gradient is added to.
        std::vector<float> gradient = read<float>((size_t)samples * classes);
        std::vector<float> scores((size_t)samples * 2 + BEHIND, UNTOUCHED);
        gradient.resize(gradient.size() + BEHIND, UNTOUCHED);
        launch(blocks, threads, [&] {
            cross_entropy(logits.data(), targets.data(), scores.data(), smoothing, samples, classes);
        });
        launch(blocks, threads, [&] {
            cross_entropy_gradient(logits.data(), targets.data(), upstream, gradient.data(), smoothing, samples, classes);
        });
        int failed = write(scores);
        return failed ? failed : write(gradient);
    }
    if (!strcmp(arguments[1], "views")) {
        std::vector<unsigned int> n = read<unsigned int>(3);
        unsigned int samples = n[0], inputs = n[1], threads = n[2];
        std::vector<float> rows = read<float>((size_t)samples * inputs);
        std::vector<float> places = read<float>(inputs);
        // What the gradient of these views is added to.
        std::vector<float> gradient = read<float>((size_t)samples * inputs);
        std::vector<float> views((size_t)samples * inputs * 2 + BEHIND, UNTOUCHED);
        gradient.resize(gradient.size() + BEHIND, UNTOUCHED);
        launch(samples, threads, [&] { both_views(views.data(), rows.data(), places.data(), inputs); });
        launch(samples, threads, [&] { both_views_gradient(gradient.data(), views.data(), places.data(), inputs); });
        int failed = write(views);
        return failed ? failed : write(gradient);
    }
    std::vector<unsigned long long> wide = read<unsigned long long>(3);
    std::vector<unsigned int> n = read<unsigned int>(3);
    float scale = read<float>(1)[0];
    std::vector<float> out(wide[0] + BEHIND, UNTOUCHED);
    launch(n[1], n[2], [&] { dropout_mask(out.data(), wide[0], wide[1], wide[2], n[0], scale); });
    return write(out);
}
