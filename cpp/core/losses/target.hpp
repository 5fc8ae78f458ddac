/// What every loss is made of: targets in registers, the clip of probabilities, and losses that are a mean over outputs.
///
/// A loss has, for one sample with n outputs,
///     Scalar value(const Scalar* p, Target t, Index n) const
///     Scalar with_gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dp) const
/// which returns the value, too, and writes dp = scale · dvalue/dp.
/// Rows p and dp are whole registers, padding included; what is written there is cleared by the caller.
///
/// With the activation `Link` as the last, it may see the logits z instead: `fused` turns z into the prediction, writes
/// dz = scale · dvalue/dz (unless dz is null) and returns the value. No logarithm of a rounded probability is taken, so a
/// saturated wrong unit keeps its gradient.
///
/// A loss that looks at the whole batch says so with batch_wide(), adds each row's part to kBatchSums sums with add_batch(),
/// and gives with in_batch(sums) the loss of each row.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

#include "../activations.hpp"

namespace lamella {

/// What a sample should have become: a row of numbers, or for sparse losses a class.
struct Target {
    const Scalar* values = nullptr;
    Index label = 0;
    const Scalar* end = nullptr;  // of all rows of numbers: up to here they may be read

    /// Numbers i, i + 1, ... of n. Lanes after the last hold anything.
    Vec load(Index i, Index n) const {
        if (values + i + kLanes <= end) return Vec::load(values + i);
        alignas(64) Scalar lanes[kLanes] = {};
        std::copy(values + i, values + std::min(n, i + kLanes), lanes);
        return Vec::load(lanes);
    }
};

inline constexpr Scalar kEpsilon = Scalar(1e-7);
inline Vec clip(Vec p) { return at_most(at_least(p, kEpsilon), Scalar(1) - kEpsilon); }
/// `value` where `clip` leaves p as it is, elsewhere 0: the slope of clip.
inline Vec unless_clipped(Vec p, Vec value) { return where_equal(clip(p), p, value, Scalar(0)); }

/// Σ term(i) over the lanes of n numbers, a register at a time.
template <class Term>
[[gnu::always_inline]] inline Scalar sum_of(Index n, const Term& term) {
    Vec total(Scalar(0));
    for (Index i = 0; i < n; i += kLanes) total += first_lanes(n - i, term(i), Scalar(0));
    return sum(total);
}

/// The mean over the outputs of f(p, t), whose derivative by p is df(p, t).
template <class Derived>
struct MeanOverOutputs {
    static constexpr bool kLabels = false;

    Scalar value(const Scalar* p, Target t, Index n) const {
        return sum_of(n, [&](Index i) { return self().f(Vec::load(p + i), t.load(i, n)); }) / static_cast<Scalar>(n);
    }
    Scalar with_gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dp) const {
        const Vec each(scale / static_cast<Scalar>(n));
        return sum_of(n, [&](Index i) {
                   const Vec output = Vec::load(p + i), target = t.load(i, n);
                   (each * self().df(output, target)).store(dp + i);
                   return self().f(output, target);
               }) /
               static_cast<Scalar>(n);
    }

private:
    const Derived& self() const { return static_cast<const Derived&>(*this); }
};

}  // namespace lamella
