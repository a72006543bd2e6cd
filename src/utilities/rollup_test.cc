#include "utilities/rollup.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace viper::utilities {
namespace {

OperationMetrics MetricsOf(double ms, uint64_t bytes, std::optional<double> ratio) {
  OperationMetrics metrics;
  metrics.operation = "op";
  metrics.total_nanoseconds = static_cast<uint64_t>(ms * 1e6);
  metrics.records = 10;
  metrics.bytes_written = bytes;
  metrics.compression_ratio = ratio;
  return metrics;
}

TEST(Rollup, U26_U27_TotalsAreExactAndTheMeanIsTheTrueOne) {
  Rollup rollup;
  for (const double ms : {10, 20, 60}) rollup.Add(MetricsOf(ms, 0, std::nullopt));
  const OperationTotals totals = rollup.Totals();
  EXPECT_EQ(totals.total_operations, 3u);
  EXPECT_DOUBLE_EQ(*totals.avg_latency_ms, 30);
  EXPECT_NEAR(*totals.p50_latency_ms, 20, 20.0 / 64);
  EXPECT_DOUBLE_EQ(*totals.p99_latency_ms, 60);
  EXPECT_NEAR(*totals.records_per_second, 30 / 0.09, 1e-6);
  EXPECT_EQ(totals.avg_compression_ratio, std::nullopt);
}

TEST(Rollup, U28_D05_RatiosWeighByTheBytesThatWereWritten) {
  Rollup rollup;
  rollup.Add(MetricsOf(1, 100, 4.0));
  rollup.Add(MetricsOf(1, 300, 2.0));
  rollup.Add(MetricsOf(1, 1'000'000, std::nullopt));
  rollup.Add(MetricsOf(1, 0, 50.0));
  EXPECT_DOUBLE_EQ(*rollup.Totals().avg_compression_ratio, (100 * 4.0 + 300 * 2.0) / 400);
  Rollup without_bytes;
  without_bytes.Add(MetricsOf(1, 0, 0.7));
  without_bytes.Add(MetricsOf(1, 0, 0.9));
  EXPECT_DOUBLE_EQ(*without_bytes.Totals().avg_compression_ratio, 0.8);
}

TEST(Rollup, NothingHasNoNumbers) {
  const OperationTotals totals = Rollup().Totals();
  EXPECT_EQ(totals.total_operations, 0u);
  EXPECT_EQ(totals.avg_latency_ms, std::nullopt);
  EXPECT_EQ(totals.max_latency_ms, std::nullopt);
  EXPECT_EQ(totals.records_per_second, std::nullopt);
}

TEST(Rollup, U24_RatiosStayFiniteWhateverIsRecorded) {
  Rollup rollup;
  for (int i = 0; i < 3; ++i) rollup.Add(MetricsOf(1, 1000, std::numeric_limits<double>::max()));
  Rollup twice = rollup;
  twice.Merge(rollup);
  EXPECT_TRUE(std::isfinite(twice.ratio_sum));
  EXPECT_TRUE(std::isfinite(*twice.CompressionRatio()));
}

TEST(Rollup, U24_EntriesThatCannotBeAreRefused) {
  const auto is_read = [](const Rollup& rollup) {
    std::vector<std::byte> bytes;
    EncodeEntry({{OperationSource::kRecorded, "a", "op"}, 0, rollup}, bytes);
    return DecodeEntry(bytes).has_value();
  };
  Rollup rollup;
  EXPECT_FALSE(is_read(rollup)) << "without an operation there is no mean";
  rollup.Add(MetricsOf(1, 100, 4.0));
  EXPECT_TRUE(is_read(rollup));
  for (const double bad :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN(), -1.0}) {
    Rollup damaged = rollup;
    damaged.ratio_sum = bad;
    EXPECT_FALSE(is_read(damaged)) << bad;
    damaged = rollup;
    damaged.ratio_logical_bytes = bad;
    EXPECT_FALSE(is_read(damaged)) << bad;
  }
}

HistoryEntry AnyEntry() {
  HistoryEntry entry;
  entry.key.source = *rc::gen::element(OperationSource::kRecorded, OperationSource::kEngine);
  entry.key.collection = *rc::gen::arbitrary<std::string>();
  entry.key.operation = *rc::gen::arbitrary<std::string>();
  entry.begin = *rc::gen::arbitrary<int64_t>();
  for (const uint32_t ms : *rc::gen::nonEmpty(
           rc::gen::container<std::vector<uint32_t>>(rc::gen::arbitrary<uint32_t>()))) {
    OperationMetrics metrics = MetricsOf(ms / 1e3, ms, 1.0 + ms % 7);
    metrics.is_failed = ms % 3 == 0;
    entry.rollup.Add(metrics);
  }
  return entry;
}

RC_GTEST_PROP(RollupProperty, EntriesComeBackAndCutOnesDoNot, ()) {
  const HistoryEntry entry = AnyEntry();
  std::vector<std::byte> bytes;
  EncodeEntry(entry, bytes);
  const auto back = DecodeEntry(bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->key == entry.key);
  RC_ASSERT(back->begin == entry.begin);
  RC_ASSERT(back->rollup.latency == entry.rollup.latency);
  RC_ASSERT(back->rollup.failures == entry.rollup.failures);
  RC_ASSERT(back->rollup.records == entry.rollup.records);
  RC_ASSERT(back->rollup.CompressionRatio() == entry.rollup.CompressionRatio());
  const auto cut = *rc::gen::inRange<size_t>(0, bytes.size());
  RC_ASSERT(!DecodeEntry(std::span(bytes).first(cut)).has_value());
}

}  // namespace
}  // namespace viper::utilities
