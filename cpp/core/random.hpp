/// Random numbers that depend on their place alone: the same for any number of threads and steps in one call.
///
/// Philox 4×32, 10 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <numbers>

#include "simd.hpp"

namespace lamella {

/// 64 numbers of 32 bits: block number `block` of step `step` of the stream `seed`.
struct RandomBlock {
    static constexpr Index kSize = 64;
    alignas(64) std::uint32_t bits[kSize];

    RandomBlock(std::uint64_t seed, std::uint64_t step, std::uint64_t block) {
        constexpr int n = 16;  // counters side by side, so that the compiler can use whole registers
        std::uint32_t* const a = bits;
        std::uint32_t *const b = a + n, *const c = b + n, *const d = c + n;
        for (int i = 0; i < n; ++i) {
            const std::uint64_t counter = block * n + static_cast<std::uint64_t>(i);
            a[i] = static_cast<std::uint32_t>(counter);
            b[i] = static_cast<std::uint32_t>(counter >> 32);
            c[i] = static_cast<std::uint32_t>(step);
            d[i] = static_cast<std::uint32_t>(step >> 32);
        }
        auto k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
        for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
            for (int i = 0; i < n; ++i) {
                const std::uint64_t p = std::uint64_t{0xD2511F53u} * a[i], q = std::uint64_t{0xCD9E8D57u} * c[i];
                const std::uint32_t high_p = static_cast<std::uint32_t>(p >> 32), high_q = static_cast<std::uint32_t>(q >> 32);
                a[i] = high_q ^ b[i] ^ k0;
                c[i] = high_p ^ d[i] ^ k1;
                b[i] = static_cast<std::uint32_t>(q);
                d[i] = static_cast<std::uint32_t>(p);
            }
    }

    /// Uniform in [0, 1), multiples of 2⁻²⁴.
    Scalar uniform(Index i) const { return static_cast<Scalar>(bits[i] >> 8) * Scalar(0x1p-24); }
};

/// Fills `to` (n) with numbers uniform in [0, 1).
inline void draw_uniform(std::uint64_t seed, std::uint64_t step, std::uint64_t first_block, Index n, Scalar* to) {
    for (Index i = 0; i < n; i += RandomBlock::kSize, ++first_block) {
        const RandomBlock block(seed, step, first_block);
        for (Index j = 0; j < std::min(RandomBlock::kSize, n - i); ++j) to[i + j] = block.uniform(j);
    }
}

/// Fills `to` (n) with standard normal numbers: r cos φ and r sin φ with r = √(-2 ln u) (Box & Muller 1958).
inline void draw_normal(std::uint64_t seed, std::uint64_t step, std::uint64_t first_block, Index n, Scalar* to) {
    constexpr Index half = RandomBlock::kSize / 2;
    using Numbers = Eigen::Array<Scalar, half, 1>;
    for (Index i = 0; i < n; i += RandomBlock::kSize, ++first_block) {
        const RandomBlock block(seed, step, first_block);
        Numbers u, angle;
        for (Index j = 0; j < half; ++j) {
            u[j] = 1 - block.uniform(j);  // in (0, 1]
            angle[j] = 2 * std::numbers::pi_v<Scalar> * block.uniform(half + j);
        }
        const Numbers radius = (Scalar(-2) * u.log()).sqrt(), x = radius * angle.cos(), y = radius * angle.sin();
        for (Index j = 0; j < std::min(half, n - i); ++j) to[i + j] = x[j];
        for (Index j = 0; j < std::min(half, n - i - half); ++j) to[i + half + j] = y[j];
    }
}

/// Blocks that a row of n numbers takes.
inline std::uint64_t random_blocks(Index n) { return static_cast<std::uint64_t>((n + RandomBlock::kSize - 1) / RandomBlock::kSize); }

}  // namespace lamella
