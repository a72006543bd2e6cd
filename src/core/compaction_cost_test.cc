#include "core/compaction_cost.h"

#include <vector>

#include <gtest/gtest.h>

namespace viper::core {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr CompactionLimits kLimits = {.target_bytes = 64 * kMiB,
                                      .copy_bytes_per_second = 64.0 * kMiB};

CompactionFile NamedFile(const char* path, uint64_t dead_rows) {
  return {.path = path, .bytes = 64 * kMiB, .rows = 1000, .dead_rows = dead_rows};
}

TEST(CompactionCost, SearchesWasteTheirTimeOnDeadRows) {
  CompactionCost cost;
  std::vector<CompactionFile> files = {NamedFile("a", 0), NamedFile("b", 100)};
  cost.Observe({.searches = 1'000, .scan_seconds = 1e-3}, files);
  EXPECT_EQ(files[0].wasted_seconds, 0);
  // Half of what is scanned is in it, and a tenth of that is dead.
  EXPECT_NEAR(files[1].wasted_seconds, 0.05, 1e-12);
  cost.Observe({.searches = 3'000, .scan_seconds = 1e-3}, files);
  EXPECT_NEAR(files[1].wasted_seconds, 0.15, 1e-12) << "by the searches since";
  cost.Observe({.searches = 3'000, .scan_seconds = 1e-3}, files);
  EXPECT_NEAR(files[1].wasted_seconds, 0.15, 1e-12) << "nobody searched";
}

TEST(CompactionCost, WhatIsNotMeasuredIsNotWasted) {
  CompactionCost cost;
  std::vector<CompactionFile> files = {NamedFile("a", 500)};
  cost.Observe({.searches = 1'000}, files);
  EXPECT_EQ(files[0].wasted_seconds, 0);
  EXPECT_FALSE(cost.copy_bytes_per_second());
}

TEST(CompactionCost, WhereThereAreNoAnswersNothingIsScanned) {
  CompactionCost cost;
  std::vector<CompactionFile> files = {NamedFile("hot", 100), NamedFile("cold", 100)};
  cost.Observe(
      {.searches = 1'000, .scan_seconds = 1e-3, .answer_shares = {{"hot", 0.75}, {"gone", 0.25}}},
      files);
  EXPECT_NEAR(files[0].wasted_seconds, 0.1, 1e-12);
  EXPECT_EQ(files[1].wasted_seconds, 0);
}

TEST(CompactionCost, FilesThatAreGoneAreForgotten) {
  CompactionCost cost;
  std::vector<CompactionFile> files = {NamedFile("a", 100)};
  cost.Observe({.searches = 1'000, .scan_seconds = 1e-3}, files);
  cost.Observe({.searches = 1'000, .scan_seconds = 1e-3}, {});
  cost.Observe({.searches = 1'000, .scan_seconds = 1e-3}, files);
  EXPECT_EQ(files[0].wasted_seconds, 0);
}

TEST(CompactionCost, NothingButDeadRowsIsNoDivisionByZero) {
  CompactionCost cost;
  std::vector<CompactionFile> files = {NamedFile("a", 1000), {.path = "empty"}};
  cost.Observe({.searches = 1'000, .scan_seconds = 1e-3}, files);
  EXPECT_EQ(files[0].wasted_seconds, 0);
  EXPECT_EQ(files[1].wasted_seconds, 0);
}

TEST(CompactionCost, TheSpeedOfCopyingIsThatOfTheLastSteps) {
  CompactionCost cost;
  cost.NoteCopied(kMiB, 1);
  EXPECT_DOUBLE_EQ(*cost.copy_bytes_per_second(), static_cast<double>(kMiB));
  for (int i = 0; i < 100; ++i) cost.NoteCopied(256 * kMiB, 1);
  EXPECT_NEAR(*cost.copy_bytes_per_second(), 256.0 * kMiB, 0.01 * kMiB);
}

// The trace of seed check 54: as many dead rows in two files, and searches that find their answers
// in one of them.
TEST(CompactionCost, WhatSearchesSufferFromIsWrittenAnewAndFirst) {
  CompactionCost cost;
  std::vector<CompactionFile> files = {NamedFile("cold", 100), NamedFile("hot", 100),
                                       NamedFile("half dead", 500)};
  SearchCosts::Summary searches = {
      .searches = 1'000, .scan_seconds = 1e-3, .answer_shares = {{"hot", 1}}};
  cost.Observe(searches, files);
  auto tasks = PlanCompaction(files, kLimits);
  ASSERT_EQ(tasks.size(), 1u) << "0.1 s are less than what writing anew takes";
  EXPECT_EQ(tasks[0].files, std::vector<size_t>{2});
  searches.searches = 10'000;
  cost.Observe(searches, files);
  tasks = PlanCompaction(files, kLimits);
  ASSERT_EQ(tasks.size(), 2u);
  EXPECT_EQ(tasks[0].files, std::vector<size_t>{1});
  EXPECT_EQ(tasks[0].reason, "10 % dead rows, which cost searches 1 s");
  // Without measurements there is one rule for all.
  EXPECT_EQ(PlanCompaction(files, {.target_bytes = 64 * kMiB}).size(), 1u);
}

}  // namespace
}  // namespace viper::core
