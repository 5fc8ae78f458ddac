#include "products.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace lamella {
namespace {

// Sums live in registers: up to kRows rows × some registers of columns, at most kSums in all. Measured on Zen 4: 8 × 3 of
// 32 registers reach 99 % of the machine's multiply-adds, 6 × 2 of 16 reach 97 %.
constexpr int kRows = kManyRegisters ? 8 : 6;
constexpr int kSums = kManyRegisters ? 24 : 12;
constexpr int kWidest = kManyRegisters ? 8 : 6;
constexpr int strip(int rows) { return std::min(kWidest, kSums / rows); }

/// Width of the next strip when `left` registers are shared as evenly as strips of at most `widest` allow.
constexpr int even_share(Index left, int widest) {
    const Index strips = (left + widest - 1) / widest;
    return static_cast<int>((left + strips - 1) / strips);
}

// Inner indices worked on at once: a strip of so many rows of w stays in the second-level cache.
constexpr Index kDepth = 512;

/// The left factor: element (row, k) is data[row * by_row + k * by_depth].
struct Left {
    const Scalar* data;
    Index by_row, by_depth;
};

/// c (Rows × Cols registers) = left · right + start, `depth` steps; `from` is the left factor's first element. `start` moves by
/// start_stride a row (0: a bias). It is added last: partial sums of limited depth round less than one long sum.
/// The left factor comes by reference: a copy in memory would be read as a whole before its parts are there, at every call.
template <int Rows, int Cols>
void tile(const Left& left, const Scalar* from, const Scalar* right, Index right_stride, Index depth, const Scalar* start,
          Index start_stride, Scalar* c, Index c_stride, const Ahead& ahead, Index row, Index col) {
    const Index by_row = left.by_row, by_depth = left.by_depth;
    Vec sums[Rows][Cols];
    LAMELLA_UNROLL for (int r = 0; r < Rows; ++r)
        LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) sums[r][j] = Vec(Scalar(0));
    const Index pace = ahead.count ? std::max<Index>((depth + Rows - 1) / Rows, 1) : depth;  // steps for every row asked for
    for (Index k = 0; k < depth; ++row) {
        ahead.ask<3>(row, col, Cols * kLanes);
        for (const Index last = std::min(depth, k + pace); k < last; ++k) {
            Vec b[Cols];
            LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) b[j] = Vec::load(right + j * kLanes);
            LAMELLA_UNROLL for (int r = 0; r < Rows; ++r) {
                const Vec a(from[r * by_row]);
                LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) sums[r][j] = fma(a, b[j], sums[r][j]);
            }
            from += by_depth;
            right += right_stride;
        }
    }
    if (start)
        LAMELLA_UNROLL for (int r = 0; r < Rows; ++r)
            LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) sums[r][j] += Vec::load(start + r * start_stride + j * kLanes);
    LAMELLA_UNROLL for (int r = 0; r < Rows; ++r)
        LAMELLA_UNROLL for (int j = 0; j < Cols; ++j) sums[r][j].store(c + r * c_stride + j * kLanes);
}

using Tile = decltype(&tile<1, 1>);

/// kTiles[rows - 1][cols - 1], null where the sums would not fit into the registers.
template <int Rows, int... Cols>
constexpr std::array<Tile, kWidest> tiles_of(std::integer_sequence<int, Cols...>) {
    return {[] {
        if constexpr (Rows * (Cols + 1) <= kSums)
            return &tile<Rows, Cols + 1>;
        else
            return Tile{nullptr};
    }()...};
}
template <int... Rows>
constexpr auto all_tiles(std::integer_sequence<int, Rows...>) {
    return std::array{tiles_of<Rows + 1>(std::make_integer_sequence<int, kWidest>{})...};
}
constexpr auto kTiles = all_tiles(std::make_integer_sequence<int, kRows>{});

// Strips of the right factor that are larger are asked for ahead; smaller ones stay in the first-level cache.
constexpr Index kCachedBytes = 16 << 10;

/// Asks for `cols` numbers of each of `rows` rows.
void prefetch_rows(const Scalar* data, Index stride, Index rows, Index cols) {
    constexpr Index line = 64 / sizeof(Scalar);
    for (Index r = 0; r < rows; ++r)
        for (Index c = 0; c < cols; c += line) LAMELLA_PREFETCH(data + r * stride + c, 0, 2);
}

/// c (rows × whole registers of cols) = left · right + bias.
void product(Left left, Index rows, ConstView right, Index depth, const Scalar* bias, View c, const Ahead& ahead = {}) {
    const Index registers = padded(c.cols) / kLanes;
    for (Index k = 0; k < depth || k == 0; k += kDepth) {
        const Index steps = std::min(kDepth, depth - k);
        const bool asks = steps * right.stride * Index{sizeof(Scalar)} > kCachedBytes;
        for (Index r = 0; r < rows;) {
            // Strip by strip, so that the strip of the right factor is used by all full row blocks while it is in cache.
            const int height = static_cast<int>(std::min<Index>(kRows, rows - r));
            const Index block = height == kRows ? (rows - r) / kRows * kRows : height;
            for (Index j = 0; j < registers;) {
                const int width = even_share(registers - j, strip(height));
                const Tile tile = kTiles[height - 1][width - 1];
                const Index column = j * kLanes;
                for (Index i = r; i < r + block; i += height) {
                    const Index next = j + width;
                    if (asks && next < registers) {  // the next strip's share, so that it is in cache when its turn comes
                        const Range share{steps * (i - r) / block, steps * (i - r + height) / block};
                        prefetch_rows(right.row(k + share.first) + next * kLanes, right.stride, share.count(), width * kLanes);
                    }
                    Scalar* out = c.row(i) + column;
                    const bool first = k == 0;
                    const Scalar* start = first ? (bias ? bias + column : nullptr) : out;
                    tile(left, left.data + i * left.by_row + k * left.by_depth, right.row(k) + column, right.stride, steps, start,
                         first ? 0 : c.stride, out, c.stride, ahead, i, column);
                }
                j += width;
            }
            r += block;
        }
    }
}

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

// Up to a panel's row: one visit to an entry then pays for eight cache lines.
constexpr int kSparseWidest = static_cast<int>(std::clamp<Index>(128 / kLanes, 1, 8));
template <int... Cols>
constexpr auto all_sparse_tiles(std::integer_sequence<int, Cols...>) {
    return std::array{&sparse_tile<Cols + 1>...};
}
constexpr auto kSparseTiles = all_sparse_tiles(std::make_integer_sequence<int, kSparseWidest>{});

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
constexpr auto kScatterTiles = all_scatter_tiles(std::make_integer_sequence<int, kSparseWidest>{});

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
constexpr Index kStripBytes = kSparseWidest * kLanes * Index{sizeof(Scalar)};  // of one row
constexpr Index kBandBytes = 24 << 10, kDeltaBytes = 32 << 10;
constexpr Index kBandEntries = 16, kDeltaEntries = 8;
constexpr Index kBlockRows = 128, kMostBlockRows = 512;
// A right factor larger than this comes from the third-level cache or from memory, and a list's rows from all over it. Then each
// band is asked for, in order, while the one before it is used, by as many lists as there are.
constexpr Index kAskedBytes = 1 << 20;

Index bands(const Entries* lists, Index count, Index depth, Index bytes, Index fewest) {
    Index entries = 0;
    for (Index r = 0; r < count; ++r) entries += lists[r].count;
    const Index most = (depth * kStripBytes + bytes - 1) / bytes;
    return std::clamp<Index>(entries / std::max<Index>(count, 1) / fewest, 1, std::max<Index>(most, 1));
}

/// c = lists · right + bias, in so many bands of right's rows. `ahead` is asked for where a list is not empty.
void sparse_product(const Entries* lists, ConstView right, Index bands, const Scalar* bias, View c, const Ahead& ahead = {}) {
    const Index registers = padded(c.cols) / kLanes, strips = (registers + kSparseWidest - 1) / kSparseWidest;
    const Index height = std::max<Index>((right.rows + bands - 1) / bands, 1);
    const bool asks = right.rows * right.stride * Index{sizeof(Scalar)} > kAskedBytes;
    const Index most = asks ? kMostBlockRows : kBlockRows;
    // From the last columns to the first: gradients and updates go the other way, and find here what they left in cache.
    for (Index s = strips; s-- > 0;) {
        const Index column = s * kSparseWidest * kLanes, width = std::min<Index>(kSparseWidest, registers - s * kSparseWidest);
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

/// to (kLanes × kLanes, rows `to_stride` apart) = transpose of the block at `from`, of which `rows` rows exist.
void transpose_block(const Scalar* from, Index from_stride, Index rows, Scalar* to, Index to_stride) {
    Eigen::internal::PacketBlock<Packet, kLanes> block;
    for (Index r = 0; r < kLanes; ++r)
        block.packet[r] = (r < rows ? Vec::load(from + r * from_stride) : Vec(Scalar(0))).packet;
    if constexpr (kLanes > 1) Eigen::internal::ptranspose(block);
    for (Index r = 0; r < kLanes; ++r) Vec(block.packet[r]).store(to + r * to_stride);
}

// Columns of wᵀ transposed at once; rows below which sums along the rows of w are cheaper than transposing it.
constexpr Index kTransposed = strip(kRows) * kLanes;
constexpr Index kFewRows = 4;

/// The lanes of a packet added up.
Scalar sum_of(Vec packet) {
    alignas(64) Scalar lanes[kLanes];
    packet.store(lanes);
    for (Index half = kLanes / 2; half > 0; half /= 2)
        for (Index i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    return lanes[0];
}

/// The same of each of a block's packets, to the same bits: sum i in lane i.
Vec sums_of(Eigen::internal::PacketBlock<Packet, kLanes>& block) {
    if constexpr (kLanes > 1) Eigen::internal::ptranspose(block);
    for (Index half = kLanes / 2; half > 0; half /= 2)
        for (Index i = 0; i < half; ++i) block.packet[i] = (Vec(block.packet[i]) + Vec(block.packet[i + half])).packet;
    return block.packet[0];
}

/// Adds to totals[i], lane by lane, the products of `left` and row i of `right`.
template <int Rows>
void add_products(const Scalar* left, const Scalar* right, Index stride, Index cols, Packet* totals) {
    Vec sums[Rows];
    LAMELLA_UNROLL for (int i = 0; i < Rows; ++i) sums[i] = totals[i];
    for (Index j = 0; j < cols; j += kLanes) {
        const Vec a = Vec::load(left + j);
        LAMELLA_UNROLL for (int i = 0; i < Rows; ++i) sums[i] = fma(a, Vec::load(right + i * stride + j), sums[i]);
    }
    LAMELLA_UNROLL for (int i = 0; i < Rows; ++i) totals[i] = sums[i].packet;
}

/// The same for each row of `right`, of which there are up to kLanes.
void add_products(const Scalar* left, ConstView right, Packet* totals) {
    constexpr int together = 4;
    Index i = 0;
    for (; i + together <= right.rows; i += together)
        add_products<together>(left, right.row(i), right.stride, right.cols, totals + i);
    for (; i < right.rows; ++i) add_products<1>(left, right.row(i), right.stride, right.cols, totals + i);
}

void multiply_transposed_few(ConstView dz, ConstPanels w, Range cols, View dx) {
    for (Index r = 0; r < dz.rows; ++r)
        for (Index k = 0; k < cols.count(); k += kLanes) {
            const Index count = std::min(kLanes, cols.count() - k);
            Eigen::internal::PacketBlock<Packet, kLanes> totals;
            for (Packet& total : totals.packet) total = Vec(Scalar(0)).packet;
            for (Index p = 0; p < w.count(); ++p)
                add_products(dz.row(r) + p * w.width, w[p].middle_rows(cols.first + k, count), totals.packet);
            sums_of(totals).store(dx.row(r) + k);
        }
}

}  // namespace

void multiply(ConstView x, ConstView w, const Scalar* bias, View y) {
    product({x.data, x.stride, 1}, x.rows, w, x.cols, bias, y);
}

void multiply(const Entries* rows, ConstView w, const Scalar* bias, View y) {
    if (padded(y.cols) == kLanes) return stream_rows<1>(rows, w, bias, y);
    if (padded(y.cols) == 2 * kLanes) return stream_rows<2>(rows, w, bias, y);
    sparse_product(rows, w, bands(rows, y.rows, w.rows, kBandBytes, kBandEntries), bias, y);
}

void multiply_row(ConstView x, ConstView w, const Scalar* bias, View y) {
    const Index whole = x.cols / kLanes * kLanes, rest = x.cols - whole;
    for (Index r = 0; r < x.rows; r += kLanes) {
        const ConstView some = x.middle_rows(r, std::min(kLanes, x.rows - r));
        Eigen::internal::PacketBlock<Packet, kLanes> totals;
        for (Packet& total : totals.packet) total = Vec(Scalar(0)).packet;
        add_products(w.data, some.middle_cols(0, whole), totals.packet);
        if (rest > 0) {
            const Vec last = Vec::load(w.data + whole), zero(Scalar(0));
            for (Index i = 0; i < some.rows; ++i)
                totals.packet[i] = fma(last, first_lanes(rest, Vec::load(some.row(i) + whole), zero), totals.packet[i]).packet;
        }
        alignas(64) Scalar sums[kLanes];
        if (some.rows < kFewRows)
            for (Index i = 0; i < some.rows; ++i) sums[i] = sum_of(totals.packet[i]);
        else
            sums_of(totals).store(sums);
        for (Index i = 0; i < some.rows; ++i) {
            Vec(Scalar(0)).store(y.row(r + i));
            y.row(r + i)[0] = bias ? sums[i] + *bias : sums[i];
        }
    }
}

Index transpose_scratch(Index n) { return padded(n) * kTransposed; }

void multiply_transposed(ConstView whole, ConstPanels w, Range rows, Range cols, View dx, Scalar* scratch) {
    const ConstView dz = whole.middle_rows(rows.first, rows.count());
    const View part = dx.middle_rows(rows.first, rows.count()).middle_cols(cols.first, cols.count());
    if (whole.rows < kFewRows) return multiply_transposed_few(dz, w, cols, part);
    for (Index k = 0; k < cols.count(); k += kTransposed) {
        const Index count = std::min(kTransposed, cols.count() - k);
        const View strip{scratch, dz.cols, count, kTransposed};
        for (Index p = 0; p < w.count(); ++p) {
            const ConstView panel = w[p].middle_rows(cols.first + k, count);
            for (Index j = 0; j < panel.cols; j += kLanes)
                for (Index i = 0; i < count; i += kLanes)
                    transpose_block(panel.row(i) + j, panel.stride, count - i, strip.row(p * w.width + j) + i, kTransposed);
        }
        product({dz.data, dz.stride, 1}, dz.rows, strip, dz.cols, nullptr, part.middle_cols(k, count));
    }
}

void outer(ConstView x, ConstView dz, View tile, const Ahead& ahead) {
    product({x.data, 1, x.stride}, tile.rows, dz, x.rows, nullptr, tile, ahead);
}

void outer(const Entries* columns, ConstView dz, View tile, const Ahead& ahead) {
    sparse_product(columns, dz, bands(columns, tile.rows, dz.rows, kDeltaBytes, kDeltaEntries), nullptr, tile, ahead);
}

void add_outer(Entries entries, Index first, const Scalar* dz, View tile) {
    const Index registers = padded(tile.cols) / kLanes;
    for (Index j = 0; j < registers; j += kSparseWidest)
        kScatterTiles[std::min<Index>(kSparseWidest, registers - j) - 1](
            entries.data, entries.data + entries.count, first, dz + j * kLanes, tile.data + j * kLanes, tile.stride);
}

}  // namespace lamella
