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

// A thread a sample: its softmax cross entropy, and 1 where its largest logit (the first of equal ones; a NaN counts as the largest) is its
// label's, else 0.
extern "C" __global__ void cross_entropy(
    const float *logits,          // [samples, classes]
    const unsigned char *labels,  // [samples], each below the classes
    float *scores,                // [samples, 2]
    unsigned int samples,
    unsigned int classes
) {
    unsigned int sample = blockIdx.x * blockDim.x + threadIdx.x;
    if (sample >= samples) {
        return;
    }
    const float *row = logits + (unsigned long long)sample * classes;
    unsigned int label = labels[sample], best = 0;
    for (unsigned int c = 1; c < classes && row[best] == row[best]; c++) {
        if (row[c] > row[best] || row[c] != row[c]) {
            best = c;
        }
    }
    float sum = 0.0f;
    for (unsigned int c = 0; c < classes; c++) {
        sum += expf(row[c] - row[best]);
    }
    scores[2ull * sample] = logf(sum) - (row[label] - row[best]);
    scores[2ull * sample + 1] = best == label ? 1.0f : 0.0f;
}

// A thread a sample: adds upstream · (softmax(logits) - onehot(label)) / samples, the gradient of the mean loss.
extern "C" __global__ void cross_entropy_gradient(
    const float *logits,
    const unsigned char *labels,
    const float *upstream,        // one value
    float *gradient,              // [samples, classes]
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
    float up = upstream[0], scale = 1.0f / (sum * (float)samples), share = 1.0f / (float)samples;
    for (unsigned int c = 0; c < classes; c++) {
        float slope = expf(row[c] - largest) * scale;
        to[c] += up * (c == labels[sample] ? slope - share : slope);
    }
}
