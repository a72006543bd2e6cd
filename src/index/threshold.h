#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace viper::index {

/// The k smallest of the values offered that are below a limit; the largest of them is the
/// threshold. k is not 0. Not thread-safe.
class Threshold {
 public:
  void Reset(size_t k, float limit = std::numeric_limits<float>::infinity()) {
    k_ = k;
    value_ = limit;
    heap_.clear();
  }
  /// The limit until there are k.
  float value() const { return value_; }
  void Offer(float upper) {
    if (!(upper < value_)) return;
    if (heap_.size() == k_) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = upper;
    } else {
      heap_.push_back(upper);
    }
    std::push_heap(heap_.begin(), heap_.end());
    if (heap_.size() == k_) value_ = heap_.front();
  }
  /// Offer what another holds.
  void Merge(const Threshold& other) {
    for (const float upper : other.heap_) Offer(upper);
  }

 private:
  size_t k_ = 0;
  float value_ = std::numeric_limits<float>::infinity();
  std::vector<float> heap_;
};

}  // namespace viper::index
