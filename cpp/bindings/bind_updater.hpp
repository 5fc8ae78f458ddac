/// Binds Options and Updater: what Python asks an optimizer for.
#pragma once

#include <pybind11/pybind11.h>

namespace lamella {

void bind_updater(pybind11::module_& m);

}  // namespace lamella
