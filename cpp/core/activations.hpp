/// The family of activations. Their structs are in activations/:
///
/// - of_output.hpp: elementwise, forward(z) and gradient(y, dy) on registers;
/// - of_input.hpp: elementwise, gradient(z, y, dy), because y does not determine the derivative;
/// - rowwise.hpp: forward(z, n) and gradient(y, dy, n) on rows in place; Glu halves the row and works out of place.
#pragma once

#include <variant>

#include "activations/of_input.hpp"
#include "activations/of_output.hpp"
#include "activations/rowwise.hpp"

namespace lamella {

using Activation = std::variant<Linear, Relu, Relu6, LeakyRelu, GeneralRelu, Elu, Selu, Celu, Sigmoid, HardSigmoid, LogSigmoid,
                                SparseSigmoid, Tanh, HardTanh, TanhShrink, HardShrink, SoftShrink, Softplus, Softsign, SparsePlus,
                                Squareplus, Silu, HardSilu, Gelu, Mish, Exponential, Softmax, LogSoftmax, Sparsemax, Glu>;

template <class A>
concept Elementwise = requires(const A& act, Vec v) { act.forward(v); };

template <class A>
concept NeedsInput = requires { requires A::kNeedsInput; };

/// Whether the activation needs whole rows.
inline bool is_rowwise(const Activation& activation) {
    return std::visit([]<class A>(const A&) { return !Elementwise<A>; }, activation);
}

/// Whether activation_gradient() needs z.
inline bool needs_input(const Activation& activation) {
    return std::visit([]<class A>(const A&) { return NeedsInput<A>; }, activation);
}

/// Width of y for rows z of n numbers.
inline Index width(const Activation& activation, Index n) { return std::holds_alternative<Glu>(activation) ? n / 2 : n; }

/// y = act(z). z and y may be the same numbers, except for Glu.
void activate(const Activation& activation, ConstView z, View y);

/// y = act(y) in place; not for Glu.
inline void activate(const Activation& activation, View y) { activate(activation, y, y); }

/// dz from dy. z may be empty unless needs_input(). The padding of dy is zero, and so is that of dz.
void activation_gradient(const Activation& activation, ConstView z, ConstView y, ConstView dy, View dz);

/// dy becomes dz in place; not for Glu.
inline void activation_gradient(const Activation& activation, ConstView z, ConstView y, View dy) {
    activation_gradient(activation, z, y, dy, dy);
}

}  // namespace lamella
