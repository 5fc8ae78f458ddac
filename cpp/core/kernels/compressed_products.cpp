// The products of compressed rows and columns.
#include <algorithm>
#include <array>
#include <utility>

#include "products.hpp"

namespace lamella {
namespace {

/// c (Cols registers) = start + Σ value · right.row(index) over the entries with index < limit; returns the next entry.
template <int Cols>
const Entry* sparse_tile(const Entry* entry, std::int32_t limit, const Scalar* right, Index right_stride, const Scalar* start,
                         Scalar* c) {
    Vec sums[Cols];
    LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) sums[j] = start ? Vec::load(start + j * kLanes) : Vec(Scalar(0));
    for (; entry->index < limit; ++entry) {
        const Vec a(entry->value);
        const Scalar* row = right + entry->index * right_stride;
        LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) sums[j] = fma(a, Vec::load(row + j * kLanes), sums[j]);
    }
    LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) sums[j].store(c + j * kLanes);
    return entry;
}

template <int... Cols>
constexpr auto all_sparse_tiles(std::integer_sequence<int, Cols...>) {
    return std::array{&sparse_tile<Cols + 1>...};
}
constexpr auto kSparseTiles = all_sparse_tiles(std::make_integer_sequence<int, kPanelRegisters>{});

template <int Cols>
void scatter_tile(const Entry* entry, const Entry* end, Index first, const Scalar* dz, Scalar* to, Index stride) {
    Vec delta[Cols];
    LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) delta[j] = Vec::load(dz + j * kLanes);
    for (; entry != end; ++entry) {
        const Vec a(entry->value);
        Scalar* row = to + (entry->index - first) * stride;
        LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) fma(a, delta[j], Vec::load(row + j * kLanes)).store(row + j * kLanes);
    }
}
template <int... Cols>
constexpr auto all_scatter_tiles(std::integer_sequence<int, Cols...>) {
    return std::array{&scatter_tile<Cols + 1>...};
}
constexpr auto kScatterTiles = all_scatter_tiles(std::make_integer_sequence<int, kPanelRegisters>{});

// Rows that are multiplied side by side where y is narrow: a row alone would wait for each of its sums before the next.
constexpr int kStreams = 4;

/// y (batch × Cols registers) = x · w + bias for compressed rows of x.
template <int Cols>
void stream_rows(const Entries* rows, ConstView w, const Scalar* bias, View y) {
    struct Stream {
        const Entry *at = nullptr, *end = nullptr;
        Scalar* out = nullptr;
    };
    std::array<Stream, kStreams> streams;
    Vec sums[kStreams][Cols];
    Index next = 0;
    const auto begin = [&](Stream& stream, Vec* total) {
        stream = {rows[next].data, rows[next].data + rows[next].count, y.row(next)};
        LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) total[j] = bias ? Vec::load(bias + j * kLanes) : Vec(Scalar(0));
        ++next;
    };
    const auto add = [&](const Entry& entry, Vec* total) {
        const Vec a(entry.value);
        const Scalar* row = w.row(entry.index);
        LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) total[j] = fma(a, Vec::load(row + j * kLanes), total[j]);
    };
    const auto finish = [&](const Stream& stream, Vec* total) {
        for (const Entry* entry = stream.at; entry != stream.end; ++entry) add(*entry, total);
        LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) total[j].store(stream.out + j * kLanes);
    };
    if (y.rows >= kStreams) {
        LAMELLA_UNROLL for (int s = 0; s < kStreams; ++s) begin(streams[s], sums[s]);
        for (bool full = true; full;) {
            Index steps = streams[0].end - streams[0].at;
            LAMELLA_UNROLL for (int s = 1; s < kStreams; ++s) steps = std::min<Index>(steps, streams[s].end - streams[s].at);
            for (Index i = 0; i < steps; ++i)
                LAMELLA_UNROLL for (int s = 0; s < kStreams; ++s) add(streams[s].at[i], sums[s]);
            LAMELLA_UNROLL for (int s = 0; s < kStreams; ++s) {
                streams[s].at += steps;
                if (streams[s].at != streams[s].end || !full) continue;
                if (next == y.rows) {
                    full = false;
                    continue;
                }
                finish(streams[s], sums[s]);
                begin(streams[s], sums[s]);
            }
        }
        LAMELLA_UNROLL for (int s = 0; s < kStreams; ++s) finish(streams[s], sums[s]);
    }
    while (next < y.rows) {
        begin(streams[0], sums[0]);
        finish(streams[0], sums[0]);
    }
}

// Compressed rows are multiplied band by band of w's rows: a band of one strip fits into the first-level cache, unless
// that would leave too few entries of a row to each band. For gradients the bands are of dz. Measured on Zen 4: bands of
// 32, 43 and 48 rows of dz are slower than 64, which are 32 KB.
constexpr Index kStripBytes = kPanelRegisters * kLanes * Index{sizeof(Scalar)};  // of one row
constexpr Index kBandBytes = 24 << 10, kDeltaBytes = 32 << 10;
constexpr Index kBandEntries = 16, kDeltaEntries = 8;
constexpr Index kBlockRows = 128, kMostBlockRows = 512;
// A right factor larger than this comes from the third-level cache or from memory, and a list's rows from all over it. If the lists
// need most of it, each band is asked for, in order, while the one before it is used, by as many lists as there are.
constexpr Index kAskedBytes = 1 << 20;
constexpr Index kAskedUses = 2;  // of a row, on average

Index entries(const Entries* lists, Index count) {
    Index sum = 0;
    for (Index r = 0; r < count; ++r) sum += lists[r].count;
    return sum;
}

Index bands(const Entries* lists, Index count, Index depth, Index bytes, Index fewest) {
    const Index most = (depth * kStripBytes + bytes - 1) / bytes;
    return std::clamp<Index>(entries(lists, count) / std::max<Index>(count, 1) / fewest, 1, std::max<Index>(most, 1));
}

/// c = lists · right + bias, in so many bands of right's rows. `ahead` is asked for where a list is not empty.
void sparse_product(const Entries* lists, ConstView right, Index bands, const Scalar* bias, View c, const Ahead& ahead = {}) {
    const Index registers = padded(c.cols) / kLanes, strips = (registers + kPanelRegisters - 1) / kPanelRegisters;
    const Index height = std::max<Index>((right.rows + bands - 1) / bands, 1);
    const bool asks = right.rows * right.stride * Index{sizeof(Scalar)} > kAskedBytes &&
                      entries(lists, c.rows) >= kAskedUses * right.rows;
    const Index most = asks ? kMostBlockRows : kBlockRows;
    // From the last columns to the first: gradients and updates go the other way, and find here what they left in cache.
    for (Index s = strips; s-- > 0;) {
        const Index column = s * kPanelRegisters * kLanes, width = std::min<Index>(kPanelRegisters, registers - s * kPanelRegisters);
        const auto tile = kSparseTiles[width - 1];
        for (Index block = 0; block < c.rows; block += most) {
            const Index last = std::min(block + most, c.rows);
            std::array<const Entry*, kMostBlockRows> at;
            for (Index r = block; r < last; ++r) at[r - block] = lists[r].data;
            for (Index first = 0; first < right.rows || first == 0; first += height) {
                const auto limit = static_cast<std::int32_t>(std::min(first + height, right.rows));
                Index next = asks && block == 0 ? limit : right.rows, due = 0;  // row to ask for, and how many in lists' time
                for (Index r = block; r < last; ++r) {
                    if (next < right.rows)
                        for (due += height; due >= last - block && next < right.rows; due -= last - block, ++next)
                            prefetch_rows(right.row(next) + column, right.stride, 1, width * kLanes);
                    // A list is short, so that many lines are asked for at once: more than the first level can wait for.
                    if (first == 0 && lists[r].count) ahead.ask<2>(r, column, width * kLanes);
                    Scalar* out = c.row(r) + column;
                    const Scalar* start = first > 0 ? out : bias ? bias + column : nullptr;
                    at[r - block] = tile(at[r - block], limit, right.data + column, right.stride, start, out);
                }
            }
        }
    }
}

}  // namespace

void multiply(const Entries* rows, ConstView w, const Scalar* bias, View y) {
    if (padded(y.cols) == kLanes) return stream_rows<1>(rows, w, bias, y);
    if (padded(y.cols) == 2 * kLanes) return stream_rows<2>(rows, w, bias, y);
    sparse_product(rows, w, bands(rows, y.rows, w.rows, kBandBytes, kBandEntries), bias, y);
}

void outer(const Entries* columns, ConstView dz, View tile, const Ahead& ahead) {
    sparse_product(columns, dz, bands(columns, tile.rows, dz.rows, kDeltaBytes, kDeltaEntries), nullptr, tile, ahead);
}

void add_outer(Entries entries, Index first, const Scalar* dz, View tile) {
    const Index registers = padded(tile.cols) / kLanes;
    for (Index j = 0; j < registers; j += kPanelRegisters)
        kScatterTiles[std::min<Index>(kPanelRegisters, registers - j) - 1](
            entries.data, entries.data + entries.count, first, dz + j * kLanes, tile.data + j * kLanes, tile.stride);
}

}  // namespace lamella
