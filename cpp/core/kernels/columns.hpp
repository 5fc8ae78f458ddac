/// Sums down a register of columns and along a row. Added in runs: partial sums of limited length round less than a long one.
#pragma once

#include <algorithm>
#include <array>

#include "../simd.hpp"

namespace lamella {

/// Σ value(r) over the rows, in their order.
template <class Value>
Vec sum_rows(Index rows, const Value& value) {
    constexpr Index run = 64;
    Vec total(Scalar(0));
    for (Index first = 0; first < rows; first += run) {
        Vec part(Scalar(0));
        for (Index r = first; r < std::min(first + run, rows); ++r) part += value(r);
        total += part;
    }
    return total;
}

/// Σ value(c) over the columns: so many sums side by side as a register has lanes, the same for every instruction set.
template <class Value>
Scalar sum_row(Index cols, const Value& value) {
    constexpr Index lanes = 16;
    std::array<Scalar, lanes> sums{};
    Index c = 0;
    for (; c + lanes <= cols; c += lanes)
        for (Index i = 0; i < lanes; ++i) sums[i] += value(c + i);
    for (Index i = 0; c + i < cols; ++i) sums[i] += value(c + i);
    for (Index width = lanes / 2; width > 0; width /= 2)
        for (Index i = 0; i < width; ++i) sums[i] += sums[i + width];
    return sums[0];
}

}  // namespace lamella
