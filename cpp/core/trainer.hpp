/// Training: chunks of steps on a network, with an optimizer, a loss and metrics.
#pragma once

#include <memory>
#include <mutex>

#include "forks.hpp"
#include "network.hpp"
#include "scorer.hpp"
#include "updater.hpp"

namespace lamella {

class Trainer {
public:
    Trainer(std::shared_ptr<Network> network, const Optimizer& optimizer, const Options& options, Loss loss,
            std::vector<WeightedMetric> metrics, Reduction reduction, Scalar loss_weight);

    /// One step for every learning rate: step s trains on rows order[s * batch ...] (the last batch may be short).
    /// Returns how many steps were done: all, or fewer if `poll` said stop. The weights are those after the last of them.
    Index train(const Examples& data, const std::int64_t* order, Index count, Index batch, const Scalar* rates, int threads,
                const Poll& poll);

    /// Adds all rows, in their order, to the totals. False if `poll` said stop.
    bool evaluate(const Examples& data, Index batch, int threads, const Poll& poll);

    /// loss of one batch, its whole weight gradient (laid out as Network::read) and input gradient (count × inputs).
    /// `training`: with noise and the statistics of the batch.
    double gradients(const Examples& data, Index count, Scalar* weight_gradients, Scalar* input_gradients, bool training,
                     int threads, const Poll& poll);

    /// The step that follows once the updater's gradients() are filled, for the weights in `range` of the arena. Does not count.
    void apply(Scalar rate, Range range, int threads);

    /// With averages of the weights, these become them.
    void finalize();

    const std::shared_ptr<Updater>& updater() const { return updater_; }
    const Totals& totals() const { return scorer_.totals; }
    void clear_totals() { scorer_.clear_totals(); }

private:
    Workspace& workspace(Index rows, int members);
    Poll lent(const Poll& poll);
    bool score(const Team& team, const Examples& data, Batch::Rows rows, Index before, const Workspace& work, View delta,
               std::atomic<bool>& failed);
    double penalty(const Pass& pass, const Workspace& work) const;
    double penalties(const Pass& pass, const Workspace& work) const;

    std::shared_ptr<Network> network_;
    std::vector<Layer> layers_;  // the network's, the last activation left to the loss where they are fused
    std::shared_ptr<Updater> updater_;
    Scorer scorer_;
    ForkSafe<std::mutex> working_;  // who holds it has the workspace and the totals; taken before the network's lock
    std::unique_ptr<Workspace> work_;
};

}  // namespace lamella
