#include <immintrin.h>

#include "kernels/mask_levels.h"

namespace viper::kernels::avx2 {

size_t MaskNotAbove(const float* values, size_t block_count, float limit, uint64_t* masks) {
  const __m256 limits = _mm256_set1_ps(limit);
  size_t count = 0;
  for (size_t block = 0; block < block_count; ++block, values += 64) {
    uint64_t mask = 0;
    for (size_t i = 0; i < 64; i += 8) {
      const __m256 taken = _mm256_cmp_ps(_mm256_loadu_ps(values + i), limits, _CMP_LE_OQ);
      mask |= static_cast<uint64_t>(static_cast<unsigned>(_mm256_movemask_ps(taken))) << i;
    }
    masks[block] = mask;
    count += static_cast<size_t>(_mm_popcnt_u64(mask));
  }
  return count;
}

}  // namespace viper::kernels::avx2
