// The specification of the dot product of bytes: sums modulo 2^32, as the other levels make them.

#include <cstddef>
#include <cstdint>

#include "kernels/level_functions.h"

namespace viper::kernels::scalar {

void DotBytes(const std::byte* const* rows, size_t row_count, size_t dim, const int8_t* query,
              size_t parts, int32_t* out) {
  for (size_t part = 0; part < parts; ++part) {
    for (size_t r = 0; r < row_count; ++r) {
      uint32_t sum = 0;
      for (size_t i = 0; i < dim; ++i) {
        const int product = static_cast<int>(rows[r][i]) * query[part * dim + i];
        sum += static_cast<uint32_t>(product);
      }
      out[part * row_count + r] = static_cast<int32_t>(sum);
    }
  }
}

}  // namespace viper::kernels::scalar
