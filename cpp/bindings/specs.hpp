/// Binds spec structs and whole families from their fields().
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <tuple>
#include <type_traits>
#include <variant>

namespace lamella {

namespace py = pybind11;

/// Binds one spec: a default constructor and an attribute per entry of fields().
template <class Spec>
void bind_spec(py::module_& m) {
    // Local to this module: several instruction sets may be loaded into one process.
    py::class_<Spec> cls(m, Spec::name, py::module_local());
    cls.def(py::init<>());
    std::apply([&](auto... field) { (cls.def_readwrite(field.name, field.member), ...); }, Spec::fields());
}

/// Binds every alternative of a family into a submodule of that name; `names` lists them.
template <class... Specs>
void bind_family(py::module_& m, const char* family, std::type_identity<std::variant<Specs...>>) {
    py::module_ sub = m.def_submodule(family);
    const auto once = [&]<class Spec>(std::type_identity<Spec>) {
        if (!py::detail::get_type_info(typeid(Spec))) bind_spec<Spec>(sub);
        else sub.attr(Spec::name) = py::type::of<Spec>();  // a loss that is also a metric
    };
    (once(std::type_identity<Specs>{}), ...);
    sub.attr("names") = py::make_tuple(Specs::name...);
}

}  // namespace lamella
