#pragma once

#include <cstddef>

/// KernelTable::exact_dot and exact_squared_l2 of each level; the rules of level_functions.h hold
/// here too.
#define VIPER_DECLARE_EXACT_LEVEL(level)                                           \
  namespace viper::kernels::level {                                                \
  double ExactDot(const std::byte* row, const std::byte* other, size_t dim);       \
  double ExactSquaredL2(const std::byte* row, const std::byte* other, size_t dim); \
  }

VIPER_DECLARE_EXACT_LEVEL(scalar)
VIPER_DECLARE_EXACT_LEVEL(avx2)
VIPER_DECLARE_EXACT_LEVEL(avx512)

#undef VIPER_DECLARE_EXACT_LEVEL
