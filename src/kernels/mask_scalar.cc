#include "kernels/mask_levels.h"

namespace viper::kernels::scalar {

void MaskNotAbove(const float* values, size_t block_count, float limit, uint64_t* masks) {
  for (size_t block = 0; block < block_count; ++block, values += 64) {
    uint64_t mask = 0;
    for (size_t i = 0; i < 64; ++i) mask |= static_cast<uint64_t>(values[i] <= limit) << i;
    masks[block] = mask;
  }
}

}  // namespace viper::kernels::scalar
