/// Batches: rows of the caller's data, gathered in the epoch's order, converted, and compressed when mostly zero.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "../arena.hpp"
#include "../polling.hpp"
#include "products.hpp"

namespace lamella {

/// Rows of a NumPy array where they lie: row r starts at data + r * stride, its numbers are adjacent.
template <class T>
struct DenseRows {
    const T* data = nullptr;
    Index rows = 0, cols = 0, stride = 0;
};

/// Compressed sparse rows where they lie, as in SciPy's CSR; columns within a row may come in any order.
template <class I, class V>
struct CompressedRows {
    const std::int64_t* starts = nullptr;  // rows + 1
    const I* indices = nullptr;
    const V* values = nullptr;
    Index rows = 0, cols = 0;
};

using Source = std::variant<DenseRows<float>, DenseRows<double>, DenseRows<std::uint8_t>,
                            CompressedRows<std::uint16_t, float>, CompressedRows<std::int32_t, float>,
                            CompressedRows<std::int64_t, float>, CompressedRows<std::int32_t, double>,
                            CompressedRows<std::int64_t, double>>;
inline Index row_count(const Source& source) {
    return std::visit([](const auto& rows) { return rows.rows; }, source);
}

/// What is done to every number on the way into a batch: x * scale + offset (leading Rescaling layers).
struct Affine {
    Scalar scale = 1, offset = 0;
};

/// Share of nonzeros up to which compressed rows are faster than dense ones for a layer of so many units. Measured: 0.5 at
/// 512 units, 0.28 at 64, under 0.1 at 16 (docs/performance.md).
inline double densest_compressed(Index units) {
    const Index registers = padded(units) / kLanes;
    return 0.5 * static_cast<double>(registers) / static_cast<double>(registers + 4);
}

/// What a layer wants to know about the columns of a compressed batch: nothing, the nonzeros of each column, or only where
/// each member's columns begin in every row.
enum class Columns { kNone, kLists, kCuts };

class Batch {
public:
    Batch() = default;
    /// Compresses batches with at most `densest` nonzeros (a share; 0: never).
    Batch(Index rows, Index cols, int threads, double densest, Columns wanted);

    /// Which rows of a source: order[0 ... count - 1], or first ... first + count - 1 where order is null.
    struct Rows {
        const std::int64_t* order = nullptr;
        Index first = 0, count = 0;
        Index place = 0, batch = 0;  // where they are a part: from which place on, of how many rows
        Index whole() const { return batch ? batch : count; }
        Index operator[](Index i) const { return order ? order[i] : first + i; }
    };

    /// Fills the batch. Every thread of the team calls it. `compress` allows the compressed form.
    void gather(const Team& team, const Source& source, Rows rows, Affine affine, const std::atomic<bool>& compress);

    /// Whether a column number of a sparse source was found outside of it: another thread has written over it meanwhile.
    bool broken() const { return broken_->load(std::memory_order_relaxed); }
    /// Throws if so.
    void require_whole() const;

    /// The rows, valid unless they are compressed rows of a sparse source.
    ConstView dense(Index count) const { return {dense_.data, count, dense_.cols, dense_.stride}; }
    /// Their nonzeros by row and by column where the member finds them, or null while the batch is not compressed.
    const Entries* rows(int rank) const { return compressed_ ? nonzeros(rank).rows.data() : nullptr; }
    const Entries* columns(int rank) const {
        return compressed_ && wanted_ == Columns::kLists ? nonzeros(rank).columns.data() : nullptr;
    }
    /// Whether cut() may be asked: the member's share of the columns, and a row's nonzeros in it.
    bool is_cut() const { return compressed_ && wanted_ == Columns::kCuts; }
    Range share(int rank) const { return {bounds_[rank], bounds_[rank + 1]}; }
    Entries cut(Index row, int rank) const {
        const std::int32_t first = cut_at(row, rank);
        return {nonzeros(rank).rows[row].data + first, cut_at(row, rank + 1) - first};
    }

private:
    struct Nonzeros {
        std::unique_ptr<Entry[]> entries, by_column;
        std::vector<Entries> rows, columns;
        std::vector<std::int32_t> cursors;  // a column's next place
    };
    const Nonzeros& nonzeros(int rank) const { return nonzeros_[apart_ ? rank : 0]; }

    template <class T>
    void measure(const DenseRows<T>& source, Rows rows, Affine affine, Range mine);
    template <class I, class V>
    void measure(const CompressedRows<I, V>& source, Rows rows, Affine affine, Range mine);
    void decide(Index count, bool compress, bool sparse);
    void place_rows(Nonzeros& to) const;
    template <class T>
    void fill(const DenseRows<T>& source, Rows rows, Affine affine, Range mine, const Nonzeros& to);
    template <class I, class V>
    void fill(const CompressedRows<I, V>& source, Rows rows, Affine affine, Range mine, const Nonzeros& to);
    const std::int32_t& cut_at(Index row, Index bound) const { return cuts_[row * static_cast<Index>(bounds_.size()) + bound]; }
    Index bound(int rank, int members) const;
    void cut_rows(Range mine);
    template <class Part>
    void list_columns(Nonzeros& of, Range cols, const Part& part_of);

    View dense_;
    Buffer storage_;
    // One for all members, or one for each: then nobody reads what another core has just written, or writes what it has read.
    std::vector<Nonzeros> nonzeros_;
    bool apart_ = false;  // of the last batch
    std::vector<std::int64_t> row_starts_;
    std::vector<Index> row_sizes_;
    // Each member has the columns between two bounds, so that no cache line is written by two of them. The bounds would have
    // shared an earlier batch's work equally; cuts_ says where they fall in each row of this one.
    std::vector<Index> bounds_;
    Index count_ = 0;  // rows of the last batch
    int members_ = 0;  // that shared it
    int age_ = 0;      // batches since the bounds were due, from 1
    std::vector<std::int32_t> cuts_;  // (rows × bounds)
    std::unique_ptr<std::atomic<bool>> broken_ = std::make_unique<std::atomic<bool>>(false);
    double densest_ = 0;
    Columns wanted_ = Columns::kNone;
    bool compressed_ = false;
};

/// What a layer reads: an earlier layer's output, or for the first layer the batch, of which it may use the nonzeros. Asked
/// inside of a phase only, since earlier phases fill the batch.
class Input {
public:
    explicit Input(ConstView dense) : dense_(dense) {}
    Input(const Batch& batch, Index count) : dense_(batch.dense(count)), batch_(&batch) {}

    ConstView dense() const { return dense_; }
    const Entries* rows(int rank) const { return batch_ ? batch_->rows(rank) : nullptr; }
    const Entries* columns(int rank) const { return batch_ ? batch_->columns(rank) : nullptr; }
    /// The batch if its rows are cut by members, else null.
    const Batch* cuts() const { return batch_ && batch_->is_cut() ? batch_ : nullptr; }

private:
    ConstView dense_;
    const Batch* batch_ = nullptr;
};

/// Nonzeros of a source; and the first row and column that hold NaN or infinity, or -1.
struct Scan {
    Index nonzeros = 0, bad_row = -1, bad_col = -1;
};
Scan scan(const Source& source, int threads, const Poll& poll);

}  // namespace lamella
