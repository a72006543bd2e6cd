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
    heap_.clear();
  }
  float value() const {
    return heap_.size() < k_ ? std::numeric_limits<float>::infinity() : heap_.front();
  }
  void Offer(float upper) {
    if (heap_.size() < k_) {
      heap_.push_back(upper);
      std::push_heap(heap_.begin(), heap_.end());
    } else if (upper < heap_.front()) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = upper;
      std::push_heap(heap_.begin(), heap_.end());
    }
  }

 private:
  size_t k_ = 0;
  std::vector<float> heap_;
};

}  // namespace viper::index
