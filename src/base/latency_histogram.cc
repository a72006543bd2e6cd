#include "base/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace viper {

size_t LatencyBuckets::Of(uint64_t nanoseconds) {
  if (nanoseconds < kSteps) return static_cast<size_t>(nanoseconds);
  if (nanoseconds >> kValueBits != 0) return kCount - 1;
  const auto shift = static_cast<uint64_t>(std::bit_width(nanoseconds)) - 1 - kStepBits;
  return static_cast<size_t>((shift + 1) * kSteps + (nanoseconds >> shift) - kSteps);
}

uint64_t LatencyBuckets::Low(size_t bucket) {
  if (bucket < kSteps) return bucket;
  return (kSteps + bucket % kSteps) << (bucket / kSteps - 1);
}

uint64_t LatencyBuckets::Width(size_t bucket) {
  return bucket < kSteps ? 1 : uint64_t{1} << (bucket / kSteps - 1);
}

void LatencyCounts::Add(uint64_t nanoseconds) {
  AddBucket(LatencyBuckets::Of(nanoseconds), 1);
  AddTotals(nanoseconds, nanoseconds);
}

void LatencyCounts::AddBucket(size_t bucket, uint64_t count) {
  if (count == 0) return;
  count_ += count;
  const auto key = static_cast<uint32_t>(bucket);
  const auto at =
      std::lower_bound(buckets_.begin(), buckets_.end(), key,
                       [](const auto& entry, uint32_t wanted) { return entry.first < wanted; });
  if (at != buckets_.end() && at->first == key) {
    at->second += count;
  } else {
    buckets_.insert(at, {key, count});
  }
}

void LatencyCounts::AddTotals(uint64_t nanoseconds, uint64_t max) {
  sum_ += nanoseconds;
  max_ = std::max(max_, max);
}

void LatencyCounts::Merge(const LatencyCounts& other) {
  for (const auto& [bucket, count] : other.buckets_) AddBucket(bucket, count);
  AddTotals(other.sum_, other.max_);
}

LatencyCounts LatencyCounts::Since(const LatencyCounts& earlier) const {
  LatencyCounts since;
  auto before = earlier.buckets_.begin();
  for (const auto& [bucket, count] : buckets_) {
    while (before != earlier.buckets_.end() && before->first < bucket) ++before;
    const bool was_there = before != earlier.buckets_.end() && before->first == bucket;
    since.AddBucket(bucket, count - std::min(count, was_there ? before->second : 0));
  }
  uint64_t max = 0;
  if (!since.buckets_.empty()) {
    const size_t last = since.buckets_.back().first;
    max = max_ > earlier.max_
              ? max_
              : std::min(max_, LatencyBuckets::Low(last) + LatencyBuckets::Width(last) - 1);
  }
  since.AddTotals(sum_ - std::min(sum_, earlier.sum_), max);
  return since;
}

std::optional<double> LatencyCounts::mean() const {
  if (count_ == 0) return std::nullopt;
  return static_cast<double>(sum_) / static_cast<double>(count_);
}

std::optional<double> LatencyCounts::Percentile(double share) const {
  if (count_ == 0) return std::nullopt;
  const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
  if (wanted >= static_cast<double>(count_)) return static_cast<double>(max_);
  const auto rank = std::max<uint64_t>(1, static_cast<uint64_t>(wanted));
  uint64_t passed = 0;
  for (const auto& [bucket, count] : buckets_) {
    passed += count;
    if (passed < rank) continue;
    const double middle = static_cast<double>(LatencyBuckets::Low(bucket)) +
                          static_cast<double>(LatencyBuckets::Width(bucket) - 1) / 2;
    return std::min(middle, static_cast<double>(max_));
  }
  return static_cast<double>(max_);
}

LatencyCounts LatencyHistogram::Read() const {
  LatencyCounts counts;
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    counts.AddBucket(bucket, buckets_[bucket].load(std::memory_order_relaxed));
  }
  counts.AddTotals(sum_.load(std::memory_order_relaxed), max_.load(std::memory_order_relaxed));
  return counts;
}

}  // namespace viper
