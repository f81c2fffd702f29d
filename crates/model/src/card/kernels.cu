// What a card does for Strata that dfdx has no operation for. Read by NVRTC when the first of them is needed, so without
// any header; a test compiles the same text for the host and compares it, bit for bit, with what the CPU makes.

// A block a sample: out[n, f] = tables[f / part][bytes[indices[n], f]]. No arithmetic, so the values are the tables' own.
extern "C" __global__ void gather_bytes(
    float *out,                   // [samples named, features]
    const unsigned char *bytes,   // [samples held, features]
    const float *tables,          // [parts, 256]
    const unsigned int *indices,  // [samples named], each below the samples held
    unsigned int features,
    unsigned int part             // features that share a table
) {
    const unsigned char *from = bytes + (unsigned long long)indices[blockIdx.x] * features;
    float *to = out + (unsigned long long)blockIdx.x * features;
    for (unsigned int f = threadIdx.x; f < features; f += blockDim.x) {
        to[f] = tables[f / part * 256 + from[f]];
    }
}

// A thread four values, which are one block of Philox4x32-10 (`strata_rng::Philox`): 0 where the draw is below `threshold`, else `scale`.
extern "C" __global__ void dropout_mask(
    float *out,
    unsigned long long count,
    unsigned long long seed,
    unsigned long long stream,
    unsigned int threshold,
    float scale
) {
    unsigned long long position = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (position * 4 >= count) {
        return;
    }
    unsigned int a = (unsigned int)position, b = (unsigned int)(position >> 32);
    unsigned int c = (unsigned int)stream, d = (unsigned int)(stream >> 32);
    unsigned int low_key = (unsigned int)seed, high_key = (unsigned int)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        unsigned long long first = 0xD2511F53ull * a, second = 0xCD9E8D57ull * c;
        a = (unsigned int)(second >> 32) ^ b ^ low_key;
        c = (unsigned int)(first >> 32) ^ d ^ high_key;
        b = (unsigned int)second;
        d = (unsigned int)first;
        low_key += 0x9E3779B9u;
        high_key += 0xBB67AE85u;
    }
    unsigned int draws[4] = {a, b, c, d};
    for (unsigned int i = 0; i < 4 && position * 4 + i < count; i++) {
        out[position * 4 + i] = draws[i] < threshold ? 0.0f : scale;
    }
}

// A sample's target: a class, another one, and the share of the first, which are floats so that one buffer carries all three. Spread by `smoothing`
// it is, of class c, (1 - smoothing) (share where c is the first + (1 - share) where it is the other) + smoothing / classes.
static __device__ float target_of(const float *of_sample, unsigned int c, float smoothing, unsigned int classes) {
    float first = c == (unsigned int)of_sample[0] ? of_sample[2] : 0.0f;
    float other = c == (unsigned int)of_sample[1] ? 1.0f - of_sample[2] : 0.0f;
    return (1.0f - smoothing) * (first + other) + smoothing / (float)classes;
}

// A thread a sample: its softmax cross entropy, and 1 where its largest logit (the first of equal ones; a NaN counts as the largest) is its
// first class', else 0.
extern "C" __global__ void cross_entropy(
    const float *logits,          // [samples, classes]
    const float *targets,         // [samples, 3], classes below `classes`
    float *scores,                // [samples, 2]
    float smoothing,
    unsigned int samples,
    unsigned int classes
) {
    unsigned int sample = blockIdx.x * blockDim.x + threadIdx.x;
    if (sample >= samples) {
        return;
    }
    const float *row = logits + (unsigned long long)sample * classes;
    const float *of_sample = targets + 3ull * sample;
    unsigned int best = 0;
    for (unsigned int c = 1; c < classes && row[best] == row[best]; c++) {
        if (row[c] > row[best] || row[c] != row[c]) {
            best = c;
        }
    }
    float sum = 0.0f, mean_logit = 0.0f;
    for (unsigned int c = 0; c < classes; c++) {
        sum += expf(row[c] - row[best]);
        // What has no share counts as nothing, whatever its logit: 0 times minus infinity is no loss.
        float share = target_of(of_sample, c, smoothing, classes);
        if (share != 0.0f) {
            mean_logit += share * (row[c] - row[best]);
        }
    }
    scores[2ull * sample] = logf(sum) - mean_logit;
    scores[2ull * sample + 1] = best == (unsigned int)of_sample[0] ? 1.0f : 0.0f;
}

// A thread a sample: adds upstream * (softmax(logits) - target) / samples, the gradient of the mean loss.
extern "C" __global__ void cross_entropy_gradient(
    const float *logits,
    const float *targets,
    const float *upstream,        // one value
    float *gradient,              // [samples, classes]
    float smoothing,
    unsigned int samples,
    unsigned int classes
) {
    unsigned int sample = blockIdx.x * blockDim.x + threadIdx.x;
    if (sample >= samples) {
        return;
    }
    const float *row = logits + (unsigned long long)sample * classes;
    float *to = gradient + (unsigned long long)sample * classes;
    float largest = row[0];
    for (unsigned int c = 1; c < classes; c++) {
        largest = row[c] > largest ? row[c] : largest;
    }
    float sum = 0.0f;
    for (unsigned int c = 0; c < classes; c++) {
        sum += expf(row[c] - largest);
    }
    float up = upstream[0], scale = 1.0f / (sum * (float)samples);
    for (unsigned int c = 0; c < classes; c++) {
        float share = target_of(targets + 3ull * sample, c, smoothing, classes) / (float)samples;
        to[c] += up * (expf(row[c] - largest) * scale - share);
    }
}

// Value i of a row's mirror image: the input at places[i], counted from 1, its sign turned where the place is negative. NaN where the places are none,
// or twice do not give the row again, for the gradient is the same change of places.
static __device__ float mirrored(const float *row, const float *places, unsigned int i, unsigned int inputs) {
    float place = places[i], at = fabsf(place);
    if (!(at >= 1.0f && at <= (float)inputs)) {
        return nanf("");
    }
    unsigned int from = (unsigned int)at - 1;
    float back = place < 0.0f ? -places[from] : places[from];
    if (back != (float)(i + 1)) {
        return nanf("");
    }
    return place < 0.0f ? -row[from] : row[from];
}

// A block a sample: both views of it.
extern "C" __global__ void both_views(
    float *views,                 // [2, samples, inputs]: the samples, then their mirror images
    const float *rows,            // [samples, inputs]
    const float *places,          // [inputs]
    unsigned int inputs
) {
    const float *row = rows + (unsigned long long)blockIdx.x * inputs;
    float *first = views + (unsigned long long)blockIdx.x * inputs;
    float *second = first + (unsigned long long)gridDim.x * inputs;
    for (unsigned int i = threadIdx.x; i < inputs; i += blockDim.x) {
        first[i] = row[i];
        second[i] = mirrored(row, places, i, inputs);
    }
}

// A block a sample: adds to the samples' gradients those of both views.
extern "C" __global__ void both_views_gradient(
    float *gradient,              // [samples, inputs]
    const float *of_views,        // [2, samples, inputs]
    const float *places,
    unsigned int inputs
) {
    const float *first = of_views + (unsigned long long)blockIdx.x * inputs;
    const float *second = first + (unsigned long long)gridDim.x * inputs;
    float *to = gradient + (unsigned long long)blockIdx.x * inputs;
    for (unsigned int i = threadIdx.x; i < inputs; i += blockDim.x) {
        to[i] += first[i] + mirrored(second, places, i, inputs);
    }
}
