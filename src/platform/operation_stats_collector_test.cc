#include <chrono>
#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "testing/manual_clock.h"
#include "testing/status_matchers.h"
#include "viper/operation_metrics.h"

namespace viper {
namespace {

/// Clocks that a test moves.
struct Moved {
  uint64_t steady = 1000;
  uint64_t cpu = 50;
  ManualClock clock{Timestamp{77}};

  OperationStatsOptions Options(bool profile) {
    OperationStatsOptions options;
    options.profile = profile;
    options.clock = &clock;
    options.steady_nanoseconds = [this] { return steady; };
    options.cpu_nanoseconds = [this] { return cpu; };
    return options;
  }
};

TEST(OperationStatsCollector, U18_U20_U21_U23_NamesAreKeptAndTimesAreThoseOfTheClock) {
  Moved moved;
  OperationStatsCollector collector("vector_insert", "embeddings", moved.Options(true));
  collector.StartOperation();
  moved.steady += 7;
  collector.StartPhase("odd name \xC3\xA9/1");
  moved.steady += 50'000'000;
  moved.cpu += 1'000;
  collector.EndPhase("odd name \xC3\xA9/1");
  collector.StartPhase("short");
  moved.steady += 200'000;
  collector.EndPhase("short");
  collector.StartPhase("odd name \xC3\xA9/1");
  moved.steady += 3;
  moved.cpu += 2;
  collector.EndPhase("odd name \xC3\xA9/1");
  collector.SetRecordsProcessed(10'000);
  collector.SetBytesWritten(123);
  EXPECT_OK(collector.SetCompressionRatio(2.5));
  const OperationMetrics metrics = collector.Finalize();
  EXPECT_EQ(metrics.operation, "vector_insert");
  EXPECT_EQ(metrics.collection, "embeddings");
  EXPECT_EQ(metrics.started_at.micros, 77);
  EXPECT_EQ(metrics.total_nanoseconds, 50'200'010u);
  EXPECT_EQ(metrics.cpu_nanoseconds, 1'002u);
  ASSERT_EQ(metrics.phases.size(), 2u);
  EXPECT_EQ(metrics.phases[0], (PhaseMetrics{"odd name \xC3\xA9/1", 2, 50'000'003, 1'002, false}));
  EXPECT_EQ(metrics.phases[1], (PhaseMetrics{"short", 1, 200'000, 0, false}));
  EXPECT_EQ(metrics.records, 10'000u);
  EXPECT_EQ(metrics.bytes_written, 123u);
  EXPECT_EQ(metrics.compression_ratio, 2.5);
  EXPECT_DOUBLE_EQ(*metrics.stored_fraction(), 0.4);
  EXPECT_NEAR(*metrics.records_per_second(), 199'203.1, 1);
  EXPECT_TRUE(metrics.problems.empty());
  // A second call gives the same, whatever happened since.
  moved.steady += 1'000;
  collector.SetRecordsProcessed(1);
  collector.StartPhase("late");
  EXPECT_EQ(collector.Finalize(), metrics);
}

TEST(OperationStatsCollector, U23_UnderAMillisecondThroughputIsNotZero) {
  Moved moved;
  OperationStatsCollector collector("get", "c", moved.Options(false));
  collector.StartOperation();
  moved.steady += 200'000;
  collector.SetRecordsProcessed(2);
  EXPECT_DOUBLE_EQ(*collector.Finalize().records_per_second(), 10'000);
  EXPECT_EQ(collector.Finalize().cpu_nanoseconds, std::nullopt);
}

TEST(OperationStatsCollector, U19_AStartWhileRunningBeginsAnew) {
  Moved moved;
  OperationStatsCollector collector("op", "c", moved.Options(false));
  collector.StartOperation();
  collector.StartPhase("a");
  collector.SetRecordsProcessed(5);
  moved.steady += 100;
  collector.StartOperation();
  moved.steady += 40;
  const OperationMetrics& metrics = collector.Finalize();
  EXPECT_EQ(metrics.operation, "op");
  EXPECT_EQ(metrics.total_nanoseconds, 40u);
  EXPECT_EQ(metrics.records, 0u);
  EXPECT_TRUE(metrics.phases.empty());
}

TEST(OperationStatsCollector, U20_AnUnclosedPhaseIsFlaggedAndMisuseIsTold) {
  Moved moved;
  OperationStatsCollector collector("op", "c", moved.Options(false));
  collector.EndPhase("early");
  collector.StartOperation();
  collector.EndPhase("never");
  collector.StartPhase("a");
  collector.StartPhase("a");
  moved.steady += 5;
  const OperationMetrics& metrics = collector.Finalize();
  ASSERT_EQ(metrics.phases.size(), 1u);
  EXPECT_TRUE(metrics.phases[0].is_unclosed);
  EXPECT_EQ(metrics.phases[0].nanoseconds, 5u);
  EXPECT_EQ(metrics.phases[0].count, 1u);
  ASSERT_EQ(metrics.problems.size(), 2u);
  EXPECT_NE(metrics.problems[0].find("'never'"), std::string::npos);
  EXPECT_NE(metrics.problems[1].find("'a' began again"), std::string::npos);
}

TEST(OperationStatsCollector, U23_WithoutAStartThereIsNoTime) {
  Moved moved;
  OperationStatsCollector collector("op", "c", moved.Options(false));
  EXPECT_EQ(collector.Finalize().total_nanoseconds, 0u);
  EXPECT_EQ(collector.Finalize().records_per_second(), std::nullopt);
  ASSERT_EQ(collector.Finalize().problems.size(), 1u);
}

TEST(OperationStatsCollector, D05_U22_RatiosThatCannotBeAreRefused) {
  OperationStatsCollector collector("op", "c");
  EXPECT_OK(collector.SetCompressionRatio(4));
  for (const double bad : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")}) {
    EXPECT_STATUS(kInvalidArgument, "'op'", collector.SetCompressionRatio(bad));
  }
  EXPECT_EQ(collector.Finalize().compression_ratio, 4.0);
  OperationStatsCollector grown("op", "c");
  EXPECT_OK(grown.SetCompressionRatio(0.7));
  EXPECT_EQ(grown.Finalize().compression_ratio, 0.7);
}

TEST(OperationStatsCollector, U23_TheMachinesClocksGoForward) {
  OperationStatsCollector collector("op", "c", {.profile = true});
  collector.StartOperation();
  collector.StartPhase("work");
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
  while (std::chrono::steady_clock::now() < end) {
  }
  collector.EndPhase("work");
  const OperationMetrics& metrics = collector.Finalize();
  EXPECT_GE(metrics.total_nanoseconds, 2'000'000u);
  EXPECT_GT(*metrics.phases[0].cpu_nanoseconds, 0u);
  EXPECT_LE(*metrics.phases[0].cpu_nanoseconds, *metrics.cpu_nanoseconds);
}

/// Whatever is called in whatever order, phases never sum to more than the total.
RC_GTEST_PROP(OperationStatsCollectorProperty, U23_PhasesNeverSumToMoreThanTheTotal, ()) {
  Moved moved;
  OperationStatsCollector collector("op", "c", moved.Options(true));
  collector.StartOperation();
  const auto calls = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 6));
  for (const int call : calls) {
    const std::string name(1, static_cast<char>('a' + call % 3));
    (call < 3) ? collector.StartPhase(name) : collector.EndPhase(name);
    moved.steady += *rc::gen::inRange(0, 100);
    moved.cpu += *rc::gen::inRange(0, 10);
  }
  const OperationMetrics& metrics = collector.Finalize();
  uint64_t sum = 0;
  uint64_t cpu_sum = 0;
  for (const PhaseMetrics& phase : metrics.phases) {
    sum += phase.nanoseconds;
    cpu_sum += *phase.cpu_nanoseconds;
  }
  RC_ASSERT(sum <= metrics.total_nanoseconds);
  RC_ASSERT(cpu_sum <= *metrics.cpu_nanoseconds);
}

}  // namespace
}  // namespace viper
