/// bfloat16, float's exponent with 8 bits of precision: gradients on their way between processes.
#pragma once

#include <bit>
#include <cstdint>

#include "scalar.hpp"

namespace lamella {

/// Rounded to nearest, ties to even; NaN stays NaN.
inline std::uint16_t to_bfloat16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return static_cast<std::uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
}

inline float from_bfloat16(std::uint16_t value) { return std::bit_cast<float>(std::uint32_t{value} << 16); }

inline void to_bfloat16(const float* values, Index count, std::uint16_t* to) {
    for (Index i = 0; i < count; ++i) to[i] = to_bfloat16(values[i]);
}

inline void from_bfloat16(const std::uint16_t* values, Index count, float* to) {
    for (Index i = 0; i < count; ++i) to[i] = from_bfloat16(values[i]);
}

/// The sum, in float and in order, of `parts` rows of `count` numbers.
inline void sum_bfloat16(const std::uint16_t* values, Index parts, Index count, std::uint16_t* to) {
    for (Index i = 0; i < count; ++i) {
        float sum = 0;
        for (Index p = 0; p < parts; ++p) sum += from_bfloat16(values[p * count + i]);
        to[i] = to_bfloat16(sum);
    }
}

}  // namespace lamella
