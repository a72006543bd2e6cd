#include "core/distinct_estimate.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace viper::core {

void DistinctEstimate::Add(uint64_t hash) {
  if (hashes_.size() == kHashesMax && hash >= *hashes_.rbegin()) return;
  if (!hashes_.insert(hash).second || hashes_.size() <= kHashesMax) return;
  hashes_.erase(std::prev(hashes_.end()));
}

uint64_t DistinctEstimate::count() const {
  if (is_exact()) return hashes_.size();
  const double largest = std::ldexp(static_cast<double>(*hashes_.rbegin()) + 1, -64);
  const double estimate = static_cast<double>(kHashesMax - 1) / largest;
  return static_cast<uint64_t>(std::llround(std::min(estimate, 9e18)));
}

}  // namespace viper::core
