#pragma once

#include <cstddef>

#include "kernels/panel.h"

/// KernelTable::nearest of each level; the rules of level_functions.h hold here too.
#define VIPER_DECLARE_NEAREST_LEVEL(level)                                                      \
  namespace viper::kernels::level {                                                             \
  void Nearest(const float* const* rows, size_t row_count, size_t dim, const PanelList& panels, \
               NearestSlot* nearest, float* scores);                                            \
  }

VIPER_DECLARE_NEAREST_LEVEL(scalar)
VIPER_DECLARE_NEAREST_LEVEL(avx2)
VIPER_DECLARE_NEAREST_LEVEL(avx512)
VIPER_DECLARE_NEAREST_LEVEL(neon)

#undef VIPER_DECLARE_NEAREST_LEVEL
