#include "batch.hpp"

#include <algorithm>
#include <cmath>

#include "../memory.hpp"

namespace lamella {
namespace {

/// to (n) = from (n) * scale + offset; returns how many are not zero.
template <class T>
Index convert_row(const T* from, Index n, Affine affine, Scalar* to) {
    std::int32_t nonzeros = 0;  // as wide as a float, so that the loop vectorises
    if (affine.scale == 1 && affine.offset == 0) {
        for (Index i = 0; i < n; ++i) {
            to[i] = static_cast<Scalar>(from[i]);
            nonzeros += to[i] != 0;
        }
    } else {
        for (Index i = 0; i < n; ++i) {
            to[i] = static_cast<Scalar>(from[i]) * affine.scale + affine.offset;
            nonzeros += to[i] != 0;
        }
    }
    return nonzeros;
}

/// Writes the first `nonzeros` nonzeros of x and kEnd to `to`. Without branches: MNIST's pixels can not be predicted.
void compress_row(const Scalar* x, Index nonzeros, Entry* to) {
    std::int32_t index = 0;
    for (const Entry* end = to + nonzeros; to != end; ++x, ++index) {
        *to = {index, *x};
        to += *x != 0;
    }
    *to = kEnd;
}

constexpr Index kAhead = 8;

/// Asks for the cache lines of `count` numbers.
template <class T>
void prefetch(const T* data, Index count) {
    for (Index i = 0; i < count; i += 64 / Index{sizeof(T)}) __builtin_prefetch(data + i);
}

}  // namespace

Batch::Batch(Index rows, Index cols, int threads, double densest, bool by_columns)
    : storage_(times(rows, padded_stride(cols))),
      rows_(rows),
      row_starts_(rows + 1),
      row_sizes_(rows),
      densest_(densest),
      by_columns_(by_columns && densest > 0) {
    dense_ = {storage_.data(), rows, cols, padded_stride(cols)};
    const auto room = static_cast<std::size_t>(densest * static_cast<double>(rows) * static_cast<double>(cols));
    entries_ = std::make_unique_for_overwrite<Entry[]>(room + rows);  // untouched pages cost nothing
    if (by_columns_) {
        by_column_ = std::make_unique_for_overwrite<Entry[]>(room + cols);
        columns_.resize(cols);
        cursors_.resize(cols);
        cuts_.resize(static_cast<std::size_t>(rows) * (static_cast<std::size_t>(threads) + 1));
    }
}

template <class T>
void Batch::measure(const DenseRows<T>& source, Rows rows, Affine affine, Range mine) {
    for (Index r = mine.first; r < mine.last; ++r) {
        if (rows.order && r + kAhead < mine.last)  // rows come in random order: ask for their beginnings early
            prefetch(source.data + rows[r + kAhead] * source.stride, std::min<Index>(source.cols, 256 / sizeof(T)));
        row_sizes_[r] = convert_row(source.data + rows[r] * source.stride, source.cols, affine, dense_.row(r));
    }
}

template <class I, class V>
void Batch::measure(const CompressedRows<I, V>& source, Rows rows, Affine affine, Range mine) {
    // An offset makes numbers of the zeros: then every row counts as full.
    for (Index r = mine.first; r < mine.last; ++r)
        row_sizes_[r] = affine.offset == 0 ? source.starts[rows[r] + 1] - source.starts[rows[r]] : source.cols;
}

void Batch::decide(Index count, bool compress) {
    Index nonzeros = 0;
    for (Index r = 0; r < count; ++r) {
        row_starts_[r] = nonzeros + r;  // behind every row there is room for kEnd
        rows_[r] = {entries_.get() + row_starts_[r], row_sizes_[r]};
        nonzeros += row_sizes_[r];
    }
    compressed_ = compress && densest_ > 0 && static_cast<double>(nonzeros) <=
                                  densest_ * static_cast<double>(count) * static_cast<double>(dense_.cols);
}

template <class T>
void Batch::fill(const DenseRows<T>&, Rows, Affine, Range mine) {
    if (!compressed_) return;
    for (Index r = mine.first; r < mine.last; ++r)
        compress_row(dense_.row(r), row_sizes_[r], entries_.get() + row_starts_[r]);
}

template <class I, class V>
void Batch::fill(const CompressedRows<I, V>& source, Rows rows, Affine affine, Range mine) {
    for (Index r = mine.first; r < mine.last; ++r) {
        const std::int64_t start = source.starts[rows[r]], size = source.starts[rows[r] + 1] - start;
        if (r + 1 < mine.last) {  // rows come in random order: ask for them early
            prefetch(source.indices + source.starts[rows[r + 1]], row_sizes_[r + 1]);
            prefetch(source.values + source.starts[rows[r + 1]], row_sizes_[r + 1]);
        }
        const I* index = source.indices + start;
        const V* value = source.values + start;
        if (compressed_) {
            Entry* to = entries_.get() + row_starts_[r];
            std::int32_t before = -1, ordered = 1;
            for (Index i = 0; i < size; ++i) {
                to[i] = {static_cast<std::int32_t>(index[i]), static_cast<Scalar>(value[i]) * affine.scale};
                ordered &= before <= to[i].index;
                before = to[i].index;
            }
            to[size] = kEnd;
            if (!ordered)
                std::stable_sort(to, to + size, [](const Entry& a, const Entry& b) { return a.index < b.index; });
        } else {
            Scalar* to = dense_.row(r);
            std::fill_n(to, source.cols, Scalar(0));
            for (Index i = 0; i < size; ++i) to[index[i]] += static_cast<Scalar>(value[i]);
            convert_row(to, source.cols, affine, to);
        }
    }
}

/// Where each bound falls in the member's rows.
void Batch::cut_rows(Range mine) {
    const auto before = [](const Entry& entry, Index column) { return entry.index < column; };
    const Index last = static_cast<Index>(bounds_.size()) - 1;
    for (Index r = mine.first; r < mine.last; ++r) {
        const Entry *from = rows_[r].data, *end = from + rows_[r].count;
        cut(r, last) = static_cast<std::int32_t>(rows_[r].count);
        for (Index b = 0; b < last; ++b) {
            from = std::lower_bound(from, end, bounds_[b], before);
            cut(r, b) = static_cast<std::int32_t>(from - rows_[r].data);
        }
    }
}

/// Lists the columns between the member's bounds.
void Batch::list_columns(Member member, Index count) {
    const Range cols{bounds_[member.rank], bounds_[member.rank + 1]};
    std::fill(cursors_.begin() + cols.first, cursors_.begin() + cols.last, 0);
    const auto each_entry = [&](auto&& visit) {
        for (Index r = 0; r < count; ++r)
            for (Index i = cut(r, member.rank), end = cut(r, member.rank + 1); i < end; ++i) visit(r, rows_[r].data[i]);
    };
    each_entry([&](Index, const Entry& entry) { ++cursors_[entry.index]; });
    auto place = static_cast<std::int32_t>(cols.first);  // a kEnd for every column before
    for (Index r = 0; r < count; ++r) place += cut(r, member.rank);
    for (Index c = cols.first; c < cols.last; ++c) {
        const std::int32_t size = cursors_[c];
        columns_[c] = {by_column_.get() + place, size};
        cursors_[c] = place;
        place += size;
        by_column_[place++] = kEnd;
    }
    each_entry([&](Index r, const Entry& entry) {
        by_column_[cursors_[entry.index]++] = {static_cast<std::int32_t>(r), entry.value};
    });
}

/// Moves the bounds to where they would have shared the last batch equally.
void Batch::share_columns(Index members) {
    if (static_cast<Index>(bounds_.size()) != members + 1) {  // the first batch, or the system grants another number of threads
        bounds_.resize(static_cast<std::size_t>(members) + 1);
        for (Index b = 0; b <= members; ++b) bounds_[b] = dense_.cols * b / members;
    } else if (columns()) {
        const auto place = [&](Index column) { return columns_[column].data - by_column_.get(); };
        const Index all = place(dense_.cols - 1);
        for (Index b = 1, column = 0; b < members; ++b) {
            while (place(column) < all * b / members) ++column;
            bounds_[b] = column;
        }
    }
}

void Batch::gather(const Team& team, const Source& source, Rows rows, Affine affine, const std::atomic<bool>& compress) {
    team.phase([&](Member member) {
        const Range mine = member.share(rows.count);
        std::visit([&](const auto& from) { measure(from, rows, affine, mine); }, source);
    });
    team.phase([&](Member member) {
        if (member.rank > 0) return;
        if (by_columns_) share_columns(member.size);
        decide(rows.count, compress);
    });
    team.phase([&](Member member) {
        const Range mine = member.share(rows.count);
        std::visit([&](const auto& from) { fill(from, rows, affine, mine); }, source);
        if (compressed_ && by_columns_) cut_rows(mine);
    });
    if (!by_columns_) return;
    team.phase([&](Member member) {
        if (compressed_) list_columns(member, rows.count);
    });
}

namespace {

template <class T>
void scan_row(const T* row, Index n, Index r, Scan& found) {
    T dirt = 0;
    Index nonzeros = 0;
    for (Index i = 0; i < n; ++i) {
        if constexpr (!std::is_integral_v<T>) {
            const float value = static_cast<float>(row[i]);  // what training will see: 1e300 is infinite
            dirt += value - value;
        }
        nonzeros += row[i] != 0;
    }
    found.nonzeros += nonzeros;
    if (dirt == 0 || found.bad_row >= 0) return;
    found.bad_row = r;
    for (found.bad_col = 0; std::isfinite(static_cast<float>(row[found.bad_col]));) ++found.bad_col;
}

template <class T>
void scan_rows(const DenseRows<T>& source, Range rows, Scan& found) {
    for (Index r = rows.first; r < rows.last; ++r) scan_row(source.data + r * source.stride, source.cols, r, found);
}

template <class I, class V>
void scan_rows(const CompressedRows<I, V>& source, Range rows, Scan& found) {
    for (Index r = rows.first; r < rows.last; ++r) {
        const Index bad_before = found.bad_row;
        scan_row(source.values + source.starts[r], source.starts[r + 1] - source.starts[r], r, found);
        if (found.bad_row != bad_before) found.bad_col = static_cast<Index>(source.indices[source.starts[r] + found.bad_col]);
    }
}

}  // namespace

Scan scan(const Source& source, int threads) {
    std::vector<Scan> parts(static_cast<std::size_t>(threads));
    run_team(threads, [&](const Team& team) {
        team.phase([&](Member member) {
            Scan found;
            std::visit([&](const auto& from) { scan_rows(from, member.share(row_count(source)), found); }, source);
            parts[member.rank] = found;
        });
    });
    Scan total;
    for (const Scan& part : parts) {
        total.nonzeros += part.nonzeros;
        if (total.bad_row < 0) total.bad_row = part.bad_row, total.bad_col = part.bad_col;
    }
    return total;
}

}  // namespace lamella
