#include "bind_weights.hpp"

#include <pybind11/stl.h>

#include "../core/arena.hpp"
#include "../core/constraints.hpp"
#include "../core/regularizers.hpp"
#include "arrays.hpp"

namespace lamella {
namespace {

using Numbers = Array<Scalar>;

/// A copy as the core keeps weights: a vector is one row, rows end in zeros.
class Weight {
public:
    explicit Weight(std::vector<Index> shape)
        : shape_(std::move(shape)), cols_(shape_.empty() ? 0 : shape_.back()), buffer_(rows() * padded_stride(cols_)) {
        require(shape_.size() == 1 || shape_.size() == 2, "w: must be a vector or a matrix");
    }
    explicit Weight(const Numbers& values) : Weight(std::vector<Index>(values.shape(), values.shape() + values.ndim())) {
        for (Index r = 0; r < rows(); ++r) std::copy_n(values.data() + r * cols_, cols_, view().row(r));
    }
    const std::vector<Index>& shape() const { return shape_; }
    View view() const { return {buffer_.data(), rows(), cols_, padded_stride(cols_)}; }

    Numbers values() const {
        Numbers out(shape_);
        for (Index r = 0; r < rows(); ++r) {
            const Scalar* row = view().row(r);
            std::copy_n(row, cols_, out.mutable_data() + r * cols_);
            require(std::all_of(row + cols_, row + view().stride, [](Scalar x) { return x == 0; }), "padding was written");
        }
        return out;
    }

private:
    Index rows() const { return shape_.size() == 2 ? shape_[0] : 1; }

    std::vector<Index> shape_;
    Index cols_;
    Buffer buffer_;
};

py::tuple regularize(const Regularizer& regularizer, const Numbers& w) {
    const Weight weight(w), gradient(weight.shape());
    const View view = weight.view(), slopes = gradient.view();
    return std::visit(
        [&]<class R>(const R& r) {
            if constexpr (ElementwiseRegularizer<R>) {
                r.add_gradient(view, 1, slopes);
                return py::make_tuple(r.value(view), gradient.values());
            } else {
                const Buffer scratch(r.scratch_size(view.rows, view.cols));
                r.add_gradient(one_panel(view), 1, one_panel(slopes), scratch.data());
                return py::make_tuple(r.value(one_panel(view), scratch.data()), gradient.values());
            }
        },
        regularizer);
}

Numbers constrain(const Constraint& constraint, const Numbers& w) {
    const Weight weight(w);
    std::visit([&](const auto& c) { c.apply(one_panel(weight.view()), {0, weight.view().rows}); }, constraint);
    return weight.values();
}

}  // namespace

void bind_weights(py::module_& m) {
    using namespace py::literals;
    m.def("regularize", &regularize, "regularizer"_a, "w"_a, "(penalty, its gradient) of a vector or matrix.");
    m.def("constrain", &constrain, "constraint"_a, "w"_a, "What a constraint makes of a vector or matrix.");
}

}  // namespace lamella
