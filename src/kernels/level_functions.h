#pragma once

#include <cstddef>

/// The functions of each level, defined in the source of that name, which alone is compiled for its
/// instruction set. This header and those sources include nothing that has inline functions: one
/// that the compiler emits there could be the copy that the linker keeps for the whole program,
/// wide instructions and all. Contracts: KernelTable.
#define VIPER_DECLARE_KERNEL_LEVEL(level)                                                         \
  namespace viper::kernels::level {                                                               \
  void Dot(const std::byte* rows, size_t row_count, size_t dim, const float* queries,             \
           size_t query_count, float* out);                                                       \
  void SquaredL2(const std::byte* rows, size_t row_count, size_t dim, const float* queries,       \
                 size_t query_count, float* out);                                                 \
  void SquaredNorm(const std::byte* rows, size_t row_count, size_t dim, float* out);              \
  void DotAndSquaredNorm(const std::byte* rows, size_t row_count, size_t dim, const float* query, \
                         float* dots, float* squared_norms);                                      \
  }

VIPER_DECLARE_KERNEL_LEVEL(scalar)
VIPER_DECLARE_KERNEL_LEVEL(avx2)
VIPER_DECLARE_KERNEL_LEVEL(avx512)
VIPER_DECLARE_KERNEL_LEVEL(neon)

#undef VIPER_DECLARE_KERNEL_LEVEL
