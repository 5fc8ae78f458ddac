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

/// Leaves the last activation to the loss where they are fused, and says whether they are.
bool fuse(std::vector<Layer>& layers, const Loss& loss) {
    Activation* last = last_activation(layers);
    if (!last || !fuses(loss, *last)) return false;
    *last = Linear{};
    return true;
}

}  // namespace

Trainer::Trainer(std::shared_ptr<Network> network, Optimizer optimizer, Loss loss, std::vector<WeightedMetric> metrics,
                 Reduction reduction, Scalar loss_weight)
    : network_(std::move(network)),
      layers_(network_->layers()),
      optimizer_(optimizer),
      scorer_(loss, reduction, loss_weight, std::move(metrics), fuse(layers_, loss)) {
    for (int i = 0; i < lamella::state_count(optimizer_); ++i) state_.emplace_back(network_->layout());
}

Workspace& Trainer::workspace(Index rows, int members) {
    if (!work_ || work_->rows != rows || work_->members != members) {
        work_.reset();
        work_ = std::make_unique<Workspace>(layers_, network_->inputs(), network_->widths(), rows, members, true);
        scorer_.reserve(rows);
    }
    return *work_;
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
template <class Sink>
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
    const Index steps = (count + batch - 1) / batch;
    const int members = network_->useful_threads(std::min(batch, count), threads, 3);
    Workspace& work = workspace(batch, members);
    std::atomic<bool> finite{network_->may_compress()};
    std::atomic<bool> stop{false};
    Index done = 0;
    const auto run = [&](const auto& rule) {
        using Rule = std::decay_t<decltype(rule)>;
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
                scorer_.score(team, data, chosen, work.outputs.back().middle_rows(0, rows), work.deltas.back());
                backward(team, work, rows, {});
                const Update<Rule> update{rule, rule.at(iterations + s, rates[s]), network_->params(), state_, finite};
                team.phase([&](Member member) {
                    send_gradients(member, work, rows, update);
                    if (member.rank > 0) return;
                    scorer_.accumulate(rows, 0);
                    done = s + 1;
                });
            }
        });
    };
    std::visit([&](const auto& spec) { spec.with_rule(run); }, optimizer_);
    iterations += done;
    network_->weights_changed(finite);
    return done;
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
            scorer_.score(team, data, rows, work.outputs.back().middle_rows(0, rows.count), {});
            team.phase([&](Member member) {
                if (member.rank == 0) scorer_.accumulate(rows.count, 0);
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
        scorer_.score(team, data, rows, work.outputs.back().middle_rows(0, count), work.deltas.back());
        backward(team, work, count, input_delta);
        team.phase([&](Member member) { send_gradients(member, work, count, Collect{collected}); });
    });
    for (const Slot& slot : network_->layout().slots())
        for (Index r = 0; r < slot.rows; ++r)
            weight_gradients = std::copy_n(collected[slot].row(r), slot.cols, weight_gradients);
    for (Index r = 0; r < count; ++r)
        for (Index c = 0; c < inputs; ++c) *input_gradients++ = input_delta.row(r)[c] * network_->affine().scale;
    return scorer_.batch_loss(count);
}

}  // namespace lamella
