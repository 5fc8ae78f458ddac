#include "memory.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace lamella {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kSmall = std::size_t{64} << 20;  // asking the system takes longer than such an allocation

std::size_t physical_memory() {
#ifdef _SC_PHYS_PAGES
    return static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
#else
    return kNoLimit;
#endif
}

/// The memory of a container; none of its own is no limit ("max").
std::size_t container_memory() {
    for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
        if (std::size_t bytes = 0; std::ifstream(path) >> bytes) return bytes;
    return kNoLimit;
}

}  // namespace

OutOfMemory::OutOfMemory(std::size_t bytes, Index samples) noexcept : bytes_(bytes) {
    if (bytes == 0)
        std::snprintf(text_.data(), text_.size(), "More bytes of memory are needed than can be counted.");
    else if (samples == 0)
        std::snprintf(text_.data(), text_.size(), "%zu bytes of memory are needed, more than there are.", bytes);
    else
        std::snprintf(text_.data(), text_.size(),
                      "A batch of %td samples needs %zu bytes of memory, more than there are: use a smaller `batch_size`.",
                      samples, bytes);
}

std::size_t memory_to_be_had() {
    std::ifstream file("/proc/meminfo");
    std::size_t free = 0, found = 0;
    std::string name, unit;
    for (std::size_t kilobytes = 0; found < 2 && file >> name >> kilobytes && std::getline(file, unit);)
        if (name == "MemAvailable:" || name == "SwapFree:") {
            free += kilobytes << 10;
            ++found;
        }
    return std::min(found == 2 ? free : physical_memory(), container_memory());
}

void claim(std::size_t bytes) {
    if (bytes > kSmall && bytes > memory_to_be_had()) throw OutOfMemory(bytes);
}

}  // namespace lamella
