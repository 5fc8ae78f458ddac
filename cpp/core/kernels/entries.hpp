/// Writes a row's nonzeros as entries. No branches: MNIST's pixels can not be predicted.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "products.hpp"

namespace lamella {

// list_eight() writes an entry as one number, and wants kListed of them to be still to come: into no other row does it write then.
static_assert(!std::is_same_v<Scalar, float> || (sizeof(Entry) == 8 && offsetof(Entry, index) == 0 && offsetof(Entry, value) == 4));
#if defined(__AVX512F__)
constexpr Index kListed = 1;
/// Writes the nonzeros of eight numbers, whose first column is `index`, to `to`; returns where they end.
inline Entry* list_eight(const float* x, std::int32_t index, Entry* to) {
    const __m256 values = _mm256_loadu_ps(x);
    const __m512i columns = _mm512_add_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), _mm512_set1_epi64(index));
    const __m512i entries = _mm512_or_epi64(_mm512_slli_epi64(_mm512_cvtepu32_epi64(_mm256_castps_si256(values)), 32), columns);
    const __mmask8 nonzero = _mm256_cmp_ps_mask(values, _mm256_setzero_ps(), _CMP_NEQ_UQ);
    const int count = std::popcount(nonzero);
    _mm512_mask_storeu_epi64(to, static_cast<__mmask8>((1U << count) - 1), _mm512_maskz_compress_epi64(nonzero, entries));
    return to + count;
}
#elif defined(__AVX2__)
constexpr Index kListed = 8;
/// By mask, a byte each: which lanes are to be kept, in order.
constexpr auto kKept = [] {
    std::array<std::uint64_t, 256> kept{};
    for (std::uint64_t mask = 0; mask < 256; ++mask)
        for (std::uint64_t lane = 8; lane-- > 0;)
            if (mask >> lane & 1) kept[mask] = kept[mask] << 8 | lane;
    return kept;
}();
inline Entry* list_eight(const float* x, std::int32_t index, Entry* to) {
    using Eigen::internal::Packet8i;
    const __m256 values = _mm256_loadu_ps(x);
    const int nonzero = _mm256_movemask_ps(_mm256_cmp_ps(values, _mm256_setzero_ps(), _CMP_NEQ_UQ));
    const __m256i lanes = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<std::int64_t>(kKept[nonzero])));
    const __m256 columns = _mm256_castsi256_ps(Eigen::internal::padd(Packet8i(lanes), Packet8i(_mm256_set1_epi32(index))));
    const __m256 kept = _mm256_permutevar8x32_ps(values, lanes);
    const __m256 low = _mm256_unpacklo_ps(columns, kept), high = _mm256_unpackhi_ps(columns, kept);
    _mm256_storeu_ps(reinterpret_cast<float*>(to), _mm256_permute2f128_ps(low, high, 0x20));
    _mm256_storeu_ps(reinterpret_cast<float*>(to + 4), _mm256_permute2f128_ps(low, high, 0x31));
    return to + std::popcount(static_cast<unsigned>(nonzero));
}
#endif

/// Writes the first `nonzeros` nonzeros of x and kEnd to `to`.
template <class T>
void compress_row(const T* x, Index nonzeros, Entry* to) {
    const Entry* end = to + nonzeros;
    std::int32_t index = 0;
#ifdef __AVX2__  // rows are padded with zeros to whole registers
    if constexpr (std::is_same_v<T, float>)
        for (; end - to >= kListed; index += 8) to = list_eight(x + index, index, to);
#endif
    for (; to != end; ++index) {
        *to = {index, x[index]};
        to += x[index] != 0;
    }
    *to = kEnd;
}

/// Writes `size` entries and kEnd to `to`. Each goes as one number: GCC vectorises stores of two by taking registers apart.
template <class I, class V, class S = Scalar>
void list_row(const I* index, const V* value, Index size, S scale, Entry* to) {
    for (Index i = 0; i < size; ++i) {
        const S scaled = static_cast<S>(value[i]) * scale;
        if constexpr (sizeof(Entry) == sizeof(std::uint64_t) && std::endian::native == std::endian::little) {
            const std::uint64_t entry = std::uint64_t{std::bit_cast<std::uint32_t>(scaled)} << 32 | static_cast<std::uint32_t>(index[i]);
            std::memcpy(to + i, &entry, sizeof entry);
        } else {
            to[i] = {static_cast<std::int32_t>(index[i]), scaled};
        }
    }
    to[size] = kEnd;
}

}  // namespace lamella
