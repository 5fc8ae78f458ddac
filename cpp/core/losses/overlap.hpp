/// Losses of the overlap between targets and predictions, over the whole batch or sample by sample.
#pragma once

#include "target.hpp"

namespace lamella {

/// A loss that is one number for many outputs, and whose gradient is linear in the target.
struct Overlap {
    static constexpr bool kOneValue = true;
    Scalar loss = 0, slope = 0, offset = 0;

    Scalar value(const Scalar*, Target, Index) const { return loss; }
    Scalar with_gradient(const Scalar*, Target t, Index n, Scalar scale, Scalar* dp) const {
        const Vec of_t(scale * slope), constant(scale * offset);
        for (Index i = 0; i < n; i += kLanes) fma(t.load(i, n), of_t, constant).store(dp + i);
        return loss;
    }
};

/// What Dice and Tversky share: Derived's in_batch(Σtp, Σt, Σp) is the loss. With an axis (the last), every sample is a batch.
template <class Derived>
struct OverlapLoss {
    static constexpr bool kLabels = false;
    static constexpr int kBatchSums = 3;
    std::optional<int> axis;

    bool batch_wide() const { return !axis; }
    void add_batch(const Scalar* p, Target t, Index n, double* sums) const {
        sums[0] += sum_of(n, [&](Index i) { return t.load(i, n) * Vec::load(p + i); });
        sums[1] += sum_of(n, [&](Index i) { return t.load(i, n); });
        sums[2] += sum_of(n, [&](Index i) { return Vec::load(p + i); });
    }
    Scalar value(const Scalar* p, Target t, Index n) const { return alone(p, t, n).loss; }
    Scalar with_gradient(const Scalar* p, Target t, Index n, Scalar scale, Scalar* dp) const {
        return alone(p, t, n).with_gradient(p, t, n, scale, dp);
    }

private:
    Overlap alone(const Scalar* p, Target t, Index n) const {
        double sums[kBatchSums] = {};
        add_batch(p, t, n, sums);
        return static_cast<const Derived&>(*this).in_batch(sums);
    }
};

/// 1 - 2 Σtp / (Σt + Σp + ε).
struct Dice : OverlapLoss<Dice> {
    static constexpr auto name = "Dice";
    static constexpr auto fields() { return std::tuple{Field{"axis", &Dice::axis}}; }

    Overlap in_batch(const double* sums) const {
        const double total = sums[1] + sums[2] + kEpsilon;
        return {static_cast<Scalar>(1 - 2 * sums[0] / total), static_cast<Scalar>(-2 / total),
                static_cast<Scalar>(2 * sums[0] / (total * total))};
    }
};

/// 1 - I / (I + α Σ(1-p)t + β Σp(1-t) + ε), where I = Σtp.
struct Tversky : OverlapLoss<Tversky> {
    static constexpr auto name = "Tversky";
    Scalar alpha = Scalar(0.5), beta = Scalar(0.5);

    static constexpr auto fields() {
        return std::tuple{Field{"alpha", &Tversky::alpha}, Field{"beta", &Tversky::beta}, Field{"axis", &Tversky::axis}};
    }

    Overlap in_batch(const double* sums) const {
        const double overlap = sums[0], rest = 1.0 - alpha - beta;
        const double total = overlap * rest + alpha * sums[1] + beta * sums[2] + kEpsilon;
        return {static_cast<Scalar>(1 - overlap / total), static_cast<Scalar>((overlap * rest - total) / (total * total)),
                static_cast<Scalar>(overlap * beta / (total * total))};
    }
};

}  // namespace lamella
