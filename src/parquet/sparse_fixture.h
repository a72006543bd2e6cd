#pragma once

// For tests: rows of which some are sparse.

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "parquet/part_fixture.h"
#include "parquet/sparse_plan.h"

namespace viper::parquet {

/// Rows of a collection without fields, and the floats they point at.
struct SparseRows {
  std::vector<float> floats;
  PartRows rows;
};

/// Of every `dense_every` rows the first is dense (0 = none is); of the components of the others
/// about the share `share` is not zero, and some are negative zeros.
inline SparseRows MakeSparseRows(size_t row_count, size_t dim, double share, size_t dense_every,
                                 uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<double> uniform;
  SparseRows made;
  made.floats.resize(row_count * dim);
  for (size_t row = 0; row < row_count; ++row) {
    const bool is_dense = dense_every > 0 && row % dense_every == 0;
    for (size_t i = 0; i < dim; ++i) {
      float& component = made.floats[row * dim + i];
      if (is_dense || uniform(random) < share) component = normal(random);
      if (!is_dense && random() % 1000 == 0) component = -0.0F;
    }
    made.rows.ids.Append(std::to_string(row));
    made.rows.timestamps.push_back(0);
    made.rows.ingested_at.push_back(0);
    made.rows.expires_at.AppendNull();
    made.rows.payload.AppendNull();
    made.rows.vectors.push_back(reinterpret_cast<const std::byte*>(made.floats.data() + row * dim));
  }
  return made;
}

inline PartWriteOptions SparseWriteOptions(VectorFormat format,
                                           StoragePolicy policy = StoragePolicy::kSpeed) {
  PartWriteOptions options;
  options.sparse.format = format;
  options.compression.policy = policy;
  return options;
}

}  // namespace viper::parquet
