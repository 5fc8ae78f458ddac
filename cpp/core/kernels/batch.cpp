#include "batch.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <type_traits>

#include "../memory.hpp"
#include "entries.hpp"

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

constexpr Index kAhead = 8;

/// Asks for the cache lines of `count` numbers.
template <class T>
void prefetch(const T* data, Index count) {
    for (Index i = 0; i < count; i += 64 / Index{sizeof(T)}) LAMELLA_PREFETCH(data + i);
    if (count > 0) LAMELLA_PREFETCH(data + count - 1);  // rows begin anywhere in a line
}

/// Asks for a row.
template <class I, class V>
void ask(const CompressedRows<I, V>& source, Index row) {
    const std::int64_t start = source.starts[row], size = std::min<Index>(source.starts[row + 1] - start, source.cols);
    prefetch(source.indices + start, size);
    prefetch(source.values + start, size);
}

/// A column number, read once: checked, it must not change any more. 0 if it is outside of `cols`, which `outside` notes.
template <class I>
Index column_at(const I* index, Index cols, bool& outside) {
    const auto column = static_cast<Index>(*static_cast<const volatile I*>(index));
    const bool inside = static_cast<std::uint64_t>(column) < static_cast<std::uint64_t>(cols);
    outside |= !inside;
    return inside ? column : 0;
}

// Members that list a batch each for itself, and nonzeros up to which they do. More members would list them sooner together; more
// nonzeros would not stay in a core's second-level cache.
constexpr int kMostApart = 2;
constexpr Index kEntriesApart = 32 << 10;

bool is_sparse(const Source& source) {
    return std::visit([](const auto& rows) { return requires { rows.starts; }; }, source);
}

// What a column costs its member besides its nonzeros, in nonzeros. Lists: an empty list; cuts: the update of its weights.
constexpr Index kListCost = 2, kCutCost = 4;
constexpr int kBatchesBounded = 16;  // batches that use the same bounds: finding them takes longer than it gains for one

/// The first entry of a row at `column` or behind it.
const Entry* lower_bound(const Entry* from, const Entry* end, Index column) {
    return std::lower_bound(from, end, column, [](const Entry& entry, Index c) { return entry.index < c; });
}

}  // namespace

Batch::Batch(Index rows, Index cols, int threads, double densest, Columns wanted)
    : storage_(times(rows, padded_stride(cols))),
      row_starts_(rows + 1),
      row_sizes_(rows),
      densest_(densest),
      wanted_(densest > 0 ? wanted : Columns::kNone) {
    dense_ = {storage_.data(), rows, cols, padded_stride(cols)};
    const auto room = static_cast<std::size_t>(densest * static_cast<double>(rows) * static_cast<double>(cols));
    const bool lists = wanted_ == Columns::kLists;
    nonzeros_.resize(lists && threads <= kMostApart ? static_cast<std::size_t>(threads) : 1);
    for (Nonzeros& each : nonzeros_) {
        each.entries = std::make_unique_for_overwrite<Entry[]>(room + rows);  // untouched pages cost nothing
        each.rows.resize(rows);
        if (!lists) continue;
        each.by_column = std::make_unique_for_overwrite<Entry[]>(room + cols);
        each.columns.resize(cols);
        each.cursors.resize(cols);
    }
    if (wanted_ == Columns::kNone) return;
    bounds_.resize(static_cast<std::size_t>(threads) + 1);
    cuts_.resize(static_cast<std::size_t>(rows) * bounds_.size());
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

void Batch::decide(Index count, bool compress, bool sparse) {
    Index nonzeros = 0;
    for (Index r = 0; r < count; ++r) {
        row_starts_[r] = nonzeros + r;  // behind every row there is room for kEnd
        nonzeros += row_sizes_[r];
    }
    compressed_ = compress && densest_ > 0 && static_cast<double>(nonzeros) <=
                                  densest_ * static_cast<double>(count) * static_cast<double>(dense_.cols);
    apart_ = compressed_ && sparse && nonzeros_.size() > 1 && nonzeros <= kEntriesApart;
    if (!apart_) place_rows(nonzeros_[0]);
}

void Batch::place_rows(Nonzeros& to) const {
    for (Index r = 0; r < count_; ++r) to.rows[r] = {to.entries.get() + row_starts_[r], row_sizes_[r]};
}

template <class T>
void Batch::fill(const DenseRows<T>&, Rows, Affine, Range mine, const Nonzeros& to) {
    if (!compressed_) return;
    for (Index r = mine.first; r < mine.last; ++r)
        compress_row(dense_.row(r), row_sizes_[r], to.entries.get() + row_starts_[r]);
}

template <class I, class V>
void Batch::fill(const CompressedRows<I, V>& source, Rows rows, Affine affine, Range mine, const Nonzeros& nonzeros) {
    bool outside = false;
    if (mine.count() > 0) ask(source, rows[mine.first]);
    for (Index r = mine.first; r < mine.last; ++r) {
        const std::int64_t start = source.starts[rows[r]], size = source.starts[rows[r] + 1] - start;
        if (r + 1 < mine.last) ask(source, rows[r + 1]);  // rows come in random order: ask for them early
        const I* index = source.indices + start;
        const V* value = source.values + start;
        if (compressed_) {
            Entry* to = nonzeros.entries.get() + row_starts_[r];
            list_row(index, value, size, affine.scale, to);
            std::int32_t falls = 0, odd = 0;  // a loop of its own, and no exit: so both are vectorised
            for (Index i = 0; i < size; ++i) odd |= static_cast<std::uint32_t>(to[i].index) >= static_cast<std::uint32_t>(source.cols);
            for (Index i = 1; i < size; ++i) falls |= to[i].index < to[i - 1].index;
            if (odd) {
                for (Index i = 0; i < size; ++i) to[i].index = 0;
                outside = true;
            }
            if (falls)
                std::stable_sort(to, to + size, [](const Entry& a, const Entry& b) { return a.index < b.index; });
        } else {
            Scalar* to = dense_.row(r);
            std::fill_n(to, source.cols, Scalar(0));
            for (Index i = 0; i < size; ++i) to[column_at(index + i, source.cols, outside)] += static_cast<Scalar>(value[i]);
            convert_row(to, source.cols, affine, to);
        }
    }
    if (outside) broken_->store(true, std::memory_order_relaxed);
}

/// The first column of a member, so that the last batch would have been shared equally; a few of its rows speak for all.
Index Batch::bound(int rank, int members) const {
    if (rank == 0 || members_ != members || !compressed_) return dense_.cols * rank / members;
    constexpr Index kSample = 16;
    const Index each = wanted_ == Columns::kLists ? kListCost : kCutCost;
    const auto cost = [&](Index column) {  // of the columns before this one
        Index entries = 0;
        for (Index i = 0; i < kSample; ++i) {
            const Entries& row = nonzeros_[0].rows[count_ * i / kSample];
            entries += lower_bound(row.data, row.data + row.count, column) - row.data;
        }
        return entries * count_ / kSample + each * column;
    };
    const Index share = cost(dense_.cols) * rank / members;
    Index low = 0, high = dense_.cols;
    while (low < high) {
        const Index middle = (low + high) / 2;
        if (cost(middle) < share) low = middle + 1;
        else high = middle;
    }
    return low;
}

/// Where each bound falls in the member's rows.
void Batch::cut_rows(Range mine) {
    for (Index r = mine.first; r < mine.last; ++r) {
        const Entries& row = nonzeros_[0].rows[r];
        const Entry *from = row.data, *end = from + row.count;
        std::int32_t* cuts = &cuts_[r * static_cast<Index>(bounds_.size())];
        for (int b = 0; b < members_; ++b) {
            from = lower_bound(from, end, bounds_[b]);
            cuts[b] = static_cast<std::int32_t>(from - row.data);
        }
        cuts[members_] = static_cast<std::int32_t>(row.count);
    }
}

/// Lists columns, of which row r has the entries part_of(r).
template <class Part>
void Batch::list_columns(Nonzeros& of, Range cols, const Part& part_of) {
    std::fill(of.cursors.begin() + cols.first, of.cursors.begin() + cols.last, 0);
    const auto each_entry = [&](auto&& visit) {
        for (Index r = 0; r < count_; ++r) {
            const Range part = part_of(r);
            for (Index i = part.first; i < part.last; ++i) visit(r, of.rows[r].data[i]);
        }
    };
    each_entry([&](Index, const Entry& entry) { ++of.cursors[entry.index]; });
    auto place = static_cast<std::int32_t>(cols.first);  // a kEnd for every column before
    for (Index r = 0; r < count_; ++r) place += static_cast<std::int32_t>(part_of(r).first);
    for (Index c = cols.first; c < cols.last; ++c) {
        const std::int32_t size = of.cursors[c];
        of.columns[c] = {of.by_column.get() + place, size};
        of.cursors[c] = place;
        place += size;
        of.by_column[place++] = kEnd;
    }
    each_entry([&](Index r, const Entry& entry) {
        of.by_column[of.cursors[entry.index]++] = {static_cast<std::int32_t>(r), entry.value};
    });
}

void Batch::require_whole() const {
    if (!broken_->exchange(false)) return;
    throw std::invalid_argument("`x` was changed by another thread while it was read: a column number of the sparse matrix is outside.");
}

void Batch::gather(const Team& team, const Source& source, Rows rows, Affine affine, const std::atomic<bool>& compress) {
    const bool sparse = is_sparse(source), lists = wanted_ == Columns::kLists;
    const auto measure_share = [&](Member member) {
        std::visit([&](const auto& from) { measure(from, rows, affine, member.share(rows.count)); }, source);
        const bool stale = members_ != member.size || age_ == 1;
        if (wanted_ != Columns::kNone && stale) bounds_[member.rank] = bound(member.rank, member.size);
    };
    if (!sparse) team.phase(measure_share);
    team.phase([&](Member member) {
        if (member.rank > 0) return;
        if (sparse)  // soon done
            for (int rank = 0; rank < member.size; ++rank) measure_share({rank, member.size});
        if (wanted_ != Columns::kNone) bounds_[member.size] = dense_.cols;
        age_ = members_ == member.size ? age_ % kBatchesBounded + 1 : 1;
        members_ = member.size;
        count_ = rows.count;
        decide(rows.count, compress, sparse);
    });
    team.phase([&](Member member) {
        const Range mine = apart_ ? Range{0, rows.count} : member.share(rows.count);
        Nonzeros& to = nonzeros_[apart_ ? member.rank : 0];
        if (apart_) place_rows(to);
        std::visit([&](const auto& from) { fill(from, rows, affine, mine, to); }, source);
        if (apart_) return list_columns(to, {0, dense_.cols}, [&](Index r) { return Range{0, to.rows[r].count}; });
        if (compressed_ && wanted_ != Columns::kNone) cut_rows(mine);
    });
    if (!lists) return;
    team.phase([&](Member member) {
        const auto part_of = [&](Index r) { return Range{cut_at(r, member.rank), cut_at(r, member.rank + 1)}; };
        if (compressed_ && !apart_) list_columns(nonzeros_[0], share(member.rank), part_of);
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
            dirt += value * 0;
        }
        nonzeros += row[i] != 0;
    }
    found.nonzeros += nonzeros;
    if (dirt == 0 || found.bad_row >= 0) return;
    found.bad_row = r;
    for (found.bad_col = 0; std::isfinite(static_cast<float>(row[found.bad_col]));) ++found.bad_col;
}

constexpr Index kBetweenLooks = 1 << 18;  // numbers

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

Scan scan(const Source& source, int threads, const Poll& poll) {
    std::vector<Scan> parts(static_cast<std::size_t>(threads));
    Polling polling(poll);
    run_team(threads, [&](const Team& team) {
        team.phase([&](Member member) {
            Scan found;
            std::visit(
                [&](const auto& from) {
                    const Range rows = member.share(from.rows);
                    const Index some = kBetweenLooks / std::max<Index>(from.cols, 1) + 1;
                    for (Index r = rows.first; r < rows.last && !polling.stopped(); r += some) {
                        scan_rows(from, {r, std::min(r + some, rows.last)}, found);
                        polling.look(team);
                    }
                },
                source);
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
