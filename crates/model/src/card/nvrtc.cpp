// Compiles the kernels with NVRTC for the tests, which needs a toolkit and no card: with no option, as the program does, and for
// every architecture that the toolkit knows. `program kernels.cu`
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nvrtc.h>
#include <string>
#include <vector>

static bool compiles(const std::string &source, const std::string &option) {
    nvrtcProgram program;
    if (nvrtcCreateProgram(&program, source.c_str(), nullptr, 0, nullptr, nullptr) != NVRTC_SUCCESS) {
        return false;
    }
    const char *options[] = {option.c_str()};
    nvrtcResult result = nvrtcCompileProgram(program, option.empty() ? 0 : 1, options);
    size_t size = 0;
    nvrtcGetProgramLogSize(program, &size);
    std::vector<char> log(size + 1);
    nvrtcGetProgramLog(program, log.data());
    std::string ptx;
    if (result == NVRTC_SUCCESS && nvrtcGetPTXSize(program, &size) == NVRTC_SUCCESS) {
        ptx.resize(size);
        nvrtcGetPTX(program, &ptx[0]);
    }
    nvrtcDestroyProgram(&program);
    bool all = true;
    for (const char *kernel : {"gather_bytes", "dropout_mask", "cross_entropy", "cross_entropy_gradient",
                               "both_views", "both_views_gradient"}) {
        all &= ptx.find(std::string(".entry ") + kernel + "(") != std::string::npos;
    }
    printf("%s: %s%s\n", option.empty() ? "default" : option.c_str(), all ? "compiled" : "failed", log.data());
    return all;
}

int main(int, char **arguments) {
    std::ifstream file(arguments[1]);
    std::string source((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    int count = 0;
    if (nvrtcGetNumSupportedArchs(&count) != NVRTC_SUCCESS) {
        return 1;
    }
    std::vector<int> architectures(count);
    nvrtcGetSupportedArchs(architectures.data());
    bool all = compiles(source, "");
    for (int architecture : architectures) {
        all &= compiles(source, "--gpu-architecture=compute_" + std::to_string(architecture));
    }
    return all ? 0 : 1;
}
