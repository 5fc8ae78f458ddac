/// Which instruction sets this processor runs. Built for the baseline, without Eigen: it must load anywhere.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

namespace py = pybind11;

namespace {

bool runs(const std::string& isa) {
#if (defined(__x86_64__) || defined(_M_X64)) && defined(__GNUC__)
    __builtin_cpu_init();
    const bool v2 = __builtin_cpu_supports("sse3") && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") &&
                    __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    // AVX2 alone is not v3. (f16c, lzcnt and movbe came with it on every processor that has fma, bmi and bmi2.)
    const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
    if (isa == "x86_64_v4") return v4;
    if (isa == "x86_64_v3") return v3;
    if (isa == "x86_64_v2") return v2;
#endif
    return isa == "baseline" || isa == "aarch64";
}

/// The instruction sets of this build (best first) that this processor runs.
std::vector<std::string> usable() {
    std::vector<std::string> names;
    for (const char* isa : {LAMELLA_ISAS})
        if (runs(isa)) names.emplace_back(isa);
    return names;
}

}  // namespace

PYBIND11_MODULE(_cpu, m, py::mod_gil_not_used()) {
    m.def("built", [] { return std::vector<std::string>{LAMELLA_ISAS}; }, "Instruction sets of this build, best first.");
    m.def("usable", &usable, "Those of them that this processor runs, best first.");
}
