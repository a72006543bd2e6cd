// The 1-bit scan by byte permutes: a table of 64 entries is one register, and a permute looks up
// all 64 rows of a plane by the low six bits of each byte, ignoring the other two. Those of three
// planes together make a fourth index: 24 dimensions take four look-ups.
//
// Tables: groups of three planes (the last of planes % 3, if not 0), for each plane of the group 64
// entries for its bits 0 to 5, then 64 for bits 6 and 7 of the planes: bits 2g and 2g + 1 of the
// index are bits 6 and 7 of plane g. Entries are made as code_scan_scalar.cc says.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/code_block.h"
#include "kernels/level_functions.h"

namespace viper::kernels::avx512_vbmi {
namespace {

constexpr size_t kGroupPlanes = 3;
constexpr size_t kTableEntries = 64;
constexpr size_t kGroupBytes = (kGroupPlanes + 1) * kTableEntries;

constexpr size_t GroupCount(size_t planes) { return (planes + kGroupPlanes - 1) / kGroupPlanes; }

// -- Tables ---------------------------------------------------------------------------------------

/// The components of a group of planes; those of planes that it lacks are 0.
struct Group {
  __m512 planes01, plane2;
};

Group LoadGroup(const float* query, size_t planes) {
  if (planes >= kGroupPlanes) {
    return {_mm512_loadu_ps(query), _mm512_maskz_loadu_ps(0xFF, query + 16)};
  }
  return {_mm512_maskz_loadu_ps(planes == 2 ? 0xFFFF : 0xFF, query), _mm512_setzero_ps()};
}

/// Lanes 2i and 2i + 1 = the sum of both.
__m512 AddPairs(__m512 v) { return _mm512_add_ps(v, _mm512_permute_ps(v, 0xB1)); }

/// Of the pairs of two planes, lanes 0 and 8 = the sum of the first three pairs of each.
__m512 AddThreePairs(__m512 pairs) {
  const __m512 first_and_third = _mm512_add_ps(pairs, _mm512_shuffle_f32x4(pairs, pairs, 0xB1));
  return _mm512_add_ps(first_and_third, _mm512_permute_ps(pairs, 0x4E));
}

struct QuerySums {
  /// What the widest table spans.
  float widest;
  /// The sum of the negative components.
  float negative;
};

QuerySums SumQuery(const float* query, size_t planes) {
  // Lanes with the sum of six components, in a vector of two planes, and with that of a fourth
  // table.
  constexpr __mmask16 kSixes = 0x0101;
  constexpr __mmask16 kLast = 0x0040;
  const __m512 zero = _mm512_setzero_ps();
  __m512 widest = zero;
  __m512 negative = zero;
  for (size_t p = 0; p < planes; p += kGroupPlanes) {
    const Group group = LoadGroup(query + 8 * p, planes - p);
    negative = _mm512_add_ps(negative, _mm512_add_ps(_mm512_min_ps(group.planes01, zero),
                                                     _mm512_min_ps(group.plane2, zero)));
    const __m512 pairs01 = AddPairs(_mm512_abs_ps(group.planes01));
    const __m512 pairs2 = AddPairs(_mm512_abs_ps(group.plane2));
    const __m512 sixes = _mm512_max_ps(AddThreePairs(pairs01), AddThreePairs(pairs2));
    const __m512 last =
        _mm512_add_ps(_mm512_add_ps(pairs01, _mm512_shuffle_f32x4(pairs01, pairs01, 0x4E)), pairs2);
    widest =
        _mm512_mask_max_ps(widest, kSixes | kLast, widest, _mm512_mask_mov_ps(sixes, kLast, last));
  }
  return {_mm512_reduce_max_ps(widest), _mm512_reduce_add_ps(negative)};
}

/// Where packing four vectors of 16 numbers to bytes puts the entry of these bits: it works within
/// lanes of 128 bits, so that bits 2 and 3 (the lane) change places with bits 4 and 5 (the vector).
constexpr uint8_t PackedPlace(size_t bits) {
  return static_cast<uint8_t>((bits & 0x03U) | (bits & 0x0CU) << 2 | (bits & 0x30U) >> 2);
}

struct alignas(64) ByteIndex {
  uint8_t bytes[64];
};

constexpr ByteIndex PackedPlaces() {
  ByteIndex index = {};
  for (size_t i = 0; i < 64; ++i) index.bytes[i] = PackedPlace(i);
  return index;
}

constexpr ByteIndex kPackedPlaces = PackedPlaces();

/// The entries for six absolute values, already divided by the scale, given as three pairs. The
/// bits of negative components are set in `signs`: flipping them is part of the last permute,
/// because PackedPlace(a ^ b) = PackedPlace(a) ^ PackedPlace(b).
[[gnu::always_inline]] inline void StoreTable(const float* pair0, const float* pair1,
                                              const float* pair2, uint32_t signs,
                                              uint8_t* entries) {
  __m512 low = _mm512_maskz_mov_ps(0xAAAA, _mm512_set1_ps(pair0[0]));
  low = _mm512_mask_add_ps(low, 0xCCCC, low, _mm512_set1_ps(pair0[1]));
  low = _mm512_mask_add_ps(low, 0xF0F0, low, _mm512_set1_ps(pair1[0]));
  low = _mm512_mask_add_ps(low, 0xFF00, low, _mm512_set1_ps(pair1[1]));
  const __m512 with4 = _mm512_add_ps(low, _mm512_set1_ps(pair2[0]));
  const __m512 with5 = _mm512_add_ps(low, _mm512_set1_ps(pair2[1]));
  const __m512 with45 = _mm512_add_ps(with4, _mm512_set1_ps(pair2[1]));
  const __m512i words01 = _mm512_packs_epi32(_mm512_cvtps_epi32(low), _mm512_cvtps_epi32(with4));
  const __m512i words23 = _mm512_packs_epi32(_mm512_cvtps_epi32(with5), _mm512_cvtps_epi32(with45));
  const __m512i packed = _mm512_packus_epi16(words01, words23);
  const __m512i flips = _mm512_set1_epi8(static_cast<char>(PackedPlace(signs)));
  const __m512i places = _mm512_xor_si512(_mm512_load_si512(kPackedPlaces.bytes), flips);
  _mm512_store_si512(entries, _mm512_permutexvar_epi8(places, packed));
}

void StoreGroup(const float* query, size_t planes, float inverse, uint8_t* entries) {
  const Group group = LoadGroup(query, planes);
  const __m512 step = _mm512_set1_ps(inverse);
  alignas(64) float scaled[32];
  _mm512_store_ps(scaled, _mm512_mul_ps(_mm512_abs_ps(group.planes01), step));
  _mm512_store_ps(scaled + 16, _mm512_mul_ps(_mm512_abs_ps(group.plane2), step));
  // Six numbers of each table are spread from memory, which the load units do; the compiler knows
  // what the memory holds, and would spread it from registers in the one unit that permutes.
  __asm__("" : "+m"(scaled));
  const uint32_t signs01 =
      _cvtmask16_u32(_mm512_movepi32_mask(_mm512_castps_si512(group.planes01)));
  const uint32_t signs2 = _cvtmask16_u32(_mm512_movepi32_mask(_mm512_castps_si512(group.plane2)));
  const uint32_t signs = signs01 | signs2 << 16;
  const size_t count = planes < kGroupPlanes ? planes : kGroupPlanes;
  for (size_t p = 0; p < count; ++p) {
    const float* plane = scaled + 8 * p;
    StoreTable(plane, plane + 2, plane + 4, signs >> (8 * p) & 0x3FU, entries + p * kTableEntries);
  }
  const uint32_t last_signs = (signs >> 6 & 0x03U) | (signs >> 12 & 0x0CU) | (signs >> 18 & 0x30U);
  StoreTable(scaled + 6, scaled + 14, scaled + 22, last_signs, entries + count * kTableEntries);
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
  return _mm512_permutexvar_epi8(index, _mm512_load_si512(table));
}

/// Bits of `a` where the constant has a one, else those of `b`. The first operand is overwritten,
/// so that it is not the constant, which would be copied each time.
[[gnu::always_inline]] inline __m512i Select(char bits, __m512i a, __m512i b) {
  return _mm512_ternarylogic_epi32(a, b, _mm512_set1_epi8(bits), 0xE4);
}

/// The sums of a group of `Planes` planes. Shifts of words leave bits of a neighbour in an index:
/// above bit 5 a permute does not see them, below it they belong to planes that the group lacks,
/// for which all entries are equal.
template <size_t Planes>
[[gnu::always_inline]] inline __m512i SumGroup(const std::byte* group, const uint8_t* entries) {
  const __m512i plane0 = _mm512_loadu_si512(group);
  const __m512i sum0 = LookUp(entries, plane0);
  const __m512i last0 = _mm512_srli_epi16(plane0, 6);
  if constexpr (Planes == 1) return _mm512_add_epi8(sum0, LookUp(entries + kTableEntries, last0));

  const __m512i plane1 = _mm512_loadu_si512(group + kBlockRows);
  const __m512i sum1 = _mm512_add_epi8(sum0, LookUp(entries + kTableEntries, plane1));
  const __m512i last1 = Select(0x03, last0, _mm512_srli_epi16(plane1, 4));
  if constexpr (Planes == 2) {
    return _mm512_add_epi8(sum1, LookUp(entries + 2 * kTableEntries, last1));
  }

  const __m512i plane2 = _mm512_loadu_si512(group + 2 * kBlockRows);
  const __m512i last2 = Select(0x30, _mm512_srli_epi16(plane2, 2), last1);
  const __m512i sum2 = _mm512_add_epi8(LookUp(entries + 2 * kTableEntries, plane2),
                                       LookUp(entries + 3 * kTableEntries, last2));
  return _mm512_add_epi8(sum1, sum2);
}

/// For the even rows (`odd` = 0) or odd rows, 32 words in order, the bytes of words that bring
///     rows i and i + 16 to dword i of the parity of the rows, and
///     rows i + 32 and i + 48 to the dword beside it.
constexpr ByteIndex SpreadRows(size_t odd) {
  ByteIndex index = {};
  for (size_t dword = 0; dword < 16; ++dword) {
    const bool is_upper = dword % 2 != odd;
    const size_t first = dword / 2 + (is_upper ? 16 : 0);
    for (size_t byte = 0; byte < 2; ++byte) {
      index.bytes[4 * dword + byte] = static_cast<uint8_t>(2 * first + byte);
      index.bytes[4 * dword + 2 + byte] = static_cast<uint8_t>(2 * (first + 8) + byte);
    }
  }
  return index;
}

constexpr ByteIndex kSpreadEven = SpreadRows(0);
constexpr ByteIndex kSpreadOdd = SpreadRows(1);

/// Row sums in order, as two rows to a dword: lane i holds rows i (low) and i + 16, or i + 32 and
/// i + 48.
struct RowPairs {
  __m512i rows_0_16, rows_32_48;
};

[[gnu::always_inline]] inline RowPairs InOrder(const RowSums& sums) {
  const __m512i even_rows = _mm512_sub_epi16(sums.words, _mm512_slli_epi16(sums.odd, 8));
  const __m512i even = _mm512_permutexvar_epi8(_mm512_load_si512(kSpreadEven.bytes), even_rows);
  const __m512i odd = _mm512_permutexvar_epi8(_mm512_load_si512(kSpreadOdd.bytes), sums.odd);
  const __m512i swapped = _mm512_mask_blend_epi32(0xAAAA, odd, even);
  return {_mm512_mask_blend_epi32(0xAAAA, even, odd), _mm512_rol_epi64(swapped, 32)};
}

struct BoundLanes {
  __m512 scale, shift, base, threshold;
};

/// Bounds of sixteen rows; `halves` are their addends, and 64 halves on their factors.
[[gnu::always_inline]] inline __mmask16 BoundRows(__m512i sums, const std::byte* halves,
                                                  const BoundLanes& bound, float* values) {
  const __m512 addend = _mm512_cvtph_ps(_mm256_loadu_epi16(halves));
  const __m512 factor = _mm512_cvtph_ps(_mm256_loadu_epi16(halves + 2 * kBlockRows));
  const __m512 scaled = _mm512_fmadd_ps(bound.scale, _mm512_cvtepi32_ps(sums), bound.shift);
  const __m512 value = _mm512_fmadd_ps(factor, scaled, _mm512_add_ps(addend, bound.base));
  _mm512_storeu_ps(values, value);
  return _mm512_cmp_ps_mask(value, bound.threshold, _CMP_LT_OQ);
}

}  // namespace

size_t TableBytes(size_t planes) { return (planes + GroupCount(planes)) * kTableEntries; }

void BuildTable(const float* query, size_t planes, CodeTable* table) {
  const QuerySums sums = SumQuery(query, planes);
  const TableScale scale = ChooseTableScale(sums.widest, planes + GroupCount(planes));
  uint8_t* entries = table->entries;
  for (size_t p = 0; p < planes; p += kGroupPlanes) {
    StoreGroup(query + 8 * p, planes - p, scale.inverse, entries);
    entries += kGroupBytes;
  }
  table->scale = scale.scale;
  table->offset = sums.negative;
}

uint64_t ScanBlock(const std::byte* block, size_t planes, const uint8_t* entries,
                   const BlockBound& bound, float* values) {
  RowSums sums = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  size_t p = 0;
#pragma GCC unroll 2
  for (; p + kGroupPlanes <= planes; p += kGroupPlanes) {
    AddBytes(sums, SumGroup<3>(block + p * kBlockRows, entries));
    entries += kGroupBytes;
  }
  if (planes - p == 1) AddBytes(sums, SumGroup<1>(block + p * kBlockRows, entries));
  if (planes - p == 2) AddBytes(sums, SumGroup<2>(block + p * kBlockRows, entries));

  const RowPairs pairs = InOrder(sums);
  const __m512i low_word = _mm512_set1_epi32(0xFFFF);
  const BoundLanes lanes = {_mm512_set1_ps(bound.scale), _mm512_set1_ps(bound.shift),
                            _mm512_set1_ps(bound.base), _mm512_set1_ps(bound.threshold)};
  const std::byte* halves = block + planes * kBlockRows;
  const __mmask16 below0 =
      BoundRows(_mm512_and_si512(pairs.rows_0_16, low_word), halves, lanes, values);
  const __mmask16 below1 =
      BoundRows(_mm512_srli_epi32(pairs.rows_0_16, 16), halves + 32, lanes, values + 16);
  const __mmask16 below2 =
      BoundRows(_mm512_and_si512(pairs.rows_32_48, low_word), halves + 64, lanes, values + 32);
  const __mmask16 below3 =
      BoundRows(_mm512_srli_epi32(pairs.rows_32_48, 16), halves + 96, lanes, values + 48);
  const __mmask32 below01 = _mm512_kunpackw(below1, below0);
  const __mmask32 below23 = _mm512_kunpackw(below3, below2);
  return _cvtmask64_u64(_mm512_kunpackd(below23, below01));
}

}  // namespace viper::kernels::avx512_vbmi
