#include "core/compaction_plan.h"

#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper::core {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr CompactionLimits kLimits = {.target_bytes = 64 * kMiB};

CompactionFile File(uint64_t bytes, uint64_t rows = 1000, uint64_t dead_rows = 0) {
  return {.bytes = bytes, .rows = rows, .dead_rows = dead_rows};
}

TEST(CompactionPlan, ATidyTableIsLeftAlone) {
  const std::vector<CompactionFile> files = {File(64 * kMiB), File(70 * kMiB, 1000, 100),
                                             File(20 * kMiB), File(5 * kMiB), File(kMiB)};
  EXPECT_TRUE(PlanCompaction(files, kLimits).empty());
  EXPECT_TRUE(PlanCompaction({}, kLimits).empty());
}

TEST(CompactionPlan, FilesFullOfCompressedVectorsAreNotSmall) {
  std::vector<CompactionFile> files(8, File(2 * kMiB));
  for (CompactionFile& file : files) file.float_bytes = 64 * kMiB;
  EXPECT_TRUE(PlanCompaction(files, kLimits).empty());
  for (CompactionFile& file : files) file.float_bytes = 16 * kMiB;
  const auto tasks = PlanCompaction(files, kLimits);
  ASSERT_EQ(tasks.size(), 2U) << "four of them fill one";
  EXPECT_EQ(tasks[0].files.size(), 4U);
  EXPECT_EQ(tasks[0].files_after, 1U);
  EXPECT_EQ(tasks[0].live_bytes, 8 * kMiB);
}

TEST(CompactionPlan, SmallFilesOfOneSizeAreMerged) {
  const std::vector<CompactionFile> files = {File(64 * kMiB), File(10'000), File(20'000),
                                             File(30'000), File(9'000)};
  const auto tasks = PlanCompaction(files, kLimits);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].files, (std::vector<size_t>{1, 2, 3, 4}));
  EXPECT_EQ(tasks[0].reason, "4 small files");
  EXPECT_EQ(tasks[0].live_bytes, 69'000u);
  EXPECT_EQ(tasks[0].files_after, 1u);
}

TEST(CompactionPlan, DeadRowsAreDroppedWhereThereAreEnoughOfThem) {
  const std::vector<CompactionFile> files = {File(64 * kMiB, 1000, 199), File(64 * kMiB, 1000, 310),
                                             File(64 * kMiB, 1000, 1000)};
  const auto tasks = PlanCompaction(files, kLimits);
  ASSERT_EQ(tasks.size(), 2u);
  EXPECT_EQ(tasks[0].reason, "nothing alive") << "costs nothing and gives most";
  EXPECT_EQ(tasks[0].files_after, 0u);
  EXPECT_EQ(tasks[1].reason, "31 % dead rows");
  EXPECT_EQ(tasks[1].files, std::vector<size_t>{1});
}

TEST(CompactionPlan, FilesOfWhichAllHasExpiredGoFirstAndTogetherTheLargestFirst) {
  std::vector<CompactionFile> files = {File(64 * kMiB, 1000, 900), File(kMiB, 10, 10),
                                       File(64 * kMiB, 1000, 1000), File(8 * kMiB, 10, 10)};
  for (const size_t expired : {1, 3}) files[expired].is_expired = true;
  const auto tasks = PlanCompaction(files, kLimits);
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(tasks[0].reason, "nothing alive") << "it gives back most";
  EXPECT_EQ(tasks[1].reason, "all rows expired");
  EXPECT_EQ(tasks[1].files, (std::vector<size_t>{3, 1}));
  EXPECT_EQ(tasks[1].live_bytes, 0u);
  EXPECT_EQ(tasks[2].reason, "90 % dead rows");
}

TEST(CompactionPlan, ASmallFileWithDeadRowsNeedsNoOthers) {
  const auto tasks = PlanCompaction(std::vector{File(kMiB, 100, 50)}, kLimits);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].dead_bytes, kMiB / 2);
}

TEST(CompactionPlan, EverythingMeansEverySmallFileAndEveryDeadRow) {
  CompactionLimits limits = kLimits;
  limits.everything = true;
  const std::vector<CompactionFile> files = {File(kMiB), File(20 * kMiB), File(64 * kMiB),
                                             File(64 * kMiB, 1000, 1)};
  const auto tasks = PlanCompaction(files, limits);
  ASSERT_EQ(tasks.size(), 2u);
  EXPECT_EQ(tasks[0].files.size() + tasks[1].files.size(), 3u);
  EXPECT_TRUE(PlanCompaction(std::vector{File(kMiB)}, limits).empty());
}

TEST(CompactionPlan, FoldingTakesFilesWithADeletionVector) {
  CompactionLimits limits = kLimits;
  CompactionFile with_vector = File(64 * kMiB, 1000, 1);
  with_vector.has_vector = true;
  const std::vector<CompactionFile> files = {File(64 * kMiB), with_vector};
  EXPECT_TRUE(PlanCompaction(files, limits).empty());
  limits.fold_vectors = true;
  ASSERT_EQ(PlanCompaction(files, limits).size(), 1u);
}

TEST(CompactionPlan, AMergeStopsAtTheTargetSize) {
  const std::vector<CompactionFile> files(20, File(31 * kMiB));
  std::set<size_t> seen;
  for (const CompactionTask& task : PlanCompaction(files, kLimits)) {
    EXPECT_LE(task.live_bytes, 2 * kLimits.target_bytes);
    for (const size_t file : task.files) EXPECT_TRUE(seen.insert(file).second) << file;
  }
  EXPECT_GE(seen.size(), 18u);
}

// A file a step, as flushes make them: however long it goes on, the files stay few, and no byte is
// copied more often than it takes to grow from one size to the next.
TEST(CompactionPlan, FilesStayFewAndCopiesAreBounded) {
  Random random(20261126);
  std::vector<CompactionFile> files;
  uint64_t written = 0;
  uint64_t copied = 0;
  size_t files_max = 0;
  for (int step = 0; step < 5'000; ++step) {
    files.push_back(File(100'000 + random.Uniform(200'000)));
    written += files.back().bytes;
    while (true) {
      const auto tasks = PlanCompaction(files, kLimits);
      if (tasks.empty()) break;
      const CompactionTask& task = tasks.front();
      copied += task.live_bytes;
      files.push_back(File(task.live_bytes));
      for (size_t i = task.files.size(); i-- > 0;) {
        files.erase(files.begin() + static_cast<ptrdiff_t>(task.files[i]));
      }
    }
    uint64_t full = 0;
    for (const CompactionFile& file : files) full += 2 * file.bytes >= kLimits.target_bytes ? 1 : 0;
    files_max = std::max(files_max, files.size() - full);
  }
  EXPECT_LE(files_max, 25u);
  EXPECT_LE(copied, 6 * written);
}

TEST(CompactionPlan, FilesThatLackColumnsAreWrittenAnewOnlyIfAsked) {
  std::vector<CompactionFile> files = {File(kLimits.target_bytes), File(kLimits.target_bytes)};
  files[1].is_back_filled = true;
  EXPECT_TRUE(PlanCompaction(files, kLimits).empty());
  CompactionLimits everything = kLimits;
  everything.everything = true;
  const auto tasks = PlanCompaction(files, everything);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].files, std::vector<size_t>{1});
  EXPECT_EQ(tasks[0].reason, "fields without columns");
}

}  // namespace
}  // namespace viper::core
