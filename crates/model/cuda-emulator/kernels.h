// A kernel by its name, its arguments taken from the pointers that a launch passes.
#pragma once
#include <cuda_fp16.h>

#include <functional>
#include <map>
#include <string>
#include <utility>

using Kernel = std::function<void(void **)>;
std::map<std::string, Kernel> &kernels();

template <typename... A, size_t... I> void call(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) {
    kernel(*(typename std::remove_const<A>::type *)arguments[I]...);
}

struct Registered {
    template <typename... A> Registered(const char *name, void (*kernel)(A...)) {
        kernels()[name] = [kernel](void **arguments) { call(kernel, arguments, std::index_sequence_for<A...>()); };
    }
};
