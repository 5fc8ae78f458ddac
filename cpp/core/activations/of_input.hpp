/// Elementwise activations whose derivative needs the input z: y does not determine it.
#pragma once

#include <limits>
#include <tuple>

#include "of_output.hpp"

namespace lamella {

/// y = min(z, max_value) where z > threshold, elsewhere negative_slope (z - threshold).
struct GeneralRelu {
    static constexpr auto name = "general_relu";
    static constexpr bool kNeedsInput = true;
    Scalar negative_slope = 0, max_value = std::numeric_limits<Scalar>::infinity(), threshold = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"negative_slope", &GeneralRelu::negative_slope}, Field{"max_value", &GeneralRelu::max_value},
                          Field{"threshold", &GeneralRelu::threshold}};
    }
    Vec forward(Vec z) const {
        const Vec below = negative_slope == 0 ? Vec(Scalar(0)) : negative_slope * (z - threshold);
        return where_at_most(z, threshold, below, at_most(z, max_value));
    }
    Vec gradient(Vec z, Vec, Vec dy) const {
        return where_at_most(z, threshold, negative_slope * dy, where_at_most(max_value, z, Scalar(0), dy));
    }
};

/// y = (z + 1) / 2, kept in [0, 1]; the derivative at both ends is half of that between them.
struct SparseSigmoid {
    static constexpr auto name = "sparse_sigmoid";
    static constexpr bool kNeedsInput = true;
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return (within(z, Scalar(1)) + Scalar(1)) * Scalar(0.5); }
    Vec gradient(Vec z, Vec, Vec dy) const {
        const Vec inside = dy * Scalar(0.5), end = dy * Scalar(0.25);
        return where_below(abs(z), Scalar(1), inside, where_at_most(abs(z), Scalar(1), end, Scalar(0)));
    }
};

/// y = z, kept in [-1, 1]; the derivative at both ends is 1.
struct HardTanh {
    static constexpr auto name = "hard_tanh";
    static constexpr bool kNeedsInput = true;
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return within(z, Scalar(1)); }
    Vec gradient(Vec z, Vec, Vec dy) const { return where_at_most(abs(z), Scalar(1), dy, Scalar(0)); }
};

/// y = z - tanh z.
struct TanhShrink {
    static constexpr auto name = "tanh_shrink";
    static constexpr bool kNeedsInput = true;
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return z - tanh(z); }
    Vec gradient(Vec z, Vec, Vec dy) const {
        const Vec t = tanh(z);
        return dy * t * t;
    }
};

/// y = z / (1 + |z|).
struct Softsign {
    static constexpr auto name = "softsign";
    static constexpr bool kNeedsInput = true;
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const {
        const Vec x = within(z, std::numeric_limits<Scalar>::max() / 2);  // infinity has a limit
        return x / (Scalar(1) + abs(x));
    }
    Vec gradient(Vec z, Vec, Vec dy) const {
        const Vec root = Scalar(1) / (Scalar(1) + abs(z));
        return dy * root * root;
    }
};

/// From here on the derivatives of smooth activations are constant; products with larger z would overflow.
inline constexpr Scalar kFlat = 80;

/// y = z σ(z), where σ is the sigmoid.
struct Silu {
    static constexpr auto name = "silu";
    static constexpr bool kNeedsInput = true;
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return z / (Scalar(1) + exp(-z)); }
    Vec gradient(Vec z, Vec, Vec dy) const {
        const Vec x = within(z, kFlat), e = exp(-x), s = Scalar(1) / (Scalar(1) + e);
        return dy * s * (Scalar(1) + x * (e * s));
    }
};

/// y = z hard_sigmoid(z).
struct HardSilu {
    static constexpr auto name = "hard_silu";
    static constexpr bool kNeedsInput = true;
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return z * HardSigmoid{}.forward(z); }
    Vec gradient(Vec z, Vec, Vec dy) const {
        const Vec s = HardSigmoid{}.forward(z);
        return dy * where_below(abs(z), Scalar(3), s + z / Scalar(6), s);
    }
};

/// y = z Φ(z), where Φ is the normal distribution; `approximate` takes z σ(2u), u = √(2/π) (z + 0.044715 z³).
struct Gelu {
    static constexpr auto name = "gelu";
    static constexpr bool kNeedsInput = true;
    bool approximate = false;

    static constexpr auto fields() { return std::tuple{Field{"approximate", &Gelu::approximate}}; }
    Vec forward(Vec z) const {
        if (approximate) return z / (Scalar(1) + exp(-twice_u(z)));
        return z * normal_distribution(z);
    }
    Vec gradient(Vec z, Vec, Vec dy) const {
        const Vec x = within(z, kFlat);
        if (!approximate) return dy * fma(x, normal_density(x), normal_distribution(x));
        const Vec e = exp(-within(twice_u(x), kFlat)), s = Scalar(1) / (Scalar(1) + e);
        const Vec slope = kTwice * fma(x * x, Scalar(3 * 0.044715), Scalar(1));
        return dy * s * (Scalar(1) + x * slope * (e * s));
    }

private:
    static constexpr auto kTwice = Scalar(1.5957691216057308);  // 2 √(2/π)
    /// 2u = 2 √(2/π) (z + 0.044715 z³).
    static Vec twice_u(Vec z) { return kTwice * z * fma(z * z, Scalar(0.044715), Scalar(1)); }
};

/// y = z tanh(ln(1 + exp z)).
struct Mish {
    static constexpr auto name = "mish";
    static constexpr bool kNeedsInput = true;
    static constexpr auto fields() { return std::tuple{}; }
    Vec forward(Vec z) const { return z / (Scalar(1) + rest(exp(-z))); }
    Vec gradient(Vec z, Vec, Vec dy) const {
        // With t = tanh(ln(1 + exp z)): t' = (1 - t²) σ(z), and 1 - t² = t² r (2 + r).
        const Vec x = within(z, Scalar(40)), m = exp(-x), r = rest(m), t = Scalar(1) / (Scalar(1) + r);
        return dy * (t + x * t * t * r * (Scalar(2) + r) / (Scalar(1) + m));
    }

private:
    /// 1 / tanh(ln(1 + 1/m)) - 1 = 2 m² / (1 + 2 m), for m up to infinity.
    static Vec rest(Vec m) { return m / (Scalar(1) + Scalar(0.5) / m); }
};

}  // namespace lamella
