/// How much memory there is, and the error that says how much would have been needed.
#pragma once

#include <array>
#include <new>

#include "scalar.hpp"

namespace lamella {

/// Memory that cannot be had. Says how much, and allocates nothing.
class OutOfMemory : public std::bad_alloc {
public:
    /// `bytes`: 0 where they cannot be counted. `samples`: of the batch that needs them, if it is one.
    explicit OutOfMemory(std::size_t bytes, Index samples = 0) noexcept;
    const char* what() const noexcept override { return text_.data(); }
    std::size_t bytes() const noexcept { return bytes_; }

private:
    std::size_t bytes_;
    std::array<char, 160> text_{};
};

/// Bytes that the system can give this process now, swap included; the largest number where it does not say.
std::size_t memory_to_be_had();

/// Throws OutOfMemory where so many bytes cannot be had: a system that promises more than it has kills the process later.
void claim(std::size_t bytes);

/// a · b, or OutOfMemory where that is no number. Both must not be negative.
inline Index times(Index a, Index b) {
    Index product = 0;
    if (__builtin_mul_overflow(a, b, &product)) throw OutOfMemory(0);
    return product;
}

/// a + b, likewise.
inline Index plus(Index a, Index b) {
    Index total = 0;
    if (__builtin_add_overflow(a, b, &total)) throw OutOfMemory(0);
    return total;
}

}  // namespace lamella
