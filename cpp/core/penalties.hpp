/// Regularizers and constraints of a network's weights.
#pragma once

#include <vector>

#include "arena.hpp"
#include "constraints.hpp"
#include "parallel.hpp"
#include "regularizers.hpp"

namespace lamella {

class Penalties {
public:
    void regularize(const Slot& slot, const Regularizer& regularizer);
    void constrain(const Slot& slot, const Constraint& constraint);

    bool regularizes() const { return !regularized_.empty(); }
    bool constrains() const { return !constrained_.empty(); }

    /// Computes the penalties of the weights; every thread of the team calls it. Then total() is their sum.
    void measure(const Team& team, const Arena& params);
    double total() const;

    /// Adds `factor` times the penalties' gradients to an arena.
    void add_gradients(const Team& team, const Arena& params, const Arena& gradients, Scalar factor) const;

    /// Applies the constraints.
    void constrain(const Team& team, const Arena& params) const;

private:
    struct Regularized {
        Slot slot;
        Regularizer regularizer;
        std::size_t first_value;  // of those by row
        Buffer scratch;
    };
    struct Constrained {
        Slot slot;
        Constraint constraint;
    };

    std::vector<Regularized> regularized_;
    std::vector<Constrained> constrained_;
    std::vector<double> values_;  // added up in their order
};

}  // namespace lamella
