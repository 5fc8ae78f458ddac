#include "trainer.hpp"

#include <chrono>

namespace lamella {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPollEvery = std::chrono::milliseconds(20);

/// The last activation, if the last layer has one.
Activation* last_activation(std::vector<Layer>& layers) {
    if (layers.empty()) return nullptr;
    if (auto* dense = std::get_if<Dense>(&layers.back())) return &dense->activation;
    if (auto* layer = std::get_if<ActivationLayer>(&layers.back())) return &layer->activation;
    return nullptr;
}

bool takes_logits(const Loss& loss) {
    return std::visit(
        [](const auto& l) {
            if constexpr (requires { l.from_logits; })
                return l.from_logits;
            else
                return false;
        },
        loss);
}

}  // namespace

Trainer::Trainer(std::shared_ptr<Network> network, const Optimizer& optimizer, const Options& options, Loss loss,
                 std::vector<Metric> metrics)
    : network_(std::move(network)),
      layers_(network_->layers()),
      updater_(std::make_shared<Updater>(optimizer, options, network_->layout())),
      loss_(loss),
      metrics_(std::move(metrics)) {
    totals.metrics.resize(metrics_.size());
    if (Activation* last = last_activation(layers_); last && !takes_logits(loss_)) {
        fused_ = std::visit(
            [&]<class L>(const L&) {
                if constexpr (HasLink<L>) return std::holds_alternative<typename L::Link>(*last);
                else return false;
            },
            loss_);
        if (fused_) *last = Linear{};
    }
}

Workspace& Trainer::workspace(Index rows, int members) {
    if (!work_ || work_->rows != rows || work_->members != members) {
        work_.reset();
        work_ = std::make_unique<Workspace>(layers_, network_->inputs(), network_->widths(), rows, members, true);
        row_values_.assign(static_cast<std::size_t>(rows) * (1 + metrics_.size()), 0);
    }
    return *work_;
}

/// Loss and metrics of each row, and with_gradient the delta of the last layer.
void Trainer::score(const Team& team, const Examples& data, Batch::Rows rows, Workspace& work, bool with_gradient) {
    const View y = work.outputs.back();
    const auto score_row = [&]<class L>(const L& loss, Index r) {
        const Index from = rows[r];
        const Target target{data.targets ? data.targets + from * data.target_cols : nullptr,
                            data.labels ? data.labels[from] : 0};
        const Scalar weight = data.weights ? data.weights[from] : Scalar(1);
        const Scalar scale = weight / static_cast<Scalar>(rows.count);
        Scalar* delta = with_gradient ? work.deltas.back().row(r) : nullptr;
        bool scored = false;
        if constexpr (HasLink<L>)
            if (fused_) {
                row_values_[r] = weight * loss.fused(y.row(r), target, y.cols);
                if (delta) loss.fused_gradient(y.row(r), target, y.cols, scale, delta);
                scored = true;
            }
        if (!scored) {
            row_values_[r] = weight * loss.value(y.row(r), target, y.cols);
            if (delta) loss.gradient(y.row(r), target, y.cols, scale, delta);
        }
        if (delta) std::fill(delta + y.cols, delta + padded(y.cols), Scalar(0));
        for (std::size_t m = 0; m < metrics_.size(); ++m)
            row_values_[(m + 1) * work.rows + r] =
                std::visit([&](const auto& metric) { return metric.value(y.row(r), target, y.cols); }, metrics_[m]);
    };
    team.phase([&](Member member) {
        const Range mine = member.share(rows.count);
        std::visit(
            [&](const auto& loss) {
                for (Index r = mine.first; r < mine.last; ++r) score_row(loss, r);
            },
            loss_);
    });
}

void Trainer::accumulate(Index count) {
    totals.rows += static_cast<double>(count);
    for (Index r = 0; r < count; ++r) totals.loss += row_values_[r];
    for (std::size_t m = 0; m < metrics_.size(); ++m)
        for (Index r = 0; r < count; ++r) totals.metrics[m] += row_values_[(m + 1) * work_->rows + r];
}

/// Turns all deltas into those of the pre-activations. When it returns nobody reads the weights any more.
void Trainer::backward(const Team& team, Workspace& work, Index rows, View input_delta) {
    for (std::size_t l = layers_.size(); l-- > 0;) {
        const View below = l > 0 ? work.deltas[l - 1].middle_rows(0, rows) : input_delta;
        std::visit(
            [&](const auto& layer) {
                layer.backward(team, network_->params(), work.outputs[l].middle_rows(0, rows),
                               work.deltas[l].middle_rows(0, rows), below, work.scratch);
            },
            layers_[l]);
    }
}

/// A member's part of all weight gradients.
void Trainer::send_gradients(Member member, Workspace& work, Index rows, const Sink& sink) {
    for (std::size_t l = layers_.size(); l-- > 0;) {
        const Input x = l > 0 ? Input(work.outputs[l - 1].middle_rows(0, rows)) : Input(work.batch, rows);
        std::visit(
            [&](const auto& layer) {
                layer.gradients(member, x, work.deltas[l].middle_rows(0, rows), sink, work.scratch[member.rank]);
            },
            layers_[l]);
    }
}

Index Trainer::train(const Examples& data, const std::int64_t* order, Index count, Index batch, const Scalar* rates, int threads,
                     const Poll& poll) {
    const std::scoped_lock working(working_);
    const std::unique_lock lock(network_->mutex());
    const std::scoped_lock updating(updater_->mutex());
    const Index steps = (count + batch - 1) / batch;
    const int members = network_->useful_threads(std::min(batch, count), threads, 3);
    Workspace& work = workspace(batch, members);
    std::atomic<bool> finite{network_->may_compress()};
    std::atomic<bool> stop{false};
    Index done = 0;
    run_team(members, [&](const Team& team) {
        const FlushSubnormals flush;
        auto polled = Clock::now();
        for (Index s = 0; s < steps; ++s) {
            if (team.is_caller() && Clock::now() - polled > kPollEvery) {
                if (poll()) stop = true;
                polled = Clock::now();
            }
            const Index rows = std::min(batch, count - s * batch);
            const Batch::Rows chosen{order + s * batch, 0, rows};
            work.batch.gather(team, data.x, chosen, network_->affine(), finite);
            if (stop) break;  // who leaves early leaves the rest of this step to the others
            forward(team, layers_, network_->params(), work, rows);
            score(team, data, chosen, work, true);
            backward(team, work, rows, {});
            const auto send = [&](Member member, const Sink& sink) {
                send_gradients(member, work, rows, sink);
                if (member.rank > 0) return;
                accumulate(rows);
                done = s + 1;
            };
            updater_->step(team, network_->params(), finite, {updater_->iterations + s, rates[s]}, std::ref(send));
        }
    });
    updater_->iterations += done;
    network_->weights_changed(finite);
    return done;
}

void Trainer::apply(Scalar rate, Range range, int threads) {
    const std::scoped_lock working(working_);
    const std::unique_lock lock(network_->mutex());
    const std::scoped_lock updating(updater_->mutex());
    std::atomic<bool> finite{network_->may_compress()};
    updater_->gradients();
    run_team(threads, [&](const Team& team) {
        const FlushSubnormals flush;
        updater_->apply(team, network_->params(), finite, {updater_->iterations, rate}, range);
    });
    network_->weights_changed(finite);
}

void Trainer::finalize() {
    const std::scoped_lock working(working_);
    const std::unique_lock lock(network_->mutex());
    const std::scoped_lock updating(updater_->mutex());
    if (updater_->finalize(network_->params())) network_->weights_changed(false);
}

bool Trainer::evaluate(const Examples& data, Index batch, int threads, const Poll& poll) {
    const std::scoped_lock working(working_);
    const std::shared_lock lock(network_->mutex());
    const Index count = row_count(data.x);
    const int members = network_->useful_threads(std::min(batch, count), threads, 1);
    Workspace& work = workspace(batch, members);
    const std::atomic<bool> compress{network_->may_compress()};
    std::atomic<bool> stop{false};
    run_team(members, [&](const Team& team) {
        auto polled = Clock::now();
        for (Index first = 0; first < count; first += batch) {
            if (team.is_caller() && Clock::now() - polled > kPollEvery) {
                if (poll()) stop = true;
                polled = Clock::now();
            }
            const Batch::Rows rows{nullptr, first, std::min(batch, count - first)};
            work.batch.gather(team, data.x, rows, network_->affine(), compress);
            if (stop) break;
            forward(team, layers_, network_->params(), work, rows.count);
            score(team, data, rows, work, false);
            team.phase([&](Member member) {
                if (member.rank == 0) accumulate(rows.count);
            });
        }
    });
    return !stop;
}

double Trainer::gradients(const Examples& data, Index count, Scalar* weight_gradients, Scalar* input_gradients, int threads) {
    const std::scoped_lock working(working_);
    const std::shared_lock lock(network_->mutex());
    Workspace& work = workspace(count, network_->useful_threads(count, threads, 3));
    const Arena collected(network_->layout());
    const Index inputs = network_->inputs();
    Buffer storage(count * padded_stride(inputs));
    const View input_delta{storage.data(), count, inputs, padded_stride(inputs)};
    const std::atomic<bool> compress{network_->may_compress()};
    run_team(work.members, [&](const Team& team) {
        const Batch::Rows rows{nullptr, 0, count};
        work.batch.gather(team, data.x, rows, network_->affine(), compress);
        forward(team, layers_, network_->params(), work, count);
        score(team, data, rows, work, true);
        backward(team, work, count, input_delta);
        team.phase([&](Member member) { send_gradients(member, work, count, Collect(collected)); });
    });
    double loss = 0;
    for (Index r = 0; r < count; ++r) loss += row_values_[r];
    read(network_->layout(), collected, weight_gradients);
    for (Index r = 0; r < count; ++r)
        for (Index c = 0; c < inputs; ++c) *input_gradients++ = input_delta.row(r)[c] * network_->affine().scale;
    return loss / static_cast<double>(count);
}

}  // namespace lamella
