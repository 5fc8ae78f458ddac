/// Binds what regularizers and constraints do to one weight, for tests and for Python code that asks.
#pragma once

#include <pybind11/pybind11.h>

namespace lamella {

void bind_weights(pybind11::module_& m);

}  // namespace lamella
