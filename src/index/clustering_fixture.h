#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.h"

namespace viper::index {

/// A number of the normal distribution (Box and Muller).
inline float Normal(Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.UniformDouble()));
  return static_cast<float>(radius * std::cos(6.283185307179586 * random.UniformDouble()));
}

/// `row_count x dim` floats, row-major: blobs about `blob_count` centres, which in turn lie about a
/// tenth as many, so that there is structure on two scales as in data of the world.
inline std::vector<float> ClusteredRows(size_t row_count, size_t dim, size_t blob_count,
                                        uint64_t seed) {
  Random random(seed);
  std::vector<float> super_centres(dim * (blob_count / 10 + 1));
  for (float& component : super_centres) component = 4 * Normal(random);
  std::vector<float> centres(dim * blob_count);
  for (size_t b = 0; b < blob_count; ++b) {
    const size_t super_centre = random.Uniform(super_centres.size() / dim);
    for (size_t d = 0; d < dim; ++d) {
      centres[b * dim + d] = super_centres[super_centre * dim + d] + 2 * Normal(random);
    }
  }
  std::vector<float> rows(row_count * dim);
  for (size_t r = 0; r < row_count; ++r) {
    const size_t blob = random.Uniform(blob_count);
    for (size_t d = 0; d < dim; ++d) {
      rows[r * dim + d] = centres[blob * dim + d] + Normal(random);
    }
  }
  return rows;
}

}  // namespace viper::index
