/// How a matrix is shared by a team, and the size of gradient tiles.
#pragma once

#include "kernels/batch.hpp"
#include "parallel.hpp"

namespace lamella {

/// A member's block of a (rows × cols) matrix. Equal shapes are split equally. Wide matrices are split by columns, which keeps a member's part of the weights in its core's cache.
struct Split {
    Range rows, cols;

    Split(Member member, Index row_count, Index col_count) : rows{0, row_count}, cols{0, col_count} {
        if (by_rows(member.size, col_count))
            rows = member.share(row_count);
        else
            cols = member.share(col_count, kLanes);
    }

    /// Whether members get whole rows of so many columns.
    static bool by_rows(int members, Index cols) { return padded(cols) / kLanes < Index{4} * members; }

    template <class T>
    BasicView<T> of(BasicView<T> matrix) const {
        return matrix.middle_rows(rows.first, rows.count()).middle_cols(cols.first, cols.count());
    }
};

// Gradient tiles: so narrow that the columns of the deltas which they are made from stay in a 32 KB first-level cache while
// all rows of the weight pass by, and so small that the tile, its weights and their state stay there, too. Of compressed
// columns they are as wide as a panel, since their deltas come in bands.
inline constexpr Index kTileNumbers = 2048;
inline constexpr Index kTileCols = 6 * kLanes;

/// sums (n) = sum of the rows of dz (batch × n), in the order of the rows.
inline void column_sums(ConstView dz, Scalar* sums) {
    for (Index c = 0; c < dz.cols; c += kLanes) {
        Vec total(Scalar(0));
        for (Index r = 0; r < dz.rows; ++r) total += Vec::load(dz.row(r) + c);
        total.store(sums + c);
    }
}

}  // namespace lamella
