/// Functions of registers that keep their relative accuracy where the obvious formula cancels.
#pragma once

#include <array>

#include "simd.hpp"

namespace lamella {

/// e^a - 1.
inline Vec expm1(Vec a) {
    // Taylor's series a + a² (1/2! + a/3! + ...) up to 1/2; further out, cancellation costs at most one bit.
    constexpr auto terms = [] {
        std::array<Scalar, sizeof(Scalar) == 4 ? 8 : 14> inverse_factorials{};
        double product = 1, k = 1;
        for (Scalar& term : inverse_factorials) term = static_cast<Scalar>(1 / (product *= ++k));
        return inverse_factorials;
    }();
    Vec series(terms.back());
    for (std::size_t k = terms.size() - 1; k-- > 0;) series = fma(series, a, terms[k]);
    return where_at_most(abs(a), Scalar(0.5), fma(a * a, series, a), exp(a) - Scalar(1));
}

/// ln(1 + a), for a in [0, 1].
inline Vec log1p_of_share(Vec a) {
    // 2 artanh s = 2 (s + s³/3 + s⁵/5 + ...) with s = a / (2 + a) up to 1/3.
    constexpr int terms = sizeof(Scalar) == 4 ? 7 : 16;
    const Vec s = a / (Scalar(2) + a), square = s * s;
    Vec series(Scalar(1) / Scalar(2 * terms + 1));
    for (int k = terms - 1; k > 0; --k) series = fma(series, square, Scalar(1) / Scalar(2 * k + 1));
    const Vec twice = s + s;
    return fma(twice * square, series, twice);
}

/// e^(-a²/2) / √(2π), the density of the normal distribution.
inline Vec normal_density(Vec a) { return Scalar(0.3989422804014327) * exp(Scalar(-0.5) * a * a); }

/// Φ(a), the share of the normal distribution below a; to 6 units in the last place down to a = -5, to 10 further out.
inline Vec normal_distribution(Vec a) {
    if constexpr (sizeof(Scalar) == 4) {
        // Taylor's series 1/2 + a (1 - a²/(2·3) + a⁴/(4·2!·5) - ...) / √(2π) in the middle.
        constexpr auto taylor = [] {
            std::array<Scalar, 8> terms{};
            double power = 0.3989422804014327;
            for (std::size_t k = 0; k < terms.size(); power /= -2.0 * static_cast<double>(++k))
                terms[k] = static_cast<Scalar>(power / static_cast<double>(2 * k + 1));
            return terms;
        }();
        const Vec square = a * a;
        Vec middle(taylor.back());
        for (std::size_t k = taylor.size() - 1; k-- > 0;) middle = fma(middle, square, taylor[k]);
        middle = fma(middle, a, Scalar(0.5));
        // Φ(-b) e^(b²/2) (b + 3) is smooth in q = (b - 3) / (b + 3): a Chebyshev fit over [1, 14.2], off by 2e-8.
        constexpr Scalar fit[] = {0.7290836962f, -0.5093318826f, 0.2300169115f, -0.04726580313f,
                                  -0.01044606092f, 0.006987846019f, 0.0009139929545f, -0.001031868433f};
        const Vec b = abs(a), inverse = Scalar(1) / (b + Scalar(3)), q = (b - Scalar(3)) * inverse;
        Vec series(fit[7]);
        for (int k = 6; k >= 0; --k) series = fma(series, q, fit[k]);
        const Vec lost = fma(a, a, -square);  // the rounding of a² matters in its exponential
        Vec tail = exp(Scalar(-0.5) * square) * series * inverse * (Scalar(1) - Scalar(0.5) * lost);
        tail = where_at_most(Scalar(14), b, Scalar(0), tail);
        const Vec outside = where_below(a, Scalar(0), tail, Scalar(1) - tail);
        return where_at_most(b, Scalar(1), middle, outside);
    } else {
        return lanewise(a, [](Scalar x) { return std::erfc(x * -0.7071067811865476) / 2; });
    }
}

}  // namespace lamella
