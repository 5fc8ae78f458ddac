/// Losses: per-sample value and gradient, and the last activation that each is fused with.
///
/// A fused loss sees the pre-activation z: it turns z into the prediction in place and never takes the logarithm of a
/// rounded probability, so a saturated wrong unit keeps its gradient.
#pragma once

#include <algorithm>
#include <cmath>
#include <tuple>
#include <variant>

#include "activations.hpp"

namespace lamella {

/// What a sample should have become: a row of numbers, or for sparse losses a class.
struct Target {
    const Scalar* values = nullptr;
    Index label = 0;
};

inline constexpr Scalar kEpsilon = Scalar(1e-7);
inline Scalar clip(Scalar p) { return p < kEpsilon ? kEpsilon : p > 1 - kEpsilon ? 1 - kEpsilon : p; }
inline bool clipped(Scalar p) { return p < kEpsilon || p > 1 - kEpsilon; }

/// Σ -t ln p with a row of targets, or one class: what both crossentropies over classes share.
/// `target(t, i, n)` is the share of class i.
template <class Derived>
struct ClassCrossentropy {
    using Link = Softmax;

    Scalar value(const Scalar* p, Target t, Index n) const {
        if (self().from_logits) return from_largest(p, max_row(p, n), log_sum_row(p, n), t, n);
        Scalar total = 0, loss = 0;
        for (Index i = 0; i < n; ++i) total += p[i];
        for (Index i = 0; i < n; ++i)
            if (const Scalar share = self().target(t, i, n); share != 0) loss -= share * std::log(clip(p[i] / total));
        return loss;
    }

    void gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dp) const {
        if (self().from_logits) {
            std::copy_n(p, n, dp);
            softmax_row(dp, n);
            return fused_gradient(dp, t, n, scale, dp);
        }
        Scalar total = 0, pull = 0;
        for (Index i = 0; i < n; ++i) total += p[i];
        for (Index i = 0; i < n; ++i) {
            const Scalar share = clipped(p[i] / total) ? 0 : self().target(t, i, n);
            dp[i] = share != 0 ? -scale * share / p[i] : 0;
            pull += share;
        }
        for (Index i = 0; i < n; ++i) dp[i] += scale * pull / total;
    }

    Scalar fused(Scalar* z, Target t, Index n) const {
        const Scalar largest = max_row(z, n);
        const Scalar below = from_largest(z, largest, 0, t, n), shares = sum_of_shares(t, n);
        return below + shares * softmax_row(z, n);
    }

    void fused_gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dz) const {
        const Scalar shares = sum_of_shares(t, n);
        for (Index i = 0; i < n; ++i) dz[i] = scale * (p[i] * shares - self().target(t, i, n));
    }

private:
    /// Σ share · (ln Σ exp(z - max) - (z - max)): large logits with a common offset lose nothing.
    Scalar from_largest(const Scalar* z, Scalar largest, Scalar log_sum, Target t, Index n) const {
        Scalar loss = 0;
        for (Index i = 0; i < n; ++i)
            if (const Scalar share = self().target(t, i, n); share != 0) loss += share * (log_sum - (z[i] - largest));
        return loss;
    }
    Scalar sum_of_shares(Target t, Index n) const {
        Scalar shares = 0;
        for (Index i = 0; i < n; ++i) shares += self().target(t, i, n);
        return shares;
    }
    const Derived& self() const { return static_cast<const Derived&>(*this); }
};

/// Σ -t ln p over classes; targets are rows of shares (one-hot, or soft).
struct CategoricalCrossentropy : ClassCrossentropy<CategoricalCrossentropy> {
    static constexpr auto name = "CategoricalCrossentropy";
    static constexpr bool kLabels = false;
    bool from_logits = false;
    Scalar label_smoothing = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"from_logits", &CategoricalCrossentropy::from_logits},
                          Field{"label_smoothing", &CategoricalCrossentropy::label_smoothing}};
    }
    Scalar target(Target t, Index i, Index n) const {
        return t.values[i] * (1 - label_smoothing) + label_smoothing / static_cast<Scalar>(n);
    }
};

/// -ln p[class]; targets are classes.
struct SparseCategoricalCrossentropy : ClassCrossentropy<SparseCategoricalCrossentropy> {
    static constexpr auto name = "SparseCategoricalCrossentropy";
    static constexpr bool kLabels = true;
    bool from_logits = false;

    static constexpr auto fields() {
        return std::tuple{Field{"from_logits", &SparseCategoricalCrossentropy::from_logits}};
    }
    Scalar target(Target t, Index i, Index) const { return t.label == i ? 1 : 0; }
};

/// mean -(t ln p + (1-t) ln(1-p)).
struct BinaryCrossentropy {
    static constexpr auto name = "BinaryCrossentropy";
    static constexpr bool kLabels = false;
    using Link = Sigmoid;
    bool from_logits = false;
    Scalar label_smoothing = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"from_logits", &BinaryCrossentropy::from_logits},
                          Field{"label_smoothing", &BinaryCrossentropy::label_smoothing}};
    }

    Scalar value(const Scalar* p, Target t, Index n) const {
        Scalar loss = 0;
        for (Index i = 0; i < n; ++i) {
            const Scalar share = target(t, i);
            loss += from_logits ? logit_loss(p[i], share)
                                : -(share * std::log(clip(p[i])) + (1 - share) * std::log(1 - clip(p[i])));
        }
        return loss / static_cast<Scalar>(n);
    }

    void gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dp) const {
        const Scalar each = scale / static_cast<Scalar>(n);
        for (Index i = 0; i < n; ++i) {
            if (from_logits)
                dp[i] = each * (logistic(p[i]) - target(t, i));
            else
                dp[i] = clipped(p[i]) ? 0 : each * (p[i] - target(t, i)) / (p[i] * (1 - p[i]));
        }
    }

    Scalar fused(Scalar* z, Target t, Index n) const {
        Scalar loss = 0;
        for (Index i = 0; i < n; ++i) {
            loss += logit_loss(z[i], target(t, i));
            z[i] = logistic(z[i]);
        }
        return loss / static_cast<Scalar>(n);
    }

    void fused_gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dz) const {
        const Scalar each = scale / static_cast<Scalar>(n);
        for (Index i = 0; i < n; ++i) dz[i] = each * (p[i] - target(t, i));
    }

private:
    Scalar target(Target t, Index i) const { return t.values[i] * (1 - label_smoothing) + label_smoothing / 2; }
    static Scalar logistic(Scalar z) { return 1 / (1 + std::exp(-z)); }
    static Scalar logit_loss(Scalar z, Scalar t) {
        return (z < 0 ? 0 : z) - z * t + std::log1p(std::exp(-std::abs(z)));  // NaN takes the second branch and stays
    }
};

/// mean (t - p)².
struct MeanSquaredError {
    static constexpr auto name = "MeanSquaredError";
    static constexpr bool kLabels = false;

    static constexpr auto fields() { return std::tuple{}; }

    Scalar value(const Scalar* p, Target t, Index n) const {
        Scalar total = 0;
        for (Index i = 0; i < n; ++i) total += (p[i] - t.values[i]) * (p[i] - t.values[i]);
        return total / static_cast<Scalar>(n);
    }
    void gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dp) const {
        const Scalar each = 2 * scale / static_cast<Scalar>(n);
        for (Index i = 0; i < n; ++i) dp[i] = each * (p[i] - t.values[i]);
    }
};

template <class L>
concept HasLink = requires { typename L::Link; };

using Loss = std::variant<CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryCrossentropy, MeanSquaredError>;

}  // namespace lamella
