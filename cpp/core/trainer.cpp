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
            if (member.rank > 0 || rows.count == 0) return;
            const Lending lending(working_, network_->mutex(), updater_->mutex());
            if ((*data.external)(rows, y, scorer_.values(), delta)) return;
            failed = true;
            std::fill_n(scorer_.values(), y.rows, Scalar(0));  // other processes wait for the rest of the step
            for (Index r = 0; delta.data && r < delta.rows; ++r) std::fill_n(delta.row(r), padded(delta.cols), Scalar(0));
        });
        if (failed) return data.exchange != nullptr;
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

/// The same times the samples, for the totals. Of a shared batch each process adds its own: penalties of the weights for its
/// samples, those of activities as they are part of the batch's.
double Trainer::penalties(const Pass& pass, const Workspace& work) const {
    if (!pass.exchange) return penalty(pass, work) * static_cast<double>(pass.samples);
    return activity_penalty(pass, layers_, work) * static_cast<double>(pass.whole()) +
           updater_->penalties().total() * static_cast<double>(pass.samples);
}

Index Trainer::train(const Examples& data, const std::int64_t* order, Index count, Index batch, const Scalar* rates, int threads,
                     const Poll& poll) {
    const std::scoped_lock working(working_);
    const std::unique_lock lock(network_->mutex());
    const std::scoped_lock updating(updater_->mutex());
    const Index steps = data.steps(count, batch);
    const int members = network_->useful_threads(std::min(batch, count), threads, 3);
    Workspace& work = workspace(batch, members);
    if (data.exchange) updater_->prepare_exchange();
    std::atomic<bool> finite{network_->may_compress()};
    std::atomic<bool> failed{false}, left{false};  // left: some process leaves, and so all do
    const Poll asked = lent(poll);
    Polling polling(asked), asks_nobody;
    Polling& within = data.exchange ? asks_nobody : polling;  // who leaves early leaves the rest of a step to the others
    Index done = 0;
    const auto body = [&](const Team& team) {
        const FlushSubnormals flush;
        for (Index s = 0; s < steps; ++s) {
            polling.look(team);
            const Share share = data.share(s, count, batch);
            const Index rows = share.count;
            const Batch::Rows chosen{order + share.first, 0, rows, share.place, data.exchange ? share.batch : 0};
            work.batch.gather(team, data.x, chosen, network_->affine(), finite);
            if (!data.exchange && (polling.stopped() || work.batch.broken())) break;
            const Updater::Moment moment{updater_->iterations + s, rates[s]};
            const Pass pass{team, network_->params(), rows, true, moment.iteration, share.place, share.batch, data.exchange};
            if (!forward(pass, layers_, work, within)) break;
            if (!score(team, data, chosen, share.first, work, work.delta(rows), failed)) break;
            if (!backward(pass, layers_, work, {}, within)) break;
            updater_->measure(team, network_->params());
            const auto send = [&](Member member, const Sink& sink) {
                send_gradients(member, pass, layers_, work, sink);
                if (!data.exchange) move_statistics(member, pass, layers_, work);
                if (member.rank > 0) return;
                scorer_.accumulate(chosen, penalties(pass, work));
                if (!data.exchange) done = s + 1;
            };
            if (!data.exchange) {
                updater_->step(team, network_->params(), finite, moment, std::ref(send));
                continue;
            }
            const auto meet = [&](Scalar* gradients, Index size) {
                gradients[size] = polling.stopped() || failed || work.batch.broken();
                if (!data.exchange->gradients(gradients, size)) left = true;
                else done = s + 1;
            };
            if (!updater_->step_together(team, network_->params(), finite, moment, std::ref(send), std::ref(meet), left,
                                         *data.exchange))
                break;
            team.phase([&](Member member) { move_statistics(member, pass, layers_, work); });
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
    Polling polling(asked), asks_nobody;
    Polling& within = data.exchange ? asks_nobody : polling;
    run_team(members, [&](const Team& team) {
        updater_->measure(team, network_->params());
        for (Index s = 0; s < data.steps(count, batch); ++s) {
            polling.look(team);
            const Share share = data.share(s, count, batch);
            const Batch::Rows rows{nullptr, share.first, share.count, share.place, share.batch};
            work.batch.gather(team, data.x, rows, network_->affine(), compress);
            if (!data.exchange && (polling.stopped() || work.batch.broken())) break;
            const Pass pass{team, network_->params(), rows.count, false, 0, share.place, share.batch, data.exchange};
            if (!forward(pass, layers_, work, within)) break;
            if (!score(team, data, rows, share.first, work, {}, failed)) break;
            team.phase([&](Member member) {
                if (member.rank == 0) scorer_.accumulate(rows, penalties(pass, work));
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
        const Pass pass{team, network_->params(), count, training, updater_->iterations};
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
