/// Binds the value that a metric has for each row of predictions.
#pragma once

#include <pybind11/pybind11.h>

namespace lamella {

void bind_metrics(pybind11::module_& m);

}  // namespace lamella
