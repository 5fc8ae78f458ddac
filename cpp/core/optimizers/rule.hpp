/// What the update rules share.
///
/// A rule updates one register of weights; `update` reads like the paper, `at(t, rate)` makes what is the same for all weights
/// of step t (from 0). Where a gradient of zero leaves the weight as it is (kIdleKeepsWeights), `idle` says to the same bits
/// what becomes of a register of state. Options that change the number of states make different rules, so that a plain step
/// pays for nothing. Formulas are those of Keras 3. Padding has weights and gradients of zero, and keeps them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>

#include "../simd.hpp"

namespace lamella {

/// One of a rule's states: its name in Keras, and the number it starts with. Keras stores group after group; inside a group
/// the states of one weight stand together.
struct State {
    const char* name = "";
    int group = 0;
    Scalar start = 0;
};

/// An epsilon that is never 0: a weight that never had a gradient (padding is such) must not become 0 / 0. As small as
/// reciprocal_sqrt_of_normal() allows.
inline Scalar no_less_than_tiny(double epsilon) {
    return std::max(static_cast<Scalar>(epsilon), 2 * std::numeric_limits<Scalar>::min());
}

/// 1 - beta in double: from a float beta of 0.999 it would be off by 5e-5.
inline Scalar complement(double beta) { return static_cast<Scalar>(1 - beta); }

}  // namespace lamella
