/// Binds Network and Trainer: the few verbs that Python calls.
#pragma once

#include <pybind11/pybind11.h>

namespace lamella {

void bind_network(pybind11::module_& m);

}  // namespace lamella
