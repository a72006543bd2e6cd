#include "viper/performance_metrics.h"

#include <limits>

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper {
namespace {

MeasuredRun Ours() {
  return {.name = "viper",
          .run = "2026-01-02 abc",
          .data = "photos",
          .recall = 0.957,
          .peak_memory_bytes = 256.0,
          .queries_per_s = 2100.0,
          .stored_bytes = 80.0,
          .build_s = 10.0};
}

MeasuredRun Baseline() {
  return {.name = "graph",
          .run = "2026-01-02",
          .data = "photos",
          .recall = 0.96,
          .peak_memory_bytes = 1024.0,
          .queries_per_s = 1500.0,
          .stored_bytes = 100.0,
          .build_s = 70.0};
}

TEST(PerformanceMetrics, X1_X2_X3_X4_AreThoseOfTheTwoRuns) {
  ASSERT_OK_AND_ASSIGN(const PerformanceMetrics metrics, ComparePerformance(Ours(), Baseline()));
  EXPECT_EQ(metrics.name, "viper");
  EXPECT_EQ(metrics.run, "2026-01-02 abc");
  EXPECT_EQ(metrics.baseline, "graph");
  EXPECT_EQ(metrics.baseline_run, "2026-01-02");
  EXPECT_EQ(metrics.data, "photos");
  EXPECT_DOUBLE_EQ(metrics.memory_efficiency.value(), 0.75);
  EXPECT_DOUBLE_EQ(metrics.search_performance.value(), 0.4);
  EXPECT_DOUBLE_EQ(metrics.compression_ratio.value(), 0.25);
  EXPECT_DOUBLE_EQ(metrics.build_performance.value(), 7);
}

TEST(PerformanceMetrics, X1_X2_X3_X4_WhatWasNotMeasuredIsAbsent) {
  const MeasuredRun nothing = {.name = "viper", .data = "photos"};
  ASSERT_OK_AND_ASSIGN(const PerformanceMetrics metrics, ComparePerformance(nothing, Baseline()));
  EXPECT_EQ(metrics.memory_efficiency, std::nullopt);
  EXPECT_EQ(metrics.search_performance, std::nullopt);
  EXPECT_EQ(metrics.compression_ratio, std::nullopt);
  EXPECT_EQ(metrics.build_performance, std::nullopt);
}

TEST(PerformanceMetrics, SpeedAndMemoryNeedEqualRecall) {
  MeasuredRun sloppy = Ours();
  sloppy.recall = 0.95;
  ASSERT_OK_AND_ASSIGN(const PerformanceMetrics metrics, ComparePerformance(sloppy, Baseline()));
  EXPECT_EQ(metrics.memory_efficiency, std::nullopt);
  EXPECT_EQ(metrics.search_performance, std::nullopt);
  EXPECT_EQ(metrics.build_performance, std::nullopt);
  EXPECT_TRUE(metrics.compression_ratio.has_value());
}

TEST(PerformanceMetrics, RunsThatDoNotCompareAreRefused) {
  MeasuredRun run = Ours();
  run.data = "words";
  EXPECT_STATUS(kInvalidArgument, "'viper' has 'words', baseline 'graph' has 'photos'",
                ComparePerformance(run, Baseline()));
  run = Ours();
  run.build_s = 0.0;
  EXPECT_STATUS(kInvalidArgument, "build_s must be finite and above 0: actual=0",
                ComparePerformance(run, Baseline()));
  run = Ours();
  run.recall = 1.1;
  EXPECT_STATUS(kInvalidArgument, "recall", ComparePerformance(Baseline(), run));
  run.recall = std::numeric_limits<double>::quiet_NaN();
  EXPECT_STATUS(kInvalidArgument, "recall", ComparePerformance(Baseline(), run));
  run = Ours();
  run.name.clear();
  EXPECT_STATUS(kInvalidArgument, "no name", ComparePerformance(run, Baseline()));
}

TEST(MeasuredRun, ReadsBackFromJsonLines) {
  MeasuredRun some = Baseline();
  some.build_s.reset();
  const std::string lines = ToValue(Ours()).ToJson() + "\n\n" + ToValue(some).ToJson();
  ASSERT_OK_AND_ASSIGN(const auto runs, ParseMeasuredRuns(lines));
  EXPECT_EQ(runs, (std::vector<MeasuredRun>{Ours(), some}));
  EXPECT_TRUE(ParseMeasuredRuns("").value().empty());
}

TEST(MeasuredRun, BadLinesAreNamed) {
  EXPECT_STATUS(kInvalidArgument, "line 2", ParseMeasuredRuns("{\"name\":\"a\"}\n{"));
  EXPECT_STATUS(kInvalidArgument, "line 1", ParseMeasuredRuns("[]"));
  EXPECT_STATUS(kInvalidArgument, "build_s must be a number",
                ParseMeasuredRuns("{\"name\":\"a\",\"build_s\":\"1\"}"));
  EXPECT_STATUS(kInvalidArgument, "name must be text", ParseMeasuredRuns("{\"name\":1}"));
  EXPECT_STATUS(kInvalidArgument, "above 0", ParseMeasuredRuns("{\"name\":\"a\",\"recall\":-1}"));
}

}  // namespace
}  // namespace viper
