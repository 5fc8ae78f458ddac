/// Constraints: one struct each, and the family at the foot.
///
/// apply(w, rows) changes rows of a weight in place: any where it goes by elements or takes norms along rows, all where it takes
/// them along columns, of which w may have some only. Biases are weights of one row: their norm is along rows.
#pragma once

#include <algorithm>
#include <limits>
#include <tuple>
#include <variant>

#include "panels.hpp"

namespace lamella {

enum class Along { elements, columns, rows };

/// w = max(w, 0); NaN stays.
struct NonNeg {
    static constexpr auto name = "NonNeg";
    static constexpr auto fields() { return std::tuple{}; }
    Along along() const { return Along::elements; }

    void apply(Panels w, Range rows) const {
        for (Index p = 0; p < w.count(); ++p)
            for (Index r = rows.first; r < rows.last; ++r)
                for (Index c = 0; c < w[p].cols; c += kLanes)
                    at_least(Vec::load(w[p].row(r) + c), Vec(Scalar(0))).store(w[p].row(r) + c);
    }
};

/// w · wanted(‖w‖) / (ε + ‖w‖) with the norm of every column (axis 0) or row (axis 1); the derived struct has `axis` and
/// wanted(norm).
template <class Derived>
struct NormConstraint {
    Along along() const { return self().axis == 0 ? Along::columns : Along::rows; }

    void apply(Panels w, Range rows) const {
        if (along() == Along::columns) {
            for (Index p = 0; p < w.count(); ++p)
                for (Index c = 0; c < w[p].cols; c += kLanes)
                    scale({w[p].data + c, w.rows, kLanes, w[p].stride}, squares(w[p], c));
            return;
        }
        for (Index r = rows.first; r < rows.last; ++r) {
            Vec total(Scalar(0));
            for (Index p = 0; p < w.count(); ++p)
                for (Index c = 0; c < w[p].cols; c += kLanes) add_square(Vec::load(w[p].row(r) + c), total);
            for (Index p = 0; p < w.count(); ++p) {
                const View row = w[p].middle_rows(r, 1);
                scale(row, Vec(sum(total)));
                std::fill(row.data + row.cols, row.data + padded(row.cols), Scalar(0));  // 0 · NaN is NaN
            }
        }
    }

private:
    const Derived& self() const { return static_cast<const Derived&>(*this); }
    static void add_square(Vec w, Vec& total) { total = fma(w, w, total); }

    /// Sums of squares of the columns from c on.
    static Vec squares(ConstView w, Index c) {
        Vec total(Scalar(0));
        for (Index r = 0; r < w.rows; ++r) add_square(Vec::load(w.row(r) + c), total);
        return total;
    }

    void scale(View w, Vec squares) const {
        const Vec norm = sqrt(squares);
        // Finite, so that zeros stay zeros: padding must.
        const Vec factor = at_most(self().wanted(norm) / (norm + Vec(Scalar(1e-7))), std::numeric_limits<Scalar>::max());
        for (Index r = 0; r < w.rows; ++r)
            for (Index c = 0; c < w.cols; c += kLanes) (Vec::load(w.row(r) + c) * factor).store(w.row(r) + c);
    }
};

/// Columns longer than max_value become that long.
struct MaxNorm : NormConstraint<MaxNorm> {
    static constexpr auto name = "MaxNorm";
    Scalar max_value = 2;
    int axis = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"max_value", &MaxNorm::max_value}, Field{"axis", &MaxNorm::axis}};
    }
    Vec wanted(Vec norm) const { return at_most(norm, max_value); }
};

/// Columns get the norm 1.
struct UnitNorm : NormConstraint<UnitNorm> {
    static constexpr auto name = "UnitNorm";
    int axis = 0;

    static constexpr auto fields() { return std::tuple{Field{"axis", &UnitNorm::axis}}; }
    Vec wanted(Vec) const { return Vec(Scalar(1)); }
};

/// Norms go the share `rate` of the way to the range from min_value to max_value.
struct MinMaxNorm : NormConstraint<MinMaxNorm> {
    static constexpr auto name = "MinMaxNorm";
    Scalar min_value = 0, max_value = 1, rate = 1;
    int axis = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"min_value", &MinMaxNorm::min_value}, Field{"max_value", &MinMaxNorm::max_value},
                          Field{"rate", &MinMaxNorm::rate}, Field{"axis", &MinMaxNorm::axis}};
    }
    Vec wanted(Vec norm) const {
        return at_most(at_least(norm, Vec(min_value)), max_value) * Vec(rate) + norm * Vec(1 - rate);
    }
};

using Constraint = std::variant<MaxNorm, NonNeg, UnitNorm, MinMaxNorm>;

}  // namespace lamella
