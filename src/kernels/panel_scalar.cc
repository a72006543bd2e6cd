// The specification of `nearest` and `mask_not_below`, and what runs where there is nothing better.

#include "kernels/panel_levels.h"

namespace viper::kernels::scalar {
namespace {

constexpr float kNoScore = -__builtin_inff();

/// Score of each vector of a panel: the bias, `scale` times, then products in the order of the
/// dimensions.
void ScorePanel(const std::byte* row, float scale, size_t dim, const PanelLine* panel,
                float* scores) {
  float sums[kPanelLanes];
  for (size_t lane = 0; lane < kPanelLanes; ++lane) sums[lane] = scale * panel[0].lanes[lane];
  for (size_t i = 0; i < dim; ++i) {
    float component;
    __builtin_memcpy(&component, row + i * sizeof(float), sizeof(float));
    const float* components = panel[1 + i].lanes;
    // GCC 12 makes vectors of this loop only if it does not unroll it first.
#pragma GCC unroll 1
    for (size_t lane = 0; lane < kPanelLanes; ++lane) sums[lane] += component * components[lane];
  }
  for (size_t lane = 0; lane < kPanelLanes; ++lane) scores[lane] = sums[lane];
}

}  // namespace

void Nearest(const float* const* rows, size_t row_count, size_t dim, const PanelList& panels,
             NearestSlot* nearest, float* scores) {
  for (size_t r = 0; r < row_count; ++r) {
    const auto* row = static_cast<const std::byte*>(static_cast<const void*>(rows[r]));
    NearestSlot best = {kNoScore, 0};
    for (size_t p = 0; p < panels.count; ++p) {
      float panel_scores[kPanelLanes];
      ScorePanel(row, 1, dim, panels.lines + p * (dim + 1), panel_scores);
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

bool MaskNotBelow(const RowRun& rows, size_t dim, const PanelList& panels, const float* scales,
                  const float* floors, uint16_t* masks) {
  bool any = false;
  for (size_t r = 0; r < rows.count; ++r) {
    for (size_t p = 0; p < panels.count; ++p) {
      float scores[kPanelLanes];
      ScorePanel(rows.floats + r * dim * sizeof(float), scales[r], dim,
                 panels.lines + p * (dim + 1), scores);
      unsigned mask = 0;
      for (size_t lane = 0; lane < kPanelLanes; ++lane) {
        mask |= static_cast<unsigned>(!(scores[lane] < floors[r])) << lane;
      }
      masks[r * panels.count + p] = static_cast<uint16_t>(mask);
      any |= mask != 0;
    }
  }
  return any;
}

}  // namespace viper::kernels::scalar
