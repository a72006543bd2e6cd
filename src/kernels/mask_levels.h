#pragma once

#include <cstddef>
#include <cstdint>

/// KernelTable::mask_not_above of each level; apart from the others as in level_functions.h.
namespace viper::kernels {
namespace scalar {
size_t MaskNotAbove(const float* values, size_t block_count, float limit, uint64_t* masks);
}
namespace avx2 {
size_t MaskNotAbove(const float* values, size_t block_count, float limit, uint64_t* masks);
}
namespace avx512 {
size_t MaskNotAbove(const float* values, size_t block_count, float limit, uint64_t* masks);
}
}  // namespace viper::kernels
