/// Small jobs on one row: softmax, its gradient, argmax. Rows end in padding that these leave at zero.
#pragma once

#include "../simd.hpp"

namespace lamella {

/// The largest number of a row, NaN left out.
Scalar max_row(const Scalar* z, Index n);

/// z (n) becomes softmax(z); returns ln Σ exp(z - top), where top is max_row(z, n). NaN and infinity propagate.
Scalar softmax_row(Scalar* z, Index n, Scalar top);

/// ln Σ exp(z - max z), z unchanged.
Scalar log_sum_row(const Scalar* z, Index n);

/// dy (n) becomes y (dy - Σ y dy).
void softmax_gradient_row(const Scalar* y, Scalar* dy, Index n);

/// Position of the first largest number; a NaN counts as largest, as in NumPy.
Index argmax_row(const Scalar* y, Index n);

/// Whether argmax_row(y, n) is i, found a register at a time.
bool is_argmax_row(const Scalar* y, Index n, Index i);

}  // namespace lamella
