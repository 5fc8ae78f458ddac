/// Scoring: loss and metrics of a batch, and the gradient of the loss with respect to the outputs.
#pragma once

#include <string_view>

#include "examples.hpp"
#include "metrics.hpp"

namespace lamella {

/// How the weighted values of a batch become its loss: Σ value · weight divided by the number of values, by nothing, or by
/// Σ weight. Values that the loss leaves out (ignore_class) count in neither.
enum class Reduction { mean, sum, weighted_mean };

/// The reduction of a Keras name; training averages where Keras' name is "none". Throws where there is none of that name.
Reduction reduction_named(std::string_view name);

/// A metric averages over rows, or over rows by their sample weights.
struct WeightedMetric {
    Metric metric;
    bool weighted = false;
};

/// Running sums since they were last cleared.
struct Totals {
    double samples = 0, loss = 0;  // the loss of each batch times its samples
    std::vector<double> metrics;   // Σ value · weight of each metric, and
    std::vector<double> counts;    // Σ weight
};

class Scorer {
public:
    /// `fused`: y holds the logits that `loss` turns into predictions.
    Scorer(Loss loss, Reduction reduction, Scalar loss_weight, std::vector<WeightedMetric> metrics, bool fused);

    /// Makes room for batches of up to so many samples, each with `groups` rows of outputs.
    void reserve(Index samples, Index groups = 1);

    /// Loss and metrics of each row of y, and unless delta has no data the gradient of the batch's loss. Every thread of the
    /// team calls it. Row r of y belongs to sample r / groups.
    void score(const Team& team, const Examples& data, Batch::Rows samples, View y, View delta);

    /// Loss of the batch that was scored last, without penalties.
    double batch_loss(Index samples) const;

    /// Adds that batch to the totals; `penalty` (regularization, times samples) belongs to its loss.
    void accumulate(Batch::Rows samples, double penalty);

    void clear_totals();

    /// After a loss of the caller's: turns values() and, unless it has no data, delta of each row into what score() leaves.
    void weigh(const Team& team, const Examples& data, Batch::Rows samples, View delta);

    /// Values of the loss by rows of y, each times its sample's weight.
    Scalar* values() { return values_.data(); }

    Totals totals;

private:
    /// Sums over the batch that some losses and reductions need before any row is scored; the loss's own come after these.
    enum Sum { kWeights, kCounts, kOwnSums };
    struct Scored;  // rows of y with what belongs to each
    struct Column;

    bool needs_sums() const;
    void add_up(const Team& team, const Scored& rows);
    template <class L>
    void score_rows(const L& loss, const Scored& rows, Range mine, View delta);
    template <class L>
    void score_single_outputs(const L& loss, const Scored& rows, Range mine, View delta);
    void score_metrics(const Scored& rows, Range mine);
    double divisor(Index rows) const;
    Scalar scale(Scalar weight, Index rows) const;

    Loss loss_;
    Reduction reduction_;
    Scalar loss_weight_;
    std::vector<WeightedMetric> metrics_;
    bool fused_, weighs_;  // weighs_: some metric is weighted
    bool one_value_ = false;
    Index capacity_ = 0, groups_ = 1;
    int sums_per_row_ = 0;
    std::vector<Scalar> values_;          // (rows), and
    std::vector<Scalar> metric_values_;   // (metrics × rows) and
    std::vector<Scalar> weights_;         // (rows): added up in the order of the rows
    std::vector<double> row_sums_, sums_;  // (rows × sums), (sums)
};

}  // namespace lamella
