/// Binds what a loss does without a network: its values and gradients on arrays.
#pragma once

#include <pybind11/pybind11.h>

namespace lamella {

void bind_losses(pybind11::module_& m);

}  // namespace lamella
