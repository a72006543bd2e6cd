// Tiles of 4 rows x 1 panel in 16 of the 32 registers, all dimensions at a time. Every sum starts
// at the bias and takes the products in the order of the dimensions, whatever the tile: the score
// of a pair does not depend on what is passed along with it.

#include "kernels/nearest_levels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace viper::kernels::neon {
namespace {

constexpr size_t kRowsPerTile = 4;
constexpr size_t kLanes = 4;
/// A line of a panel is four registers.
constexpr size_t kQuarters = kPanelLanes / kLanes;

/// scores[r] = the scores of a panel's vectors for row r.
template <size_t kRows>
[[gnu::always_inline]] inline void Tile(const float* const* rows, size_t dim,
                                        const PanelLine* panel, float (*scores)[kPanelLanes]) {
  float32x4_t sums[kRows][kQuarters];
#pragma GCC unroll 4
  for (size_t q = 0; q < kQuarters; ++q) {
    const float32x4_t bias = vld1q_f32(panel[0].lanes + q * kLanes);
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) sums[r][q] = bias;
  }
  for (size_t i = 0; i < dim; ++i) {
    float32x4_t components[kQuarters];
#pragma GCC unroll 4
    for (size_t q = 0; q < kQuarters; ++q) {
      components[q] = vld1q_f32(panel[1 + i].lanes + q * kLanes);
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      const float32x4_t component = vdupq_n_f32(rows[r][i]);
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
void NearestOfRows(const float* const* rows, size_t dim, const PanelList& panels,
                   NearestSlot* nearest, float* scores) {
  for (size_t r = 0; r < kRows; ++r) nearest[r] = {-__builtin_inff(), 0};
  for (size_t p = 0; p < panels.count; ++p) {
    float panel_scores[kRows][kPanelLanes];
    Tile<kRows>(rows, dim, panels.lines + p * (dim + 1), panel_scores);
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

}  // namespace viper::kernels::neon

#endif
