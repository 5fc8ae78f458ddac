/// What processes that train together tell one another in a step.
#pragma once

#include <functional>

#include "scalar.hpp"

namespace lamella {

/// Sums over all processes, in place. Every process calls them in the same order with as many numbers; one thread does, while
/// the others wait.
struct Exchange {
    std::function<void(void* numbers, Index count, Index size)> numbers;  // of `size` bytes each
    /// Followed by kFlags numbers of which the first says that this process failed. False if some process leaves.
    std::function<bool(Scalar* gradients, Index count)> gradients;
    /// Where each process updates a part of the weights: all take over the parts of the others.
    std::function<void(Scalar* weights, Index count)> weights;

    static constexpr Index kFlags = 64 / sizeof(Scalar);

    template <class T>
    void sum(T* values, Index count) const { numbers(values, count, Index{sizeof(T)}); }
};

/// A process's rows of a batch: `count` from `first` on, which are those from `place` on of all `batch` rows.
struct Share {
    Index first = 0, count = 0, place = 0, batch = 0;
};

}  // namespace lamella
