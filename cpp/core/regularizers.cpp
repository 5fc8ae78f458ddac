#include "regularizers.hpp"

#include <algorithm>

#include "memory.hpp"

namespace lamella {
namespace {

constexpr Scalar kShortest = Scalar(1e-7);  // Keras divides shorter rows by this

Scalar dot(const Scalar* a, const Scalar* b, Index n) {
    Vec total(Scalar(0));
    for (Index i = 0; i < n; i += kLanes) total = fma(Vec::load(a + i), Vec::load(b + i), total);
    return sum(total);
}

/// y += a x.
void add_scaled(Scalar a, const Scalar* x, Scalar* y, Index n) {
    for (Index i = 0; i < n; i += kLanes) fma(Vec(a), Vec::load(x + i), Vec::load(y + i)).store(y + i);
}

/// The rows (or columns) of a weight, as rows of length 1, in `scratch`; with place for their norms and one more row.
struct Units {
    Index count, length;
    Scalar *numbers, *norms, *spare;

    static Index size(Index count, Index length) { return plus(times(plus(count, 1), padded(length)), padded(count)); }

    Units(ConstPanels w, bool by_rows, Scalar* scratch)
        : count(by_rows ? w.rows : w.cols),
          length(by_rows ? w.cols : w.rows),
          numbers(scratch),
          norms(numbers + count * padded(length)),
          spare(norms + padded(count)) {
        std::fill(numbers, norms, Scalar(0));
        for (Index r = 0; r < w.rows; ++r)
            for (Index c = 0; c < w.cols; ++c) (by_rows ? row(r)[c] : row(c)[r]) = w.at(r, c);
        for (Index i = 0; i < count; ++i) {
            norms[i] = std::sqrt(dot(row(i), row(i), length));
            const Scalar inverse = 1 / std::max(norms[i], kShortest);
            for (Index k = 0; k < length; ++k) row(i)[k] *= inverse;
        }
    }
    Scalar* row(Index i) const { return numbers + i * padded(length); }
    /// The share of one pair in the mean, times `factor`.
    double share(Scalar factor) const { return count < 2 ? 0 : 2 * double(factor) / double(count * (count - 1)); }
};

}  // namespace

Index OrthogonalRegularizer::scratch_size(Index rows, Index cols) const {
    return mode == "rows" ? Units::size(rows, cols) : Units::size(cols, rows);
}

double OrthogonalRegularizer::value(ConstPanels w, Scalar* scratch) const {
    const Units units(w, mode == "rows", scratch);
    double total = 0;
    for (Index i = 0; i < units.count; ++i)
        for (Index j = 0; j < i; ++j) total += std::abs(double(dot(units.row(i), units.row(j), units.length)));
    return units.share(factor) * total;
}

void OrthogonalRegularizer::add_gradient(ConstPanels w, Scalar times, Panels g, Scalar* scratch) const {
    const bool by_rows = mode == "rows";
    const Units units(w, by_rows, scratch);
    const Scalar share = static_cast<Scalar>(units.share(factor));
    Scalar* const pull = units.spare;
    for (Index i = 0; i < units.count; ++i) {
        if (units.norms[i] < kShortest) continue;
        std::fill_n(pull, padded(units.length), Scalar(0));
        for (Index j = 0; j < units.count; ++j) {
            if (j == i) continue;
            const Scalar cosine = dot(units.row(i), units.row(j), units.length);
            // The sign of the cosine; NaN stays.
            if (cosine != 0) add_scaled(cosine / std::abs(cosine) * share, units.row(j), pull, units.length);
        }
        // What points along the row changes only its length.
        add_scaled(-dot(units.row(i), pull, units.length), units.row(i), pull, units.length);
        for (Index k = 0; k < units.length; ++k)
            (by_rows ? g.at(i, k) : g.at(k, i)) += times * (pull[k] / units.norms[i]);
    }
}

}  // namespace lamella
