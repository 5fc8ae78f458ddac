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

}  // namespace lamella
