/// The numbers everything is made of: Scalar, Index and the two matrix views.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lamella {

#ifndef LAMELLA_SCALAR
#define LAMELLA_SCALAR float  // the tests build the same sources with double, for gradient checks
#endif
using Scalar = LAMELLA_SCALAR;
using Index = std::ptrdiff_t;

/// A row-major matrix that somebody else owns; row r starts at data + r * stride.
template <class T>
struct BasicView {
    T* data = nullptr;
    Index rows = 0, cols = 0, stride = 0;

    T* row(Index r) const { return data + r * stride; }
    BasicView middle_rows(Index first, Index count) const { return {row(first), count, cols, stride}; }
    BasicView middle_cols(Index first, Index count) const { return {data + first, rows, count, stride}; }
    operator BasicView<const T>() const { return {data, rows, cols, stride}; }
};
using View = BasicView<Scalar>;
using ConstView = BasicView<const Scalar>;

/// Half-open range of rows, columns or blocks.
struct Range {
    Index first = 0, last = 0;
    Index count() const { return last - first; }
};

/// A configurable member of a spec struct, under the name that Keras gives it.
template <class Spec, class Member>
struct Field {
    const char* name;
    Member Spec::*member;
};
template <class Spec, class Member>
Field(const char*, Member Spec::*) -> Field<Spec, Member>;

}  // namespace lamella
