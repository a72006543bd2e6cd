#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace viper {

/// Buckets of times in nanoseconds, each a 32nd as wide as its lower end or one nanosecond, as in
/// HdrHistogram (Tene): what stands in a bucket is known to a 64th from its middle. The last one
/// begins at about 73 minutes and holds all that is longer.
struct LatencyBuckets {
  static constexpr uint64_t kStepBits = 5;
  static constexpr uint64_t kSteps = uint64_t{1} << kStepBits;
  static constexpr uint64_t kValueBits = 42;
  static constexpr size_t kCount = (kValueBits - kStepBits + 1) * kSteps;

  static size_t Of(uint64_t nanoseconds);
  /// The bucket holds low to low + width - 1.
  static uint64_t Low(size_t bucket);
  static uint64_t Width(size_t bucket);
};

/// How often operations took how long. A value.
class LatencyCounts {
 public:
  void Add(uint64_t nanoseconds);
  /// Many operations of one bucket; `nanoseconds` is the sum of them.
  void AddBucket(size_t bucket, uint64_t count);
  void AddTotals(uint64_t nanoseconds, uint64_t max);
  void Merge(const LatencyCounts& other);
  /// What came since `earlier`, a former state of the same. The largest is known to its bucket,
  /// unless it is new.
  LatencyCounts Since(const LatencyCounts& earlier) const;

  uint64_t count() const { return count_; }
  /// Exact.
  uint64_t sum() const { return sum_; }
  uint64_t max() const { return max_; }
  std::optional<double> mean() const;
  /// The smallest time that at least this share (0 to 1) of the operations did not exceed, within a
  /// 64th; absent if there are none.
  std::optional<double> Percentile(double share) const;
  /// Those that are not empty, rising.
  const std::vector<std::pair<uint32_t, uint64_t>>& buckets() const { return buckets_; }

  friend bool operator==(const LatencyCounts&, const LatencyCounts&) = default;

 private:
  std::vector<std::pair<uint32_t, uint64_t>> buckets_;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
};

/// The same, to be added to by many threads at once without a lock. Counts and sums are exact.
class LatencyHistogram {
 public:
  void Add(uint64_t nanoseconds) {
    buckets_[LatencyBuckets::Of(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(nanoseconds, std::memory_order_relaxed);
    uint64_t max = max_.load(std::memory_order_relaxed);
    while (nanoseconds > max &&
           !max_.compare_exchange_weak(max, nanoseconds, std::memory_order_relaxed)) {
    }
  }
  /// As it is now; what is added meanwhile may be in it in part.
  LatencyCounts Read() const;

 private:
  std::array<std::atomic<uint64_t>, LatencyBuckets::kCount> buckets_{};
  std::atomic<uint64_t> sum_{0};
  std::atomic<uint64_t> max_{0};
};

}  // namespace viper
