/// Small jobs on one row: softmax and its relatives, their gradients, argmax. Rows end in padding that these leave at zero.
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

/// z (n) becomes z - max z - ln Σ exp(z - max z). NaN and infinity propagate.
void log_softmax_row(Scalar* z, Index n);

/// dy (n) becomes dy - exp(y) Σ dy.
void log_softmax_gradient_row(const Scalar* y, Scalar* dy, Index n);

/// z (n) becomes the nearest row of probabilities, max(z - τ, 0). NaN and infinity propagate.
void sparsemax_row(Scalar* z, Index n);

/// dy (n) becomes dy - (mean of dy where y > 0) where y > 0, elsewhere 0.
void sparsemax_gradient_row(const Scalar* y, Scalar* dy, Index n);

/// Position of the first largest number; a NaN counts as largest, as in NumPy.
Index argmax_row(const Scalar* y, Index n);

/// Whether argmax_row(y, n) is i, found a register at a time.
bool is_argmax_row(const Scalar* y, Index n, Index i);

}  // namespace lamella
