#include "trainer.hpp"

#include "memory.hpp"

namespace lamella {
namespace {

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

Trainer::Trainer(std::shared_ptr<Network> network, const Optimizer& optimizer, const Options& options, Loss loss,
                 std::vector<WeightedMetric> metrics, Reduction reduction, Scalar loss_weight)
    : network_(std::move(network)),
      layers_(network_->layers()),
      updater_(std::make_shared<Updater>(optimizer, options, network_->layout())),
      scorer_(loss, reduction, loss_weight, std::move(metrics), fuse(layers_, loss)) {}

Workspace& Trainer::workspace(Index rows, int members) {
    if (!work_ || work_->rows != rows || work_->members != members) {
        work_.reset();
        try {
            scorer_.reserve(rows, network_->output().groups);
            work_ = std::make_unique<Workspace>(layers_, network_->input(), network_->shapes(), rows, members, true);
        } catch (const OutOfMemory& error) {
            throw OutOfMemory(error.bytes(), rows);
        }
    }
    return *work_;
}

/// Loss and metrics of a batch, before which `before` rows of this call were scored, and unless it has no data its delta.
/// False if a loss of the caller's failed, then and in all later steps.
bool Trainer::score(const Team& team, const Examples& data, Batch::Rows rows, Index before, const Workspace& work, View delta,
                    std::atomic<bool>& failed) {
    const View y = work.output(rows.count);
    scorer_.score(team, data, rows, y, data.external ? View{} : delta);
    if (data.external) {
        team.phase([&](Member member) {
            if (member.rank > 0) return;
            const Lending lending(working_, network_->mutex(), updater_->mutex());
            if (!(*data.external)(rows, y, scorer_.values(), delta)) failed = true;
        });
        if (failed) return false;
        scorer_.weigh(team, data, rows, delta);
    }
    if (data.predictions)
        for_rows(team, y.rows, [&](Index r) {
            std::copy_n(y.row(r), y.cols, data.predictions + (before * (y.rows / rows.count) + r) * y.cols);
        });
    return true;
}

/// `poll`, which runs signal handlers while this trainer is at work.
Poll Trainer::lent(const Poll& poll) {
    return [this, &poll] {
        const Lending lending(working_, network_->mutex(), updater_->mutex());
        return poll();
    };
}

/// What regularization adds to the loss of the batch. The updater has measured the weights.
double Trainer::penalty(const Pass& pass, const Workspace& work) const {
    return activity_penalty(pass, layers_, work) + updater_->penalties().total();
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
    std::atomic<bool> failed{false};
    const Poll asked = lent(poll);
    Polling polling(asked);
    Index done = 0;
    const auto body = [&](const Team& team) {
        const FlushSubnormals flush;
        for (Index s = 0; s < steps; ++s) {
            polling.look(team);
            const Index rows = std::min(batch, count - s * batch);
            const Batch::Rows chosen{order + s * batch, 0, rows};
            work.batch.gather(team, data.x, chosen, network_->affine(), finite);
            if (polling.stopped() || work.batch.broken()) break;
            const Updater::Moment moment{updater_->iterations + s, rates[s]};
            const Pass pass{team, network_->params(), rows, true, true, moment.iteration};
            if (!forward(pass, layers_, work, polling)) break;
            if (!score(team, data, chosen, s * batch, work, work.delta(rows), failed)) break;
            if (!backward(pass, layers_, work, {}, polling)) break;
            updater_->measure(team, network_->params());
            const auto send = [&](Member member, const Sink& sink) {
                send_gradients(member, pass, layers_, work, sink);
                if (member.rank > 0) return;
                scorer_.accumulate(rows, penalty(pass, work));
                done = s + 1;
            };
            updater_->step(team, network_->params(), finite, moment, std::ref(send));
        }
    };
    const auto count_steps = [&] {
        updater_->iterations += done;
        network_->weights_changed(finite);
    };
    try {
        run_team(members, body);
    } catch (...) {
        count_steps();
        throw;
    }
    count_steps();
    work.batch.require_whole();
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
    const std::scoped_lock updating(updater_->mutex());
    const Index count = row_count(data.x);
    const int members = network_->useful_threads(std::min(batch, count), threads, 1);
    Workspace& work = workspace(batch, members);
    const std::atomic<bool> compress{network_->may_compress()};
    std::atomic<bool> failed{false};
    const Poll asked = lent(poll);
    Polling polling(asked);
    run_team(members, [&](const Team& team) {
        updater_->measure(team, network_->params());
        for (Index first = 0; first < count; first += batch) {
            polling.look(team);
            const Batch::Rows rows{nullptr, first, std::min(batch, count - first)};
            work.batch.gather(team, data.x, rows, network_->affine(), compress);
            if (polling.stopped() || work.batch.broken()) break;
            const Pass pass{team, network_->params(), rows.count};
            if (!forward(pass, layers_, work, polling)) break;
            if (!score(team, data, rows, first, work, {}, failed)) break;
            team.phase([&](Member member) {
                if (member.rank == 0) scorer_.accumulate(rows.count, penalty(pass, work));
            });
        }
    });
    work.batch.require_whole();
    return !polling.stopped();
}

double Trainer::gradients(const Examples& data, Index count, Scalar* weight_gradients, Scalar* input_gradients, bool training,
                          int threads, const Poll& poll) {
    const std::scoped_lock working(working_);
    const std::shared_lock lock(network_->mutex());
    const std::scoped_lock updating(updater_->mutex());
    Workspace& work = workspace(count, network_->useful_threads(count, threads, 3));
    const Arena collected(network_->layout());
    const Index inputs = network_->inputs();
    const Buffer storage(times(count, padded_stride(inputs)));
    const View input_delta{storage.data(), count, inputs, padded_stride(inputs)};
    const std::atomic<bool> compress{network_->may_compress()};
    std::atomic<bool> failed{false};
    const Poll asked = lent(poll);
    Polling polling(asked);
    double penalties = 0;
    run_team(work.members, [&](const Team& team) {
        const Batch::Rows rows{nullptr, 0, count};
        work.batch.gather(team, data.x, rows, network_->affine(), compress);
        const Pass pass{team, network_->params(), count, training, false, updater_->iterations};
        if (work.batch.broken() || !forward(pass, layers_, work, polling)) return;
        if (!score(team, data, rows, 0, work, work.delta(count), failed)) return;
        if (!backward(pass, layers_, work, input_delta, polling)) return;
        updater_->measure(team, network_->params());
        team.phase([&](Member member) {
            send_gradients(member, pass, layers_, work, Collect(collected));
            if (member.rank == 0) penalties = penalty(pass, work);
        });
        updater_->penalties().add_gradients(team, network_->params(), collected, 1);
    });
    work.batch.require_whole();
    network_->read(collected, weight_gradients);
    for (Index r = 0; r < count; ++r)
        for (Index c = 0; c < inputs; ++c) *input_gradients++ = input_delta.row(r)[c] * network_->affine().scale;
    return scorer_.batch_loss(count) + penalties;
}

}  // namespace lamella
