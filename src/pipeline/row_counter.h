#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace viper::pipeline {

/// Counts the rows of a source, up to the caller's limit.
class RowCounter {
 public:
  /// `limit` as in RecordSourceOptions: 0 = all.
  explicit RowCounter(uint64_t limit)
      : limit_(limit == 0 ? std::numeric_limits<uint64_t>::max() : limit) {}

  /// Rows taken so far: the number of the next row, from 0.
  uint64_t taken() const { return taken_; }
  uint64_t limit() const { return limit_; }
  bool done() const { return taken_ >= limit_; }
  uint64_t left() const { return limit_ - std::min(taken_, limit_); }
  void Take(uint64_t count) { taken_ += count; }

 private:
  uint64_t limit_;
  uint64_t taken_ = 0;
};

}  // namespace viper::pipeline
