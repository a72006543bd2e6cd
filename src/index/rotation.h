#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace viper::index {

/// A random orthogonal map from `dim` to `code_dim >= dim` dimensions, in O(code_dim log code_dim):
/// rounds of random sign flips and Walsh-Hadamard transforms, which overlap where code_dim is not a
/// power of two (Ailon and Chazelle's fast transform; the overlapping form is that of
/// RaBitQ-Library's "FHT-Kac"). It spreads the length of a vector evenly over its components, which
/// is what 1-bit codes rest on. Lengths and inner products stay, up to rounding. The map is a
/// function of (dim, code_dim, seed): part of the index format. Thread-safe.
class Rotation {
 public:
  Rotation(size_t dim, size_t code_dim, uint64_t seed);

  size_t dim() const { return dim_; }
  size_t code_dim() const { return code_dim_; }
  /// `in` has dim floats, `out` code_dim.
  void Apply(const float* in, float* out) const;

 private:
  size_t dim_;
  size_t code_dim_;
  /// The largest power of two that is not above code_dim.
  size_t span_;
  size_t rounds_;
  /// rounds x code_dim sign bits: 0 or 0x80000000.
  std::vector<uint32_t> flips_;
};

}  // namespace viper::index
