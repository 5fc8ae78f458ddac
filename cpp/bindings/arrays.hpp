/// NumPy arrays to and from the core's views. Python has checked dtypes and shapes; here they are only asserted.
#pragma once

#include <pybind11/numpy.h>

#include <stdexcept>

#include "../core/kernels/batch.hpp"

namespace lamella {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;
using Numbers = Array<Scalar>;

/// A violated contract between the Python wrapper and the core.
inline void require(bool condition, const char* what) {
    if (!condition) throw std::invalid_argument(what);
}

template <class T>
Source dense_rows(const py::array& x) {
    const auto size = static_cast<Index>(sizeof(T));
    require(x.shape(1) < 2 || x.strides(1) == size, "x: numbers of a row must be adjacent");
    require(x.shape(0) < 2 || x.strides(0) % size == 0, "x: rows must be aligned");
    return DenseRows<T>{static_cast<const T*>(x.data()), x.shape(0), x.shape(1), x.strides(0) / size};
}

template <class I, class V>
Source compressed_rows(const Array<std::int64_t>& starts, const py::array& indices, const py::array& values, Index cols) {
    return CompressedRows<I, V>{starts.data(), static_cast<const I*>(indices.data()), static_cast<const V*>(values.data()),
                                starts.size() - 1, cols};
}

/// x is a matrix of float32, float64 or uint8, or a tuple (starts int64, indices, values, columns) as in SciPy's CSR.
inline Source source_of(const py::object& x) {
    if (py::isinstance<py::tuple>(x)) {
        const auto parts = x.cast<py::tuple>();
        const auto starts = parts[0].cast<Array<std::int64_t>>();
        const auto indices = parts[1].cast<py::array>(), values = parts[2].cast<py::array>();
        const auto cols = parts[3].cast<Index>();
        const bool wide = py::isinstance<Array<double>>(values);
        require(wide || py::isinstance<Array<float>>(values), "x: values must be float32 or float64");
        if (py::isinstance<Array<std::int32_t>>(indices))
            return wide ? compressed_rows<std::int32_t, double>(starts, indices, values, cols)
                        : compressed_rows<std::int32_t, float>(starts, indices, values, cols);
        if (py::isinstance<Array<std::int64_t>>(indices))
            return wide ? compressed_rows<std::int64_t, double>(starts, indices, values, cols)
                        : compressed_rows<std::int64_t, float>(starts, indices, values, cols);
        require(py::isinstance<Array<std::uint16_t>>(indices) && !wide, "x: indices must be uint16, int32 or int64");
        return compressed_rows<std::uint16_t, float>(starts, indices, values, cols);
    }
    const auto array = x.cast<py::array>();
    require(array.ndim() == 2, "x: must be a matrix");
    if (py::isinstance<py::array_t<float>>(array)) return dense_rows<float>(array);
    if (py::isinstance<py::array_t<double>>(array)) return dense_rows<double>(array);
    require(py::isinstance<py::array_t<std::uint8_t>>(array), "x: must be float32, float64 or uint8");
    return dense_rows<std::uint8_t>(array);
}

}  // namespace lamella
