#include "rows.hpp"

#include <cmath>
#include <limits>

namespace lamella {

Scalar max_row(const Scalar* z, Index n) { return z[argmax_row(z, n)]; }

Scalar log_sum_row(const Scalar* z, Index n) {
    const Scalar largest = max_row(z, n);
    Scalar total = 0;
    for (Index i = 0; i < n; ++i) total += std::exp(z[i] - largest);
    return std::log(total);
}

Scalar softmax_row(Scalar* z, Index n) {
    const Scalar largest = max_row(z, n);
    // Padding gets a logit whose exponential is zero, so that whole registers can be summed.
    const Index end = padded(n);
    for (Index i = n; i < end; ++i) z[i] = -std::numeric_limits<Scalar>::infinity();
    const Vec shift(largest);
    Vec total(Scalar(0));
    for (Index i = 0; i < end; i += kLanes) {
        const Vec e = exp(Vec::load(z + i) - shift);
        e.store(z + i);
    }
    for (Index i = n; i < end; ++i) z[i] = 0;
    for (Index i = 0; i < end; i += kLanes) total += Vec::load(z + i);
    const Scalar normaliser = sum(total);
    const Vec divisor(normaliser);
    for (Index i = 0; i < end; i += kLanes) (Vec::load(z + i) / divisor).store(z + i);
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

}  // namespace lamella
