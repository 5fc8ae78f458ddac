/// Data of one call: inputs, targets and sample weights, where the caller has them.
#pragma once

#include "kernels/batch.hpp"

namespace lamella {

/// Row i of x belongs to row i of the targets and to weights[i]. A sample with several rows of outputs has its rows of
/// targets, or labels, one after the other.
struct Examples {
    Source x;
    const Scalar* targets = nullptr;       // (samples × rows of a sample × target_cols), or
    const std::int32_t* labels = nullptr;  // (samples × rows of a sample)
    Index target_cols = 0;
    const Scalar* weights = nullptr;  // of samples; null: all 1
};

}  // namespace lamella
