#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

namespace viper::core {

/// How many different values there are, by the k smallest of their hashes (Bar-Yossef et al.,
/// "Counting distinct elements in a data stream", 2002): where n hashes lie evenly between 0 and 1,
/// the k-th smallest is about k / n. Exact below k values; the standard error is 1 / sqrt(k - 2).
class DistinctEstimate {
 public:
  static constexpr size_t kHashesMax = 256;

  /// A value, by a hash of 64 even bits.
  void Add(uint64_t hash);
  bool is_exact() const { return hashes_.size() < kHashesMax; }
  uint64_t count() const;

 private:
  std::set<uint64_t> hashes_;
};

}  // namespace viper::core
