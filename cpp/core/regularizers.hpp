/// Regularizers: one struct each, and the family at the foot.
///
/// value(w, scratch) is the penalty on a whole weight, summed in double; add_gradient(w, factor, g, scratch) adds so many times
/// its gradient to g; scratch has scratch_size(rows, cols) numbers. An elementwise one needs none and works on any part of a
/// weight: gradient(w) on a register, value(w) on a row.
#pragma once

#include <array>
#include <cmath>
#include <string>
#include <tuple>
#include <variant>

#include "panels.hpp"

namespace lamella {

/// l1 Σ|w| + l2 Σw²; the derivative of |w| at 0 is 0. `factors()` of the derived struct gives l1 and l2.
template <class Derived>
struct PowerPenalty {
    Index scratch_size(Index, Index) const { return 0; }

    double value(ConstView w) const {
        const auto [l1, l2] = factors();
        double total = 0;
        for (Index r = 0; r < w.rows; ++r) {
            std::array<double, kLanes> lanes{};  // sums that the compiler may keep in registers
            for (Index c = 0; c < w.cols; c += kLanes)
                for (Index i = 0; i < kLanes; ++i) {
                    const double number = w.row(r)[c + i];
                    lanes[i] += double(l1) * std::abs(number) + double(l2) * number * number;
                }
            double row = 0;
            for (const double lane : lanes) row += lane;
            total += row;
        }
        return total;
    }

    Vec gradient(Vec w) const {
        const auto [l1, l2] = factors();
        const Vec zero(Scalar(0));
        const Vec slope = where_at_most(w, zero, where_at_most(-w, zero, zero, Vec(-l1)), Vec(l1));
        return keep_nan(w, fma(w, Vec(2 * l2), slope));
    }

    void add_gradient(ConstView w, Scalar factor, View g) const {
        for (Index r = 0; r < w.rows; ++r)
            for (Index c = 0; c < w.cols; c += kLanes)
                fma(gradient(Vec::load(w.row(r) + c)), Vec(factor), Vec::load(g.row(r) + c)).store(g.row(r) + c);
    }

private:
    auto factors() const { return static_cast<const Derived&>(*this).factors(); }
};

/// l1 Σ|w|.
struct L1 : PowerPenalty<L1> {
    static constexpr auto name = "L1";
    Scalar l1 = Scalar(0.01);

    static constexpr auto fields() { return std::tuple{Field{"l1", &L1::l1}}; }
    std::array<Scalar, 2> factors() const { return {l1, 0}; }
};

/// l2 Σw².
struct L2 : PowerPenalty<L2> {
    static constexpr auto name = "L2";
    Scalar l2 = Scalar(0.01);

    static constexpr auto fields() { return std::tuple{Field{"l2", &L2::l2}}; }
    std::array<Scalar, 2> factors() const { return {0, l2}; }
};

/// l1 Σ|w| + l2 Σw².
struct L1L2 : PowerPenalty<L1L2> {
    static constexpr auto name = "L1L2";
    Scalar l1 = 0, l2 = 0;

    static constexpr auto fields() { return std::tuple{Field{"l1", &L1L2::l1}, Field{"l2", &L1L2::l2}}; }
    std::array<Scalar, 2> factors() const { return {l1, l2}; }
};

/// factor · mean |cos(wᵢ, wⱼ)| over all pairs of rows, or of columns. Rows of zeros have no gradient; one row, no penalty.
struct OrthogonalRegularizer {
    static constexpr auto name = "OrthogonalRegularizer";
    Scalar factor = Scalar(0.01);
    std::string mode = "rows";

    static constexpr auto fields() {
        return std::tuple{Field{"factor", &OrthogonalRegularizer::factor}, Field{"mode", &OrthogonalRegularizer::mode}};
    }
    Index scratch_size(Index rows, Index cols) const;
    double value(ConstPanels w, Scalar* scratch) const;
    void add_gradient(ConstPanels w, Scalar factor, Panels g, Scalar* scratch) const;
};

/// Marks those that work on any part of a weight.
template <class R>
concept ElementwiseRegularizer = requires(const R& regularizer, Vec w) { regularizer.gradient(w); };

using Regularizer = std::variant<L1, L2, L1L2, OrthogonalRegularizer>;

}  // namespace lamella
