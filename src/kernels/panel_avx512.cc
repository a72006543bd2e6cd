// Tiles of 12 rows x 2 panels in 24 registers: per dimension two loads of a panel's line and twelve
// broadcasts of a row's component feed 24 fused multiply-adds, so that the arithmetic units are the
// bottleneck and neither the loads nor their latency. A tile runs over all dimensions.
//
// `nearest` takes a tile of rows through all panels: their sums are compared with the best score
// that each lane has seen, and only after the last panel are the lanes of a row compared with each
// other. `mask_not_below` takes two panels through all rows, which then stay in the L1 cache.
//
// Every sum starts at the bias and takes the products in the order of the dimensions, whatever the
// tile: the score of a pair does not depend on what is passed along with it.

#include <immintrin.h>

#include "kernels/panel_levels.h"

namespace viper::kernels::avx512 {
namespace {

constexpr size_t kRowsPerTile = 12;

/// Component i of a row at any address, in every lane.
[[gnu::always_inline]] inline __m512 Broadcast(const std::byte* row, size_t i) {
  float component;
  __builtin_memcpy(&component, row + i * sizeof(float), sizeof(float));
  return _mm512_set1_ps(component);
}

/// Line `i` of the `p`th panel from `panel` on.
[[gnu::always_inline]] inline __m512 Line(const PanelLine* panel, size_t dim, size_t i, size_t p) {
  return _mm512_load_ps(panel[p * (dim + 1) + i].lanes);
}

/// Add the dot products to sums that hold the biases.
template <size_t kRows, size_t kPanels>
[[gnu::always_inline]] inline void AddProducts(const std::byte* const* rows, size_t dim,
                                               const PanelLine* panel,
                                               __m512 (&sums)[kRows][kPanels]) {
  for (size_t i = 0; i < dim; ++i) {
    __m512 components[kPanels];
#pragma GCC unroll 8
    for (size_t p = 0; p < kPanels; ++p) components[p] = Line(panel, dim, 1 + i, p);
#pragma GCC unroll 12
    for (size_t r = 0; r < kRows; ++r) {
      const __m512 component = Broadcast(rows[r], i);
#pragma GCC unroll 8
      for (size_t p = 0; p < kPanels; ++p) {
        sums[r][p] = _mm512_fmadd_ps(component, components[p], sums[r][p]);
      }
    }
  }
}

/// Per row: the best score in each lane so far, and the panel that it came from.
template <size_t kRows>
struct BestOfLanes {
  __m512 scores[kRows];
  __m512i panels[kRows];
};

template <size_t kRows, size_t kPanels>
[[gnu::always_inline]] inline void NearestOfTile(const std::byte* const* rows, size_t dim,
                                                 const PanelList& panels, size_t first_panel,
                                                 BestOfLanes<kRows>& best, float* scores) {
  const PanelLine* panel = panels.lines + first_panel * (dim + 1);
  __m512 sums[kRows][kPanels];
#pragma GCC unroll 8
  for (size_t p = 0; p < kPanels; ++p) {
    const __m512 bias = Line(panel, dim, 0, p);
#pragma GCC unroll 12
    for (size_t r = 0; r < kRows; ++r) sums[r][p] = bias;
  }
  AddProducts(rows, dim, panel, sums);
#pragma GCC unroll 8
  for (size_t p = 0; p < kPanels; ++p) {
    const __m512i number = _mm512_set1_epi32(static_cast<int>(first_panel + p));
#pragma GCC unroll 12
    for (size_t r = 0; r < kRows; ++r) {
      const __mmask16 better = _mm512_cmp_ps_mask(sums[r][p], best.scores[r], _CMP_GT_OQ);
      best.scores[r] = _mm512_mask_mov_ps(best.scores[r], better, sums[r][p]);
      best.panels[r] = _mm512_mask_mov_epi32(best.panels[r], better, number);
    }
  }
  if (scores == nullptr) return;
#pragma GCC unroll 12
  for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (size_t p = 0; p < kPanels; ++p) {
      _mm512_storeu_ps(scores + (r * panels.count + first_panel + p) * kPanelLanes, sums[r][p]);
    }
  }
}

/// The highest score of the lanes, and the lowest slot that has it.
NearestSlot BestOf(__m512 scores, __m512i panels) {
  const float score = _mm512_reduce_max_ps(scores);
  const __mmask16 highest = _mm512_cmp_ps_mask(scores, _mm512_set1_ps(score), _CMP_EQ_OQ);
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i slots = _mm512_add_epi32(_mm512_slli_epi32(panels, 4), lanes);
  return {score, _mm512_mask_reduce_min_epu32(highest, slots)};
}

template <size_t kRows>
void NearestOfRows(const float* const* floats, size_t dim, const PanelList& panels,
                   NearestSlot* nearest, float* scores) {
  // Few rows take more panels at once, for enough sums that none waits for itself.
  constexpr size_t kPanels = kRows <= 3 ? 8 : kRows <= 6 ? 4 : 2;
  const std::byte* rows[kRows];
  BestOfLanes<kRows> best;
  for (size_t r = 0; r < kRows; ++r) {
    rows[r] = static_cast<const std::byte*>(static_cast<const void*>(floats[r]));
    best.scores[r] = _mm512_set1_ps(-__builtin_inff());
    best.panels[r] = _mm512_setzero_si512();
  }
  size_t p = 0;
  for (; p + kPanels <= panels.count; p += kPanels) {
    NearestOfTile<kRows, kPanels>(rows, dim, panels, p, best, scores);
  }
  for (; p < panels.count; ++p) NearestOfTile<kRows, 1>(rows, dim, panels, p, best, scores);
  for (size_t r = 0; r < kRows; ++r) nearest[r] = BestOf(best.scores[r], best.panels[r]);
}

using NearestOfRowsFunction = void (*)(const float* const*, size_t, const PanelList&, NearestSlot*,
                                       float*);

/// For a last tile of so many rows.
constexpr NearestOfRowsFunction kNearestOfLastRows[kRowsPerTile] = {
    nullptr,          NearestOfRows<1>, NearestOfRows<2>,  NearestOfRows<3>,
    NearestOfRows<4>, NearestOfRows<5>, NearestOfRows<6>,  NearestOfRows<7>,
    NearestOfRows<8>, NearestOfRows<9>, NearestOfRows<10>, NearestOfRows<11>};

/// What mask_not_below has of some rows.
struct MaskedRows {
  const std::byte* floats;
  const float* scales;
  const float* floors;
  uint16_t* masks;
};

/// The masks of `kPanels` panels, beginning every `stride` from `rows.masks` on; returns their
/// union.
template <size_t kRows, size_t kPanels>
unsigned MaskTile(const MaskedRows& tile, size_t dim, const PanelLine* panel, size_t stride) {
  const std::byte* rows[kRows];
  __m512 sums[kRows][kPanels];
#pragma GCC unroll 12
  for (size_t r = 0; r < kRows; ++r) {
    rows[r] = tile.floats + r * dim * sizeof(float);
    const __m512 scale = _mm512_set1_ps(tile.scales[r]);
#pragma GCC unroll 2
    for (size_t p = 0; p < kPanels; ++p) sums[r][p] = _mm512_mul_ps(scale, Line(panel, dim, 0, p));
  }
  AddProducts(rows, dim, panel, sums);
  unsigned any = 0;
#pragma GCC unroll 12
  for (size_t r = 0; r < kRows; ++r) {
    const __m512 floor = _mm512_set1_ps(tile.floors[r]);
#pragma GCC unroll 2
    for (size_t p = 0; p < kPanels; ++p) {
      const __mmask16 mask = _mm512_cmp_ps_mask(sums[r][p], floor, _CMP_NLT_UQ);
      tile.masks[r * stride + p] = mask;
      any |= mask;
    }
  }
  return any;
}

/// Tiles of `kRows`, then smaller ones for the rest.
template <size_t kRows, size_t kPanels>
unsigned MaskRows(MaskedRows rows, size_t row_count, size_t dim, const PanelLine* panel,
                  size_t stride) {
  unsigned any = 0;
  size_t r = 0;
  for (; r + kRows <= row_count; r += kRows) {
    any |= MaskTile<kRows, kPanels>(rows, dim, panel, stride);
    rows.floats += kRows * dim * sizeof(float);
    rows.scales += kRows;
    rows.floors += kRows;
    rows.masks += kRows * stride;
  }
  if constexpr (kRows > 1) {
    any |= MaskRows<kRows / 2, kPanels>(rows, row_count - r, dim, panel, stride);
  }
  return any;
}

}  // namespace

void Nearest(const float* const* rows, size_t row_count, size_t dim, const PanelList& panels,
             NearestSlot* nearest, float* scores) {
  const size_t score_stride = scores == nullptr ? 0 : panels.count * kPanelLanes;
  size_t r = 0;
  for (; r + kRowsPerTile <= row_count; r += kRowsPerTile) {
    NearestOfRows<kRowsPerTile>(rows + r, dim, panels, nearest + r, scores + r * score_stride);
  }
  if (r < row_count) {
    kNearestOfLastRows[row_count - r](rows + r, dim, panels, nearest + r,
                                      scores + r * score_stride);
  }
}

bool MaskNotBelow(const RowRun& rows, size_t dim, const PanelList& panels, const float* scales,
                  const float* floors, uint16_t* masks) {
  unsigned any = 0;
  for (size_t p = 0; p < panels.count; p += 2) {
    const auto mask = panels.count - p >= 2 ? MaskRows<kRowsPerTile, 2> : MaskRows<kRowsPerTile, 1>;
    any |= mask({rows.floats, scales, floors, masks + p}, rows.count, dim,
                panels.lines + p * (dim + 1), panels.count);
  }
  return any != 0;
}

}  // namespace viper::kernels::avx512
