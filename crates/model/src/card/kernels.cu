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
