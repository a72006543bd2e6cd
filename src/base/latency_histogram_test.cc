#include "base/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace viper {
namespace {

TEST(LatencyHistogram, BucketsFollowEachOtherWithoutAGap) {
  uint64_t next = 0;
  for (size_t bucket = 0; bucket < LatencyBuckets::kCount; ++bucket) {
    ASSERT_EQ(LatencyBuckets::Low(bucket), next);
    ASSERT_EQ(LatencyBuckets::Of(next), bucket);
    next += LatencyBuckets::Width(bucket);
    ASSERT_EQ(LatencyBuckets::Of(next - 1), bucket);
  }
  EXPECT_EQ(next, uint64_t{1} << LatencyBuckets::kValueBits);
  EXPECT_EQ(LatencyBuckets::Of(next), LatencyBuckets::kCount - 1);
  EXPECT_EQ(LatencyBuckets::Of(~uint64_t{0}), LatencyBuckets::kCount - 1);
}

TEST(LatencyHistogram, NothingHasNoMeanAndNoPercentile) {
  const LatencyCounts counts;
  EXPECT_EQ(counts.mean(), std::nullopt);
  EXPECT_EQ(counts.Percentile(0.5), std::nullopt);
}

TEST(LatencyHistogram, M1_ThreadsLoseNothing) {
  const auto histogram = std::make_unique<LatencyHistogram>();
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t i = 0; i < 10'000; ++i) histogram->Add(i * 4 + thread);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const LatencyCounts counts = histogram->Read();
  EXPECT_EQ(counts.count(), 40'000u);
  EXPECT_EQ(counts.sum(), uint64_t{39'999} * 20'000);
  EXPECT_EQ(counts.max(), 39'999u);
}

std::vector<uint64_t> AnyTimes() {
  return *rc::gen::nonEmpty(
      rc::gen::container<std::vector<uint64_t>>(rc::gen::mapcat(rc::gen::inRange(1, 42), [](int b) {
        return rc::gen::inRange<uint64_t>(0, uint64_t{1} << b);
      })));
}

LatencyCounts CountsOf(const std::vector<uint64_t>& times) {
  LatencyCounts counts;
  for (const uint64_t time : times) counts.Add(time);
  return counts;
}

RC_GTEST_PROP(LatencyHistogramProperty, PercentilesAreThoseOfTheSortedValues, ()) {
  std::vector<uint64_t> times = AnyTimes();
  const LatencyCounts counts = CountsOf(times);
  std::sort(times.begin(), times.end());
  RC_ASSERT(counts.count() == times.size());
  RC_ASSERT(counts.max() == times.back());
  for (const double share : {0.0, 0.5, 0.9, 0.95, 0.99, 1.0}) {
    const auto rank =
        static_cast<size_t>(std::max(1.0, std::ceil(share * static_cast<double>(times.size()))));
    const auto exact = static_cast<double>(times[rank - 1]);
    RC_ASSERT(std::abs(*counts.Percentile(share) - exact) <= exact / 64 + 0.5);
  }
}

RC_GTEST_PROP(LatencyHistogramProperty, MergingIsAddingAllAndSinceTakesItBack, ()) {
  const std::vector<uint64_t> first = AnyTimes();
  const std::vector<uint64_t> second = AnyTimes();
  LatencyCounts both = CountsOf(first);
  both.Merge(CountsOf(second));
  std::vector<uint64_t> all = first;
  all.insert(all.end(), second.begin(), second.end());
  RC_ASSERT(both == CountsOf(all));
  const LatencyCounts since = both.Since(CountsOf(first));
  RC_ASSERT(since.buckets() == CountsOf(second).buckets());
  RC_ASSERT(since.sum() == CountsOf(second).sum());
  RC_ASSERT(since.max() >= CountsOf(second).max());
}

}  // namespace
}  // namespace viper
