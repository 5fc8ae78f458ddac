/// Batches: rows of the caller's data, gathered in the epoch's order, converted, and compressed when mostly zero.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "../arena.hpp"
#include "../parallel.hpp"
#include "products.hpp"

namespace lamella {

/// Rows of a NumPy array where they lie: row r starts at data + r * stride, its numbers are adjacent.
template <class T>
struct DenseRows {
    const T* data = nullptr;
    Index rows = 0, cols = 0, stride = 0;
};

/// Compressed sparse rows where they lie, as in SciPy's CSR; columns within a row may come in any order.
template <class I>
struct CompressedRows {
    const std::int64_t* starts = nullptr;  // rows + 1
    const I* indices = nullptr;
    const float* values = nullptr;
    Index rows = 0, cols = 0;
};

using Source = std::variant<DenseRows<float>, DenseRows<double>, DenseRows<std::uint8_t>, CompressedRows<std::uint16_t>,
                            CompressedRows<std::int32_t>, CompressedRows<std::int64_t>>;
inline Index row_count(const Source& source) {
    return std::visit([](const auto& rows) { return rows.rows; }, source);
}

/// What is done to every number on the way into a batch: x * scale + offset (leading Rescaling layers).
struct Affine {
    Scalar scale = 1, offset = 0;
};

/// What a layer reads: dense rows, and beside them, for the first layer only, their nonzeros by row and by column.
struct Input {
    ConstView dense;
    const Entries* rows = nullptr;
    const Entries* columns = nullptr;  // only when gathered for training
};

/// Share of nonzeros below which compressed rows are faster than dense ones (benchmarks/kernels.py).
inline constexpr double kSparse = 0.35;

class Batch {
public:
    Batch() = default;
    Batch(Index rows, Index cols, int threads, bool by_columns);

    /// Fills the batch with `count` rows: source row order[i], or first + i when order is null. Every member of the team
    /// calls it; the result may be read after it returns. `compress` allows the compressed form.
    void gather(const Team& team, const Source& source, const std::int64_t* order, Index first, Index count, Affine affine,
                bool compress);
    Input input() const;

private:
    template <class T>
    void load(const Team&, const DenseRows<T>&, const std::int64_t*, Index, Affine, Range rows, bool compress);
    template <class I>
    void load(const Team&, const CompressedRows<I>&, const std::int64_t*, Index, Affine, Range rows, bool compress);
    bool worthwhile(Index count) const;
    void place_rows(Index count);
    void index_columns(const Team& team, Range rows);

    View dense_;
    Buffer storage_;
    std::unique_ptr<Entry[]> entries_, by_column_;
    std::vector<Entries> rows_, columns_;
    std::vector<std::int64_t> row_starts_;
    std::vector<Index> row_sizes_;
    std::vector<std::vector<std::int32_t>> cursors_;  // a column's next place, by member
    Index count_ = 0;
    bool compressed_ = false, by_columns_ = false;
};

/// Nonzeros of a source; and the first row and column that hold NaN or infinity, or -1.
struct Scan {
    Index nonzeros = 0, bad_row = -1, bad_col = -1;
};
Scan scan(const Source& source, int threads);

}  // namespace lamella
