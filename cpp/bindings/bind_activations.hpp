/// Binds activations as functions of arrays.
#pragma once

#include <pybind11/pybind11.h>

namespace lamella {

void bind_activations(pybind11::module_& m);

}  // namespace lamella
