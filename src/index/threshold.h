#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace viper::index {

/// The k smallest of the values offered; the largest of them is the threshold. k is not
/// 0. Not thread-safe.
class Threshold {
 public:
  void Reset(size_t k) {
    k_ = k;
    value_ = std::numeric_limits<float>::infinity();
    heap_.clear();
  }
  /// Infinity until there are k.
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

 private:
  size_t k_ = 0;
  float value_ = std::numeric_limits<float>::infinity();
  std::vector<float> heap_;
};

}  // namespace viper::index
