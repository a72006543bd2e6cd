#include "kernels/mask_levels.h"

#include <bit>

namespace viper::kernels::scalar {

size_t MaskNotAbove(const float* values, size_t block_count, float limit, uint64_t* masks) {
  size_t count = 0;
  for (size_t block = 0; block < block_count; ++block, values += 64) {
    uint64_t mask = 0;
    for (size_t i = 0; i < 64; ++i) mask |= static_cast<uint64_t>(values[i] <= limit) << i;
    masks[block] = mask;
    count += static_cast<size_t>(std::popcount(mask));
  }
  return count;
}

}  // namespace viper::kernels::scalar
