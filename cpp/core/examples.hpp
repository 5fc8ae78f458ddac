/// Data of one call: inputs, targets and sample weights, where the caller has them.
#pragma once

#include <functional>

#include "exchange.hpp"
#include "kernels/batch.hpp"

namespace lamella {

/// A loss that the core does not have: writes for the rows of y their values, and unless it has no data the derivatives by y.
/// Called by one thread, while the others wait. False if it failed.
using External = std::function<bool(Batch::Rows samples, ConstView y, Scalar* values, View slopes)>;

/// Row i of x belongs to row i of the targets and to weights[i]. A sample with several rows of outputs has its rows of
/// targets, or labels, one after the other.
struct Examples {
    Source x;
    const Scalar* targets = nullptr;       // (samples × rows of a sample × target_cols), or
    const std::int32_t* labels = nullptr;  // (samples × rows of a sample)
    Index target_cols = 0;                 // 0 where there are labels
    const Scalar* weights = nullptr;  // of samples; null: all 1
    Scalar* predictions = nullptr;    // written, sample by sample in the order of the call, unless null
    const External* external = nullptr;  // takes the place of the loss unless null
    const Exchange* exchange = nullptr;  // other processes have the other rows of each batch unless null
    const Share* shares = nullptr;       // (shared_steps), unless null: which rows each step has here
    Index shared_steps = 0;

    Index steps(Index rows, Index batch) const { return shares ? shared_steps : (rows + batch - 1) / batch; }
    Share share(Index step, Index rows, Index batch) const {
        if (shares) return shares[step];
        return {step * batch, std::min(batch, rows - step * batch)};
    }
};

}  // namespace lamella
