#include "core/storage_trial.h"

#include "core/collection_fixture.h"

namespace viper::core {
namespace {

class StorageTrials : public CollectionFixture {
 protected:
  void WriteRows(int rows) {
    std::vector<Record> records;
    for (int i = 0; i < rows; ++i) {
      records.push_back(
          At("id" + std::to_string(i), static_cast<float>(i) * 0.37F, 1.5F,
             {{"category", "text of a category " + std::to_string(i % 7)},
              {"note", "some words that come again and again " + std::to_string(i % 100)}}));
    }
    ASSERT_OK(collection_->Upsert(records));
    ASSERT_OK(collection_->Flush());
  }

  static std::vector<StorageWay> Ways() {
    return {{.policy = StoragePolicy::kSpeed},
            {.policy = StoragePolicy::kSize},
            {.adaptive = false, .compression = {.codec = Codec::kNone}},
            {.adaptive = false, .compression = {.codec = Codec::kZstd, .level = 9}}};
  }
};

TEST_F(StorageTrials, U13_U29_WaysAreMeasuredOnTheRealRows) {
  Create();
  WriteRows(3000);
  WriteRows(3000);  // replaces: the rows of the first file are dead
  ASSERT_OK_AND_ASSIGN(const auto report, collection_->TryStorage(Ways(), {.time_budget_ms = 0}));
  EXPECT_EQ(report.rows, 3000u);
  EXPECT_EQ(report.sample_rows, 3000u);
  ASSERT_EQ(report.trials.size(), 4u);
  uint64_t logical = 0;
  ASSERT_OK_AND_ASSIGN(const auto page,
                       collection_->Scroll({.limit = 10'000, .projection = {.metadata = true}}));
  for (const Record& record : page.records) {
    logical += 8 + record.id.size() + 16 + Value(record.metadata).ToJson().size();
  }
  EXPECT_EQ(report.logical_bytes, logical);
  for (const StorageTrial& trial : report.trials) {
    EXPECT_GT(trial.write_seconds, 0);
    EXPECT_GT(trial.read_seconds, 0);
    uint64_t of_columns = 0;
    for (const StorageTrialColumn& column : trial.columns) of_columns += column.bytes;
    EXPECT_GT(of_columns, 0u);
    EXPECT_LE(of_columns, trial.bytes);
  }
  // Repeated text shrinks, uncompressed plain columns do not.
  EXPECT_LT(report.trials[1].bytes, report.trials[2].bytes / 2);
  EXPECT_EQ(report.trials[2].columns.back().chosen, "plain none");
  EXPECT_NE(report.trials[3].columns.front().chosen.find("zstd:9"), std::string::npos);
}

TEST_F(StorageTrials, U31_ARewriteTakesWhatTheTrialSaid) {
  Create();
  WriteRows(5000);
  for (const StorageWay& way : Ways()) {
    ASSERT_OK_AND_ASSIGN(const auto report,
                         collection_->TryStorage(std::vector{way}, {.sample_rows = 5000}));
    ASSERT_EQ(report.trials.size(), 1u);
    CompactOptions options;
    options.rewrite_as = way;
    ASSERT_OK_AND_ASSIGN(const auto compacted, collection_->Compact(options));
    ASSERT_EQ(compacted.steps.size(), 1u) << way.ToString();
    EXPECT_EQ(compacted.steps[0].reason, "asked for");
    EXPECT_NEAR(static_cast<double>(collection_->Statistics().part_bytes),
                static_cast<double>(report.trials[0].bytes), 64)
        << way.ToString();
    EXPECT_EQ(Count(), 5000u);
  }
}

TEST_F(StorageTrials, U13_TheSampleAndTheTimeAreBounded) {
  Create();
  WriteRows(8000);
  ASSERT_OK_AND_ASSIGN(auto report, collection_->TryStorage(Ways(), {.sample_rows = 1000}));
  EXPECT_GE(report.sample_rows, 900u);
  EXPECT_LE(report.sample_rows, 2100u);
  EXPECT_EQ(report.rows, 8000u);
  // However short the time is, one way is tried.
  const std::vector<StorageWay> many(50, StorageWay{});
  ASSERT_OK_AND_ASSIGN(report,
                       collection_->TryStorage(many, {.sample_rows = 8000, .time_budget_ms = 1}));
  EXPECT_GE(report.trials.size(), 1u);
  EXPECT_LT(report.trials.size(), 50u);
  EXPECT_STATUS(kInvalidArgument, "actual=0", collection_->TryStorage(Ways(), {.sample_rows = 0}));
}

TEST_F(StorageTrials, U13_TheBytesOfTheSampleAreBounded) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  EXPECT_EQ(BoundedSample(20'000, 1'000'000, 1'000'000 * 1000, 128), 20'000u);
  // By the vectors, or by the rows where these are larger.
  EXPECT_EQ(BoundedSample(1'000'000, 1'000'000, 0, 1024), 65'536u);
  EXPECT_EQ(BoundedSample(20'000, 1'000'000, 1'000'000 * kMiB, 1024), 256u);
  EXPECT_EQ(BoundedSample(20'000, 10, 10 * 1024 * kMiB, 1024), 1u);
  EXPECT_EQ(BoundedSample(20'000, 0, 0, 1024), 20'000u);
}

TEST_F(StorageTrials, NothingIsTriedOnNothing) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 1, 2)));  // in memory only
  ASSERT_OK_AND_ASSIGN(const auto report, collection_->TryStorage(Ways()));
  EXPECT_EQ(report.sample_rows, 0u);
  EXPECT_TRUE(report.trials.empty());
}

}  // namespace
}  // namespace viper::core
