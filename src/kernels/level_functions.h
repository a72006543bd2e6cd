#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/code_block.h"

/// The functions of each level, defined in the sources of that name, which alone are compiled for
/// its instruction set. This header and those sources include nothing that has inline functions:
/// one that the compiler emits there could be the copy that the linker keeps for the whole program,
/// wide instructions and all. Contracts: KernelTable.
#define VIPER_DECLARE_FLOAT_KERNELS(level)                                                        \
  namespace viper::kernels::level {                                                               \
  void Dot(const std::byte* rows, size_t row_count, size_t dim, const float* query, float* out);  \
  void SquaredL2(const std::byte* rows, size_t row_count, size_t dim, const float* query,         \
                 float* out);                                                                     \
  void SquaredNorm(const std::byte* rows, size_t row_count, size_t dim, float* out);              \
  void DotAndSquaredNorm(const std::byte* rows, size_t row_count, size_t dim, const float* query, \
                         float* dots, float* squared_norms);                                      \
  void Hadamard(float* values, size_t size);                                                      \
  }

#define VIPER_DECLARE_CODE_KERNELS(level)                                                        \
  namespace viper::kernels::level {                                                              \
  size_t TableBytes(size_t planes);                                                              \
  void BuildTable(const float* query, size_t planes, CodeTable* table);                          \
  uint64_t ScanBlock(const std::byte* block, size_t planes, const uint8_t* entries,              \
                     const BlockBound& bound, float* values);                                    \
  void DotBytes(const std::byte* const* rows, size_t row_count, size_t dim, const int8_t* query, \
                size_t parts, int32_t* out);                                                     \
  }

VIPER_DECLARE_FLOAT_KERNELS(scalar)
VIPER_DECLARE_FLOAT_KERNELS(avx2)
VIPER_DECLARE_FLOAT_KERNELS(avx512)
VIPER_DECLARE_FLOAT_KERNELS(neon)
VIPER_DECLARE_CODE_KERNELS(scalar)
VIPER_DECLARE_CODE_KERNELS(avx2)
VIPER_DECLARE_CODE_KERNELS(avx512)
VIPER_DECLARE_CODE_KERNELS(avx512_vbmi)
VIPER_DECLARE_CODE_KERNELS(neon)

#undef VIPER_DECLARE_FLOAT_KERNELS
#undef VIPER_DECLARE_CODE_KERNELS
