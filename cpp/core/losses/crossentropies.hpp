/// Crossentropies over classes and of single outputs.
#pragma once

#include "target.hpp"

namespace lamella {

/// Σ -t ln p with a row of targets, or one class: what both crossentropies over classes share.
/// `shares(t, i, n)` are the targets i, i + 1, ..., zero after n; `counts(t, n)` says whether the sample counts at all.
template <class Derived>
struct ClassCrossentropy {
    using Link = Softmax;

    Scalar value(const Scalar* p, Target t, Index n) const {
        if (!self().counts(t, n)) return 0;
        if (self().from_logits) {
            const Scalar top = max_row(p, n);
            return self().total(t, n) * log_sum_row(p, n) - self().dot(p, top, t, n);
        }
        const Vec total(sum_of(n, [&](Index i) { return Vec::load(p + i); }));
        return -sum_of(n, [&](Index i) { return self().shares(t, i, n) * log(clip(Vec::load(p + i) / total)); });
    }

    Scalar with_gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dp) const {
        if (self().from_logits) {
            std::copy_n(p, n, dp);
            return fused(dp, t, n, scale, dp);
        }
        if (!self().counts(t, n)) return std::fill_n(dp, n, Scalar(0)), Scalar(0);
        const Scalar total = sum_of(n, [&](Index i) { return Vec::load(p + i); });
        const auto share = [&](Index i) { return unless_clipped(Vec::load(p + i) / Vec(total), self().shares(t, i, n)); };
        const Vec pull(scale * sum_of(n, share) / total);
        for (Index i = 0; i < n; i += kLanes) {
            const Vec part = share(i);
            (pull - where_equal(part, Scalar(0), Scalar(0), Vec(scale) * part / Vec::load(p + i))).store(dp + i);
        }
        return value(p, t, n);
    }

    /// dz may be z.
    Scalar fused(Scalar* z, Target t, Index n, Scalar scale, Scalar* dz) const {
        const Scalar top = max_row(z, n);
        if (!self().counts(t, n)) {
            softmax_row(z, n, top);
            if (dz) std::fill_n(dz, n, Scalar(0));
            return 0;
        }
        // Σ share · (ln Σ exp(z - top) - (z - top)): large logits with a common offset lose nothing.
        const Scalar total = self().total(t, n), below = self().dot(z, top, t, n);
        const Scalar loss = total * softmax_row(z, n, top) - below;
        if (dz) {
            const Vec each(scale), all(total);
            for (Index i = 0; i < n; i += kLanes)
                (each * (Vec::load(z + i) * all - self().shares(t, i, n))).store(dz + i);
        }
        return loss;
    }

private:
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
    bool counts(Target, Index) const { return true; }
    Vec shares(Target t, Index i, Index n) const {
        const Scalar spread = label_smoothing / static_cast<Scalar>(n);
        return first_lanes(n - i, fma(t.load(i, n), Scalar(1) - label_smoothing, spread), Scalar(0));
    }
    Scalar total(Target t, Index n) const {
        return sum_of(n, [&](Index i) { return shares(t, i, n); });
    }
    /// Σ share · (z - top); a share of 0 counts for nothing even where z is infinite.
    Scalar dot(const Scalar* z, Scalar top, Target t, Index n) const {
        return sum_of(n, [&](Index i) {
            const Vec share = shares(t, i, n);
            return where_equal(share, Scalar(0), Scalar(0), share * (Vec::load(z + i) - Vec(top)));
        });
    }
};

/// -ln p[class]; targets are classes. Samples of the class `ignore_class` count for nothing.
struct SparseCategoricalCrossentropy : ClassCrossentropy<SparseCategoricalCrossentropy> {
    static constexpr auto name = "SparseCategoricalCrossentropy";
    static constexpr bool kLabels = true;
    bool from_logits = false;
    std::optional<int> ignore_class;

    static constexpr auto fields() {
        return std::tuple{Field{"from_logits", &SparseCategoricalCrossentropy::from_logits},
                          Field{"ignore_class", &SparseCategoricalCrossentropy::ignore_class}};
    }
    bool keeps(Target t) const { return !ignore_class || t.label != *ignore_class; }
    bool counts(Target t, Index n) const { return t.label >= 0 && t.label < n && keeps(t); }
    Vec shares(Target t, Index i, Index) const {
        return where_equal(lane_numbers(), static_cast<Scalar>(t.label - i), Scalar(1), Scalar(0));
    }
    Scalar total(Target, Index) const { return 1; }
    Scalar dot(const Scalar* z, Scalar top, Target t, Index) const { return z[t.label] - top; }
};

/// mean -(t ln p + (1-t) ln(1-p)).
struct BinaryCrossentropy : MeanOverOutputs<BinaryCrossentropy> {
    static constexpr auto name = "BinaryCrossentropy";
    using Link = Sigmoid;
    bool from_logits = false;
    Scalar label_smoothing = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"from_logits", &BinaryCrossentropy::from_logits},
                          Field{"label_smoothing", &BinaryCrossentropy::label_smoothing}};
    }

    Vec f(Vec p, Vec t) const { return from_logits ? of_logit(p, smooth(t)) : of_probability(p, smooth(t)); }
    Vec df(Vec p, Vec t) const {
        return from_logits ? Sigmoid{}.forward(p) - smooth(t) : slope_of_probability(p, smooth(t));
    }

    Scalar fused(Scalar* z, Target t, Index n, Scalar scale, Scalar* dz) const {
        const Vec each(scale / static_cast<Scalar>(n));
        return sum_of(n, [&](Index i) {
                   const Vec logit = Vec::load(z + i), target = t.load(i, n), p = Sigmoid{}.forward(logit);
                   first_lanes(n - i, p, Scalar(0)).store(z + i);
                   if (dz) (each * fused_df(p, target)).store(dz + i);
                   return fused_f(logit, target);
               }) /
               static_cast<Scalar>(n);
    }
    Vec fused_f(Vec z, Vec t) const { return of_logit(z, smooth(t)); }
    Vec fused_df(Vec p, Vec t) const { return p - smooth(t); }

    Vec smooth(Vec t) const { return fma(t, Scalar(1) - label_smoothing, label_smoothing / 2); }
    static Vec of_probability(Vec p, Vec t) {
        const Vec one(Scalar(1)), q = clip(p);
        return -(t * log(q) + (one - t) * log(one - q));
    }
    static Vec slope_of_probability(Vec p, Vec t) {
        const Vec q = clip(p);
        return unless_clipped(p, (q - t) / (q * (Vec(Scalar(1)) - q)));
    }
    static Vec of_logit(Vec z, Vec t) { return at_least(z, Scalar(0)) - z * t + log1p(exp(-abs(z))); }
};

}  // namespace lamella
