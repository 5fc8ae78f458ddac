#include "products.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace lamella {
namespace {

// Sums live in registers: up to kRows rows × some registers of columns, at most kSums in all. Measured on Zen 4: 8 × 3 of
// 32 registers reach 99 % of the machine's multiply-adds, 6 × 2 of 16 reach 97 % (benchmarks/kernels.py).
constexpr int kRows = kManyRegisters ? 8 : 6;
constexpr int kSums = kManyRegisters ? 24 : 12;
constexpr int kWidest = kManyRegisters ? 8 : 6;
constexpr int strip(int rows) { return std::min(kWidest, kSums / rows); }

// Inner indices worked on at once: a strip of so many rows of w stays in the second-level cache.
constexpr Index kDepth = 1024;

/// The left factor: element (row, k) is data[row * by_row + k * by_depth].
struct Left {
    const Scalar* data;
    Index by_row, by_depth;
};

/// c (Rows × Cols registers) = start + left · right, `depth` steps. `start` moves by start_stride a row (0: a bias).
template <int Rows, int Cols>
void tile(Left left, const Scalar* right, Index right_stride, Index depth, const Scalar* start, Index start_stride, Scalar* c,
          Index c_stride) {
    Vec sums[Rows][Cols];
    for (int r = 0; r < Rows; ++r)
        for (int j = 0; j < Cols; ++j)
            sums[r][j] = start ? Vec::load(start + r * start_stride + j * kLanes) : Vec(Scalar(0));
    for (Index k = 0; k < depth; ++k) {
        Vec b[Cols];
        for (int j = 0; j < Cols; ++j) b[j] = Vec::load(right + j * kLanes);
        for (int r = 0; r < Rows; ++r) {
            const Vec a(left.data[r * left.by_row]);
            for (int j = 0; j < Cols; ++j) sums[r][j] = fma(a, b[j], sums[r][j]);
        }
        left.data += left.by_depth;
        right += right_stride;
    }
    for (int r = 0; r < Rows; ++r)
        for (int j = 0; j < Cols; ++j) sums[r][j].store(c + r * c_stride + j * kLanes);
}

using Tile = void (*)(Left, const Scalar*, Index, Index, const Scalar*, Index, Scalar*, Index);

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

/// c (rows × whole registers of cols) = start + left · right.
void product(Left left, Index rows, ConstView right, Index depth, const Scalar* bias, View c) {
    const Index registers = padded(c.cols) / kLanes;
    for (Index k = 0; k < depth || k == 0; k += kDepth) {
        const Index steps = std::min(kDepth, depth - k);
        for (Index r = 0; r < rows;) {
            // Strip by strip, so that the strip of the right factor is used by all full row blocks while it is in cache.
            const int height = static_cast<int>(std::min<Index>(kRows, rows - r));
            const Index block = height == kRows ? (rows - r) / kRows * kRows : height;
            for (Index j = 0; j < registers;) {
                const int width = static_cast<int>(std::min<Index>(strip(height), registers - j));
                const Tile tile = kTiles[height - 1][width - 1];
                const Index column = j * kLanes;
                for (Index i = r; i < r + block; i += height) {
                    Scalar* out = c.row(i) + column;
                    const bool first = k == 0;
                    const Scalar* start = first ? (bias ? bias + column : nullptr) : out;
                    tile({left.data + i * left.by_row + k * left.by_depth, left.by_row, left.by_depth},
                         right.row(k) + column, right.stride, steps, start, first ? 0 : c.stride, out, c.stride);
                }
                j += width;
            }
            r += block;
        }
    }
}

/// c (Cols registers) = start + Σ value · right.row(index).
template <int Cols>
void sparse_tile(Entries entries, const Scalar* right, Index right_stride, const Scalar* start, Scalar* c) {
    Vec sums[Cols];
    for (int j = 0; j < Cols; ++j) sums[j] = start ? Vec::load(start + j * kLanes) : Vec(Scalar(0));
    for (const Entry *entry = entries.data, *end = entry + entries.count; entry != end; ++entry) {
        const Vec a(entry->value);
        const Scalar* row = right + entry->index * right_stride;
        for (int j = 0; j < Cols; ++j) sums[j] = fma(a, Vec::load(row + j * kLanes), sums[j]);
    }
    for (int j = 0; j < Cols; ++j) sums[j].store(c + j * kLanes);
}

// 64 floats a row: one visit to an entry then pays for four cache lines.
constexpr int kSparseWidest = static_cast<int>(std::clamp<Index>(64 / kLanes, 1, 8));
template <int... Cols>
constexpr auto all_sparse_tiles(std::integer_sequence<int, Cols...>) {
    return std::array{&sparse_tile<Cols + 1>...};
}
constexpr auto kSparseTiles = all_sparse_tiles(std::make_integer_sequence<int, kSparseWidest>{});

void sparse_product(const Entries* lists, ConstView right, const Scalar* bias, View c, bool backwards = false) {
    const Index registers = padded(c.cols) / kLanes, strips = (registers + kSparseWidest - 1) / kSparseWidest;
    for (Index s = 0; s < strips; ++s) {
        const Index j = (backwards ? strips - 1 - s : s) * kSparseWidest;
        const Index width = std::min<Index>(kSparseWidest, registers - j), column = j * kLanes;
        const auto tile = kSparseTiles[width - 1];
        for (Index r = 0; r < c.rows; ++r)
            tile(lists[r], right.data + column, right.stride, bias ? bias + column : nullptr, c.row(r) + column);
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

void multiply_transposed_few(ConstView dz, ConstView w, View dx) {
    const Index columns = padded(dz.cols);
    for (Index r = 0; r < dz.rows; ++r) {
        for (Index k = 0; k < w.rows; ++k) {
            Vec total(Scalar(0));
            for (Index j = 0; j < columns; j += kLanes) total = fma(Vec::load(dz.row(r) + j), Vec::load(w.row(k) + j), total);
            dx.row(r)[k] = sum(total);
        }
        std::fill(dx.row(r) + w.rows, dx.row(r) + padded(w.rows), Scalar(0));
    }
}

}  // namespace

void multiply(ConstView x, ConstView w, const Scalar* bias, View y) {
    product({x.data, x.stride, 1}, x.rows, w, x.cols, bias, y);
}

void multiply(const Entries* rows, ConstView w, const Scalar* bias, View y) {
    // From the last columns to the first: gradients and updates go the other way, and find here what they left in cache.
    sparse_product(rows, w, bias, y, true);
}

Index transpose_scratch(Index n) { return padded(n) * kTransposed; }

void multiply_transposed(ConstView dz, ConstView w, View dx, Scalar* scratch) {
    if (dz.rows < kFewRows) return multiply_transposed_few(dz, w, dx);
    for (Index k = 0; k < w.rows; k += kTransposed) {
        const Index count = std::min(kTransposed, w.rows - k);
        const View strip{scratch, dz.cols, count, kTransposed};
        for (Index j = 0; j < dz.cols; j += kLanes)
            for (Index i = 0; i < count; i += kLanes)
                transpose_block(w.row(k + i) + j, w.stride, count - i, scratch + j * kTransposed + i, kTransposed);
        product({dz.data, dz.stride, 1}, dz.rows, strip, dz.cols, nullptr, dx.middle_cols(k, count));
    }
}

void outer(ConstView x, ConstView dz, View tile) { product({x.data, 1, x.stride}, tile.rows, dz, x.rows, nullptr, tile); }

void outer(const Entries* columns, ConstView dz, View tile) { sparse_product(columns, dz, nullptr, tile); }

}  // namespace lamella
