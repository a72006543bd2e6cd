#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "viper/export.h"
#include "viper/result.h"
#include "viper/status.h"

namespace viper {

/// A vector by those of its components that are not zero. Means the same as the dense vector with
/// zeros everywhere else: what is written so is found and given back like any other.
struct VIPER_EXPORT SparseVector {
  /// Positions of components, from 0, each once, in any order.
  std::vector<uint32_t> indices = {};
  /// One for each of them, finite.
  std::vector<float> values = {};

  /// OK if it is a vector of `dim` components. InvalidArgument with the numbers: as many values as
  /// indices it has not, an index is not below `dim` or comes twice, a value is not finite.
  Status Validate(size_t dim) const;
  /// Spread it over `dim` floats. Fails as Validate.
  Result<std::vector<float>> ToDense(size_t dim) const;
  /// Collect the components that are not 0.0, indices rising. Negative zeros are kept, so that
  /// ToDense gives back every bit.
  static SparseVector FromDense(std::span<const float> vector);

  friend bool operator==(const SparseVector&, const SparseVector&) = default;
};

/// How the vectors of some records lie in a file.
enum class VectorLayout : uint8_t {
  /// All components of each.
  kDense = 0,
  /// Of each the components that are not zero, with their indices.
  kSparse = 1,
  /// Of some of them, and all of others.
  kHybrid = 2,
};

/// Return "dense", "sparse" or "hybrid".
VIPER_EXPORT std::string_view VectorLayoutName(VectorLayout layout);

/// Tell how a vector is best kept by itself: kSparse if more than the share `threshold` (0 to 1) of
/// its components is 0.0, else kDense. At 0.5 a component with its index takes as much as two
/// components without: what is above saves bytes.
VIPER_EXPORT VectorLayout DetermineStorageFormat(std::span<const float> vector,
                                                 double threshold = 0.5);

}  // namespace viper
