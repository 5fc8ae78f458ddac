/// Which instruction sets this processor runs. Built for the baseline, without Eigen: it must load anywhere.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif

namespace py = pybind11;

namespace {

bool runs(const std::string& isa) {
#if defined(__x86_64__) && defined(__GNUC__)
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
#elif defined(_MSC_VER) && defined(_M_X64)
    enum { eax, ebx, ecx };
    int one[4], seven[4];
    __cpuid(one, 1);
    __cpuidex(seven, 7, 0);
    const auto has = [](int word, int bit) { return (word >> bit & 1) != 0; };
    // What the system saves when it switches threads: SSE and AVX registers, then AVX-512's three kinds as well.
    const unsigned long long saved = has(one[ecx], 27) ? _xgetbv(0) : 0;
    const bool v3 = (saved & 0x06) == 0x06 && has(one[ecx], 12) && has(seven[ebx], 3) && has(seven[ebx], 5) && has(seven[ebx], 8);
    const bool v4 = v3 && (saved & 0xe6) == 0xe6 && has(seven[ebx], 16) && has(seven[ebx], 17) && has(seven[ebx], 28) &&
                    has(seven[ebx], 30) && has(seven[ebx], 31);
    if (isa == "x86_64_v4") return v4;
    if (isa == "x86_64_v3") return v3;
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

PYBIND11_MODULE(_cpu, m, py::LAMELLA_GIL()) {
    m.def("built", [] { return std::vector<std::string>{LAMELLA_ISAS}; }, "Instruction sets of this build, best first.");
    m.def("usable", &usable, "Those of them that this processor runs, best first.");
}
