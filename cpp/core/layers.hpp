/// All layers. A layer has build, forward, backward, gradients and scratch; see dense.hpp for what each may assume.
#pragma once

#include "layers/activation.hpp"
#include "layers/dense.hpp"

namespace lamella {

using Layer = std::variant<Dense, ActivationLayer, Rescaling>;

}  // namespace lamella
