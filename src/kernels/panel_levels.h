#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/panel.h"

/// KernelTable::nearest and mask_not_below of each level; the rules of level_functions.h hold here
/// too.
#define VIPER_DECLARE_PANEL_LEVEL(level)                                                          \
  namespace viper::kernels::level {                                                               \
  void Nearest(const float* const* rows, size_t row_count, size_t dim, const PanelList& panels,   \
               NearestSlot* nearest, float* scores);                                              \
  bool MaskNotBelow(const RowRun& rows, size_t dim, const PanelList& panels, const float* scales, \
                    const float* floors, uint16_t* masks);                                        \
  }

VIPER_DECLARE_PANEL_LEVEL(scalar)
VIPER_DECLARE_PANEL_LEVEL(avx2)
VIPER_DECLARE_PANEL_LEVEL(avx512)
VIPER_DECLARE_PANEL_LEVEL(neon)

#undef VIPER_DECLARE_PANEL_LEVEL
