/// Where weight gradients go, tile by tile: into the update at once, or into a gradient arena.
#pragma once

#include <array>
#include <atomic>

#include "arena.hpp"
#include "kernels/products.hpp"
#include "optimizers.hpp"

namespace lamella {

/// A block of one weight: the gradient tile has the shape rows × cols. Where the layer's input is compressed, `inputs` are
/// the columns of the input that belong to the rows: an empty one means a gradient of zeros.
struct Block {
    Slot slot;
    Range rows, cols;
    const Entries* inputs = nullptr;

    bool is_idle(Index row) const { return inputs && inputs[row].count == 0; }

    View of(const Arena& arena) const {
        return arena[slot].middle_rows(rows.first, rows.count()).middle_cols(cols.first, cols.count());
    }
};

// Smaller weights are in the first-level cache anyway.
inline constexpr Index kPrefetched = 8192;

/// Applies a rule to every tile while it is in cache: the whole gradient never exists.
template <class Rule>
struct Update {
    const Rule& rule;
    typename Rule::Step step;
    const Arena& params;
    const std::vector<Arena>& state;
    std::atomic<bool>& finite;  // set to false when a weight becomes infinite or NaN

    /// Where the gradient of `block` is to be written: scratch that stays in the first-level cache.
    View target(const Block& block, Scalar* scratch) const {
        return {scratch, block.rows.count(), block.cols.count(), padded(block.cols.count())};
    }

    /// What take() will read.
    Ahead ahead(const Block& block) const {
        Ahead blocks{.stride = block.slot.stride};
        static_assert(Rule::kStates < std::tuple_size<decltype(blocks.blocks)>{});
        if (block.slot.span() < kPrefetched) return blocks;
        blocks.blocks[blocks.count++] = block.of(params).data;
        for (const Arena& arena : state) blocks.blocks[blocks.count++] = block.of(arena).data;
        return blocks;
    }

    void take(const Block& block, View gradient) const {
        const Rule rule = this->rule;  // copies: constants that no store to a weight can change
        const typename Rule::Step step = this->step;
        const View w = block.of(params);
        std::array<View, Rule::kStates> states;
        for (int i = 0; i < Rule::kStates; ++i) states[i] = block.of(state[i]);
        Vec dirt(Scalar(0));
        const Index columns = padded(gradient.cols);
        for (Index r = 0; r < gradient.rows; ++r) {
            Scalar *weights = w.row(r), *state_rows[Rule::kStates + 1];
            const Scalar* g = gradient.row(r);
            for (int i = 0; i < Rule::kStates; ++i) state_rows[i] = states[i].row(r);
            if constexpr (Rule::kIdleKeepsWeights)
                if (block.is_idle(r)) {
                    for (int i = 0; i < Rule::kStates; ++i)
                        for (Index c = 0; c < columns; c += kLanes)
                            rule.idle(Vec::load(state_rows[i] + c)).store(state_rows[i] + c);
                    continue;
                }
            for (Index c = 0; c < columns; c += kLanes) {
                Vec weight = Vec::load(weights + c);
                std::array<Vec, Rule::kStates> slots;
                for (int i = 0; i < Rule::kStates; ++i) slots[i] = Vec::load(state_rows[i] + c);
                rule.update(step, weight, Vec::load(g + c), slots);
                for (int i = 0; i < Rule::kStates; ++i) slots[i].store(state_rows[i] + c);
                weight.store(weights + c);
                watch_finite(weight, dirt);
            }
        }
        if (!(sum(dirt) == 0)) finite.store(false, std::memory_order_relaxed);
    }
};

/// Keeps the whole gradient, in an arena laid out like the weights.
struct Collect {
    const Arena& gradients;

    View target(const Block& block, Scalar*) const { return block.of(gradients); }
    Ahead ahead(const Block&) const { return {}; }
    void take(const Block&, View) const {}
};

}  // namespace lamella
