/// Training: chunks of steps on a network, with an optimizer's state, a loss and metrics.
#pragma once

#include <memory>
#include <mutex>

#include "network.hpp"
#include "scorer.hpp"

namespace lamella {

class Trainer {
public:
    Trainer(std::shared_ptr<Network> network, Optimizer optimizer, Loss loss, std::vector<WeightedMetric> metrics,
            Reduction reduction, Scalar loss_weight);

    /// One step for every learning rate: step s trains on rows order[s * batch ...] (the last batch may be short).
    /// Returns how many steps were done: all, or fewer if `poll` said stop. The weights are those after the last of them.
    Index train(const Examples& data, const std::int64_t* order, Index count, Index batch, const Scalar* rates, int threads,
                const Poll& poll);

    /// Adds all rows, in their order, to the totals. False if `poll` said stop.
    bool evaluate(const Examples& data, Index batch, int threads, const Poll& poll);

    /// loss of one batch, its whole weight gradient (laid out as Network::read) and input gradient (count × inputs).
    double gradients(const Examples& data, Index count, Scalar* weight_gradients, Scalar* input_gradients, int threads);

    int state_count() const { return static_cast<int>(state_.size()); }

    const Totals& totals() const { return scorer_.totals; }
    void clear_totals() { scorer_.clear_totals(); }

    std::int64_t iterations = 0;

private:
    Workspace& workspace(Index rows, int members);
    void backward(const Team& team, Workspace& work, Index rows, View input_delta);
    template <class Sink>
    void send_gradients(Member member, Workspace& work, Index rows, const Sink& sink);

    std::shared_ptr<Network> network_;
    std::vector<Layer> layers_;  // the network's, the last activation left to the loss where they are fused
    Optimizer optimizer_;
    Scorer scorer_;
    std::vector<Arena> state_;
    std::mutex working_;  // who holds it has the workspace and the totals; taken before the network's lock
    std::unique_ptr<Workspace> work_;
};

}  // namespace lamella
