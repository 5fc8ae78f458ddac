#include "bind_activations.hpp"

#include <pybind11/stl.h>

#include "../core/activations.hpp"
#include "../core/arena.hpp"
#include "arrays.hpp"

namespace lamella {
namespace {

/// One row with padding, as activations want it; `cols` numbers of it are the caller's.
struct Row {
    Buffer numbers;
    View view;

    explicit Row(Index cols) : numbers(padded(cols)), view{numbers.data(), 1, cols, numbers.size()} {}
    void read(const Numbers& from, Index r) { std::copy_n(from.data(r, 0), view.cols, view.data); }
    void write(Numbers& to, Index r) const { std::copy_n(view.data, view.cols, to.mutable_data(r, 0)); }
};

Numbers activate_rows(const Activation& activation, const Numbers& x) {
    require(x.ndim() == 2, "x: must be a matrix");
    Row z(x.shape(1)), y(width(activation, x.shape(1)));
    Numbers out({x.shape(0), y.view.cols});
    for (Index r = 0; r < x.shape(0); ++r) {
        z.read(x, r);
        activate(activation, z.view, y.view);
        y.write(out, r);
    }
    return out;
}

Numbers gradient_rows(const Activation& activation, const Numbers& x, const Numbers& dy) {
    require(x.ndim() == 2 && dy.ndim() == 2, "z, dy: must be matrices");
    Row z(x.shape(1)), y(width(activation, x.shape(1))), delta(y.view.cols), dz(x.shape(1));
    require(dy.shape(0) == x.shape(0) && dy.shape(1) == y.view.cols, "dy: must have the shape of y");
    Numbers out({x.shape(0), x.shape(1)});
    for (Index r = 0; r < x.shape(0); ++r) {
        z.read(x, r);
        delta.read(dy, r);
        activate(activation, z.view, y.view);
        activation_gradient(activation, needs_input(activation) ? z.view : View{}, y.view, delta.view, dz.view);
        for (Index c = dz.view.cols; c < padded(dz.view.cols); ++c) require(dz.view.data[c] == 0, "padding must stay zero");
        dz.write(out, r);
    }
    return out;
}

}  // namespace

void bind_activations(py::module_& m) {
    using namespace py::literals;
    m.def("activate", &activate_rows, "activation"_a, "x"_a, "Applies an activation to the rows of x.");
    m.def("activation_gradient", &gradient_rows, "activation"_a, "z"_a, "dy"_a, "dz, from the input z and the gradient dy.");
    m.def("needs_input", &needs_input, "activation"_a, "Whether the derivative needs the input, not just the output.");
    m.def("activation_width", &width, "activation"_a, "inputs"_a, "Width of the output for rows of so many numbers.");
}

}  // namespace lamella
