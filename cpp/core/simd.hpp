/// Vec: one register of Scalars with ordinary operators, on Eigen's portable packets.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <concepts>

#include "scalar.hpp"

// LAMELLA_UNROLL stands before a loop of constant length over an array of registers. Left alone, GCC unrolls some of them only
// after it has given the array its place, which then is in memory: every tile wrote and read its sums there once more.
#if defined(__clang__)
#define LAMELLA_UNROLL _Pragma("unroll 8")
#define LAMELLA_PREFETCH(...) __builtin_prefetch(__VA_ARGS__)
#elif defined(__GNUC__)
#define LAMELLA_UNROLL _Pragma("GCC unroll 8")
// The empty statement is an effect: GCC drops calls of functions that only prefetch, since they have none.
#define LAMELLA_PREFETCH(...) (__builtin_prefetch(__VA_ARGS__), [] { asm volatile(""); }())
#else
#define LAMELLA_UNROLL
#define LAMELLA_PREFETCH(address, ...) Eigen::internal::prefetch(address)
#endif

namespace lamella {

using PacketTraits = Eigen::internal::packet_traits<Scalar>;
using Packet = PacketTraits::type;
inline constexpr Index kLanes = Eigen::internal::unpacket_traits<Packet>::size;
inline constexpr bool kManyRegisters = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32;

/// Columns rounded up to whole registers: kernels have no tails, padding holds zeros.
constexpr Index padded(Index cols) { return (cols + kLanes - 1) / kLanes * kLanes; }

/// Distance of rows for `cols` columns. Powers of two would map a column onto few cache sets, so they are avoided.
constexpr Index padded_stride(Index cols) {
    const Index stride = padded(cols);
    return stride * Index{sizeof(Scalar)} % 512 == 0 ? stride + Index{64} / Index{sizeof(Scalar)} : stride;
}

struct Vec {
    Packet packet;

    Vec() = default;
    Vec(Packet p) : packet(p) {}
    template <std::same_as<Scalar> T>
        requires(!std::is_same_v<Packet, T>)  // without vector units a register is a Scalar
    Vec(T value) : packet(Eigen::internal::pset1<Packet>(value)) {}
    static Vec load(const Scalar* from) { return Eigen::internal::ploadu<Packet>(from); }
    void store(Scalar* to) const { Eigen::internal::pstoreu(to, packet); }
    /// The first `count` lanes, where no more may be touched; the others are zero.
    static Vec load_part(const Scalar* from, Index count) {
        alignas(64) Scalar lanes[kLanes] = {};
        std::copy_n(from, std::min(count, kLanes), lanes);
        return load(lanes);
    }
    void store_part(Scalar* to, Index count) const {
        alignas(64) Scalar lanes[kLanes];
        store(lanes);
        std::copy_n(lanes, std::min(count, kLanes), to);
    }

    friend Vec operator+(Vec a, Vec b) { return Eigen::internal::padd(a.packet, b.packet); }
    friend Vec operator-(Vec a, Vec b) { return Eigen::internal::psub(a.packet, b.packet); }
    friend Vec operator*(Vec a, Vec b) { return Eigen::internal::pmul(a.packet, b.packet); }
    friend Vec operator/(Vec a, Vec b) { return Eigen::internal::pdiv(a.packet, b.packet); }
    friend Vec operator-(Vec a) { return Eigen::internal::pnegate(a.packet); }
    Vec& operator+=(Vec b) { return *this = *this + b; }
    Vec& operator-=(Vec b) { return *this = *this - b; }
    Vec& operator*=(Vec b) { return *this = *this * b; }
};

/// a * b + c, in one rounding where the machine can.
inline Vec fma(Vec a, Vec b, Vec c) { return Eigen::internal::pmadd(a.packet, b.packet, c.packet); }
inline Vec sqrt(Vec a) { return Eigen::internal::psqrt(a.packet); }
/// 1 / √a to 2 units in the last place, several times faster than a root and a division; right at 0, infinity and NaN.
inline Vec reciprocal_sqrt(Vec a) { return Eigen::internal::prsqrt(a.packet); }
/// The same, to the same bits, for a of at least 2.4e-38 (twice the smallest normal number), infinite or NaN.
template <class P>
P reciprocal_sqrt_of_normal(P a) {
    return Eigen::internal::prsqrt(a);
}
// Less one in the exponent is half of a, and makes infinity finite: so Newton's step is right for all of these without a mask.
#ifdef EIGEN_VECTORIZE_AVX512
inline __m512 reciprocal_sqrt_of_normal(__m512 a) {
    const __m512i less = _mm512_set1_epi32(0x7f800000);  // with the other sign
    const __m512 guess = _mm512_rsqrt14_ps(a), minus_half = _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), less));
    return _mm512_mul_ps(guess, _mm512_fmadd_ps(_mm512_mul_ps(minus_half, guess), guess, _mm512_set1_ps(1.5F)));
}
#endif
#ifdef EIGEN_VECTORIZE_AVX2
inline __m256 reciprocal_sqrt_of_normal(__m256 a) {
    using Eigen::internal::padd, Eigen::internal::pmadd, Eigen::internal::pmul, Eigen::internal::Packet8i;
    const Packet8i less(_mm256_set1_epi32(0x7f800000));
    const __m256 guess = _mm256_rsqrt_ps(a), minus_half = _mm256_castsi256_ps(padd(Packet8i(_mm256_castps_si256(a)), less));
    return pmul(guess, pmadd(pmul(minus_half, guess), guess, _mm256_set1_ps(1.5F)));
}
#endif
inline Vec reciprocal_sqrt_of_normal(Vec a) { return reciprocal_sqrt_of_normal(a.packet); }
inline Vec abs(Vec a) { return Eigen::internal::pabs(a.packet); }
inline Scalar sum(Vec a) { return Eigen::internal::predux(a.packet); }

/// a where a < limit is false, else limit: NaN stays NaN, which an ordinary maximum does not promise.
inline Vec at_least(Vec a, Vec limit) {
    return Eigen::internal::pselect(Eigen::internal::pcmp_lt(a.packet, limit.packet), limit.packet, a.packet);
}
/// a where limit < a is false, else limit: NaN stays NaN here too.
inline Vec at_most(Vec a, Vec limit) {
    return Eigen::internal::pselect(Eigen::internal::pcmp_lt(limit.packet, a.packet), limit.packet, a.packet);
}
/// a moved into [-limit, limit]; NaN stays.
inline Vec within(Vec a, Vec limit) { return at_most(at_least(a, -limit), limit); }
/// `chosen` where a < limit, elsewhere (NaN included) `other`.
inline Vec where_below(Vec a, Vec limit, Vec chosen, Vec other) {
    return Eigen::internal::pselect(Eigen::internal::pcmp_lt(a.packet, limit.packet), chosen.packet, other.packet);
}
/// `chosen` where a == b, elsewhere (NaN included) `other`.
inline Vec where_equal(Vec a, Vec b, Vec chosen, Vec other) {
    return Eigen::internal::pselect(Eigen::internal::pcmp_eq(a.packet, b.packet), chosen.packet, other.packet);
}
/// 1, -1, or `a` itself where it is zero or NaN.
inline Vec sign(Vec a) {
    const Vec zero(Scalar(0)), up(Scalar(1)), down(Scalar(-1));
    const Packet below = Eigen::internal::pselect(Eigen::internal::pcmp_lt(a.packet, zero.packet), down.packet, a.packet);
    return Eigen::internal::pselect(Eigen::internal::pcmp_lt(zero.packet, a.packet), up.packet, below);
}
/// `chosen` where a <= limit, elsewhere (NaN included) `other`.
inline Vec where_at_most(Vec a, Vec limit, Vec chosen, Vec other) {
    return Eigen::internal::pselect(Eigen::internal::pcmp_le(a.packet, limit.packet), chosen.packet, other.packet);
}

/// `value`, but NaN where `a` is NaN: Eigen's exp and tanh clamp their argument, which can swallow it.
inline Vec keep_nan(Vec a, Vec value) {
    return Eigen::internal::pselect(Eigen::internal::pcmp_eq(a.packet, a.packet), value.packet, a.packet);
}
inline Vec exp(Vec a) { return keep_nan(a, Eigen::internal::pexp(a.packet)); }

/// 0, 1, 2, ...
inline Vec lane_numbers() { return Eigen::internal::plset<Packet>(Scalar(0)); }
/// `value` in the first `count` lanes, `other` in the rest.
inline Vec first_lanes(Index count, Vec value, Vec other) {
    return where_at_most(lane_numbers(), Scalar(count < kLanes ? count - 1 : kLanes), value, other);
}
inline Scalar largest(Vec a) { return Eigen::internal::predux_max(a.packet); }

/// Calls a scalar function lane by lane; for what Eigen has no packet version of.
template <class Function>
Vec lanewise(Vec a, Function function) {
    alignas(64) Scalar lanes[kLanes];
    a.store(lanes);
    for (Scalar& lane : lanes) lane = function(lane);
    return Vec::load(lanes);
}

inline Vec log(Vec a) {
    if constexpr (PacketTraits::HasLog)
        return keep_nan(a, Eigen::internal::plog(a.packet));
    else
        return lanewise(a, [](Scalar x) { return std::log(x); });
}
/// ln(1 + a) for a > -1, exact also where 1 + a rounds to 1.
inline Vec log1p(Vec a) {
    const Vec one(Scalar(1)), above = one + a;
    return where_equal(above, one, a, log(above) * (a / (above - one)));
}

inline Vec tanh(Vec a) {
    if constexpr (PacketTraits::HasTanh)
        return keep_nan(a, Eigen::internal::ptanh(a.packet));
    else
        return lanewise(a, [](Scalar x) { return std::tanh(x); });
}

/// Adds to `dirt` what is zero for finite numbers and NaN for all others.
inline void watch_finite(Vec value, Vec& dirt) { dirt += value - value; }

}  // namespace lamella
