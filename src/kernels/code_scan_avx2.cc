// The 1-bit scan by shuffles of bytes in lanes of 128 bits: a table of 16 entries in each lane,
// four bits of a plane looked up for 32 rows at once. Layout and entries: code_scan_scalar.cc.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/code_block.h"
#include "kernels/level_functions.h"

namespace viper::kernels::avx2 {
namespace {

constexpr size_t kTableDims = 4;
constexpr size_t kTableEntries = 16;
constexpr size_t kPlaneBytes = 2 * kTableEntries;
constexpr size_t kLanes = 8;
constexpr size_t kHalfRows = kBlockRows / 2;

// Loads do not mind how an address is aligned.
__m128i Load128(const void* bytes) { return _mm_loadu_si128(static_cast<const __m128i*>(bytes)); }

__m256i Load256(const void* bytes) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(bytes));
}

// -- Tables ---------------------------------------------------------------------------------------

__m256 Absolute(__m256 v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), v); }

struct QuerySums {
  /// What the widest table spans.
  float widest;
  /// The sum of the negative components.
  float negative;
};

QuerySums SumQuery(const float* query, size_t planes) {
  __m256 widest = _mm256_setzero_ps();
  __m256 negative = _mm256_setzero_ps();
  for (size_t p = 0; p < planes; ++p) {
    const __m256 components = _mm256_loadu_ps(query + p * kLanes);
    const __m256 absolutes = Absolute(components);
    const __m256 pairs = _mm256_add_ps(absolutes, _mm256_permute_ps(absolutes, 0xB1));
    const __m256 fours = _mm256_add_ps(pairs, _mm256_permute_ps(pairs, 0x4E));
    widest = _mm256_max_ps(widest, fours);
    negative = _mm256_add_ps(negative, _mm256_min_ps(components, _mm256_setzero_ps()));
  }
  // Lanes of a half are alike in `widest`.
  const __m128 wider = _mm_max_ss(_mm256_castps256_ps128(widest), _mm256_extractf128_ps(widest, 1));
  const __m128 by4 =
      _mm_add_ps(_mm256_castps256_ps128(negative), _mm256_extractf128_ps(negative, 1));
  const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
  return {_mm_cvtss_f32(wider), _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)))};
}

/// The entries for four absolute values, already divided by the scale; the bits of negative
/// components are set in `signs`.
[[gnu::always_inline]] inline void StoreTable(const float* scaled, int signs, uint8_t* entries) {
  const __m256 zero = _mm256_setzero_ps();
  const __m256 bit0 = _mm256_blend_ps(zero, _mm256_set1_ps(scaled[0]), 0xAA);
  const __m256 bit1 = _mm256_blend_ps(zero, _mm256_set1_ps(scaled[1]), 0xCC);
  const __m256 bit2 = _mm256_blend_ps(zero, _mm256_set1_ps(scaled[2]), 0xF0);
  const __m256 low = _mm256_add_ps(_mm256_add_ps(bit0, bit1), bit2);
  const __m256 high = _mm256_add_ps(low, _mm256_set1_ps(scaled[3]));
  // Packing leaves entries 0 to 3 and 8 to 11 in one half, 4 to 7 and 12 to 15 in the other.
  const __m256i halves = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
  const __m256i words = _mm256_permute4x64_epi64(halves, 0xD8);
  const __m128i bytes =
      _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  const __m128i entry = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m128i flips = _mm_set1_epi8(static_cast<char>(signs));
  _mm_storeu_si128(static_cast<__m128i*>(static_cast<void*>(entries)),
                   _mm_shuffle_epi8(bytes, _mm_xor_si128(entry, flips)));
}

// -- The scan -------------------------------------------------------------------------------------

/// Sums of look-ups of 32 rows in 16 bits, modulo 2^16; the true sum of a row fits. A vector of 32
/// byte sums counts as 16 words here, even rows in their low bytes and odd rows in the high ones.
struct RowSums {
  /// Even rows, with 256 times the odd rows on top, which is taken away in the end.
  __m256i words;
  __m256i odd;
};

[[gnu::always_inline]] inline void AddBytes(RowSums& sums, __m256i bytes) {
  sums.words = _mm256_add_epi16(sums.words, bytes);
  sums.odd = _mm256_add_epi16(sums.odd, _mm256_srli_epi16(bytes, 8));
}

[[gnu::always_inline]] inline __m256i LookUp(const uint8_t* table, __m256i index) {
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(Load128(table)), index);
}

/// The sums of both tables of a plane, for 32 rows.
[[gnu::always_inline]] inline __m256i SumPlane(const std::byte* plane, const uint8_t* entries) {
  const __m256i four_bits = _mm256_set1_epi8(0xF);
  const __m256i codes = Load256(plane);
  const __m256i low = _mm256_and_si256(codes, four_bits);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(codes, 4), four_bits);
  return _mm256_add_epi8(LookUp(entries, low), LookUp(entries + kTableEntries, high));
}

[[gnu::always_inline]] inline __m256i SumTwoPlanes(const std::byte* plane, const uint8_t* entries) {
  return _mm256_add_epi8(SumPlane(plane, entries),
                         SumPlane(plane + kBlockRows, entries + kPlaneBytes));
}

struct BoundLanes {
  __m256 scale, shift, base, threshold;
};

/// Bounds of eight rows; `halves` are their addends, and 64 halves on their factors.
[[gnu::always_inline]] inline uint64_t BoundRows(__m128i sums, const std::byte* halves,
                                                 const BoundLanes& bound, float* values) {
  const __m256 addend = _mm256_cvtph_ps(Load128(halves));
  const __m256 factor = _mm256_cvtph_ps(Load128(halves + 2 * kBlockRows));
  const __m256 sum = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(sums));
  const __m256 scaled = _mm256_fmadd_ps(bound.scale, sum, bound.shift);
  const __m256 value = _mm256_fmadd_ps(factor, scaled, _mm256_add_ps(addend, bound.base));
  _mm256_storeu_ps(values, value);
  return static_cast<uint32_t>(
      _mm256_movemask_ps(_mm256_cmp_ps(value, bound.threshold, _CMP_LT_OQ)));
}

/// Bounds of 32 rows.
uint64_t BoundHalf(const RowSums& sums, const std::byte* halves, const BoundLanes& bound,
                   float* values) {
  const __m256i even = _mm256_sub_epi16(sums.words, _mm256_slli_epi16(sums.odd, 8));
  // Lane l of 128 bits: rows 16 l to 16 l + 7, and rows 16 l + 8 to 16 l + 15.
  const __m256i low = _mm256_unpacklo_epi16(even, sums.odd);
  const __m256i high = _mm256_unpackhi_epi16(even, sums.odd);
  const __m128i ordered[4] = {_mm256_castsi256_si128(low), _mm256_castsi256_si128(high),
                              _mm256_extracti128_si256(low, 1), _mm256_extracti128_si256(high, 1)};
  uint64_t below = 0;
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {
    const size_t row = i * kLanes;
    below |= BoundRows(ordered[i], halves + 2 * row, bound, values + row) << row;
  }
  return below;
}

}  // namespace

size_t TableBytes(size_t planes) { return kPlaneBytes * planes; }

void BuildTable(const float* query, size_t planes, CodeTable* table) {
  const QuerySums sums = SumQuery(query, planes);
  const TableScale scale = ChooseTableScale(sums.widest, 2 * planes);
  const __m256 step = _mm256_set1_ps(scale.inverse);
  for (size_t p = 0; p < planes; ++p) {
    const __m256 components = _mm256_loadu_ps(query + p * kLanes);
    alignas(32) float scaled[kLanes];
    _mm256_store_ps(scaled, _mm256_mul_ps(Absolute(components), step));
    // Spread from memory by the load units, not from a register by the one unit that permutes.
    __asm__("" : "+m"(scaled));
    const int signs = _mm256_movemask_ps(components);
    uint8_t* entries = table->entries + p * kPlaneBytes;
    StoreTable(scaled, signs & 0xF, entries);
    StoreTable(scaled + kTableDims, signs >> kTableDims, entries + kTableEntries);
  }
  table->scale = scale.scale;
  table->offset = sums.negative;
}

uint64_t ScanBlock(const std::byte* block, size_t planes, const uint8_t* entries,
                   const BlockBound& bound, float* values) {
  RowSums first = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  RowSums second = first;
  size_t p = 0;
  for (; p + 2 <= planes; p += 2) {
    const std::byte* plane = block + p * kBlockRows;
    const uint8_t* tables = entries + p * kPlaneBytes;
    AddBytes(first, SumTwoPlanes(plane, tables));
    AddBytes(second, SumTwoPlanes(plane + kHalfRows, tables));
  }
  if (p < planes) {
    const std::byte* plane = block + p * kBlockRows;
    const uint8_t* tables = entries + p * kPlaneBytes;
    AddBytes(first, SumPlane(plane, tables));
    AddBytes(second, SumPlane(plane + kHalfRows, tables));
  }
  const BoundLanes lanes = {_mm256_set1_ps(bound.scale), _mm256_set1_ps(bound.shift),
                            _mm256_set1_ps(bound.base), _mm256_set1_ps(bound.threshold)};
  const std::byte* halves = block + planes * kBlockRows;
  const uint64_t low = BoundHalf(first, halves, lanes, values);
  const uint64_t high = BoundHalf(second, halves + 2 * kHalfRows, lanes, values + kHalfRows);
  return low | high << kHalfRows;
}

}  // namespace viper::kernels::avx2
