/// Activations: one struct each, and the family at the foot.
///
/// An elementwise activation works on registers: forward(z) and gradient(y, dy), written in terms of the output y.
/// A rowwise one works on a row of n numbers in place.
#pragma once

#include <tuple>
#include <variant>

#include "kernels/rows.hpp"
#include "simd.hpp"

namespace lamella {

/// y = z.
struct Linear {
    static constexpr auto name = "linear";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return z; }
    Vec gradient(Vec, Vec dy) const { return dy; }
};

/// y = max(z, 0); NaN stays NaN, the derivative at 0 is 0.
struct Relu {
    static constexpr auto name = "relu";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return at_least(z, Scalar(0)); }
    Vec gradient(Vec y, Vec dy) const { return where_at_most(y, Scalar(0), Scalar(0), dy); }
};

/// y = 1 / (1 + exp(-z)).
struct Sigmoid {
    static constexpr auto name = "sigmoid";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return Vec(Scalar(1)) / (Vec(Scalar(1)) + exp(-z)); }
    Vec gradient(Vec y, Vec dy) const { return dy * y * (Vec(Scalar(1)) - y); }
};

/// y = tanh z.
struct Tanh {
    static constexpr auto name = "tanh";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return tanh(z); }
    Vec gradient(Vec y, Vec dy) const { return dy * (Vec(Scalar(1)) - y * y); }
};

/// y = exp(z - max z) / Σ exp(z - max z) over the row.
struct Softmax {
    static constexpr auto name = "softmax";
    static constexpr auto fields() { return std::tuple{}; }
    void forward(Scalar* z, Index n) const { softmax_row(z, n, max_row(z, n)); }
    /// dz = y (dy - Σ y dy).
    void gradient(const Scalar* y, Scalar* dy, Index n) const { softmax_gradient_row(y, dy, n); }
};

template <class A>
concept Elementwise = requires(const A& act, Vec v) { act.forward(v); };

using Activation = std::variant<Linear, Relu, Sigmoid, Tanh, Softmax>;

/// Whether the activation needs whole rows.
inline bool is_rowwise(const Activation& activation) {
    return std::visit([]<class A>(const A&) { return !Elementwise<A>; }, activation);
}

/// y = act(y) in place.
void activate(const Activation& activation, View y);

/// dy becomes dz in place; the padding of dy stays zero.
void activation_gradient(const Activation& activation, ConstView y, View dy);

}  // namespace lamella
