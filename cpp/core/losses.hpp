/// The family of losses, and which activation each is fused with.
#pragma once

#include <variant>

#include "losses/crossentropies.hpp"
#include "losses/focal.hpp"
#include "losses/hinges.hpp"
#include "losses/overlap.hpp"
#include "losses/regression.hpp"

namespace lamella {

using Loss = std::variant<CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryCrossentropy, BinaryFocalCrossentropy,
                          CategoricalFocalCrossentropy, MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError,
                          MeanSquaredLogarithmicError, LogCosh, Huber, Poisson, KLDivergence, CosineSimilarity, Hinge,
                          SquaredHinge, CategoricalHinge, Dice, Tversky>;

template <class L>
concept HasLink = requires { typename L::Link; };
template <class L>
concept HasBatchSums = requires { L::kBatchSums; };
template <class L>
concept IsMeanOverOutputs = requires(const L& loss, Vec v) { loss.f(v, v); };

/// Whether the loss takes the last activation upon itself.
inline bool fuses(const Loss& loss, const Activation& last) {
    return std::visit(
        [&]<class L>(const L& l) {
            if constexpr (HasLink<L>) return std::holds_alternative<typename L::Link>(last) && !l.from_logits;
            else return false;
        },
        loss);
}

}  // namespace lamella
