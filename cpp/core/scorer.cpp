#include "scorer.hpp"

#include <numeric>
#include <stdexcept>
#include <string>

namespace lamella {

Reduction reduction_named(std::string_view name) {
    if (name == "sum_over_batch_size" || name == "mean" || name == "none") return Reduction::mean;
    if (name == "sum") return Reduction::sum;
    if (name == "mean_with_sample_weight") return Reduction::weighted_mean;
    throw std::invalid_argument("unknown reduction " + std::string(name));
}

struct Scorer::Scored {
    const Examples& data;
    Batch::Rows samples;
    Index groups;
    View y;
    const Scalar* end;  // of the targets
    Scalar unweighted;  // the weight of a row where the caller gives none
    Index whole;        // rows of the batch, those of other processes included

    Index sample(Index r) const { return samples[groups == 1 ? r : r / groups]; }
    Scalar weight(Index r) const { return data.weights ? data.weights[sample(r)] : unweighted; }
    Target target(Index r) const {
        const Index row = groups == 1 ? sample(r) : sample(r) * groups + r % groups;
        return {data.targets + row * data.target_cols, data.labels ? data.labels[row] : 0, end};
    }
    /// Asks for targets: samples come in random order, and each would be waited for.
    void ask(Range mine) const {
        for (Index r = mine.first; r < mine.last; ++r) {
            const Index row = groups == 1 ? sample(r) : sample(r) * groups + r % groups;
            if (data.targets) {
                const Scalar* first = data.targets + row * data.target_cols;
                LAMELLA_PREFETCH(first);
                LAMELLA_PREFETCH(first + kLanes - 1);  // a register that begins anywhere in a line
            }
            if (data.labels) LAMELLA_PREFETCH(data.labels + row);
        }
    }
};

namespace {

/// A register's numbers, one by one.
struct Lanes {
    alignas(64) Scalar numbers[kLanes] = {};

    Scalar& operator[](Index i) { return numbers[i]; }
    Vec load() const { return Vec::load(numbers); }
    void store(Vec v) { v.store(numbers); }
};

}  // namespace

/// A register of rows with one output each.
struct Scorer::Column {
    Lanes outputs, targets, weights;
    Index count;

    Column(const Scored& rows, Index first, Index last) : count(std::min(kLanes, last - first)) {
        for (Index i = 0; i < count; ++i) {
            outputs[i] = *rows.y.row(first + i);
            targets[i] = *rows.target(first + i).values;
            weights[i] = rows.weight(first + i);
        }
    }
};

Scorer::Scorer(Loss loss, Reduction reduction, Scalar loss_weight, std::vector<WeightedMetric> metrics, bool fused)
    : loss_(loss),
      reduction_(reduction),
      loss_weight_(loss_weight),
      metrics_(std::move(metrics)),
      fused_(fused),
      weighs_(std::any_of(metrics_.begin(), metrics_.end(), [](const auto& m) { return m.weighted; })) {
    clear_totals();
    std::visit(
        [&]<class L>(const L& l) {
            if constexpr (HasBatchSums<L>)
                if (l.batch_wide()) {
                    sums_per_row_ = kOwnSums + L::kBatchSums;
                    one_value_ = requires { decltype(l.in_batch(nullptr))::kOneValue; };
                }
            if constexpr (requires { l.ignore_class; })
                if (l.ignore_class) sums_per_row_ = kOwnSums;
        },
        loss_);
    if (sums_per_row_ == 0 && reduction_ == Reduction::weighted_mean) sums_per_row_ = kOwnSums;
    sums_.resize(static_cast<std::size_t>(sums_per_row_));
}

bool Scorer::needs_sums() const { return sums_per_row_ > 0; }

void Scorer::clear_totals() {
    totals = {};
    totals.metrics.resize(metrics_.size());
    totals.counts.resize(metrics_.size());
}

void Scorer::reserve(Index samples, Index groups) {
    capacity_ = samples * groups;
    groups_ = groups;
    const auto rows = static_cast<std::size_t>(capacity_);
    values_.assign(rows, 0);
    metric_values_.assign(rows * metrics_.size(), 0);
    weights_.assign(weighs_ ? rows : 0, 1);
    row_sums_.assign(rows * static_cast<std::size_t>(sums_per_row_), 0);
}

void Scorer::score(const Team& team, const Examples& data, Batch::Rows samples, View y, View delta) {
    const Scalar* end = data.targets ? data.targets + row_count(data.x) * groups_ * data.target_cols : nullptr;
    // One value for the whole batch, summed: Σ value · weight with weights, the value itself without.
    const bool once = one_value_ && reduction_ == Reduction::sum;
    const Index whole = samples.whole() * groups_;
    const Scored rows{data, samples, groups_, y, end, once ? 1 / static_cast<Scalar>(whole) : Scalar(1), whole};
    if (needs_sums()) add_up(team, rows);
    team.phase([&](Member member) {
        const Range mine = member.share(y.rows);
        rows.ask(mine);
        std::visit(
            [&]<class L>(const L& loss) {
                if constexpr (HasBatchSums<L>)
                    if (loss.batch_wide()) return score_rows(loss.in_batch(sums_.data() + kOwnSums), rows, mine, delta);
                score_rows(loss, rows, mine, delta);
            },
            loss_);
        score_metrics(rows, mine);
    });
}

/// Σ over all rows, in their order: the result does not depend on who computed which.
void Scorer::add_up(const Team& team, const Scored& rows) {
    team.phase([&](Member member) {
        const Range mine = member.share(rows.y.rows);
        std::visit(
            [&]<class L>(const L& loss) {
                for (Index r = mine.first; r < mine.last; ++r) {
                    double* sums = row_sums_.data() + r * sums_per_row_;
                    std::fill_n(sums, sums_per_row_, 0.0);
                    sums[kCounts] = 1;
                    if constexpr (requires { loss.keeps(Target{}); }) sums[kCounts] = loss.keeps(rows.target(r));
                    sums[kWeights] = sums[kCounts] * rows.weight(r);
                    if constexpr (HasBatchSums<L>)
                        if (loss.batch_wide()) loss.add_batch(rows.y.row(r), rows.target(r), rows.y.cols, sums + kOwnSums);
                }
            },
            loss_);
    });
    team.phase([&](Member member) {
        if (member.rank > 0) return;
        std::fill(sums_.begin(), sums_.end(), 0.0);
        for (Index r = 0; r < rows.y.rows; ++r)
            for (int i = 0; i < sums_per_row_; ++i) sums_[i] += row_sums_[r * sums_per_row_ + i];
        if (rows.data.exchange) rows.data.exchange->sum(sums_.data(), sums_per_row_);
    });
}

template <class L>
void Scorer::score_rows(const L& loss, const Scored& rows, Range mine, View delta) {
    const View y = rows.y;
    if constexpr (IsMeanOverOutputs<L>)
        if (y.cols == 1) return score_single_outputs(loss, rows, mine, delta);
    for (Index r = mine.first; r < mine.last; ++r) {
        const Target target = rows.target(r);
        const Scalar weight = rows.weight(r);
        Scalar scale = this->scale(weight, rows.whole), value, *dy = delta.data ? delta.row(r) : nullptr;
        if constexpr (requires { L::kOneValue; }) scale = this->scale(static_cast<Scalar>(sums_[kWeights]), rows.whole);
        const auto plain = [&] {
            return dy ? loss.with_gradient(y.row(r), target, y.cols, scale, dy) : loss.value(y.row(r), target, y.cols);
        };
        if constexpr (HasLink<L>) value = fused_ ? loss.fused(y.row(r), target, y.cols, scale, dy) : plain();
        else value = plain();
        values_[r] = weight * value;
        if (dy) std::fill(dy + y.cols, dy + padded(y.cols), Scalar(0));
    }
}

/// score_rows for one output, a register of rows at a time: the same to the bit, and several times faster.
template <class L>
void Scorer::score_single_outputs(const L& loss, const Scored& rows, Range mine, View delta) {
    for (Index r = mine.first; r < mine.last; r += kLanes) {
        Column at(rows, r, mine.last);
        Lanes scales;
        for (Index i = 0; i < at.count; ++i) scales[i] = scale(at.weights[i], rows.whole);
        Vec value, slope;
        const Vec y = at.outputs.load(), t = at.targets.load();
        const auto plain = [&] { value = loss.f(y, t), slope = loss.df(y, t); };
        if constexpr (HasLink<L>) {
            if (fused_) {
                const Vec p = typename L::Link{}.forward(y);
                value = loss.fused_f(y, t), slope = loss.fused_df(p, t);
                at.outputs.store(p);
                for (Index i = 0; i < at.count; ++i) *rows.y.row(r + i) = at.outputs[i];
            } else {
                plain();
            }
        } else {
            plain();
        }
        at.weights.store(at.weights.load() * value);
        for (Index i = 0; i < at.count; ++i) values_[r + i] = at.weights[i];
        if (!delta.data) continue;
        scales.store(scales.load() * slope);
        for (Index i = 0; i < at.count; ++i) {
            Vec(Scalar(0)).store(delta.row(r + i));
            *delta.row(r + i) = scales[i];
        }
    }
}

void Scorer::score_metrics(const Scored& rows, Range mine) {
    if (weighs_)
        for (Index r = mine.first; r < mine.last; ++r) weights_[r] = rows.weight(r);
    for (std::size_t m = 0; m < metrics_.size(); ++m) {
        Scalar* values = metric_values_.data() + static_cast<Index>(m) * capacity_;
        std::visit(
            [&]<class M>(const M& metric) {
                if constexpr (IsMeanOverOutputs<M>)
                    if (rows.y.cols == 1) {
                        for (Index r = mine.first; r < mine.last; r += kLanes) {
                            Column at(rows, r, mine.last);
                            at.outputs.store(metric.f(at.outputs.load(), at.targets.load()));
                            for (Index i = 0; i < at.count; ++i) values[r + i] = at.outputs[i];
                        }
                        return;
                    }
                for (Index r = mine.first; r < mine.last; ++r)
                    values[r] = metric.value(rows.y.row(r), rows.target(r), rows.y.cols);
            },
            metrics_[m].metric);
    }
}

double Scorer::divisor(Index rows) const {
    const auto count = static_cast<double>(rows);
    if (reduction_ == Reduction::sum) return 1;
    if (!needs_sums()) return count;
    return reduction_ == Reduction::weighted_mean ? sums_[kWeights] : sums_[kCounts];
}

/// What the gradient of a row's loss is multiplied by. If no row counts, the loss is 0.
Scalar Scorer::scale(Scalar weight, Index rows) const {
    const auto divided_by = static_cast<Scalar>(divisor(rows));
    return divided_by == 0 ? 0 : weight * loss_weight_ / divided_by;
}

void Scorer::weigh(const Team& team, const Examples& data, Batch::Rows samples, View delta) {
    const Index rows = samples.count * groups_;
    team.phase([&](Member member) {
        const Range mine = member.share(rows);
        for (Index r = mine.first; r < mine.last; ++r) {
            const Scalar weight = data.weights ? data.weights[samples[r / groups_]] : Scalar(1);
            values_[r] *= weight;
            if (!delta.data) continue;
            const Scalar scale = this->scale(weight, samples.whole() * groups_);
            for (Index c = 0; c < delta.cols; ++c) delta.row(r)[c] *= scale;
        }
    });
}

double Scorer::batch_loss(Index samples) const {
    const Index rows = samples * groups_;
    const double divided_by = divisor(rows);
    double loss = 0;
    for (Index r = 0; r < rows; ++r) loss += values_[r];
    return divided_by == 0 ? 0 : loss * loss_weight_ / divided_by;
}

void Scorer::accumulate(Batch::Rows samples, double penalty) {
    const Index rows = samples.count * groups_;
    const double divided_by = divisor(samples.whole() * groups_);
    const double each = divided_by == 0 ? 0 : loss_weight_ * static_cast<double>(samples.whole()) / divided_by;
    // Row by row, not batch by batch: a mean over rows does not depend on how they were divided into batches, to the bit.
    for (Index r = 0; r < rows; ++r) totals.loss += each * values_[r];
    totals.loss += penalty;
    totals.samples += static_cast<double>(samples.count);
    for (std::size_t m = 0; m < metrics_.size(); ++m) {
        const Scalar* values = metric_values_.data() + static_cast<Index>(m) * capacity_;
        if (metrics_[m].weighted) {
            for (Index r = 0; r < rows; ++r) totals.metrics[m] += static_cast<double>(values[r]) * weights_[r];
            totals.counts[m] = std::accumulate(weights_.begin(), weights_.begin() + rows, totals.counts[m]);
        } else {
            for (Index r = 0; r < rows; ++r) totals.metrics[m] += values[r];
            totals.counts[m] += static_cast<double>(rows);
        }
    }
}

}  // namespace lamella
