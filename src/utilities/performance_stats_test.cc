#include "viper/performance_stats.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "testing/manual_clock.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper {
namespace {

constexpr int64_t kHourMicros = int64_t{3600} * 1'000'000;

class PerformanceStats : public ::testing::Test {
 protected:
  void Make() {
    collector_.reset();
    auto made = PerformanceStatsCollector::Make({config_, "/stats", &files_, &clock_});
    ASSERT_OK(made);
    collector_ = std::move(*made);
  }

  void Record(double ms, const std::string& collection = "a", const std::string& name = "op") {
    OperationMetrics metrics;
    metrics.operation = name;
    metrics.collection = collection;
    metrics.total_nanoseconds = static_cast<uint64_t>(ms * 1e6);
    EXPECT_OK(collector_->Record(metrics));
  }

  PerformanceReport Report(const std::optional<std::string>& collection = {}) {
    auto report = collector_->Report(collection);
    EXPECT_OK(report);
    return report.ok() ? *report : PerformanceReport{};
  }

  /// What an engine would tell after these calls of "search".
  static CollectionOperations Counted(uint64_t epoch, const std::vector<uint64_t>& nanoseconds) {
    CollectionOperations counted;
    counted.collection = "a";
    counted.epoch = epoch;
    OperationSummary& search = counted.operations.emplace_back();
    search.name = "search";
    for (const uint64_t time : nanoseconds) {
      ++search.count;
      search.total_nanoseconds += time;
      search.max_nanoseconds = std::max(search.max_nanoseconds, time);
      search.buckets.push_back({time, 1});
    }
    return counted;
  }

  /// Operations that another process would find if this one were killed now.
  uint64_t CountOnDisk(OperationSource source = OperationSource::kRecorded) {
    const auto image = files_.DurableImage(CrashMode::kKeepAll);
    auto made = PerformanceStatsCollector::Make({config_, "/stats", image.get(), &clock_});
    EXPECT_OK(made);
    if (!made.ok()) return 0;
    const auto report = (*made)->Report();
    EXPECT_OK(report);
    if (!report.ok()) return 0;
    return source == OperationSource::kRecorded ? report->global_stats.total_operations
                                                : report->engine_stats.total_operations;
  }

  MemoryFileSystem files_;
  ManualClock clock_{Timestamp{1'700'000'000'000'000}};
  StatsConfig config_;
  std::unique_ptr<PerformanceStatsCollector> collector_;
};

TEST_F(PerformanceStats, U24_U28_U33_ReportsAreExactAndOfTheirScope) {
  Make();
  for (const double ms : {10, 20, 60}) Record(ms);
  Record(500, "b");
  const PerformanceReport scoped = Report("a");
  EXPECT_EQ(scoped.global_stats.total_operations, 3u);
  EXPECT_DOUBLE_EQ(*scoped.global_stats.avg_latency_ms, 30);
  EXPECT_EQ(scoped.collection_stats.size(), 1u);
  EXPECT_EQ(scoped.recent_operations.size(), 3u);
  EXPECT_EQ(scoped.recent_operations[0].total_nanoseconds, 60'000'000u);
  const PerformanceReport all = Report();
  EXPECT_EQ(all.global_stats.total_operations, 4u);
  EXPECT_EQ(all.collection_stats.size(), 2u);
  EXPECT_EQ(all.engine_stats.total_operations, 0u);
  EXPECT_STATUS(kNotFound, "'c'", collector_->Report("c"));
}

TEST_F(PerformanceStats, U24_HistorySurvivesARestartAndIsCountedOnce) {
  Make();
  for (int i = 0; i < 5; ++i) Record(10);
  for (int round = 0; round < 3; ++round) {
    Make();
    EXPECT_EQ(Report("a").global_stats.total_operations, 5u);
    EXPECT_DOUBLE_EQ(*Report("a").global_stats.avg_latency_ms, 10);
    EXPECT_EQ(collector_->lost_bytes(), 0u);
  }
  EXPECT_STATUS(kBusy, "", PerformanceStatsCollector::Make({config_, "/stats", &files_, &clock_}));
}

/// Whatever a power loss cuts, no operation is counted twice, and none that was synced is lost.
TEST_F(PerformanceStats, U24_NoPowerLossCountsTwice) {
  for (uint64_t cut = 0; cut < 60; ++cut) {
    MemoryFileSystem files;
    uint64_t recorded = 0;
    uint64_t synced = 0;
    auto made = PerformanceStatsCollector::Make({config_, "/stats", &files, &clock_});
    ASSERT_OK(made);
    files.CrashAfter(cut);
    for (int i = 0; i < 12 && !files.crashed(); ++i) {
      OperationMetrics metrics;
      metrics.operation = "op";
      ++recorded;
      (void)(*made)->Record(metrics).ok();
      if (i % 3 == 2 && (*made)->Sync().ok()) synced = recorded;
    }
    const auto image = files.DurableImage(CrashMode::kRandomSubset, cut);
    ASSERT_OK_AND_ASSIGN(
        auto after, PerformanceStatsCollector::Make({config_, "/stats", image.get(), &clock_}));
    ASSERT_OK_AND_ASSIGN(const PerformanceReport report, after->Report());
    EXPECT_GE(report.global_stats.total_operations, synced) << cut;
    EXPECT_LE(report.global_stats.total_operations, recorded) << cut;
  }
}

TEST_F(PerformanceStats, U24_WhatCouldNotBeWrittenIsWrittenWithTheNextSync) {
  Make();
  Record(1);
  OperationMetrics metrics;
  metrics.operation = "op";
  metrics.collection = "a";
  files_.InjectFault({.operation = FileOperation::kWrite, .written_bytes = 3});
  EXPECT_STATUS(kIoError, "", collector_->Record(metrics));
  EXPECT_EQ(Report("a").global_stats.total_operations, 2u);
  EXPECT_OK(collector_->Sync());
  EXPECT_EQ(CountOnDisk(), 2u);
  // A sync that fails is made good by the next one too.
  files_.InjectFault({.operation = FileOperation::kSync});
  EXPECT_STATUS(kIoError, "", collector_->Sync());
  EXPECT_OK(collector_->Sync());
  EXPECT_OK(collector_->Record(metrics));
  EXPECT_EQ(CountOnDisk(), 3u);
}

/// OK means that it is in the file, also after calls that failed.
TEST_F(PerformanceStats, U24_WhatReturnsOkIsInTheFile) {
  Make();
  Record(1);
  OperationMetrics metrics;
  metrics.operation = "op";
  metrics.collection = "a";
  files_.InjectFault({.operation = FileOperation::kWrite, .times = 2, .written_bytes = 3});
  EXPECT_STATUS(kIoError, "", collector_->Record(metrics));
  EXPECT_STATUS(kIoError, "", collector_->Record(metrics));
  EXPECT_OK(collector_->Record(metrics));
  EXPECT_EQ(CountOnDisk(), 4u);
  Make();
  EXPECT_EQ(Report("a").global_stats.total_operations, 4u);
}

TEST_F(PerformanceStats, U24_ASeriesTooManyKeepsNoOtherOut) {
  Make();
  EXPECT_OK(collector_->Take(std::vector{Counted(1, {1000})}));
  for (int i = 1; i < 10'000; ++i) Record(1, "a", "op" + std::to_string(i));
  OperationMetrics metrics;
  metrics.operation = "one more";
  EXPECT_STATUS(kResourceExhausted, "'one more'", collector_->Record(metrics));
  CollectionOperations counted = Counted(1, {1000, 2000});
  counted.operations.insert(counted.operations.begin(), counted.operations.front());
  counted.operations.front().name = "get";
  EXPECT_STATUS(kResourceExhausted, "'get'", collector_->Take(std::vector{counted}));
  EXPECT_EQ(Report().engine_stats.total_operations, 2u);
  EXPECT_EQ(CountOnDisk(OperationSource::kEngine), 2u);
  // There is room when the others are forgotten, for what was refused before too.
  clock_.AdvanceMicros(169 * kHourMicros);
  EXPECT_OK(collector_->Record(metrics));
  EXPECT_OK(collector_->Take(std::vector{counted}));
  EXPECT_EQ(Report().engine_stats.total_operations, 2u);
}

TEST_F(PerformanceStats, U04_DetailsAreBoundedAndCanBeLeftOut) {
  config_.detailed_operations_max = 100;
  Make();
  for (int i = 0; i < 1000; ++i) Record(i);
  const PerformanceReport report = Report();
  ASSERT_EQ(report.recent_operations.size(), 100u);
  EXPECT_EQ(report.recent_operations.front().total_nanoseconds, 999'000'000u);
  EXPECT_EQ(report.recent_operations.back().total_nanoseconds, 900'000'000u);
  EXPECT_EQ(report.global_stats.total_operations, 1000u);
  config_.enable_detailed_tracking = false;
  Make();
  Record(1);
  EXPECT_TRUE(Report().recent_operations.empty());
  EXPECT_EQ(Report().global_stats.total_operations, 1001u);
}

TEST_F(PerformanceStats, U03_WhatIsOlderThanTheRetentionIsForgottenOnDiskToo) {
  Make();
  Record(10);
  clock_.AdvanceMicros(100 * kHourMicros);
  Record(20);
  EXPECT_EQ(Report().global_stats.total_operations, 2u);
  clock_.AdvanceMicros(69 * kHourMicros);
  EXPECT_EQ(Report().global_stats.total_operations, 1u);
  EXPECT_OK(collector_->Sync());
  Make();
  EXPECT_EQ(Report().global_stats.total_operations, 1u);
  EXPECT_DOUBLE_EQ(*Report().global_stats.avg_latency_ms, 20);
  clock_.AdvanceMicros(200 * kHourMicros);
  Make();
  EXPECT_EQ(Report().global_stats.total_operations, 0u);
}

TEST_F(PerformanceStats, U24_TheFileDoesNotGrowWithTheOperations) {
  Make();
  uint64_t largest = 0;
  for (int i = 0; i < 40'000; ++i) {
    Record(i % 50);
    if (i % 1000 == 0) {
      EXPECT_OK(collector_->Sync());
    }
    ASSERT_OK_AND_ASSIGN(const uint64_t size, files_.FileSize("/stats/history"));
    largest = std::max(largest, size);
  }
  EXPECT_LT(largest, uint64_t{2} << 20);
  Make();
  EXPECT_EQ(Report().global_stats.total_operations, 40'000u);
}

TEST_F(PerformanceStats, U24_TheFileDoesNotGrowAlsoWhereNobodySyncs) {
  Make();
  for (int i = 0; i < 60'000; ++i) Record(i % 50);
  EXPECT_LT(files_.FileSize("/stats/history").value(), uint64_t{2} << 20);
  EXPECT_EQ(CountOnDisk(), 60'000u);
}

/// As many sums as there may be: half a million, of which a tenth goes at once.
TEST_F(PerformanceStats, U24_OfTooManySumsTheOldestAreForgotten) {
  config_.rollup_ms = 1'000;
  auto made = PerformanceStatsCollector::Make({config_, "", &files_, &clock_});
  ASSERT_OK(made);
  collector_ = std::move(*made);
  for (int second = 0; second < 500'001; ++second) {
    Record(1);
    clock_.AdvanceSeconds(1);
  }
  EXPECT_EQ(Report().global_stats.total_operations, 450'000u);
}

TEST_F(PerformanceStats, M1_TheEnginesCountsAreTakenOverOnce) {
  Make();
  EXPECT_OK(collector_->Take(std::vector{Counted(1, {1000, 2000})}));
  EXPECT_OK(collector_->Take(std::vector{Counted(1, {1000, 2000})}));
  EXPECT_OK(collector_->Take(std::vector{Counted(1, {1000, 2000, 6000})}));
  // A new engine counts from zero; what it had counted before it was known is left out if asked.
  EXPECT_OK(collector_->Take(std::vector{Counted(2, {500})}));
  EXPECT_OK(collector_->Take(std::vector{Counted(3, {1, 2, 3})}, false));
  EXPECT_OK(collector_->Take(std::vector{Counted(3, {1, 2, 3, 500})}, false));
  const PerformanceReport report = Report("a");
  EXPECT_EQ(report.global_stats.total_operations, 0u);
  EXPECT_EQ(report.engine_stats.total_operations, 5u);
  EXPECT_DOUBLE_EQ(*report.engine_stats.avg_latency_ms, 0.002);
  ASSERT_EQ(report.operations.size(), 1u);
  EXPECT_EQ(report.operations[0].source, OperationSource::kEngine);
  EXPECT_EQ(report.operations[0].operation, "search");
}

/// The counters are not read at one moment: the records of an operation may come before it.
TEST_F(PerformanceStats, M1_NothingIsLostOfAnOperationThatIsBeingCounted) {
  Make();
  CollectionOperations counted = Counted(1, {1000});
  EXPECT_OK(collector_->Take(std::vector{counted}));
  counted.operations[0].records = 7;
  counted.operations[0].failures = 1;
  EXPECT_OK(collector_->Take(std::vector{counted}));
  EXPECT_EQ(Report().engine_stats.records, 0u);
  counted = Counted(1, {1000, 2000});
  counted.operations[0].records = 7;
  counted.operations[0].failures = 1;
  EXPECT_OK(collector_->Take(std::vector{counted}));
  const OperationTotals totals = Report().engine_stats;
  EXPECT_EQ(totals.total_operations, 2u);
  EXPECT_EQ(totals.records, 7u);
  EXPECT_EQ(totals.failures, 1u);
}

TEST_F(PerformanceStats, M2_AChangeHalfWayIsToldWithDirectionSizeAndConfidence) {
  Make();
  for (int hour = 0; hour < 40; ++hour) {
    for (int i = 0; i < 20; ++i) Record((hour < 20 ? 10 : 30) + i % 3, "a", "search");
    for (int i = 0; i < 20; ++i) Record(5 + (hour * 7 + i) % 3, "a", "get");
    clock_.AdvanceMicros(kHourMicros);
  }
  const auto check = [](const PerformanceReport& report) {
    bool found = false;
    for (const Trend& trend : report.trends) {
      if (trend.measure != "latency_ms") continue;
      if (trend.operation == "get") {
        EXPECT_EQ(trend.direction, 0);
      }
      if (trend.operation != "search") continue;
      found = true;
      EXPECT_EQ(trend.direction, 1);
      EXPECT_GT(trend.confidence, 0.999);
      EXPECT_GT(trend.change_share.value_or(0), 0.5);
      EXPECT_EQ(trend.points, 40u);
    }
    EXPECT_TRUE(found);
  };
  check(Report("a"));
  Make();
  check(Report("a"));
}

TEST_F(PerformanceStats, BadInputIsRefused) {
  Make();
  EXPECT_STATUS(kInvalidArgument, "name", collector_->Record({}));
  OperationMetrics metrics;
  metrics.operation = "op";
  metrics.compression_ratio = -1;
  EXPECT_STATUS(kInvalidArgument, "-1", collector_->Record(metrics));
  metrics.compression_ratio = std::numeric_limits<double>::infinity();
  EXPECT_STATUS(kInvalidArgument, "compression_ratio", collector_->Record(metrics));
  metrics.compression_ratio = std::numeric_limits<double>::quiet_NaN();
  EXPECT_STATUS(kInvalidArgument, "compression_ratio", collector_->Record(metrics));
  metrics.compression_ratio.reset();
  metrics.operation = std::string(1025, 'x');
  EXPECT_STATUS(kInvalidArgument,
                "OperationMetrics::operation is too long: actual=1025 allowed=1024",
                collector_->Record(metrics));
  metrics.operation = "op";
  metrics.collection = std::string(size_t{17} << 20, 'x');
  EXPECT_STATUS(kInvalidArgument, "OperationMetrics::collection", collector_->Record(metrics));
  // None of it is counted, and the file is as good as before.
  EXPECT_EQ(Report().global_stats.total_operations, 0u);
  metrics.operation = metrics.collection = std::string(1024, 'x');
  EXPECT_OK(collector_->Record(metrics));
  EXPECT_OK(collector_->Sync());
  EXPECT_EQ(CountOnDisk(), 1u);
  StatsConfig config;
  config.rollup_ms = 10;
  EXPECT_STATUS(kInvalidArgument, "actual=10", config.Validate());
  config = {};
  config.retention_ms = 1000;
  EXPECT_STATUS(kInvalidArgument, "retention", config.Validate());
  config = {};
  config.detailed_operations_max = 0;
  EXPECT_STATUS(kInvalidArgument, "detailed_operations_max", config.Validate());
}

}  // namespace
}  // namespace viper
