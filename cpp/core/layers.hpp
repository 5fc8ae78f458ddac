/// All layers. A layer has build, forward, backward, gradients, kept and scratch; see pass.hpp for what it is told and
/// dense.hpp for what each may assume.
#pragma once

#include "layers/activation.hpp"
#include "layers/batch_normalization.hpp"
#include "layers/dense.hpp"
#include "layers/noise.hpp"
#include "layers/prelu.hpp"
#include "layers/rescaling.hpp"
#include "layers/row_normalization.hpp"

namespace lamella {

using Layer = std::variant<Dense, ActivationLayer, Rescaling, Reshape, BatchNormalization, LayerNormalization, UnitNormalization,
                           Normalization, PReLU, Dropout, AlphaDropout, GaussianDropout, GaussianNoise, ActivityRegularization>;

/// Whether a layer has weights that training changes now.
inline bool is_trained(const Layer& layer) {
    return std::visit(
        [](const auto& l) {
            if constexpr (requires { l.trainable; }) return l.trainable;
            else return false;
        },
        layer);
}

}  // namespace lamella
