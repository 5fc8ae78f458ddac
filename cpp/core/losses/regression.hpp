/// Losses of the difference, the ratio or the angle between target and prediction.
#pragma once

#include <numbers>

#include "target.hpp"

namespace lamella {

/// mean (t - p)².
struct MeanSquaredError : MeanOverOutputs<MeanSquaredError> {
    static constexpr auto name = "MeanSquaredError";
    static constexpr auto fields() { return std::tuple{}; }
    Vec f(Vec p, Vec t) const { return (p - t) * (p - t); }
    Vec df(Vec p, Vec t) const { return Vec(Scalar(2)) * (p - t); }
};

/// The slope of |d|: -1 at 0, as Keras with JAX takes it; NaN stays NaN.
inline Vec slope_of_abs(Vec d) { return where_at_most(d, Scalar(0), Scalar(-1), keep_nan(d, Scalar(1))); }

/// mean |t - p|.
struct MeanAbsoluteError : MeanOverOutputs<MeanAbsoluteError> {
    static constexpr auto name = "MeanAbsoluteError";
    static constexpr auto fields() { return std::tuple{}; }
    Vec f(Vec p, Vec t) const { return abs(p - t); }
    Vec df(Vec p, Vec t) const { return slope_of_abs(p - t); }
};

/// 100 · mean |t - p| / max(|t|, ε).
struct MeanAbsolutePercentageError : MeanOverOutputs<MeanAbsolutePercentageError> {
    static constexpr auto name = "MeanAbsolutePercentageError";
    static constexpr auto fields() { return std::tuple{}; }
    Vec f(Vec p, Vec t) const { return Vec(Scalar(100)) * abs(p - t) / at_least(abs(t), kEpsilon); }
    Vec df(Vec p, Vec t) const { return Vec(Scalar(100)) * slope_of_abs(p - t) / at_least(abs(t), kEpsilon); }
};

/// mean (ln(max(p, ε) + 1) - ln(max(t, ε) + 1))².
struct MeanSquaredLogarithmicError : MeanOverOutputs<MeanSquaredLogarithmicError> {
    static constexpr auto name = "MeanSquaredLogarithmicError";
    static constexpr auto fields() { return std::tuple{}; }
    Vec f(Vec p, Vec t) const { return difference(p, t) * difference(p, t); }
    Vec df(Vec p, Vec t) const {
        const Vec slope = Vec(Scalar(2)) * difference(p, t) / (at_least(p, kEpsilon) + Vec(Scalar(1)));
        return where_at_most(p, kEpsilon, Scalar(0), slope);
    }

private:
    static Vec difference(Vec p, Vec t) { return log1p(at_least(p, kEpsilon)) - log1p(at_least(t, kEpsilon)); }
};

/// mean ln cosh(p - t).
struct LogCosh : MeanOverOutputs<LogCosh> {
    static constexpr auto name = "LogCosh";
    static constexpr auto fields() { return std::tuple{}; }
    Vec f(Vec p, Vec t) const {
        const Vec d = abs(p - t), slope = tanh(d);
        // -½ ln(1 - tanh² d) loses nothing of small numbers, the other form nothing of large ones.
        return where_at_most(d, Scalar(1), Vec(Scalar(-0.5)) * log1p(-(slope * slope)),
                             d + log1p(exp(Vec(Scalar(-2)) * d)) - Vec(std::numbers::ln2_v<Scalar>));
    }
    Vec df(Vec p, Vec t) const { return tanh(p - t); }
};

/// mean d² / 2 where |d| <= delta, elsewhere delta · (|d| - delta / 2).
struct Huber : MeanOverOutputs<Huber> {
    static constexpr auto name = "Huber";
    Scalar delta = 1;

    static constexpr auto fields() { return std::tuple{Field{"delta", &Huber::delta}}; }
    Vec f(Vec p, Vec t) const {
        const Vec d = abs(p - t), half(Scalar(0.5));
        return where_at_most(d, delta, half * d * d, Vec(delta) * (d - half * Vec(delta)));
    }
    Vec df(Vec p, Vec t) const { return at_most(at_least(p - t, -delta), delta); }
};

/// mean p - t ln(p + ε).
struct Poisson : MeanOverOutputs<Poisson> {
    static constexpr auto name = "Poisson";
    static constexpr auto fields() { return std::tuple{}; }
    Vec f(Vec p, Vec t) const { return p - t * log(p + Vec(kEpsilon)); }
    Vec df(Vec p, Vec t) const { return Vec(Scalar(1)) - t / (p + Vec(kEpsilon)); }
};

/// Σ t ln(t / p), both clipped to [ε, 1].
struct KLDivergence {
    static constexpr auto name = "KLDivergence";
    static constexpr bool kLabels = false;
    static constexpr auto fields() { return std::tuple{}; }

    Scalar value(const Scalar* p, Target t, Index n) const {
        return sum_of(n, [&](Index i) {
            const Vec share = limited(t.load(i, n));
            return share * log(share / limited(Vec::load(p + i)));
        });
    }
    Scalar with_gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dp) const {
        for (Index i = 0; i < n; i += kLanes) {
            const Vec q = Vec::load(p + i), slope = Vec(-scale) * limited(t.load(i, n)) / limited(q);
            where_equal(limited(q), q, slope, keep_nan(q, Scalar(0))).store(dp + i);
        }
        return value(p, t, n);
    }

private:
    static Vec limited(Vec p) { return at_most(at_least(p, kEpsilon), Scalar(1)); }
};

/// Minus the cosine of the angle between t and p.
struct CosineSimilarity {
    static constexpr auto name = "CosineSimilarity";
    static constexpr bool kLabels = false;
    static constexpr auto fields() { return std::tuple{}; }

    Scalar value(const Scalar* p, Target t, Index n) const {
        const Norms norms = norms_of(p, t, n);
        return -cosine(p, t, n, norms);
    }
    Scalar with_gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dp) const {
        const Norms norms = norms_of(p, t, n);
        // A vector shorter than ε is divided by ε, whatever its length.
        const Scalar cosine = this->cosine(p, t, n, norms);
        const Vec along(norms.p == kEpsilon ? 0 : cosine), each(-scale / norms.p);
        for (Index i = 0; i < n; i += kLanes)
            (each * (t.load(i, n) / Vec(norms.t) - along * (Vec::load(p + i) / Vec(norms.p)))).store(dp + i);
        return -cosine;
    }

private:
    struct Norms {
        Scalar p, t;
    };
    static Norms norms_of(const Scalar* p, Target t, Index n) {
        const auto norm = [](Scalar squares) { return std::sqrt(squares) < kEpsilon ? kEpsilon : std::sqrt(squares); };
        return {norm(sum_of(n, [&](Index i) { return Vec::load(p + i) * Vec::load(p + i); })),
                norm(sum_of(n, [&](Index i) { return t.load(i, n) * t.load(i, n); }))};
    }
    static Scalar cosine(const Scalar* p, Target t, Index n, Norms norms) {
        return sum_of(n, [&](Index i) { return t.load(i, n) / Vec(norms.t) * (Vec::load(p + i) / Vec(norms.p)); });
    }
};

}  // namespace lamella
