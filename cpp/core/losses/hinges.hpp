/// Losses of the margin by which a prediction is on the right side.
#pragma once

#include "target.hpp"

namespace lamella {

/// mean max(1 - t p, 0) for t of -1 and 1, to the power of kPower. If all targets of the batch are 0 or 1, they become -1 or 1.
template <class Derived, int kPower>
struct Margin : MeanOverOutputs<Derived> {
    static constexpr auto fields() { return std::tuple{}; }

    static constexpr int kBatchSums = 1;  // how many targets are neither 0 nor 1
    bool batch_wide() const { return true; }
    void add_batch(const Scalar*, Target t, Index n, double* sums) const {
        sums[0] += sum_of(n, [&](Index i) {
            const Vec target = t.load(i, n), one(Scalar(1)), zero(Scalar(0));
            return where_equal(target, zero, zero, where_equal(target, one, zero, one));
        });
    }
    Derived in_batch(const double* sums) const {
        Derived loss;
        loss.bits_ = sums[0] == 0;
        return loss;
    }

    Vec f(Vec p, Vec t) const {
        const Vec margin = this->margin(p, signs(t));
        return kPower == 2 ? margin * margin : margin;
    }
    Vec df(Vec p, Vec t) const {
        const Vec sign = signs(t), margin = this->margin(p, sign);
        return where_at_most(margin, Scalar(0), Scalar(0), kPower == 2 ? Vec(Scalar(-2)) * margin * sign : keep_nan(margin, -sign));
    }

private:
    Vec signs(Vec t) const { return bits_ ? t + t - Vec(Scalar(1)) : t; }
    static Vec margin(Vec p, Vec sign) { return at_least(Vec(Scalar(1)) - sign * p, Scalar(0)); }
    bool bits_ = false;
};

struct Hinge : Margin<Hinge, 1> {
    static constexpr auto name = "Hinge";
};

struct SquaredHinge : Margin<SquaredHinge, 2> {
    static constexpr auto name = "SquaredHinge";
};

/// max(0, 1 + the largest (1 - t) p - Σ t p).
struct CategoricalHinge {
    static constexpr auto name = "CategoricalHinge";
    static constexpr bool kLabels = false;
    static constexpr auto fields() { return std::tuple{}; }

    Scalar value(const Scalar* p, Target t, Index n) const {
        const Scalar margin = largest_wrong(p, t, n) - sum_of(n, [&](Index i) { return t.load(i, n) * Vec::load(p + i); }) + 1;
        return margin < 0 ? 0 : margin;
    }
    /// Equal largest ones share the slope.
    Scalar with_gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dp) const {
        const Vec zero(Scalar(0)), one(Scalar(1)), top(largest_wrong(p, t, n));
        const Scalar margin = value(p, t, n);
        if (margin <= 0) return std::fill_n(dp, n, Scalar(0)), margin;
        const Scalar ties = sum_of(n, [&](Index i) { return where_equal(wrong(p, t, i, n), top, one, zero); });
        for (Index i = 0; i < n; i += kLanes) {
            const Vec target = t.load(i, n), share = where_equal(wrong(p, t, i, n), top, (one - target) / Vec(ties), zero);
            (Vec(scale) * keep_nan(Vec(margin), share - target)).store(dp + i);
        }
        return margin;
    }

private:
    static Vec wrong(const Scalar* p, Target t, Index i, Index n) {
        return (Vec(Scalar(1)) - t.load(i, n)) * Vec::load(p + i);
    }
    static Scalar largest_wrong(const Scalar* p, Target t, Index n) {
        const Vec lowest(-std::numeric_limits<Scalar>::infinity());
        Vec top = lowest;
        for (Index i = 0; i < n; i += kLanes) top = at_least(top, first_lanes(n - i, wrong(p, t, i, n), lowest));
        return largest(top);
    }
};

}  // namespace lamella
