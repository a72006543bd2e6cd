#include "storage/table_log_audit.h"

#include <gtest/gtest.h>

#include "storage/table_test_log.h"

namespace viper::storage {
namespace {

class TableLogAuditTest : public ::testing::Test {
 protected:
  /// Versions 0 to `last`, with a checkpoint of every one that is a multiple of `interval`.
  void Fill(int64_t last, uint32_t interval) {
    ASSERT_OK(CreateTestRoot(files_));
    const auto log = OpenTestLog(files_, {.checkpoint_interval = interval});
    ASSERT_OK(log->Commit(0, TestCreation(), 1));
    state_.version = -1;
    ApplyCommit(TestCreation(), state_);
    for (int64_t version = 1; version <= last; ++version) {
      const TableCommit commit = TestFlush(version, version);
      ASSERT_OK(log->Commit(version, commit, version));
      ApplyCommit(commit, state_);
      if (!log->WantsCheckpoint(version)) continue;
      ASSERT_OK(log->WriteCheckpoint(state_, version));
    }
  }

  void Overwrite(const std::string& path, std::string_view text) {
    ASSERT_OK(files_.RemoveFile(path));
    ASSERT_OK_AND_ASSIGN(auto file, files_.CreateFile(path));
    ASSERT_OK(file->Append(AsBytes(text)));
  }

  TableLogAudit Audit() {
    auto audit = AuditTableLog(files_, kTestTable);
    EXPECT_OK(audit);
    return audit.ok() ? std::move(*audit) : TableLogAudit();
  }

  MemoryFileSystem files_;
  TableState state_;
};

TEST_F(TableLogAuditTest, AWholeLogHasNoProblemsAndTellsItsVersions) {
  Fill(12, 5);
  const TableLogAudit audit = Audit();
  EXPECT_TRUE(audit.problems.empty()) << audit.problems[0].path << ": " << audit.problems[0].what;
  EXPECT_TRUE(audit.is_exact);
  EXPECT_EQ(audit.state, state_);
  ASSERT_EQ(audit.versions.size(), 13u);
  EXPECT_EQ(audit.versions[0].operation, "CREATE TABLE");
  EXPECT_TRUE(audit.versions[10].has_checkpoint && audit.versions[10].has_commit);
  EXPECT_EQ(audit.versions[10].files_removed, 1u);
  EXPECT_EQ(audit.file_origins.at(TestPart(11)), CommitPath(kTestTable, 11));
  EXPECT_EQ(audit.metadata_origin, CommitPath(kTestTable, 0));
  EXPECT_EQ(audit.transaction_origins.at("viper-wal"), CommitPath(kTestTable, 12));
  EXPECT_EQ(audit.file_count, 13u + 2 + 1);
}

TEST_F(TableLogAuditTest, ACleanedLogBeginsWithACheckpoint) {
  Fill(7, 5);
  for (int64_t version = 0; version <= 5; ++version) {
    ASSERT_OK(files_.RemoveFile(CommitPath(kTestTable, version)));
  }
  const TableLogAudit audit = Audit();
  EXPECT_TRUE(audit.problems.empty()) << audit.problems[0].what;
  EXPECT_TRUE(audit.is_exact);
  EXPECT_EQ(WithoutDataChange(audit.state), WithoutDataChange(state_));
  EXPECT_EQ(audit.file_origins.at(TestPart(3)), CheckpointPath(kTestTable, 5));
}

TEST_F(TableLogAuditTest, ADamagedCommitIsNamedAndTheNextCheckpointHelps) {
  Fill(12, 5);
  Overwrite(CommitPath(kTestTable, 3), "{");
  TableLogAudit audit = Audit();
  ASSERT_EQ(audit.problems.size(), 1u);
  EXPECT_EQ(audit.problems[0].path, CommitPath(kTestTable, 3));
  EXPECT_EQ(audit.problems[0].version, 3);
  EXPECT_FALSE(audit.problems[0].is_derived);
  EXPECT_TRUE(audit.is_exact);
  Overwrite(CommitPath(kTestTable, 12), "");
  audit = Audit();
  EXPECT_EQ(audit.problems.size(), 2u);
  EXPECT_FALSE(audit.is_exact);
  EXPECT_EQ(audit.state.version, 12);
}

TEST_F(TableLogAuditTest, AMissingCommitIsAHole) {
  Fill(7, 20);
  ASSERT_OK(files_.RemoveFile(CommitPath(kTestTable, 4)));
  const TableLogAudit audit = Audit();
  ASSERT_GE(audit.problems.size(), 1u);
  EXPECT_EQ(audit.problems[0].path, CommitPath(kTestTable, 4));
  EXPECT_FALSE(audit.is_exact);
  EXPECT_EQ(audit.state.files.size(), 4u) << "a guess from what is there";
}

TEST_F(TableLogAuditTest, ADamagedCheckpointIsDerivedWhereTheCommitsAreThere) {
  Fill(12, 5);
  Overwrite(CheckpointPath(kTestTable, 10), "PAR1");
  TableLogAudit audit = Audit();
  ASSERT_EQ(audit.problems.size(), 2u) << "the hint names it";
  EXPECT_EQ(audit.problems[0].path, CheckpointPath(kTestTable, 10));
  EXPECT_TRUE(audit.problems[0].is_derived && audit.is_exact);
  EXPECT_EQ(audit.problems[1].path, LastCheckpointPath(kTestTable));
  for (int64_t version = 0; version < 10; ++version) {
    ASSERT_OK(files_.RemoveFile(CommitPath(kTestTable, version)));
  }
  ASSERT_OK(files_.RemoveFile(CheckpointPath(kTestTable, 5)));
  audit = Audit();
  EXPECT_FALSE(audit.problems[0].is_derived) << "nobody else knows what it said";
  EXPECT_FALSE(audit.is_exact);
}

TEST_F(TableLogAuditTest, ACheckpointMustBeWhatTheCommitsMake) {
  Fill(11, 5);
  TableState other = state_;
  other.version = 10;
  other.files.erase(TestPart(11));
  other.files[TestPart(10)].size = 7;
  other.files[TestPart(6)] = other.files[TestPart(10)];
  ASSERT_OK(OpenTestLog(files_)->WriteCheckpoint(other, 11));
  const TableLogAudit audit = Audit();
  ASSERT_EQ(audit.problems.size(), 1u);
  EXPECT_EQ(audit.problems[0].path, CheckpointPath(kTestTable, 10));
  EXPECT_EQ(audit.problems[0].other_path, CommitPath(kTestTable, 10));
  EXPECT_FALSE(audit.problems[0].is_derived) << "one of the two is wrong, and who knows which";
}

TEST_F(TableLogAuditTest, CommitsThatContradictTheVersionBeforeAreNamed) {
  Fill(7, 20);
  TableCommit commit = TestFlush(8, 8);
  commit.removed[0].path = "part-99.parquet";
  commit.transactions["viper-wal"] = 3;
  ASSERT_OK(OpenTestLog(files_)->Commit(8, commit, 8));
  const TableLogAudit audit = Audit();
  ASSERT_EQ(audit.problems.size(), 2u);
  EXPECT_NE(audit.problems[0].what.find("part-99.parquet"), std::string::npos);
  EXPECT_NE(audit.problems[1].what.find("goes back: before=70 here=3"), std::string::npos);
}

TEST_F(TableLogAuditTest, AHintThatIsStaleDamagedOrMissingIsDerived) {
  Fill(12, 5);
  const std::string path = LastCheckpointPath(kTestTable);
  for (const char* hint : {R"({"version":5,"size":9})", R"({"version":11})", "{", "[]", "{}",
                           R"({"version":10,"size":12,"sizeInBytes":1})"}) {
    Overwrite(path, hint);
    const TableLogAudit audit = Audit();
    ASSERT_EQ(audit.problems.size(), 1u) << hint;
    EXPECT_EQ(audit.problems[0].path, path);
    EXPECT_TRUE(audit.problems[0].is_derived);
  }
  ASSERT_OK(files_.RemoveFile(path));
  EXPECT_EQ(Audit().problems.size(), 1u);
}

TEST_F(TableLogAuditTest, TellsWhatOnlyOlderVersionsHave) {
  Fill(12, 5);
  TableLogAudit audit = Audit();
  ASSERT_EQ(audit.retired.size(), 7u) << "12 and 5 of them live";
  const RetiredFile& retired = audit.retired.at(TestPart(2));
  ASSERT_EQ(retired.uses.size(), 1u);
  EXPECT_EQ(retired.uses[0].first_version, 2);
  EXPECT_EQ(retired.uses[0].last_version, 6);
  EXPECT_EQ(retired.uses[0].origin, CommitPath(kTestTable, 2));
  EXPECT_EQ(retired.added.size, 102u);
  EXPECT_EQ(*retired.metadata, state_.metadata);
  EXPECT_EQ(retired.metadata_origin, CommitPath(kTestTable, 0));
  // A hole hides two versions, and what lives on is not retired by it.
  Overwrite(CommitPath(kTestTable, 3), "{");
  audit = Audit();
  ASSERT_EQ(audit.retired.size(), 7u);
  ASSERT_EQ(audit.retired.at(TestPart(2)).uses.size(), 2u);
  EXPECT_EQ(audit.retired.at(TestPart(2)).uses[0].last_version, 2);
  EXPECT_EQ(audit.retired.at(TestPart(2)).uses[1].first_version, 5);
  EXPECT_EQ(audit.retired.at(TestPart(2)).uses[1].origin, CheckpointPath(kTestTable, 5));
  EXPECT_EQ(audit.retired.at(TestPart(3)).uses.size(), 1u);
  std::vector<int64_t> exact;
  for (const LogVersion& version : audit.versions) {
    if (version.is_exact) exact.push_back(version.version);
  }
  EXPECT_EQ(exact, (std::vector<int64_t>{0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12}));
}

TEST_F(TableLogAuditTest, AFileThatCameBackAsItWasIsNotRetired) {
  Fill(7, 20);
  TableCommit commit = TestFlush(8, 8);
  commit.added.push_back(TestFlush(1, 1).added[0]);
  ASSERT_OK(OpenTestLog(files_)->Commit(8, commit, 8));
  const TableLogAudit audit = Audit();
  EXPECT_FALSE(audit.retired.contains(TestPart(1)));
  EXPECT_TRUE(audit.retired.contains(TestPart(2)));
}

TEST_F(TableLogAuditTest, WithoutALogThereIsNothing) {
  EXPECT_STATUS(kNotFound, "", AuditTableLog(files_, kTestTable));
}

}  // namespace
}  // namespace viper::storage
