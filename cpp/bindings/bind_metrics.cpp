#include "bind_metrics.hpp"

#include <pybind11/stl.h>

#include "../core/metrics.hpp"
#include "arrays.hpp"
#include "gil.hpp"

namespace lamella {
namespace {

using Numbers = Array<Scalar>;

/// The value of each row of y_pred; y_true has rows of the same width, or int32 classes.
Numbers metric_values(const Metric& metric, const py::array& y_true, const Numbers& y_pred) {
    require(y_pred.ndim() == 2 && y_pred.shape(1) > 0, "y_pred: must be a matrix with columns");
    const Index rows = y_pred.shape(0), cols = y_pred.shape(1);
    const bool labels = std::visit([](const auto& one) { return one.kLabels; }, metric);
    const std::int32_t* classes = nullptr;
    const Scalar* targets = nullptr;
    if (labels) {
        require(py::isinstance<Array<std::int32_t>>(y_true) && y_true.size() == rows, "y_true: must be int32, one a row");
        classes = static_cast<const std::int32_t*>(y_true.data());
        for (Index r = 0; r < rows; ++r) require(classes[r] >= 0 && classes[r] < cols, "y_true: label out of range");
    } else {
        require(py::isinstance<Numbers>(y_true) && y_true.ndim() == 2 && y_true.shape(0) == rows && y_true.shape(1) == cols,
                "y_true: must have the shape of y_pred");
        targets = static_cast<const Scalar*>(y_true.data());
    }
    Numbers values(rows);
    Scalar* out = values.mutable_data();
    const Scalar* p = y_pred.data();
    const Released released;
    Buffer row(padded(cols));  // formulas may read whole registers
    std::visit(
        [&](const auto& one) {
            for (Index r = 0; r < rows; ++r) {
                std::copy_n(p + r * cols, cols, row.data());
                Target target;
                if (labels) target.label = classes[r];
                else target.values = targets + r * cols;
                out[r] = one.value(row.data(), target, cols);
            }
        },
        metric);
    return values;
}

}  // namespace

void bind_metrics(py::module_& m) {
    using namespace py::literals;
    m.def("metric_values", &metric_values, "metric"_a, "y_true"_a, "y_pred"_a, "The value of every row of y_pred.");
}

}  // namespace lamella
