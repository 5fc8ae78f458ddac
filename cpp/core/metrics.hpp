/// Metrics that are a mean over samples: one value per sample, from the prediction p and the target t.
#pragma once

#include "losses.hpp"

namespace lamella {

/// Share of outputs that equal their targets.
struct Accuracy {
    static constexpr auto name = "Accuracy";
    static constexpr bool kLabels = false;

    static constexpr auto fields() { return std::tuple{}; }
    Scalar value(const Scalar* p, Target t, Index n) const {
        Index hits = 0;
        for (Index i = 0; i < n; ++i) hits += p[i] == t.values[i];
        return static_cast<Scalar>(hits) / static_cast<Scalar>(n);
    }
};

/// Share of outputs on the same side of the threshold as the target.
struct BinaryAccuracy {
    static constexpr auto name = "BinaryAccuracy";
    static constexpr bool kLabels = false;
    Scalar threshold = Scalar(0.5);

    static constexpr auto fields() { return std::tuple{Field{"threshold", &BinaryAccuracy::threshold}}; }
    Scalar value(const Scalar* p, Target t, Index n) const {
        Index hits = 0;
        for (Index i = 0; i < n; ++i) hits += Scalar(p[i] > threshold ? 1 : 0) == t.values[i];
        return static_cast<Scalar>(hits) / static_cast<Scalar>(n);
    }
};

/// 1 where the largest prediction is at the largest target.
struct CategoricalAccuracy {
    static constexpr auto name = "CategoricalAccuracy";
    static constexpr bool kLabels = false;

    static constexpr auto fields() { return std::tuple{}; }
    Scalar value(const Scalar* p, Target t, Index n) const {
        return is_argmax_row(p, n, argmax_row(t.values, n)) ? Scalar(1) : Scalar(0);
    }
};

/// 1 where the largest prediction is at the target's class.
struct SparseCategoricalAccuracy {
    static constexpr auto name = "SparseCategoricalAccuracy";
    static constexpr bool kLabels = true;

    static constexpr auto fields() { return std::tuple{}; }
    Scalar value(const Scalar* p, Target t, Index n) const { return is_argmax_row(p, n, t.label) ? Scalar(1) : Scalar(0); }
};

/// Whether fewer than k predictions exceed that of the right class: ties are hits. A NaN exceeds everything.
inline Scalar among_highest(const Scalar* p, Index right, Index n, Index k) {
    Index higher = 0;
    for (Index i = 0; i < n; ++i) higher += !(p[i] <= p[right]);
    return higher < k ? Scalar(1) : Scalar(0);
}

/// 1 where the largest target is among the k largest predictions.
struct TopKCategoricalAccuracy {
    static constexpr auto name = "TopKCategoricalAccuracy";
    static constexpr bool kLabels = false;
    Index k = 5;

    static constexpr auto fields() { return std::tuple{Field{"k", &TopKCategoricalAccuracy::k}}; }
    Scalar value(const Scalar* p, Target t, Index n) const { return among_highest(p, argmax_row(t.values, n), n, k); }
};

/// 1 where the target's class is among the k largest predictions.
struct SparseTopKCategoricalAccuracy {
    static constexpr auto name = "SparseTopKCategoricalAccuracy";
    static constexpr bool kLabels = true;
    Index k = 5;

    static constexpr auto fields() { return std::tuple{Field{"k", &SparseTopKCategoricalAccuracy::k}}; }
    Scalar value(const Scalar* p, Target t, Index n) const { return among_highest(p, t.label, n, k); }
};

/// A loss's per-sample values can be watched as a metric, too.
using Metric = std::variant<Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, TopKCategoricalAccuracy,
                            SparseTopKCategoricalAccuracy, MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError,
                            MeanSquaredLogarithmicError, LogCosh, CategoricalCrossentropy, SparseCategoricalCrossentropy,
                            BinaryCrossentropy, KLDivergence, Poisson, CategoricalHinge>;

}  // namespace lamella
