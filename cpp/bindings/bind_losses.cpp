#include "bind_losses.hpp"

#include <pybind11/stl.h>

#include "../core/scorer.hpp"
#include "arrays.hpp"

namespace lamella {
namespace {

using Numbers = Array<Scalar>;

/// A matrix of the core's own, padding included.
struct Rows {
    Buffer storage;
    View view;

    Rows(Index rows, Index cols) : storage(rows * padded_stride(cols)), view{storage.data(), rows, cols, padded_stride(cols)} {}
    void read(const Numbers& from) {
        for (Index r = 0; r < view.rows; ++r) std::copy_n(from.data(r, 0), view.cols, view.row(r));
    }
    Numbers numbers() const {
        Numbers out({view.rows, view.cols});
        for (Index r = 0; r < view.rows; ++r) std::copy_n(view.row(r), view.cols, out.mutable_data(r, 0));
        return out;
    }
};

/// Scores one batch: y_true is labels (n) of int32 or rows (n, k), y_pred (n, k).
void score_batch(Scorer& scorer, const py::array& y_true, const Numbers& y_pred, View delta) {
    require(y_pred.ndim() == 2, "y_pred: must be a matrix");
    const Index rows = y_pred.shape(0), cols = y_pred.shape(1);
    require(y_true.ndim() > 0 && y_true.shape(0) == rows, "y_true: wrong number of rows");
    Examples data{.x = DenseRows<float>{nullptr, rows, 0, 0}};
    if (y_true.ndim() == 1) {
        require(py::isinstance<Array<std::int32_t>>(y_true), "y_true: labels must be int32");
        data.labels = static_cast<const std::int32_t*>(y_true.data());
    } else {
        require(py::isinstance<Numbers>(y_true) && y_true.shape(1) == cols, "y_true: must have the shape of y_pred");
        data.targets = static_cast<const Scalar*>(y_true.data());
        data.target_cols = cols;
    }
    Rows y(rows, cols);
    y.read(y_pred);
    scorer.reserve(rows);
    scorer.score(Team{}, data, {nullptr, 0, rows}, y.view, delta);
}

void require_targets(const Loss& loss, const py::array& y_true) {
    const bool labels = std::visit([](const auto& l) { return l.kLabels; }, loss);
    require(labels == (y_true.ndim() == 1), "y_true: labels for sparse losses, rows for all others");
}

Numbers loss_values(const Loss& loss, const py::array& y_true, const Numbers& y_pred) {
    require_targets(loss, y_true);
    Scorer scorer(loss, Reduction::mean, 1, {}, false);
    score_batch(scorer, y_true, y_pred, {});
    return Numbers(y_pred.shape(0), scorer.values());
}

Numbers loss_gradients(const Loss& loss, const py::array& y_true, const Numbers& y_pred) {
    require_targets(loss, y_true);
    Scorer scorer(loss, Reduction::sum, 1, {}, false);
    Rows delta(y_pred.shape(0), y_pred.ndim() == 2 ? y_pred.shape(1) : 0);
    score_batch(scorer, y_true, y_pred, delta.view);
    return delta.numbers();
}

}  // namespace

void bind_losses(py::module_& m) {
    using namespace py::literals;
    m.def("loss_values", &loss_values, "loss"_a, "y_true"_a, "y_pred"_a,
          "The loss of every row of the batch; Dice and Tversky over the whole batch: the same for every row.");
    m.def("loss_gradients", &loss_gradients, "loss"_a, "y_true"_a, "y_pred"_a,
          "The gradient of each row's loss, or of the one loss of the batch, by that row of y_pred.");
}

}  // namespace lamella
