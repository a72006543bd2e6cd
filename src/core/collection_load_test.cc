#include "core/collection_fixture.h"

namespace viper::core {
namespace {

/// Gives `count` rows "r0", "r1", ... in batches, and fails after `fail_after` rows.
class NumberedRows : public RecordSource {
 public:
  explicit NumberedRows(uint64_t count, uint64_t fail_after = ~uint64_t{0})
      : count_(count), fail_after_(fail_after) {}
  size_t dim() const override { return 2; }
  std::optional<uint64_t> row_count() const override { return count_; }
  const std::vector<Field>& fields() const override { return fields_; }
  Result<RecordBatch> Next() override {
    if (next_ >= fail_after_) return Status::InvalidArgument("row is bad");
    RecordBatch batch;
    for (int i = 0; i < 1000 && next_ < count_; ++i, ++next_) {
      batch.ids.push_back("r" + std::to_string(next_));
      batch.vectors.insert(batch.vectors.end(), {static_cast<float>(next_), 0});
    }
    return batch;
  }
  Status Skip(uint64_t count) override {
    skipped_ += count;
    next_ += count;
    return {};
  }
  uint64_t skipped() const { return skipped_; }

 private:
  const uint64_t count_;
  const uint64_t fail_after_;
  const std::vector<Field> fields_;
  uint64_t next_ = 0;
  uint64_t skipped_ = 0;
};

class CollectionLoadTest : public CollectionFixture {
 protected:
  CollectionLoadTest() { load_.commit_bytes = size_t{1} << 20; }
  LoadOptions load_;
};

TEST_F(CollectionLoadTest, LoadedRowsAreInTheTableAndNotInTheLog) {
  Create();
  NumberedRows rows(20'000);
  ASSERT_OK_AND_ASSIGN(LoadSummary summary, collection_->Load(rows, load_));
  EXPECT_EQ(summary.rows_read, 20'000u);
  EXPECT_EQ(summary.rows_committed, 20'000u);
  const CollectionStatistics statistics = collection_->Statistics();
  EXPECT_EQ(statistics.memory_rows, 0u);
  EXPECT_EQ(statistics.wal_records, 0u);
  EXPECT_GT(statistics.part_count, 1u);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 20'000u);
  EXPECT_EQ(Nearest(777, 0).front(), "r777");
}

TEST_F(CollectionLoadTest, LoadedRowsReplaceOlderOnesAndKeepNewerOnes) {
  Create();
  ASSERT_OK(collection_->Upsert(At("r1", 50, 50)));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(At("r2", 50, 50)));
  ASSERT_OK(collection_->Upsert(At("other", 50, 50)));
  NumberedRows rows(10);
  ASSERT_OK(collection_->Load(rows, load_));
  EXPECT_EQ(Count(), 11u);
  EXPECT_EQ(collection_->Get("r1").value().vector[0], 1);
  EXPECT_EQ(collection_->Get("r2").value().vector[0], 2);
  ASSERT_OK(collection_->Upsert(At("r3", 70, 70)));
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 11u);
  EXPECT_EQ(collection_->Get("r3").value().vector[0], 70);
}

TEST_F(CollectionLoadTest, ABadRowKeepsWhatIsCommitted) {
  Create();
  NumberedRows rows(50'000, 31'000);
  EXPECT_STATUS(kInvalidArgument, "row is bad", collection_->Load(rows, load_));
  const uint64_t kept = Count();
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, 31'000u);
}

TEST_F(CollectionLoadTest, GoesOnWhereItsLastCommitWas) {
  Create();
  load_.resume_key = "input one";
  NumberedRows broken(50'000, 30'000);
  EXPECT_FALSE(collection_->Load(broken, load_).ok());
  const uint64_t kept = Count();
  ASSERT_OK(Reopen());
  NumberedRows rows(50'000);
  ASSERT_OK_AND_ASSIGN(LoadSummary summary, collection_->Load(rows, load_));
  EXPECT_EQ(summary.rows_resumed, kept);
  EXPECT_EQ(rows.skipped(), kept);
  EXPECT_EQ(summary.rows_read, 50'000 - kept);
  EXPECT_EQ(Count(), 50'000u);
  NumberedRows again(50'000);
  ASSERT_OK_AND_ASSIGN(summary, collection_->Load(again, load_));
  EXPECT_EQ(summary.rows_resumed, 0u) << "a finished load starts from the beginning";
  EXPECT_EQ(Count(), 50'000u);
  collection_.reset();
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  ASSERT_OK_AND_ASSIGN(const VerifyReport report, engine.Verify("docs"));
  for (const VerifyFinding& finding : report.findings) {
    EXPECT_EQ(finding.kind, FindingKind::kNote) << finding.problem;
  }
}

TEST_F(CollectionLoadTest, StopsWhenAsked) {
  Create();
  load_.progress = [](uint64_t, uint64_t committed) { return committed == 0; };
  NumberedRows rows(50'000);
  ASSERT_OK_AND_ASSIGN(LoadSummary summary, collection_->Load(rows, load_));
  EXPECT_TRUE(summary.stopped);
  EXPECT_EQ(Count(), summary.rows_committed);
}

TEST_F(CollectionLoadTest, RefusesAnotherDimension) {
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  CollectionSchema schema;
  schema.dim = 3;
  ASSERT_OK_AND_ASSIGN(auto collection, engine.CreateCollection("three", schema));
  NumberedRows rows(1);
  EXPECT_STATUS(kInvalidArgument, "expected=3 actual=2", collection->Load(rows));
}

}  // namespace
}  // namespace viper::core
