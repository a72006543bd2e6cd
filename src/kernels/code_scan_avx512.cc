// The 1-bit scan by shuffles of bytes in lanes of 128 bits: a table of 16 entries in each lane,
// four bits of a plane looked up for 64 rows at once. Layout and entries: code_scan_scalar.cc.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/code_block.h"
#include "kernels/level_functions.h"

namespace viper::kernels::avx512 {
namespace {

constexpr size_t kTableDims = 4;
constexpr size_t kTableEntries = 16;
constexpr size_t kPlaneBytes = 2 * kTableEntries;
constexpr size_t kLanes = 16;

// -- Tables ---------------------------------------------------------------------------------------

/// The components of the first two of `planes` planes, or of the one there is, then zeros.
__m512 LoadPlanes(const float* query, size_t planes) {
  return _mm512_maskz_loadu_ps(planes >= 2 ? 0xFFFF : 0xFF, query);
}

struct QuerySums {
  /// What the widest table spans.
  float widest;
  /// The sum of the negative components.
  float negative;
};

QuerySums SumQuery(const float* query, size_t planes) {
  __m512 widest = _mm512_setzero_ps();
  __m512 negative = _mm512_setzero_ps();
  for (size_t p = 0; p < planes; p += 2) {
    const __m512 components = LoadPlanes(query + 8 * p, planes - p);
    const __m512 absolutes = _mm512_abs_ps(components);
    const __m512 pairs = _mm512_add_ps(absolutes, _mm512_permute_ps(absolutes, 0xB1));
    const __m512 fours = _mm512_add_ps(pairs, _mm512_permute_ps(pairs, 0x4E));
    widest = _mm512_max_ps(widest, fours);
    negative = _mm512_add_ps(negative, _mm512_min_ps(components, _mm512_setzero_ps()));
  }
  return {_mm512_reduce_max_ps(widest), _mm512_reduce_add_ps(negative)};
}

/// The entries for four absolute values, already divided by the scale; the bits of negative
/// components are set in `signs`.
[[gnu::always_inline]] inline void StoreTable(const float* scaled, uint32_t signs,
                                              uint8_t* entries) {
  __m512 sums = _mm512_maskz_mov_ps(0xAAAA, _mm512_set1_ps(scaled[0]));
  sums = _mm512_mask_add_ps(sums, 0xCCCC, sums, _mm512_set1_ps(scaled[1]));
  sums = _mm512_mask_add_ps(sums, 0xF0F0, sums, _mm512_set1_ps(scaled[2]));
  sums = _mm512_mask_add_ps(sums, 0xFF00, sums, _mm512_set1_ps(scaled[3]));
  const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(sums));
  const __m128i entry = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m128i flips = _mm_set1_epi8(static_cast<char>(signs));
  _mm_storeu_epi8(entries, _mm_shuffle_epi8(bytes, _mm_xor_si128(entry, flips)));
}

// -- The scan -------------------------------------------------------------------------------------

/// Sums of look-ups in 16 bits, modulo 2^16; the true sum of a row fits. A vector of 64 byte sums
/// counts as 32 words here, even rows in their low bytes and odd rows in the high ones.
struct RowSums {
  /// Even rows, with 256 times the odd rows on top, which is taken away in the end.
  __m512i words;
  __m512i odd;
};

[[gnu::always_inline]] inline void AddBytes(RowSums& sums, __m512i bytes) {
  sums.words = _mm512_add_epi16(sums.words, bytes);
  sums.odd = _mm512_add_epi16(sums.odd, _mm512_srli_epi16(bytes, 8));
}

[[gnu::always_inline]] inline __m512i LookUp(const uint8_t* table, __m512i index) {
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_epi8(table)), index);
}

/// The sums of both tables of a plane.
[[gnu::always_inline]] inline __m512i SumPlane(const std::byte* plane, const uint8_t* entries) {
  const __m512i four_bits = _mm512_set1_epi8(0xF);
  const __m512i codes = _mm512_loadu_si512(plane);
  const __m512i low = _mm512_and_si512(codes, four_bits);
  const __m512i high = _mm512_and_si512(_mm512_srli_epi16(codes, 4), four_bits);
  return _mm512_add_epi8(LookUp(entries, low), LookUp(entries + kTableEntries, high));
}

/// Row sums in order.
struct OrderedSums {
  __m512i rows_0_to_31, rows_32_to_63;
};

[[gnu::always_inline]] inline OrderedSums InOrder(const RowSums& sums) {
  const __m512i even = _mm512_sub_epi16(sums.words, _mm512_slli_epi16(sums.odd, 8));
  // Lane l of 128 bits: rows 16 l to 16 l + 7, and rows 16 l + 8 to 16 l + 15.
  const __m512i low = _mm512_unpacklo_epi16(even, sums.odd);
  const __m512i high = _mm512_unpackhi_epi16(even, sums.odd);
  const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  return {_mm512_permutex2var_epi64(low, first, high),
          _mm512_permutex2var_epi64(low, second, high)};
}

struct BoundLanes {
  __m512 scale, shift, base, threshold;
};

/// Bounds of sixteen rows; `halves` are their addends, and 64 halves on their factors.
[[gnu::always_inline]] inline __mmask16 BoundRows(__m256i sums, const std::byte* halves,
                                                  const BoundLanes& bound, float* values) {
  const __m512 addend = _mm512_cvtph_ps(_mm256_loadu_epi16(halves));
  const __m512 factor = _mm512_cvtph_ps(_mm256_loadu_epi16(halves + 2 * kBlockRows));
  const __m512 sum = _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(sums));
  const __m512 scaled = _mm512_fmadd_ps(bound.scale, sum, bound.shift);
  const __m512 value = _mm512_fmadd_ps(factor, scaled, _mm512_add_ps(addend, bound.base));
  _mm512_storeu_ps(values, value);
  return _mm512_cmp_ps_mask(value, bound.threshold, _CMP_LT_OQ);
}

/// Bounds of 32 rows.
[[gnu::always_inline]] inline __mmask32 BoundTwice(__m512i sums, const std::byte* halves,
                                                   const BoundLanes& bound, float* values) {
  const __mmask16 low = BoundRows(_mm512_castsi512_si256(sums), halves, bound, values);
  const __mmask16 high =
      BoundRows(_mm512_extracti64x4_epi64(sums, 1), halves + 2 * kLanes, bound, values + kLanes);
  return _mm512_kunpackw(high, low);
}

}  // namespace

size_t TableBytes(size_t planes) { return kPlaneBytes * planes; }

void BuildTable(const float* query, size_t planes, CodeTable* table) {
  const QuerySums sums = SumQuery(query, planes);
  const TableScale scale = ChooseTableScale(sums.widest, 2 * planes);
  const __m512 step = _mm512_set1_ps(scale.inverse);
  for (size_t p = 0; p < planes; p += 2) {
    const __m512 components = LoadPlanes(query + 8 * p, planes - p);
    alignas(64) float scaled[kLanes];
    _mm512_store_ps(scaled, _mm512_mul_ps(_mm512_abs_ps(components), step));
    // Spread from memory by the load units, not from a register by the one unit that permutes.
    __asm__("" : "+m"(scaled));
    uint32_t signs = _cvtmask16_u32(_mm512_movepi32_mask(_mm512_castps_si512(components)));
    const size_t tables = planes - p >= 2 ? 4 : 2;
    for (size_t t = 0; t < tables; ++t) {
      StoreTable(scaled + t * kTableDims, signs & 0xFU,
                 table->entries + p * kPlaneBytes + t * kTableEntries);
      signs >>= kTableDims;
    }
  }
  table->scale = scale.scale;
  table->offset = sums.negative;
}

uint64_t ScanBlock(const std::byte* block, size_t planes, const uint8_t* entries,
                   const BlockBound& bound, float* values) {
  RowSums sums = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  size_t p = 0;
  for (; p + 2 <= planes; p += 2) {
    const std::byte* plane = block + p * kBlockRows;
    const uint8_t* tables = entries + p * kPlaneBytes;
    AddBytes(sums, _mm512_add_epi8(SumPlane(plane, tables),
                                   SumPlane(plane + kBlockRows, tables + kPlaneBytes)));
  }
  if (p < planes) AddBytes(sums, SumPlane(block + p * kBlockRows, entries + p * kPlaneBytes));

  const OrderedSums ordered = InOrder(sums);
  const BoundLanes lanes = {_mm512_set1_ps(bound.scale), _mm512_set1_ps(bound.shift),
                            _mm512_set1_ps(bound.base), _mm512_set1_ps(bound.threshold)};
  const std::byte* halves = block + planes * kBlockRows;
  const __mmask32 low = BoundTwice(ordered.rows_0_to_31, halves, lanes, values);
  const __mmask32 high =
      BoundTwice(ordered.rows_32_to_63, halves + 4 * kLanes, lanes, values + 2 * kLanes);
  return _cvtmask64_u64(_mm512_kunpackd(high, low));
}

}  // namespace viper::kernels::avx512
