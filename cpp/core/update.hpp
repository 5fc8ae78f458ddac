/// A rule applied to tiles of the gradient while they are in cache.
#pragma once

#include <atomic>

#include "optimizers.hpp"
#include "sinks.hpp"

namespace lamella {

/// What an update works on: the weights, and arenas of the same layout.
struct Weights {
    const Arena& params;
    const std::vector<Arena>& states;
    std::atomic<bool>& finite;  // set to false when a weight becomes infinite or NaN
};

/// What Keras' options add to a rule, in one step.
struct Extras {
    const Scalar* scales;   // by weight, of its gradient: makes a mean of a sum, clips a norm
    const Arena* slopes;    // of regularization, added to the gradients; null for none
    Scalar limit;           // gradients are clipped to ± this
    const Scalar* decays;   // by weight: w -= w · decay · rate, before the rule
    Scalar rate;
    const Arena* averages;  // null for none; a ← keep · a + (1-keep) · w, after the rule
    Scalar keep;
    bool overwrite;         // then w = a
};

/// One register of a running average of weights.
inline void average(Vec& w, Vec& mean, const Extras& extras) {
    mean = mean * extras.keep + w * (1 - extras.keep);
    if (extras.overwrite) w = mean;
}

/// The plain form computes nothing but the rule; only the decorated one looks at the extras.
template <class Rule, bool kDecorated>
class Update final : public Sink {
public:
    Update(const Rule& rule, typename Rule::Step step, const Weights& weights, const Extras& extras)
        : rule_(rule), step_(step), weights_(weights), extras_(extras) {}

    View target(const Block& block, Scalar* scratch) const override { return tile_of(block, scratch); }

    Ahead ahead(const Block& block) const override {
        Ahead blocks{.stride = block.of(weights_.params).stride};
        static_assert(Rule::kStates + 2 < std::tuple_size<decltype(blocks.blocks)>{});
        if (block.slot.span() < kPrefetched) return blocks;
        const auto ask = [&](const Arena& arena) { blocks.blocks[blocks.count++] = block.of(arena).data; };
        ask(weights_.params);
        for (const Arena& state : weights_.states) ask(state);
        if (kDecorated && extras_.averages) ask(*extras_.averages);
        if (kDecorated && extras_.slopes) ask(*extras_.slopes);
        return blocks;
    }

    void take(const Block& given, View gradient) const override {
        const Block block = given;  // copies: constants that no store to a weight can change
        const Rule rule = rule_;
        const typename Rule::Step step = step_;
        const Extras extras = extras_;
        const View w = block.of(weights_.params);
        const View means = kDecorated && extras.averages ? block.of(*extras.averages) : View{};
        const View slopes = kDecorated && extras.slopes ? block.of(*extras.slopes) : View{};
        const Scalar scale = kDecorated ? extras.scales[block.slot.index] : Scalar(1);
        const Scalar decay = kDecorated ? extras.decays[block.slot.index] * extras.rate : Scalar(0);
        std::array<View, Rule::kStates> states;
        for (int i = 0; i < Rule::kStates; ++i) states[i] = block.of(weights_.states[i]);
        Vec dirt(Scalar(0));
        Index rows = gradient.rows, columns = padded(gradient.cols);
        if (!block.inputs && w.stride == columns && gradient.stride == columns) {  // narrow: one row after the other
            columns *= rows;
            rows = 1;
        }
        for (Index r = 0; r < rows; ++r) {
            Scalar *weights = w.row(r), *state_rows[Rule::kStates + 1];
            const Scalar* g = gradient.row(r);
            for (int i = 0; i < Rule::kStates; ++i) state_rows[i] = states[i].row(r);
            if constexpr (Rule::kIdleKeepsWeights && !kDecorated)
                if (block.is_idle(r)) {
                    for (int i = 0; i < Rule::kStates; ++i)
                        for (Index c = 0; c < columns; c += kLanes)
                            rule.idle(Vec::load(state_rows[i] + c)).store(state_rows[i] + c);
                    continue;
                }
            for (Index c = 0; c < columns; c += kLanes) {
                Vec weight = Vec::load(weights + c), slope = Vec::load(g + c);
                std::array<Vec, Rule::kStates> slots;
                for (int i = 0; i < Rule::kStates; ++i) slots[i] = Vec::load(state_rows[i] + c);
                if constexpr (kDecorated) {
                    slope *= scale;
                    if (slopes.data) slope += Vec::load(slopes.row(r) + c);
                    slope = at_most(at_least(slope, -extras.limit), extras.limit);
                    weight -= weight * decay;
                }
                rule.update(step, weight, slope, slots);
                for (int i = 0; i < Rule::kStates; ++i) slots[i].store(state_rows[i] + c);
                if constexpr (kDecorated)
                    if (means.data) {
                        Vec mean = Vec::load(means.row(r) + c);
                        average(weight, mean, extras);
                        mean.store(means.row(r) + c);
                    }
                weight.store(weights + c);
                watch_finite(weight, dirt);
            }
        }
        if (!(sum(dirt) == 0)) weights_.finite.store(false, std::memory_order_relaxed);
    }

private:
    // Smaller weights are in the first-level cache anyway.
    static constexpr Index kPrefetched = 8192;

    const Rule& rule_;
    typename Rule::Step step_;
    const Weights& weights_;
    const Extras& extras_;
};

}  // namespace lamella
