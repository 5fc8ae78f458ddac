/// The three products of a dense layer, for dense and for compressed rows. Serial; callers split the work.
///
/// Every output element is a chain of fused multiply-adds in the order of the inner index (dense: one chain for every 512
/// of them; multiply_row and dx of few rows: one for each lane, then the lanes in pairs), whatever block it was computed in: the way
/// the work is split can not change a bit. Column counts are rounded up to whole registers, so weights and deltas must hold zeros
/// in their padding.
#pragma once

#include <array>
#include <limits>

#include "../panels.hpp"

namespace lamella {

/// A nonzero of a compressed row: `value` at column `index` (or, in a compressed column, at row `index`).
struct Entry {
    std::int32_t index;
    Scalar value;
};

/// The nonzeros of a row or column in ascending order of index, with kEnd behind the last.
struct Entries {
    const Entry* data = nullptr;
    Index count = 0;
};
inline constexpr Entry kEnd{std::numeric_limits<std::int32_t>::max(), 0};

/// y (batch × n) = x (batch × k) · w (k × n) + bias (n, or null for zeros).
void multiply(ConstView x, ConstView w, const Scalar* bias, View y);

/// The same for compressed rows of x; rows[r] belongs to row r of y.
void multiply(const Entries* rows, ConstView w, const Scalar* bias, View y);

/// y (batch × 1) = x (batch × k) · wᵀ (k) + bias (1, or null) for a w of one row. The padding of x may hold anything.
void multiply_row(ConstView x, ConstView w, const Scalar* bias, View y);

/// Some `rows` and `cols` of dx (batch × k) = dz (batch × n) · wᵀ, for w (k × n); how they are added up depends on the whole
/// batch, not on these. `scratch` holds transpose_scratch() numbers.
void multiply_transposed(ConstView dz, ConstPanels w, Range rows, Range cols, View dx, Scalar* scratch);
Index transpose_scratch(Index n);

/// Asks for `cols` numbers of each of `rows` rows, for the second-level cache.
inline void prefetch_rows(const Scalar* data, Index stride, Index rows, Index cols) {
    constexpr Index line = 64 / sizeof(Scalar);
    for (Index r = 0; r < rows; ++r)
        for (Index c = 0; c < cols; c += line) LAMELLA_PREFETCH(data + r * stride + c, 0, 2);
}

/// What is needed next: a block of each of `count` equal matrices. A product asks for its cache lines a few at a time, so that
/// they arrive while it computes; all at once they would wait for one another, and it for them.
struct Ahead {
    std::array<const Scalar*, 8> blocks;
    int count = 0;
    Index stride = 0;

    /// Asks for `cols` numbers of each block from (row, col), for the first-level cache (3) or the second (2).
    template <int Locality>
    void ask(Index row, Index col, Index cols) const {
        constexpr Index line = 64 / sizeof(Scalar);
        for (int i = 0; i < count; ++i)
            for (Index c = 0; c < cols; c += line) LAMELLA_PREFETCH(blocks[i] + row * stride + col + c, 1, Locality);
    }
};

/// tile (k × n) = xᵀ · dz for x (batch × k), dz (batch × n); `ahead` are blocks of the tile's shape.
void outer(ConstView x, ConstView dz, View tile, const Ahead& ahead);

/// The same for compressed columns of x; columns[r] belongs to row r of the tile.
void outer(const Entries* columns, ConstView dz, View tile, const Ahead& ahead);

/// Adds a row of compressed x, of which `entries` lie in the tile's rows `first` ... , times its row of dz to the tile.
void add_outer(Entries entries, Index first, const Scalar* dz, View tile);

}  // namespace lamella
