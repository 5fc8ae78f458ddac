/// Elementwise activations whose derivative is written in terms of the output y: nobody has to keep z.
#pragma once

#include <limits>
#include <tuple>

#include "../special.hpp"

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

/// y = min(max(z, 0), 6); the derivative at both ends is 0.
struct Relu6 {
    static constexpr auto name = "relu6";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return at_most(at_least(z, Scalar(0)), Scalar(6)); }
    Vec gradient(Vec y, Vec dy) const {
        return where_at_most(y, Scalar(0), Scalar(0), where_at_most(Scalar(6), y, Scalar(0), dy));
    }
};

/// y = z where z >= 0, elsewhere negative_slope z; negative_slope >= 0.
struct LeakyRelu {
    static constexpr auto name = "leaky_relu";
    Scalar negative_slope = Scalar(0.2);

    static constexpr auto fields() { return std::tuple{Field{"negative_slope", &LeakyRelu::negative_slope}}; }
    Vec forward(Vec z) const { return where_below(z, Scalar(0), negative_slope * z, z); }
    Vec gradient(Vec y, Vec dy) const {
        // Without a slope negative z leave no trace in y: then 0 counts as negative.
        const Scalar edge = negative_slope > 0 ? 0 : std::numeric_limits<Scalar>::min();
        return where_below(y, edge, negative_slope * dy, dy);
    }
};

/// y = z where z > 0, elsewhere alpha (exp(z) - 1); alpha >= 0.
struct Elu {
    static constexpr auto name = "elu";
    Scalar alpha = 1;

    static constexpr auto fields() { return std::tuple{Field{"alpha", &Elu::alpha}}; }
    Vec forward(Vec z) const { return where_at_most(z, Scalar(0), alpha * expm1(z), z); }
    Vec gradient(Vec y, Vec dy) const { return where_at_most(y, Scalar(0), dy * (y + alpha), dy); }
};

/// y = scale (z where z > 0, elsewhere alpha (exp(z) - 1)), with Klambauer's fixed point: mean 0 and variance 1.
struct Selu {
    static constexpr auto name = "selu";
    static constexpr auto scale = Scalar(1.0507009873554805), scaled_alpha = Scalar(1.0507009873554805 * 1.6732632423543772);

    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return where_at_most(z, Scalar(0), scaled_alpha * expm1(z), scale * z); }
    Vec gradient(Vec y, Vec dy) const { return dy * where_at_most(y, Scalar(0), y + scaled_alpha, scale); }
};

/// y = z where z > 0, elsewhere alpha (exp(z / alpha) - 1); alpha > 0.
struct Celu {
    static constexpr auto name = "celu";
    Scalar alpha = 1;

    static constexpr auto fields() { return std::tuple{Field{"alpha", &Celu::alpha}}; }
    Vec forward(Vec z) const { return where_at_most(z, Scalar(0), alpha * expm1(z / alpha), z); }
    Vec gradient(Vec y, Vec dy) const { return where_at_most(y, Scalar(0), dy * (Scalar(1) + y / alpha), dy); }
};

/// y = 1 / (1 + exp(-z)).
struct Sigmoid {
    static constexpr auto name = "sigmoid";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return Vec(Scalar(1)) / (Vec(Scalar(1)) + exp(-z)); }
    Vec gradient(Vec y, Vec dy) const { return dy * y * (Vec(Scalar(1)) - y); }
};

/// y = z / 6 + 1/2, kept in [0, 1]; the derivative at both ends is 0.
struct HardSigmoid {
    static constexpr auto name = "hard_sigmoid";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return at_most(at_least((z + Scalar(3)) / Scalar(6), Scalar(0)), Scalar(1)); }
    Vec gradient(Vec y, Vec dy) const {
        return where_at_most(y, Scalar(0), Scalar(0), where_at_most(Scalar(1), y, Scalar(0), dy / Scalar(6)));
    }
};

/// y = ln(1 + exp(z)).
struct Softplus {
    static constexpr auto name = "softplus";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return at_least(z, Scalar(0)) + log1p_of_share(exp(-abs(z))); }
    /// 1 / (1 + exp(-z)) = 1 - exp(-y).
    Vec gradient(Vec y, Vec dy) const { return -dy * expm1(-y); }
};

/// y = -ln(1 + exp(-z)).
struct LogSigmoid {
    static constexpr auto name = "log_sigmoid";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return -Softplus{}.forward(-z); }
    Vec gradient(Vec y, Vec dy) const { return -dy * expm1(y); }
};

/// y = 0 where z <= -1, (z + 1)² / 4 where z < 1, elsewhere z.
struct SparsePlus {
    static constexpr auto name = "sparse_plus";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const {
        const Vec root = at_least(z + Scalar(1), Scalar(0)) * Scalar(0.5);
        return where_below(z, Scalar(1), root * root, z);
    }
    Vec gradient(Vec y, Vec dy) const { return dy * sqrt(at_most(y, Scalar(1))); }
};

/// y = (z + √(z² + b)) / 2; b >= 0.
struct Squareplus {
    static constexpr auto name = "squareplus";
    static constexpr Scalar kSquarable = 1e18f;
    Scalar b = 4;

    static constexpr auto fields() { return std::tuple{Field{"b", &Squareplus::b}}; }
    Vec forward(Vec z) const {
        // y (y - z) = b / 4: the smaller of the two roots comes from the larger without cancellation.
        const Vec size = abs(z), inside = at_most(size, kSquarable);
        const Vec larger = where_at_most(size, inside, (inside + sqrt(fma(inside, inside, b))) * Scalar(0.5), size);
        return where_below(z, Scalar(0), Scalar(b / 4) / larger, larger);
    }
    /// y / √(z² + b), where the root is y + b / (4 y).
    Vec gradient(Vec y, Vec dy) const {
        const Vec least(std::numeric_limits<Scalar>::min());
        return dy * (y / at_least(y + Scalar(b / 4) / at_least(y, least), least));
    }
};

/// y = exp(z).
struct Exponential {
    static constexpr auto name = "exponential";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return exp(z); }
    Vec gradient(Vec y, Vec dy) const { return dy * y; }
};

/// y = tanh z.
struct Tanh {
    static constexpr auto name = "tanh";
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return tanh(z); }
    Vec gradient(Vec y, Vec dy) const { return dy * (Vec(Scalar(1)) - y * y); }
};

/// y = z where |z| > threshold, elsewhere 0; threshold >= 0.
struct HardShrink {
    static constexpr auto name = "hard_shrink";
    Scalar threshold = Scalar(0.5);

    static constexpr auto fields() { return std::tuple{Field{"threshold", &HardShrink::threshold}}; }
    Vec forward(Vec z) const { return where_at_most(abs(z), threshold, Scalar(0), z); }
    Vec gradient(Vec y, Vec dy) const { return where_at_most(abs(y), Scalar(0), Scalar(0), dy); }
};

/// y = z moved towards 0 by threshold, 0 where |z| <= threshold; threshold >= 0.
struct SoftShrink {
    static constexpr auto name = "soft_shrink";
    Scalar threshold = Scalar(0.5);

    static constexpr auto fields() { return std::tuple{Field{"threshold", &SoftShrink::threshold}}; }
    Vec forward(Vec z) const { return z - within(z, threshold); }
    Vec gradient(Vec y, Vec dy) const { return where_at_most(abs(y), Scalar(0), Scalar(0), dy); }
};

}  // namespace lamella
