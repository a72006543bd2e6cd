// Tiles of 6 rows x 1 panel in 12 of the 16 registers: per dimension two loads of half a panel's
// line and six broadcasts of a row's component feed 12 fused multiply-adds. A tile runs over all
// dimensions.
//
// `nearest` takes a tile of rows through all panels: their sums are compared with the best score
// that each lane has seen, and only after the last panel are the lanes of a row compared with each
// other. `mask_not_below` takes a panel through all rows, both of which then stay in the L1 cache.
//
// Every sum starts at the bias and takes the products in the order of the dimensions, whatever the
// tile: the score of a pair does not depend on what is passed along with it.

#include <immintrin.h>

#include "kernels/panel_levels.h"

namespace viper::kernels::avx2 {
namespace {

constexpr size_t kRowsPerTile = 6;
/// A line of a panel is two registers.
constexpr size_t kLanes = 8;
constexpr size_t kHalves = kPanelLanes / kLanes;

/// Component i of a row at any address, in every lane.
[[gnu::always_inline]] inline __m256 Broadcast(const std::byte* row, size_t i) {
  float component;
  __builtin_memcpy(&component, row + i * sizeof(float), sizeof(float));
  return _mm256_set1_ps(component);
}

/// Half `w % kHalves` of line `i` of a panel, the `w / kHalves`th from `panel` on.
[[gnu::always_inline]] inline __m256 HalfLine(const PanelLine* panel, size_t dim, size_t i,
                                              size_t w) {
  return _mm256_load_ps(panel[w / kHalves * (dim + 1) + i].lanes + w % kHalves * kLanes);
}

/// Add the dot products to sums that hold the biases; `kWidth` registers across, kHalves for each
/// panel.
template <size_t kRows, size_t kWidth>
[[gnu::always_inline]] inline void AddProducts(const std::byte* const* rows, size_t dim,
                                               const PanelLine* panel,
                                               __m256 (&sums)[kRows][kWidth]) {
  for (size_t i = 0; i < dim; ++i) {
    __m256 components[kWidth];
#pragma GCC unroll 4
    for (size_t w = 0; w < kWidth; ++w) components[w] = HalfLine(panel, dim, 1 + i, w);
#pragma GCC unroll 6
    for (size_t r = 0; r < kRows; ++r) {
      const __m256 component = Broadcast(rows[r], i);
#pragma GCC unroll 4
      for (size_t w = 0; w < kWidth; ++w) {
        sums[r][w] = _mm256_fmadd_ps(component, components[w], sums[r][w]);
      }
    }
  }
}

/// Per row and half of a line: the best score in each lane so far, and the panel it came from.
template <size_t kRows>
struct BestOfLanes {
  __m256 scores[kRows][kHalves];
  __m256 panels[kRows][kHalves];  // integers; of this type since the blend is
};

template <size_t kRows, size_t kWidth>
[[gnu::always_inline]] inline void NearestOfTile(const std::byte* const* rows, size_t dim,
                                                 const PanelList& panels, size_t first_panel,
                                                 BestOfLanes<kRows>& best, float* scores) {
  const PanelLine* panel = panels.lines + first_panel * (dim + 1);
  __m256 sums[kRows][kWidth];
#pragma GCC unroll 4
  for (size_t w = 0; w < kWidth; ++w) {
    const __m256 bias = HalfLine(panel, dim, 0, w);
#pragma GCC unroll 6
    for (size_t r = 0; r < kRows; ++r) sums[r][w] = bias;
  }
  AddProducts(rows, dim, panel, sums);
#pragma GCC unroll 4
  for (size_t w = 0; w < kWidth; ++w) {
    const size_t half = w % kHalves;
    const __m256 number =
        _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(first_panel + w / kHalves)));
#pragma GCC unroll 6
    for (size_t r = 0; r < kRows; ++r) {
      const __m256 better = _mm256_cmp_ps(sums[r][w], best.scores[r][half], _CMP_GT_OQ);
      best.scores[r][half] = _mm256_blendv_ps(best.scores[r][half], sums[r][w], better);
      best.panels[r][half] = _mm256_blendv_ps(best.panels[r][half], number, better);
    }
  }
  if (scores == nullptr) return;
#pragma GCC unroll 6
  for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (size_t w = 0; w < kWidth; ++w) {
      float* line = scores + (r * panels.count + first_panel) * kPanelLanes;
      _mm256_storeu_ps(line + w * kLanes, sums[r][w]);
    }
  }
}

/// The highest score of the lanes, and the lowest slot that has it. Few, so one by one.
NearestSlot BestOf(const __m256* scores, const __m256* panels) {
  float score_of[kPanelLanes];
  uint32_t panel_of[kPanelLanes];
  for (size_t half = 0; half < kHalves; ++half) {
    _mm256_storeu_ps(score_of + half * kLanes, scores[half]);
    void* destination = panel_of + half * kLanes;
    _mm256_storeu_si256(static_cast<__m256i*>(destination), _mm256_castps_si256(panels[half]));
  }
  NearestSlot best = {score_of[0], panel_of[0] * static_cast<uint32_t>(kPanelLanes)};
  for (uint32_t lane = 1; lane < kPanelLanes; ++lane) {
    const uint32_t slot = panel_of[lane] * static_cast<uint32_t>(kPanelLanes) + lane;
    const bool better = score_of[lane] > best.score;
    const bool lower = score_of[lane] == best.score && slot < best.slot;
    best.slot = better || lower ? slot : best.slot;
    best.score = better ? score_of[lane] : best.score;
  }
  return best;
}

template <size_t kRows>
void NearestOfRows(const float* const* floats, size_t dim, const PanelList& panels,
                   NearestSlot* nearest, float* scores) {
  // Few rows take two panels at once, for enough sums that none waits for itself.
  constexpr size_t kPanels = kRows <= 3 ? 2 : 1;
  const std::byte* rows[kRows];
  BestOfLanes<kRows> best;
  for (size_t r = 0; r < kRows; ++r) {
    rows[r] = static_cast<const std::byte*>(static_cast<const void*>(floats[r]));
    for (size_t half = 0; half < kHalves; ++half) {
      best.scores[r][half] = _mm256_set1_ps(-__builtin_inff());
      best.panels[r][half] = _mm256_setzero_ps();
    }
  }
  size_t p = 0;
  for (; p + kPanels <= panels.count; p += kPanels) {
    NearestOfTile<kRows, kPanels * kHalves>(rows, dim, panels, p, best, scores);
  }
  for (; p < panels.count; ++p) NearestOfTile<kRows, kHalves>(rows, dim, panels, p, best, scores);
  for (size_t r = 0; r < kRows; ++r) nearest[r] = BestOf(best.scores[r], best.panels[r]);
}

using NearestOfRowsFunction = void (*)(const float* const*, size_t, const PanelList&, NearestSlot*,
                                       float*);

/// For a last tile of so many rows.
constexpr NearestOfRowsFunction kNearestOfLastRows[kRowsPerTile] = {
    nullptr,          NearestOfRows<1>, NearestOfRows<2>,
    NearestOfRows<3>, NearestOfRows<4>, NearestOfRows<5>};

/// What mask_not_below has of some rows.
struct MaskedRows {
  const std::byte* floats;
  const float* scales;
  const float* floors;
  uint16_t* masks;
};

/// The masks of one panel, every `stride`th from `rows.masks` on; returns their union.
template <size_t kRows>
unsigned MaskTile(const MaskedRows& tile, size_t dim, const PanelLine* panel, size_t stride) {
  const std::byte* rows[kRows];
  __m256 sums[kRows][kHalves];
#pragma GCC unroll 6
  for (size_t r = 0; r < kRows; ++r) {
    rows[r] = tile.floats + r * dim * sizeof(float);
    const __m256 scale = _mm256_set1_ps(tile.scales[r]);
#pragma GCC unroll 2
    for (size_t w = 0; w < kHalves; ++w) {
      sums[r][w] = _mm256_mul_ps(scale, HalfLine(panel, dim, 0, w));
    }
  }
  AddProducts(rows, dim, panel, sums);
  unsigned any = 0;
#pragma GCC unroll 6
  for (size_t r = 0; r < kRows; ++r) {
    const __m256 floor = _mm256_set1_ps(tile.floors[r]);
    const int low = _mm256_movemask_ps(_mm256_cmp_ps(sums[r][0], floor, _CMP_NLT_UQ));
    const int high = _mm256_movemask_ps(_mm256_cmp_ps(sums[r][1], floor, _CMP_NLT_UQ));
    const unsigned mask = static_cast<unsigned>(low) | static_cast<unsigned>(high) << kLanes;
    tile.masks[r * stride] = static_cast<uint16_t>(mask);
    any |= mask;
  }
  return any;
}

/// Tiles of `kRows`, then smaller ones for the rest.
template <size_t kRows>
unsigned MaskRows(MaskedRows rows, size_t row_count, size_t dim, const PanelLine* panel,
                  size_t stride) {
  unsigned any = 0;
  size_t r = 0;
  for (; r + kRows <= row_count; r += kRows) {
    any |= MaskTile<kRows>(rows, dim, panel, stride);
    rows.floats += kRows * dim * sizeof(float);
    rows.scales += kRows;
    rows.floors += kRows;
    rows.masks += kRows * stride;
  }
  if constexpr (kRows > 1) any |= MaskRows<kRows / 2>(rows, row_count - r, dim, panel, stride);
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
  for (size_t p = 0; p < panels.count; ++p) {
    any |= MaskRows<kRowsPerTile>({rows.floats, scales, floors, masks + p}, rows.count, dim,
                                  panels.lines + p * (dim + 1), panels.count);
  }
  return any != 0;
}

}  // namespace viper::kernels::avx2
