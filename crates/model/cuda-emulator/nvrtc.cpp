// A libnvrtc.so.13 that compiles nothing: the "PTX" names the source's kernels, for the driver beside it to find. The real library looks into
// the real driver, so it does not run next to this one; a test of `strata-model` compiles the kernels with it.
#include <cstring>
#include <string>

extern "C" {
int nvrtcCreateProgram(std::string **program, const char *source, const char *, int, const char *const *, const char *const *) {
    return *program = new std::string(source), 0;
}
int nvrtcDestroyProgram(std::string **program) { return delete *program, 0; }
int nvrtcCompileProgram(std::string *program, int, const char *const *) {
    const std::string mark = "__global__ void ";
    std::string ptx;
    for (size_t at = 0; (at = program->find(mark, at)) != program->npos;) {
        at += mark.size();
        ptx += ".entry " + program->substr(at, program->find('(', at) + 1 - at) + "\n";
    }
    *program = ptx;
    return 0;
}
int nvrtcGetPTXSize(std::string *program, size_t *size) { return *size = program->size() + 1, 0; }
int nvrtcGetPTX(std::string *program, char *text) { return memcpy(text, program->c_str(), program->size() + 1), 0; }
int nvrtcGetProgramLogSize(std::string *, size_t *size) { return *size = 1, 0; }
int nvrtcGetProgramLog(std::string *, char *text) { return *text = 0, 0; }
}
