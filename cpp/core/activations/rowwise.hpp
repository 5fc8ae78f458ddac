/// Activations that mix the numbers of a row.
#pragma once

#include <tuple>

#include "../kernels/rows.hpp"
#include "of_output.hpp"

namespace lamella {

/// y = exp(z - max z) / Σ exp(z - max z) over the row.
struct Softmax {
    static constexpr auto name = "softmax";
    static constexpr auto fields() { return std::tuple{}; }
    void forward(Scalar* z, Index n) const { softmax_row(z, n, max_row(z, n)); }
    /// dz = y (dy - Σ y dy).
    void gradient(const Scalar* y, Scalar* dy, Index n) const { softmax_gradient_row(y, dy, n); }
};

/// y = z - max z - ln Σ exp(z - max z).
struct LogSoftmax {
    static constexpr auto name = "log_softmax";
    static constexpr auto fields() { return std::tuple{}; }
    void forward(Scalar* z, Index n) const { log_softmax_row(z, n); }
    /// dz = dy - exp(y) Σ dy.
    void gradient(const Scalar* y, Scalar* dy, Index n) const { log_softmax_gradient_row(y, dy, n); }
};

/// The row of probabilities nearest to z.
/// Martins and Astudillo (2016), From Softmax to Sparsemax, https://arxiv.org/abs/1602.02068
struct Sparsemax {
    static constexpr auto name = "sparsemax";
    static constexpr auto fields() { return std::tuple{}; }
    void forward(Scalar* z, Index n) const { sparsemax_row(z, n); }
    /// dz = dy minus its mean where y > 0, elsewhere 0.
    void gradient(const Scalar* y, Scalar* dy, Index n) const { sparsemax_gradient_row(y, dy, n); }
};

/// y = a σ(b) for a row z = (a, b) of two halves, where σ is the sigmoid.
struct Glu {
    static constexpr auto name = "glu";
    static constexpr bool kNeedsInput = true;
    static constexpr auto fields() { return std::tuple{}; }

    /// n numbers become n / 2. The second half does not begin at a register, so what is read of it is counted.
    void forward(const Scalar* z, Index n, Scalar* y) const {
        const Index half = n / 2;
        for (Index i = 0; i < half; i += kLanes) {
            const Vec a = Vec::load_part(z + i, half - i), b = Vec::load_part(z + half + i, half - i);
            (a * Sigmoid{}.forward(b)).store(y + i);
        }
    }

    /// n / 2 numbers dy become n numbers dz.
    void gradient(const Scalar* z, const Scalar* dy, Index n, Scalar* dz) const {
        const Index half = n / 2;
        for (Index i = 0; i < half; i += kLanes) {
            const Vec a = Vec::load_part(z + i, half - i), s = Sigmoid{}.forward(Vec::load_part(z + half + i, half - i));
            const Vec da = Vec::load_part(dy + i, half - i) * s;
            da.store_part(dz + i, half - i);
            (da * a * (Scalar(1) - s)).store_part(dz + half + i, half - i);
        }
        std::fill(dz + n, dz + padded(n), Scalar(0));
    }
};

}  // namespace lamella
