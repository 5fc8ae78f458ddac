#include "rows.hpp"

#include <cmath>
#include <limits>

namespace lamella {

namespace {

const Scalar kLowest = -std::numeric_limits<Scalar>::infinity();

}  // namespace

Scalar max_row(const Scalar* z, Index n) {
    Vec top(kLowest);
    for (Index i = 0; i < n; i += kLanes) top = at_least(top, first_lanes(n - i, Vec::load(z + i), kLowest));
    return largest(top);
}

Scalar log_sum_row(const Scalar* z, Index n) {
    const Vec top(max_row(z, n));
    Vec total(Scalar(0));
    for (Index i = 0; i < n; i += kLanes) total += first_lanes(n - i, exp(Vec::load(z + i) - top), Scalar(0));
    return std::log(sum(total));
}

Scalar softmax_row(Scalar* z, Index n, Scalar top) {
    const Vec shift(top);
    Vec total(Scalar(0));
    for (Index i = 0; i < n; i += kLanes) {
        const Vec e = first_lanes(n - i, exp(Vec::load(z + i) - shift), Scalar(0));
        e.store(z + i);
        total += e;
    }
    const Scalar normaliser = sum(total);
    const Vec divisor(normaliser);
    for (Index i = 0; i < n; i += kLanes) first_lanes(n - i, Vec::load(z + i) / divisor, Scalar(0)).store(z + i);
    return std::log(normaliser);
}

void softmax_gradient_row(const Scalar* y, Scalar* dy, Index n) {
    const Index end = padded(n);
    Vec total(Scalar(0));
    for (Index i = 0; i < end; i += kLanes) total = fma(Vec::load(y + i), Vec::load(dy + i), total);
    const Vec mean(sum(total));
    for (Index i = 0; i < end; i += kLanes) (Vec::load(y + i) * (Vec::load(dy + i) - mean)).store(dy + i);
}

Index argmax_row(const Scalar* y, Index n) {
    Index best = 0;
    for (Index i = 1; i < n && y[best] == y[best]; ++i)
        if (!(y[i] <= y[best])) best = i;
    return best;
}

bool is_argmax_row(const Scalar* y, Index n, Index i) {
    if (i < 0 || i >= n) return false;
    const Vec top(y[i]), one(Scalar(1)), zero(Scalar(0));
    if (!(y[i] == y[i])) return argmax_row(y, n) == i;
    Vec better = zero;  // lanes that are larger or NaN, or as large and before i
    for (Index at = 0; at < n; at += kLanes) {
        const Vec value = first_lanes(n - at, Vec::load(y + at), kLowest);
        better += where_at_most(value, top, zero, one);
        if (at < i) better += first_lanes(i - at, where_equal(value, top, one, zero), zero);
    }
    return sum(better) == 0;
}

}  // namespace lamella
