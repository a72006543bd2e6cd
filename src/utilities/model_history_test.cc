#include "utilities/model_history.h"

#include <gtest/gtest.h>

#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"

namespace viper::utilities {
namespace {

TEST(ModelHistory, M5_PredictsTwiceTheDataFromWhatWasObserved) {
  MemoryFileSystem files;
  {
    ASSERT_OK_AND_ASSIGN(auto history, ModelHistory::Open(files, "/model"));
    EXPECT_STATUS(kNotFound, "'a'", history->Predict("a", 2, 1));
    for (int i = 1; i <= 6; ++i) {
      const double rows = 10'000.0 * i;
      ASSERT_OK(history->Add("a", {{i}, rows, 500 * rows, 1, 0.001 * rows}));
      ASSERT_OK_AND_ASSIGN(const auto early, history->Predict("a", 2, 1));
      EXPECT_EQ(early.latency_ms.has_value(), i >= 4);
      EXPECT_EQ(early.bytes.has_value(), i >= 4);
    }
  }
  // And after a restart.
  ASSERT_OK_AND_ASSIGN(auto history, ModelHistory::Open(files, "/model"));
  ASSERT_OK_AND_ASSIGN(const auto prediction, history->Predict("a", 2, 1));
  EXPECT_DOUBLE_EQ(prediction.rows, 120'000);
  EXPECT_NEAR(prediction.latency_ms->value, 120, 0.1);
  EXPECT_NEAR(prediction.bytes->value, 60'000'000, 1000);
  EXPECT_LT(*prediction.bytes->past_error, 1e-6);
  EXPECT_EQ(prediction.bytes->points, 6u);
  for (const double bad : {0.0, -1.0}) {
    EXPECT_STATUS(kInvalidArgument, "rows_factor", history->Predict("a", bad, 1));
  }
}

TEST(ModelHistory, M5_PointsThatTellNothingNewBringTheLastUpToDate) {
  MemoryFileSystem files;
  ASSERT_OK_AND_ASSIGN(auto history, ModelHistory::Open(files, ""));
  ASSERT_OK(history->Add("a", {{1}, 1000, 10, 1, 5}));
  ASSERT_OK(history->Add("a", {{2}, 1001, 11, 1, {}}));
  auto points = history->PointsOf("a");
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].at.micros, 2);
  EXPECT_EQ(points[0].rows, 1000);
  EXPECT_NEAR(points[0].bytes, 11, 0.02);
  EXPECT_EQ(points[0].latency_ms, 5);
  ASSERT_OK(history->Add("a", {{2}, 1001, 11, 2, {}}));
  EXPECT_EQ(history->PointsOf("a").size(), 2u);
}

/// However small the steps are: what is compared with does not move along.
TEST(ModelHistory, M5_ACollectionThatGrowsSlowlyGetsPoints) {
  MemoryFileSystem files;
  ASSERT_OK_AND_ASSIGN(auto history, ModelHistory::Open(files, "/model"));
  double rows = 1000;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_OK(history->Add("a", {{i}, rows, 500 * rows, 1, 0.001 * rows}));
    rows *= 1.005;
  }
  const auto points = history->PointsOf("a");
  ASSERT_GT(points.size(), 300u);
  ASSERT_OK_AND_ASSIGN(const auto prediction, history->Predict("a", 2, 1));
  EXPECT_NEAR(prediction.latency_ms->value / (0.002 * rows), 1, 0.03);
  EXPECT_NEAR(prediction.bytes->value / (1000 * rows), 1, 0.03);
  // And as many after a restart, from the file as appended to and as written anew.
  for (int round = 0; round < 2; ++round) {
    history.reset();
    ASSERT_OK_AND_ASSIGN(history, ModelHistory::Open(files, "/model"));
    EXPECT_EQ(history->PointsOf("a").size(), points.size());
    EXPECT_EQ(history->PointsOf("a").back().rows, points.back().rows);
  }
}

TEST(ModelHistory, TheFileIsBoundedAndAFailureIsMadeGood) {
  MemoryFileSystem files;
  ASSERT_OK_AND_ASSIGN(auto history, ModelHistory::Open(files, "/model"));
  for (int i = 0; i < 5000; ++i) ASSERT_OK(history->Add("a", {{i}, 1000, 10, 1, 5}));
  ASSERT_OK_AND_ASSIGN(const uint64_t size, files.FileSize("/model"));
  EXPECT_LT(size, uint64_t{100} << 10);
  files.InjectFault({.operation = FileOperation::kWrite});
  EXPECT_STATUS(kIoError, "", history->Add("a", {{1}, 2000, 20, 1, 5}));
  ASSERT_OK(history->Add("a", {{2}, 3000, 30, 1, 5}));
  history.reset();
  ASSERT_OK_AND_ASSIGN(history, ModelHistory::Open(files, "/model"));
  EXPECT_EQ(history->PointsOf("a").size(), 3u);
}

TEST(ModelHistory, PointsAreBounded) {
  MemoryFileSystem files;
  ASSERT_OK_AND_ASSIGN(auto history, ModelHistory::Open(files, "/model"));
  double rows = 1;
  for (int i = 0; i < 2000; ++i) {
    rows *= 1.02;
    ASSERT_OK(history->Add("a", {{i}, rows, rows, 1, {}}));
  }
  const auto points = history->PointsOf("a");
  EXPECT_LE(points.size(), ModelHistory::kPointsMax);
  EXPECT_GT(points.size(), ModelHistory::kPointsMax / 3);
  EXPECT_EQ(points.front().at.micros, 0);
  EXPECT_GT(points.back().at.micros, 1990);
}

}  // namespace
}  // namespace viper::utilities
