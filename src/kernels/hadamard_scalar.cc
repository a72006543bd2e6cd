// The specification of the transform: at distance 1, then 2, 4 and so on, each pair becomes its sum
// and its difference. The other levels do the same steps in the same order.

#include <cstddef>

#include "kernels/level_functions.h"

namespace viper::kernels::scalar {

void Hadamard(float* values, size_t size) {
  for (size_t distance = 1; distance < size; distance *= 2) {
    for (size_t first = 0; first < size; first += 2 * distance) {
      for (size_t i = first; i < first + distance; ++i) {
        const float a = values[i];
        const float b = values[i + distance];
        values[i] = a + b;
        values[i + distance] = a - b;
      }
    }
  }
}

}  // namespace viper::kernels::scalar
