#include "rows.hpp"

#include <algorithm>
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

void log_softmax_row(Scalar* z, Index n) {
    const Vec largest(max_row(z, n));
    const Index end = padded(n);
    for (Index i = n; i < end; ++i) z[i] = -std::numeric_limits<Scalar>::infinity();
    Vec total(Scalar(0));
    for (Index i = 0; i < end; i += kLanes) total += exp(Vec::load(z + i) - largest);
    const Vec log_sum(std::log(sum(total)));
    for (Index i = 0; i < end; i += kLanes) (Vec::load(z + i) - largest - log_sum).store(z + i);
    std::fill(z + n, z + end, Scalar(0));
}

void log_softmax_gradient_row(const Scalar* y, Scalar* dy, Index n) {
    const Index end = padded(n);
    Vec total(Scalar(0));
    for (Index i = 0; i < end; i += kLanes) total += Vec::load(dy + i);
    const Vec all(sum(total));
    for (Index i = 0; i < end; i += kLanes) (Vec::load(dy + i) - exp(Vec::load(y + i)) * all).store(dy + i);
    std::fill(dy + n, dy + end, Scalar(0));
}

void sparsemax_row(Scalar* z, Index n) {
    const Scalar largest = max_row(z, n);
    // Relative to the largest number τ lies in [-1, 0). Each τ is that of the numbers above the last one, until none is left
    // out any more. NaN, which infinity minus infinity is too, counts as above and makes τ and with it the row NaN.
    double threshold = -1;
    for (Index size = n + 1, before = n + 2; size < before;) {
        before = size;
        double total = 0;
        size = 0;
        for (Index i = 0; i < n; ++i)
            if (const double above = z[i] - largest; !(above <= threshold)) total += above, ++size;
        threshold = (total - 1) / static_cast<double>(size);
    }
    const Vec shift(largest), tau(static_cast<Scalar>(threshold));
    const Index end = padded(n);
    for (Index i = 0; i < end; i += kLanes) at_least(Vec::load(z + i) - shift - tau, Scalar(0)).store(z + i);
    std::fill(z + n, z + end, Scalar(0));
}

void sparsemax_gradient_row(const Scalar* y, Scalar* dy, Index n) {
    Scalar total = 0;
    Index size = 0;
    for (Index i = 0; i < n; ++i)
        if (!(y[i] <= 0)) total += dy[i], ++size;
    const Scalar mean = total / static_cast<Scalar>(size);
    for (Index i = 0; i < n; ++i) dy[i] = y[i] <= 0 ? 0 : dy[i] - mean;
}

Index argmax_row(const Scalar* y, Index n) {
    Index best = 0;
    for (Index i = 1; i < n && !std::isnan(y[best]); ++i)
        if (!(y[i] <= y[best])) best = i;
    return best;
}

bool is_argmax_row(const Scalar* y, Index n, Index i) {
    if (i < 0 || i >= n) return false;
    const Vec top(y[i]), one(Scalar(1)), zero(Scalar(0));
    if (std::isnan(y[i])) return argmax_row(y, n) == i;
    Vec better = zero;  // lanes that are larger or NaN, or as large and before i
    for (Index at = 0; at < n; at += kLanes) {
        const Vec value = first_lanes(n - at, Vec::load(y + at), kLowest);
        better += where_at_most(value, top, zero, one);
        if (at < i) better += first_lanes(i - at, where_equal(value, top, one, zero), zero);
    }
    return sum(better) == 0;
}

}  // namespace lamella
