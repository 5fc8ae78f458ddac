/// Focal crossentropies: samples that are right already count less.
#pragma once

#include "crossentropies.hpp"

namespace lamella {

/// base ** gamma, and its slope by the base.
inline Vec power(Vec base, Scalar gamma) {
    if (gamma == 2) return base * base;
    return lanewise(base, [gamma](Scalar b) { return std::pow(b, gamma); });
}
inline Vec power_slope(Vec base, Scalar gamma) {
    if (gamma == 0) return Scalar(0);  // not 0 · ∞ at 0
    if (gamma == 2) return base + base;
    return lanewise(base, [gamma](Scalar b) { return gamma * std::pow(b, gamma - 1); });
}

/// mean (chance of the wrong class) ** gamma · crossentropy, with balanced classes times αt + (1-α)(1-t).
struct BinaryFocalCrossentropy : MeanOverOutputs<BinaryFocalCrossentropy> {
    static constexpr auto name = "BinaryFocalCrossentropy";
    bool apply_class_balancing = false;
    Scalar alpha = Scalar(0.25), gamma = 2;
    bool from_logits = false;
    Scalar label_smoothing = 0;

    static constexpr auto fields() {
        using Self = BinaryFocalCrossentropy;
        return std::tuple{Field{"apply_class_balancing", &Self::apply_class_balancing}, Field{"alpha", &Self::alpha},
                          Field{"gamma", &Self::gamma}, Field{"from_logits", &Self::from_logits},
                          Field{"label_smoothing", &Self::label_smoothing}};
    }

    Vec f(Vec p, Vec target) const {
        const Parts x = parts(p, target);
        return x.balance * power(x.wrong, gamma) * BinaryCrossentropy::of_probability(x.p, x.t);
    }
    Vec df(Vec p, Vec target) const {
        const Parts x = parts(p, target);
        const Vec one(Scalar(1));
        const Vec slope = x.balance * (power_slope(x.wrong, gamma) * (one - x.t - x.t) *
                                           BinaryCrossentropy::of_probability(x.p, x.t) +
                                       power(x.wrong, gamma) * BinaryCrossentropy::slope_of_probability(x.p, x.t));
        return from_logits ? slope * x.p * (one - x.p) : slope;
    }

private:
    struct Parts {
        Vec t, p, wrong, balance;
    };
    Parts parts(Vec p, Vec target) const {
        const Vec one(Scalar(1));
        const Vec t = fma(target, Scalar(1) - label_smoothing, label_smoothing / 2);
        if (from_logits) p = Sigmoid{}.forward(p);
        const Vec balance = apply_class_balancing ? Vec(alpha) * t + Vec(Scalar(1) - alpha) * (one - t) : one;
        return {t, p, t * (one - p) + (one - t) * p, balance};
    }
};

/// Σ α (1-p) ** gamma · -t ln p over classes; p is divided by its sum and clipped.
struct CategoricalFocalCrossentropy {
    static constexpr auto name = "CategoricalFocalCrossentropy";
    static constexpr bool kLabels = false;
    Scalar alpha = Scalar(0.25), gamma = 2;
    bool from_logits = false;
    Scalar label_smoothing = 0;

    static constexpr auto fields() {
        using Self = CategoricalFocalCrossentropy;
        return std::tuple{Field{"alpha", &Self::alpha}, Field{"gamma", &Self::gamma}, Field{"from_logits", &Self::from_logits},
                          Field{"label_smoothing", &Self::label_smoothing}};
    }

    Scalar value(const Scalar* p, Target t, Index n) const {
        const Vec log_total(from_logits ? max_row(p, n) : Scalar(0));
        const Vec total(from_logits ? std::exp(log_sum_row(p, n)) : sum_of(n, [&](Index i) { return Vec::load(p + i); }));
        return alpha * sum_of(n, [&](Index i) {
                   const Vec q = clip((from_logits ? exp(Vec::load(p + i) - log_total) : Vec::load(p + i)) / total);
                   return -(power(Vec(Scalar(1)) - q, gamma) * shares(t, i, n) * log(q));
               });
    }

    Scalar with_gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dp) const {
        const Vec one(Scalar(1));
        // dq first, then through q = p / Σ p and, of logits, through the softmax: both take Σ q dq away.
        Scalar total = 1;
        if (from_logits) {
            std::copy_n(p, n, dp);
            softmax_row(dp, n, max_row(p, n));
        } else {
            total = sum_of(n, [&](Index i) { return Vec::load(p + i); });
            for (Index i = 0; i < n; i += kLanes) (Vec::load(p + i) / Vec(total)).store(dp + i);
        }
        const auto slope = [&](Vec share, Index i) {
            const Vec q = clip(share), wrong = one - q;
            return unless_clipped(share, Vec(alpha) * shares(t, i, n) *
                                             (power_slope(wrong, gamma) * log(q) - power(wrong, gamma) / q));
        };
        const Vec mean(sum_of(n, [&](Index i) { return Vec::load(dp + i) * slope(Vec::load(dp + i), i); }));
        for (Index i = 0; i < n; i += kLanes) {
            const Vec share = Vec::load(dp + i), centered = slope(share, i) - mean;
            (from_logits ? Vec(scale) * share * centered : Vec(scale) * centered / Vec(total)).store(dp + i);
        }
        return value(p, t, n);
    }

private:
    Vec shares(Target t, Index i, Index n) const {
        return first_lanes(n - i, fma(t.load(i, n), Scalar(1) - label_smoothing, label_smoothing / static_cast<Scalar>(n)),
                           Scalar(0));
    }
};

}  // namespace lamella
