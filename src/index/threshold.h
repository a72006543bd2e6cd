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
  void Reset(size_t k, float limit = kInfinity) {
    k_ = k;
    value_ = limit;
    values_.assign(IsSmall() ? k : 0, kInfinity);
  }
  /// The limit until there are k.
  float value() const { return value_; }
  void Offer(float upper) {
    if (!(upper < value_)) return;
    if (IsSmall()) {
      Insert(upper);
    } else {
      Push(upper);
    }
  }
  /// Offer what another holds.
  void Merge(const Threshold& other) {
    for (const float upper : other.values_) Offer(upper);
  }

 private:
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();
  /// Up to so many are kept in order: moving all of them takes no branch, where a heap guesses at
  /// each of its levels.
  static constexpr size_t kSmallMax = 64;

  bool IsSmall() const { return k_ <= kSmallMax; }

  void Insert(float upper) {
    float* values = values_.data();
    for (size_t i = k_ - 1; i > 0; --i) {
      values[i] = std::min(values[i], std::max(values[i - 1], upper));
    }
    values[0] = std::min(values[0], upper);
    value_ = std::min(value_, values[k_ - 1]);
  }

  void Push(float upper) {
    if (values_.size() == k_) {
      std::pop_heap(values_.begin(), values_.end());
      values_.back() = upper;
    } else {
      values_.push_back(upper);
    }
    std::push_heap(values_.begin(), values_.end());
    if (values_.size() == k_) value_ = values_.front();
  }

  size_t k_ = 0;
  float value_ = kInfinity;
  /// Small: k in rising order, infinity where there are fewer. Else a heap of those that there are.
  std::vector<float> values_;
};

}  // namespace viper::index
