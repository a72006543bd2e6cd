#include <string>
#include <vector>

#include "core/collection_fixture.h"
#include "storage/table_log.h"

namespace viper::core {
namespace {

constexpr char kDocs[] = "/db/docs";
constexpr int64_t kSecond = 1'000'000;

/// Parts in which all, some or none of the rows expire.
class ExpiredPartsTest : public CollectionFixture {
 protected:
  Timestamp In(int64_t seconds) { return Timestamp{clock_.Now().micros + seconds * kSecond}; }

  /// A part of `count` rows, of which the first `expiring` do so at `when`.
  void WritePart(const std::string& name, int count, int expiring, Timestamp when) {
    std::vector<Record> records;
    for (int i = 0; i < count; ++i) {
      Record record = At(name + std::to_string(i), static_cast<float>(i), 0);
      if (i < expiring) record.expires_at = when;
      records.push_back(std::move(record));
    }
    ASSERT_OK(collection_->Upsert(records));
    ASSERT_OK(collection_->Flush());
  }

  storage::TableState Table() {
    auto state = storage::TableLog::Make(files_, kDocs, {})->Load();
    EXPECT_OK(state);
    return state.ok() ? *state : storage::TableState{};
  }

  storage::TableCommit LastCommit() {
    auto commits = storage::TableLog::Make(files_, kDocs, {})->ReadAfter(Table().version - 1);
    EXPECT_OK(commits);
    return commits.ok() && !commits->empty() ? commits->front() : storage::TableCommit{};
  }

  std::vector<std::string> Reasons(const CompactionReport& report) {
    std::vector<std::string> reasons;
    for (const CompactionStep& step : report.steps) reasons.push_back(step.reason);
    return reasons;
  }

  /// Everything that reads or writes the bytes of a data file fails.
  void ForbidDataFiles() {
    for (const FileOperation operation :
         {FileOperation::kRead, FileOperation::kCreate, FileOperation::kWrite}) {
      InjectedFault fault;
      fault.operation = operation;
      fault.times = 1'000'000;
      fault.path_part = "part-";
      files_.InjectFault(fault);
    }
  }
};

TEST_F(ExpiredPartsTest, APartWhoseRowsHaveAllExpiredGoesByOneCommitThatTouchesNoDataFile) {
  Create();
  WritePart("a", 10, 10, In(1));
  WritePart("b", 20, 20, In(1));
  WritePart("kept", 10, 0, {});
  clock_.AdvanceSeconds(1);
  ForbidDataFiles();
  const int64_t before = Table().version;
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact());
  files_.ClearFaults();
  ASSERT_EQ(Reasons(report), std::vector<std::string>{"all rows expired"});
  EXPECT_EQ(report.steps[0].dropped_rows, 30u);
  EXPECT_EQ(report.steps[0].bytes_after, 0u);
  EXPECT_EQ(report.files_after, 1u);
  EXPECT_EQ(Table().version, before + 1);
  EXPECT_EQ(Table().files.size(), 1u);
  const storage::TableCommit commit = LastCommit();
  EXPECT_EQ(commit.operation, "DELETE");
  EXPECT_EQ(commit.operation_parameters.at("reason"), "all rows expired");
  EXPECT_TRUE(commit.added.empty());
  ASSERT_EQ(commit.removed.size(), 2u);
  EXPECT_GT(commit.removed[0].size, commit.removed[1].size) << "what gives back most goes first";
  for (const auto& file : commit.removed) EXPECT_TRUE(file.data_change) << "others saw the rows";
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 10u);
}

TEST_F(ExpiredPartsTest, NothingIsRemovedAMicrosecondEarly) {
  Create();
  WritePart("a", 10, 10, Timestamp{clock_.Now().micros + 1'234'567});
  clock_.AdvanceMicros(1'234'566);
  ASSERT_OK_AND_ASSIGN(const CompactionReport early, collection_->Compact({.everything = true}));
  EXPECT_TRUE(early.steps.empty());
  EXPECT_EQ(Count(), 10u);
  clock_.AdvanceMicros(1);
  ASSERT_OK_AND_ASSIGN(const CompactionReport due, collection_->Compact());
  EXPECT_EQ(Reasons(due), std::vector<std::string>{"all rows expired"});
}

TEST_F(ExpiredPartsTest, OneRowWithoutAnExpiryKeepsThePart) {
  Create();
  WritePart("a", 100, 99, In(1));
  clock_.AdvanceSeconds(2);
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact());
  EXPECT_EQ(Reasons(report), std::vector<std::string>{"99 % dead rows"});
  EXPECT_EQ(Count(), 1u);
  EXPECT_EQ(Table().files.size(), 1u);
}

TEST_F(ExpiredPartsTest, U34_OldFilesWithoutExpiryStayHoweverFarTheClockIs) {
  options_.retention_ms = 0;
  Create();
  WritePart("a", 10, 0, {});
  clock_.AdvanceSeconds(int64_t{50} * 365 * 24 * 3600);
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact({.everything = true}));
  EXPECT_TRUE(report.steps.empty());
  ASSERT_OK_AND_ASSIGN(const VacuumReport vacuumed, collection_->Vacuum());
  EXPECT_TRUE(vacuumed.files.empty());
  EXPECT_EQ(Count(), 10u);
}

TEST_F(ExpiredPartsTest, U34_WhatGivesBackMostGoesFirst) {
  Create();
  WritePart("tenth", 100, 10, In(1));
  WritePart("half", 100, 50, In(1));
  WritePart("most", 100, 90, In(1));
  WritePart("all", 100, 100, In(1));
  clock_.AdvanceSeconds(2);
  ASSERT_OK_AND_ASSIGN(const CompactionReport told, collection_->Compact({.dry_run = true}));
  EXPECT_EQ(Reasons(told),
            (std::vector<std::string>{"all rows expired", "90 % dead rows", "50 % dead rows"}))
      << "a tenth does not pay";
  ASSERT_OK_AND_ASSIGN(const CompactionReport done, collection_->Compact());
  EXPECT_EQ(Reasons(done), Reasons(told));
  EXPECT_EQ(Count(), 150u);
}

TEST_F(ExpiredPartsTest, ARowWrittenAgainInMemoryOutlivesTheExpiredPart) {
  Create();
  WritePart("a", 10, 10, In(1));
  ASSERT_OK(collection_->Upsert(At("a3", 33, 0)));
  clock_.AdvanceSeconds(1);
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact());
  EXPECT_EQ(Reasons(report), std::vector<std::string>{"all rows expired"});
  for (int opening = 0; opening < 2; ++opening) {
    EXPECT_EQ(Count(), 1u);
    EXPECT_EQ(collection_->Get("a3").value().vector[0], 33);
    ASSERT_OK(Reopen());
  }
}

TEST_F(ExpiredPartsTest, APartWithADeletionVectorGoesAsWell) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  WritePart("a", 10, 10, In(1));
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a1", "a2"}));
  ASSERT_OK(collection_->Flush());
  clock_.AdvanceSeconds(1);
  ForbidDataFiles();
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact());
  files_.ClearFaults();
  EXPECT_EQ(Reasons(report), std::vector<std::string>{"all rows expired"});
  EXPECT_TRUE(Table().files.empty());
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 0u);
}

TEST_F(ExpiredPartsTest, TheBackgroundRemovesThemBetweenFlushes) {
  options_.background_compaction = true;
  options_.retention_ms = 0;
  Create();
  WritePart("a", 100, 50, In(1));
  WritePart("b", 100, 100, In(1));
  clock_.AdvanceSeconds(2);
  WritePart("c", 1, 0, {});
  ASSERT_OK(collection_->Compact());  // waits for the background, or does what it would
  EXPECT_EQ(Count(), 51u);
  EXPECT_EQ(collection_->Statistics().dead_rows, 0u);
}

TEST_F(ExpiredPartsTest, AfterAPowerLossAtAnyStepTheExpiredStayGone) {
  Create();
  WritePart("a", 10, 10, In(1));
  WritePart("kept", 5, 0, {});
  clock_.AdvanceSeconds(2);
  collection_.reset();
  bool was_cut = false;
  for (uint64_t step = 0;; ++step) {
    const auto files = files_.DurableImage(CrashMode::kKeepAll);
    EngineOptions options = options_;
    options.file_system = files.get();
    Status compacted;
    {
      ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options));
      ASSERT_OK_AND_ASSIGN(const auto collection, engine.OpenCollection("docs"));
      files->CrashAfter(step);
      compacted = collection->Compact().status();
    }
    const auto left = files->DurableImage(CrashMode::kDropUnsynced);
    options.file_system = left.get();
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options));
    ASSERT_OK_AND_ASSIGN(const auto collection, engine.OpenCollection("docs"));
    EXPECT_EQ(collection->Count().value(), 5u) << step;
    ASSERT_OK(collection->Compact());
    EXPECT_EQ(collection->Statistics().part_count, 1u) << step;
    if (compacted.ok()) break;
    was_cut = true;
  }
  EXPECT_TRUE(was_cut);
}

}  // namespace
}  // namespace viper::core
