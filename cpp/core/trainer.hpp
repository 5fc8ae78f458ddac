/// Training: chunks of steps on a network, with an updater, a loss and metrics.
#pragma once

#include <memory>
#include <mutex>

#include "metrics.hpp"
#include "network.hpp"
#include "updater.hpp"

namespace lamella {

/// Data of one call: row i of x belongs to row i of the targets and to weights[i].
struct Examples {
    Source x;
    const Scalar* targets = nullptr;       // (rows × target_cols), or
    const std::int32_t* labels = nullptr;  // (rows)
    Index target_cols = 0;
    const Scalar* weights = nullptr;  // of samples; null: all 1
};

/// Running sums since they were last cleared. The loss counts each row once; metrics leave sample weights out.
struct Totals {
    double rows = 0, loss = 0;
    std::vector<double> metrics;
};

class Trainer {
public:
    Trainer(std::shared_ptr<Network> network, const Optimizer& optimizer, const Options& options, Loss loss,
            std::vector<Metric> metrics);

    /// One step for every learning rate: step s trains on rows order[s * batch ...] (the last batch may be short).
    /// Returns how many steps were done: all, or fewer if `poll` said stop. The weights are those after the last of them.
    Index train(const Examples& data, const std::int64_t* order, Index count, Index batch, const Scalar* rates, int threads,
                const Poll& poll);

    /// Adds all rows, in their order, to the totals. False if `poll` said stop.
    bool evaluate(const Examples& data, Index batch, int threads, const Poll& poll);

    /// loss of one batch, its whole weight gradient (laid out as Network::read) and input gradient (count × inputs).
    double gradients(const Examples& data, Index count, Scalar* weight_gradients, Scalar* input_gradients, int threads);

    /// The step that follows once the updater holds the gradient, made elsewhere: changes the weights in `range` of the arena.
    /// Does not count: a step may come in several ranges.
    void apply(Scalar rate, Range range, int threads);

    /// With averages of the weights, the weights become them.
    void finalize();

    const std::shared_ptr<Updater>& updater() const { return updater_; }

    Totals totals;

private:
    Workspace& workspace(Index rows, int members);
    void score(const Team& team, const Examples& data, Batch::Rows rows, Workspace& work, bool with_gradient);
    void accumulate(Index count);
    void backward(const Team& team, Workspace& work, Index rows, View input_delta);
    void send_gradients(Member member, Workspace& work, Index rows, const Sink& sink);

    std::shared_ptr<Network> network_;
    std::vector<Layer> layers_;  // the network's, the last activation left to the loss where they are fused
    std::shared_ptr<Updater> updater_;
    Loss loss_;
    std::vector<Metric> metrics_;
    bool fused_ = false;
    std::mutex working_;  // who holds it has the workspace and the totals; taken before the network's lock
    std::unique_ptr<Workspace> work_;
    std::vector<Scalar> row_values_;  // (1 + metrics) × batch, summed in the order of the rows
};

}  // namespace lamella
