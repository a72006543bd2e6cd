// The specification of `nearest`, and what runs where there is nothing better.

#include "kernels/nearest_levels.h"

namespace viper::kernels::scalar {
namespace {

constexpr float kNoScore = -__builtin_inff();

/// Score of each vector of a panel: bias, then products in the order of the dimensions.
void ScorePanel(const float* row, size_t dim, const PanelLine* panel, float* scores) {
  float sums[kPanelLanes];
  for (size_t lane = 0; lane < kPanelLanes; ++lane) sums[lane] = panel[0].lanes[lane];
  for (size_t i = 0; i < dim; ++i) {
    const float* components = panel[1 + i].lanes;
    // GCC 12 makes vectors of this loop only if it does not unroll it first.
#pragma GCC unroll 1
    for (size_t lane = 0; lane < kPanelLanes; ++lane) sums[lane] += row[i] * components[lane];
  }
  for (size_t lane = 0; lane < kPanelLanes; ++lane) scores[lane] = sums[lane];
}

}  // namespace

void Nearest(const float* const* rows, size_t row_count, size_t dim, const PanelList& panels,
             NearestSlot* nearest, float* scores) {
  for (size_t r = 0; r < row_count; ++r) {
    NearestSlot best = {kNoScore, 0};
    for (size_t p = 0; p < panels.count; ++p) {
      float panel_scores[kPanelLanes];
      ScorePanel(rows[r], dim, panels.lines + p * (dim + 1), panel_scores);
      for (size_t lane = 0; lane < kPanelLanes; ++lane) {
        const size_t slot = p * kPanelLanes + lane;
        if (panel_scores[lane] > best.score) {
          best = {panel_scores[lane], static_cast<uint32_t>(slot)};
        }
        if (scores != nullptr) scores[r * panels.count * kPanelLanes + slot] = panel_scores[lane];
      }
    }
    nearest[r] = best;
  }
}

}  // namespace viper::kernels::scalar
