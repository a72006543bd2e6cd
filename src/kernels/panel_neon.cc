// Tiles of 4 rows x 1 panel in 16 of the 32 registers, all dimensions at a time. Every sum starts
// at the bias and takes the products in the order of the dimensions, whatever the tile: the score
// of a pair does not depend on what is passed along with it.

#include "kernels/panel_levels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace viper::kernels::neon {
namespace {

constexpr size_t kRowsPerTile = 4;
constexpr size_t kLanes = 4;
/// A line of a panel is four registers.
constexpr size_t kQuarters = kPanelLanes / kLanes;

/// Component i of a row at any address, in every lane.
[[gnu::always_inline]] inline float32x4_t Broadcast(const std::byte* row, size_t i) {
  float component;
  __builtin_memcpy(&component, row + i * sizeof(float), sizeof(float));
  return vdupq_n_f32(component);
}

/// scores[r] = the scores of a panel's vectors for row r, their biases taken scales[r] times.
template <size_t kRows>
[[gnu::always_inline]] inline void Tile(const std::byte* const* rows, const float* scales,
                                        size_t dim, const PanelLine* panel,
                                        float (*scores)[kPanelLanes]) {
  float32x4_t sums[kRows][kQuarters];
#pragma GCC unroll 4
  for (size_t q = 0; q < kQuarters; ++q) {
    const float32x4_t bias = vld1q_f32(panel[0].lanes + q * kLanes);
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) sums[r][q] = vmulq_n_f32(bias, scales[r]);
  }
  for (size_t i = 0; i < dim; ++i) {
    float32x4_t components[kQuarters];
#pragma GCC unroll 4
    for (size_t q = 0; q < kQuarters; ++q) {
      components[q] = vld1q_f32(panel[1 + i].lanes + q * kLanes);
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      const float32x4_t component = Broadcast(rows[r], i);
#pragma GCC unroll 4
      for (size_t q = 0; q < kQuarters; ++q) {
        sums[r][q] = vfmaq_f32(sums[r][q], component, components[q]);
      }
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t q = 0; q < kQuarters; ++q) vst1q_f32(scores[r] + q * kLanes, sums[r][q]);
  }
}

template <size_t kRows>
void NearestOfRows(const float* const* floats, size_t dim, const PanelList& panels,
                   NearestSlot* nearest, float* scores) {
  const std::byte* rows[kRows];
  float scales[kRows];
  for (size_t r = 0; r < kRows; ++r) {
    rows[r] = static_cast<const std::byte*>(static_cast<const void*>(floats[r]));
    scales[r] = 1;
    nearest[r] = {-__builtin_inff(), 0};
  }
  for (size_t p = 0; p < panels.count; ++p) {
    float panel_scores[kRows][kPanelLanes];
    Tile<kRows>(rows, scales, dim, panels.lines + p * (dim + 1), panel_scores);
    for (size_t r = 0; r < kRows; ++r) {
      for (size_t lane = 0; lane < kPanelLanes; ++lane) {
        const size_t slot = p * kPanelLanes + lane;
        const float score = panel_scores[r][lane];
        if (score > nearest[r].score) nearest[r] = {score, static_cast<uint32_t>(slot)};
        if (scores != nullptr) scores[r * panels.count * kPanelLanes + slot] = score;
      }
    }
  }
}

/// The masks of rows [first, first + kRows) for one panel; returns their union.
template <size_t kRows>
unsigned MaskTile(const RowRun& run, size_t first, size_t dim, const PanelLine* panel,
                  const float* scales, const float* floors, uint16_t* masks, size_t stride) {
  const std::byte* rows[kRows];
  for (size_t r = 0; r < kRows; ++r) rows[r] = run.floats + (first + r) * dim * sizeof(float);
  float scores[kRows][kPanelLanes];
  Tile<kRows>(rows, scales + first, dim, panel, scores);
  unsigned any = 0;
  for (size_t r = 0; r < kRows; ++r) {
    unsigned mask = 0;
    for (size_t lane = 0; lane < kPanelLanes; ++lane) {
      mask |= static_cast<unsigned>(!(scores[r][lane] < floors[first + r])) << lane;
    }
    masks[(first + r) * stride] = static_cast<uint16_t>(mask);
    any |= mask;
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
  for (; r < row_count; ++r) {
    NearestOfRows<1>(rows + r, dim, panels, nearest + r, scores + r * score_stride);
  }
}

bool MaskNotBelow(const RowRun& rows, size_t dim, const PanelList& panels, const float* scales,
                  const float* floors, uint16_t* masks) {
  unsigned any = 0;
  for (size_t p = 0; p < panels.count; ++p) {
    const PanelLine* panel = panels.lines + p * (dim + 1);
    size_t r = 0;
    for (; r + kRowsPerTile <= rows.count; r += kRowsPerTile) {
      any |= MaskTile<kRowsPerTile>(rows, r, dim, panel, scales, floors, masks + p, panels.count);
    }
    for (; r < rows.count; ++r) {
      any |= MaskTile<1>(rows, r, dim, panel, scales, floors, masks + p, panels.count);
    }
  }
  return any != 0;
}

}  // namespace viper::kernels::neon

#endif
