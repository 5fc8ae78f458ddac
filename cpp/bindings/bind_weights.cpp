#include "bind_weights.hpp"

#include <pybind11/stl.h>

#include "../core/penalties.hpp"
#include "arrays.hpp"

namespace lamella {
namespace {

using Numbers = Array<Scalar>;

/// A copy as the core keeps weights: a vector is one row.
class Weight {
public:
    explicit Weight(std::vector<Index> shape) : shape_(std::move(shape)) {
        require(shape_.size() == 1 || shape_.size() == 2, "w: must be a vector or a matrix");
        layout_.add(shape_.size() == 2 ? shape_[0] : 1, shape_.back());
        arena_ = Arena(layout_);
    }
    explicit Weight(const Numbers& values) : Weight(std::vector<Index>(values.shape(), values.shape() + values.ndim())) {
        write(layout_.slots(), arena_, values.data());
    }
    const std::vector<Index>& shape() const { return shape_; }
    const Slot& slot() const { return layout_.slots().front(); }
    const Arena& arena() const { return arena_; }

    Numbers values() const {
        Numbers out(shape_);
        read(layout_.slots(), arena_, out.mutable_data());
        const Arena clean(arena_);
        clear_padding(layout_, clean);
        const auto same = [](Scalar one, Scalar other) { return one == other || (one != one && other != other); };
        require(std::equal(arena_.data(), arena_.data() + arena_.size(), clean.data(), same), "padding was written");
        return out;
    }

private:
    std::vector<Index> shape_;
    Layout layout_;
    Arena arena_;
};

py::tuple regularize(const Regularizer& regularizer, const Numbers& w) {
    const Weight weight(w), gradient(weight.shape());
    Penalties penalties;
    penalties.regularize(weight.slot(), regularizer);
    penalties.measure(Team(), weight.arena());
    penalties.add_gradients(Team(), weight.arena(), gradient.arena(), 1);
    return py::make_tuple(penalties.total(), gradient.values());
}

Numbers constrain(const Constraint& constraint, const Numbers& w) {
    const Weight weight(w);
    Penalties penalties;
    penalties.constrain(weight.slot(), constraint);
    penalties.constrain(Team(), weight.arena());
    return weight.values();
}

}  // namespace

void bind_weights(py::module_& m) {
    using namespace py::literals;
    m.def("regularize", &regularize, "regularizer"_a, "w"_a, "(penalty, its gradient) of a vector or matrix.");
    m.def("constrain", &constrain, "constraint"_a, "w"_a, "What a constraint makes of a vector or matrix.");
}

}  // namespace lamella
