#include "storage/table_log.h"

#include <vector>

#include <fmt/format.h>

#include "storage/delta_actions.h"
#include "storage/file_contents.h"
#include "storage/table_test_log.h"

namespace viper::storage {
namespace {

std::string ReadText(FileSystem& file_system, const std::string& path) {
  auto bytes = ReadLogFile(file_system, path);
  EXPECT_OK(bytes);
  return std::string(AsText(*bytes));
}

TableState StateAt(int64_t version) {
  TableState state;
  for (int64_t v = 0; v <= version; ++v) {
    ApplyCommit(v == 0 ? TestCreation() : TestFlush(v, v * kTestDay), state);
  }
  return state;
}

TEST(TableLog, AnEmptyDirectoryHoldsNoTable) {
  MemoryFileSystem file_system;
  const auto log = OpenTestLog(file_system);
  EXPECT_FALSE(*log->Exists());
  EXPECT_STATUS(kNotFound, "no table in /data/t", log->Load());
}

TEST(TableLog, CommitsComeBack) {
  MemoryFileSystem file_system;
  const TableState state = MakeTestTable(file_system, 8);
  const auto log = OpenTestLog(file_system);
  EXPECT_TRUE(*log->Exists());
  ASSERT_OK_AND_ASSIGN(const TableState loaded, log->Load());
  EXPECT_EQ(loaded, state);
  EXPECT_EQ(loaded.version, 8);
  EXPECT_EQ(loaded.files.size(), 5);
  EXPECT_EQ(loaded.tombstones.size(), 3);
  EXPECT_EQ(loaded.transactions.at("viper-wal"), 80);
}

TEST(TableLog, NothingIsLeftInTheTemporaryDirectory) {
  MemoryFileSystem file_system;
  const TableState state = MakeTestTable(file_system, 3);
  ASSERT_OK(OpenTestLog(file_system)->WriteCheckpoint(state, 0));
  EXPECT_TRUE(file_system.List(TmpDirectory(kTestTable))->empty());
}

TEST(TableLog, ReadAfterGivesTheNewCommitsOnly) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 4);
  const auto log = OpenTestLog(file_system);
  ASSERT_OK_AND_ASSIGN(const auto commits, log->ReadAfter(2));
  EXPECT_EQ(commits,
            (std::vector<TableCommit>{TestFlush(3, 3 * kTestDay), TestFlush(4, 4 * kTestDay)}));
  EXPECT_TRUE(log->ReadAfter(4)->empty());
  EXPECT_EQ(log->ReadAfter(-1)->size(), 5);
}

/// Another writer need not say when it made its commit.
TEST(TableLog, AVersionWithoutATimeIsNotOlderThanEverything) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 4);
  const auto log = OpenTestLog(file_system);
  ASSERT_OK(log->Commit(5, TestFlush(5, 5 * kTestDay), 0));
  EXPECT_EQ(log->VersionAt(3 * kTestDay + 1).value(), 3);
  EXPECT_STATUS(kNotFound, "no version is that old", log->VersionAt(-1));
  ASSERT_OK(log->Commit(6, TestFlush(6, 6 * kTestDay), 6 * kTestDay));
  EXPECT_EQ(log->VersionAt(6 * kTestDay).value(), 6);
}

TEST(TableLog, ReadAfterTellsOfCommitsThatWereCleanedAway) {
  MemoryFileSystem file_system;
  const TableState state = MakeTestTable(file_system, 6);
  const auto log = OpenTestLog(file_system);
  ASSERT_OK(log->WriteCheckpoint(state, 100 * kTestDay));
  EXPECT_STATUS(kConflict, "load the table again", log->ReadAfter(2));
  EXPECT_TRUE(log->ReadAfter(6)->empty());
}

// -- Conflicts
// --------------------------------------------------------------------------------------

TEST(TableLog, OfTwoWritersOneGetsAConflict) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 1);
  const auto one = OpenTestLog(file_system);
  const auto other = OpenTestLog(file_system);
  // The very same actions: they are two commits all the same.
  EXPECT_OK(one->Commit(2, TestFlush(2, 0), 0));
  EXPECT_STATUS(kConflict, "version 2", other->Commit(2, TestFlush(2, 0), 0));
  EXPECT_STATUS(kConflict, "version 2", one->Commit(2, TestFlush(2, 0), 0));
  EXPECT_OK(other->Commit(3, TestFlush(3, 0), 0));
}

// A link that was made although the call failed, as on a network file system.
class UnclearLinks final : public FileSystem {
 public:
  explicit UnclearLinks(FileSystem& real) : real_(real) {}
  Status Link(const std::string& existing, const std::string& name) override {
    const Status linked = real_.Link(existing, name);
    if (failures == 0) return linked;
    --failures;
    return Status::IoError("no answer");
  }
  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const std::string& path) override {
    if (reads_fail) return Status::IoError("no answer");
    return real_.OpenForRead(path);
  }
  Result<std::vector<std::string>> List(const std::string& directory) override {
    return real_.List(directory);
  }
  Result<bool> Exists(const std::string& path) override { return real_.Exists(path); }
  Result<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) override {
    return real_.CreateFile(path);
  }
  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path) override {
    return real_.OpenForWrite(path);
  }
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override {
    return real_.Map(path);
  }
  Result<uint64_t> FileSize(const std::string& path) override { return real_.FileSize(path); }
  Status CreateDirectories(const std::string& path) override {
    return real_.CreateDirectories(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return real_.Rename(from, to);
  }
  Status RemoveFile(const std::string& path) override { return real_.RemoveFile(path); }
  Status RemoveDirectoryTree(const std::string& path) override {
    return real_.RemoveDirectoryTree(path);
  }
  Status SyncDirectory(const std::string& path) override { return real_.SyncDirectory(path); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return real_.Lock(path);
  }

  int failures = 0;
  bool reads_fail = false;

 private:
  FileSystem& real_;
};

TEST(TableLog, AnUnclearLinkIsReadBack) {
  MemoryFileSystem real;
  MakeTestTable(real, 1);
  UnclearLinks file_system(real);
  const auto log = OpenTestLog(file_system);
  file_system.failures = 1;
  EXPECT_OK(log->Commit(2, TestFlush(2, 0), 0));
  EXPECT_EQ(log->Load()->version, 2);
}

TEST(TableLog, RepeatingAnUnclearCommitIsNoConflictWithItself) {
  MemoryFileSystem real;
  MakeTestTable(real, 1);
  UnclearLinks file_system(real);
  const auto log = OpenTestLog(file_system);
  file_system.failures = 1;
  file_system.reads_fail = true;
  EXPECT_STATUS(kIoError, "no answer", log->Commit(2, TestFlush(2, 0), 0));
  file_system.reads_fail = false;
  EXPECT_OK(log->Commit(2, TestFlush(2, 0), 0));
  // Known by now: again it would be another commit.
  EXPECT_STATUS(kConflict, "version 2", log->Commit(2, TestFlush(2, 0), 0));
}

TEST(TableLog, AnotherCommitAfterAnUnclearOneIsAConflict) {
  MemoryFileSystem real;
  MakeTestTable(real, 1);
  UnclearLinks file_system(real);
  const auto log = OpenTestLog(file_system);
  file_system.failures = 1;
  file_system.reads_fail = true;
  EXPECT_STATUS(kIoError, "no answer", log->Commit(2, TestFlush(2, 0), 0));
  file_system.reads_fail = false;
  EXPECT_STATUS(kConflict, "version 2", log->Commit(2, TestFlush(20, 0), 0));
}

// -- Failures
// ---------------------------------------------------------------------------------------

TEST(TableLog, AFullDiskChangesNothing) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 1);
  const auto log = OpenTestLog(file_system);
  for (const auto operation :
       {FileOperation::kCreate, FileOperation::kWrite, FileOperation::kLink}) {
    file_system.InjectFault({.operation = operation,
                             .path_part = {},
                             .code = StatusCode::kResourceExhausted,
                             .written_bytes = 10});
    EXPECT_STATUS(kResourceExhausted, "", log->Commit(2, TestFlush(2, 0), 0));
    EXPECT_EQ(log->Load()->version, 1);
    EXPECT_TRUE(file_system.List(TmpDirectory(kTestTable))->empty());
  }
  EXPECT_OK(log->Commit(2, TestFlush(2, 0), 0));
}

TEST(TableLog, SaysWhetherAFailedCommitMayHaveHappened) {
  MemoryFileSystem real;
  MakeTestTable(real, 1);
  UnclearLinks file_system(real);
  const auto log = OpenTestLog(file_system);
  for (const auto operation : {FileOperation::kCreate, FileOperation::kWrite, FileOperation::kSync,
                               FileOperation::kLink}) {
    real.InjectFault({.operation = operation, .path_part = {}});
    EXPECT_STATUS(kIoError, "", log->Commit(2, TestFlush(2, 0), 0));
    EXPECT_FALSE(log->MayHaveCommitted()) << static_cast<int>(operation);
  }
  EXPECT_OK(log->CheckTakesCommits());
  file_system.failures = 1;
  file_system.reads_fail = true;
  EXPECT_STATUS(kIoError, "no answer", log->Commit(2, TestFlush(2, 0), 0));
  EXPECT_TRUE(log->MayHaveCommitted());
  file_system.reads_fail = false;
  EXPECT_STATUS(kConflict, "", log->Commit(2, TestFlush(3, 0), 0));
  EXPECT_FALSE(log->MayHaveCommitted());
  real.InjectFault({.operation = FileOperation::kSyncDirectory, .path_part = "_delta_log"});
  EXPECT_STATUS(kIoError, "", log->Commit(3, TestFlush(3, 0), 0));
  EXPECT_TRUE(log->MayHaveCommitted());
  EXPECT_STATUS(kFailedPrecondition, "has stopped", log->CheckTakesCommits());
  EXPECT_STATUS(kFailedPrecondition, "has stopped", log->Commit(4, TestFlush(4, 0), 0));
  EXPECT_FALSE(log->MayHaveCommitted()) << "this one was not tried";
}

TEST(TableLog, TimesOfCommitsDoNotFallWhenTheClockIsSetBack) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 1);
  const int64_t day = *OpenTestLog(file_system)->CommitTime(1);
  ASSERT_GT(day, 0);
  {
    const auto log = OpenTestLog(file_system);
    ASSERT_OK(log->Load());
    EXPECT_EQ(log->TimeOfNext(day + 1), day + 1);
    EXPECT_EQ(log->TimeOfNext(day - 1), day);
    ASSERT_OK(log->Commit(2, TestFlush(2, 0), day - 1));
    EXPECT_EQ(*log->CommitTime(2), day);
    ASSERT_OK(log->Commit(3, TestFlush(3, 0), 2 * day));
    ASSERT_OK(log->WriteCheckpoint(*log->Load(), 2 * day));
  }
  const auto log = OpenTestLog(file_system);
  ASSERT_OK(log->Load());
  EXPECT_EQ(log->TimeOfNext(0), 2 * day) << "also where all the rest is in a checkpoint";
}

TEST(TableLog, AFailedDirectorySyncStopsTheLog) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 1);
  const auto log = OpenTestLog(file_system);
  EXPECT_OK(log->Commit(2, TestFlush(2, 0), 0));
  file_system.InjectFault({.operation = FileOperation::kSyncDirectory, .path_part = "_delta_log"});
  EXPECT_STATUS(kIoError, "may or may not survive", log->Commit(3, TestFlush(3, 0), 0));
  EXPECT_STATUS(kFailedPrecondition, "has stopped", log->Commit(4, TestFlush(4, 0), 0));
  EXPECT_STATUS(kFailedPrecondition, "has stopped", log->WriteCheckpoint(StateAt(3), 0));
}

// -- Damage
// -----------------------------------------------------------------------------------------

TEST(TableLog, AHoleIsNamed) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 6);
  ASSERT_OK(file_system.RemoveFile(CommitPath(kTestTable, 4)));
  EXPECT_STATUS(kCorruption, "missing=/data/t/_delta_log/00000000000000000004.json",
                OpenTestLog(file_system)->Load());
  ASSERT_OK(file_system.RemoveFile(CommitPath(kTestTable, 0)));
  EXPECT_STATUS(kCorruption, "missing=/data/t/_delta_log/00000000000000000000.json",
                OpenTestLog(file_system)->Load());
  EXPECT_TRUE(*OpenTestLog(file_system)->Exists());
}

TEST(TableLog, ACutCommitNamesFileAndLine) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 2);
  const std::string path = CommitPath(kTestTable, 2);
  const std::string text = ReadText(file_system, path);
  WriteTestFile(file_system, path, text.substr(0, text.size() - 10));
  EXPECT_STATUS(kCorruption,
                "00000000000000000002.json line 3: ", OpenTestLog(file_system)->Load());
}

TEST(TableLog, ATableWithoutMetadataIsCorrupt) {
  MemoryFileSystem file_system;
  TableCommit commit = TestCreation();
  commit.metadata.reset();
  ASSERT_OK(OpenTestLog(file_system)->Commit(0, commit, 0));
  EXPECT_STATUS(kCorruption, "no metaData", OpenTestLog(file_system)->Load());
}

TEST(TableLog, WhatCannotBeReadRightIsRefusedByName) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 1);
  const auto load_with = [&](std::string_view line) {
    WriteTestFile(file_system, CommitPath(kTestTable, 2), line);
    return OpenTestLog(file_system)->Load();
  };
  EXPECT_STATUS(kUnsupported, "actual=2",
                load_with(R"({"protocol":{"minReaderVersion":2,"minWriterVersion":5}})"));
  EXPECT_STATUS(
      kUnsupported, "feature=v2Checkpoint",
      load_with(
          R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["v2Checkpoint"],"writerFeatures":["v2Checkpoint"]}})"));
  EXPECT_STATUS(
      kUnsupported, "outside the table",
      load_with(R"({"add":{"path":"s3://b/x","size":1,"modificationTime":2,"dataChange":true}})"));
  EXPECT_STATUS(
      kUnsupported, "column=year",
      load_with(R"({"metaData":{"id":"x","schemaString":"{}","partitionColumns":["year"]}})"));
}

TEST(TableLog, TheNewestDeletionVectorOfAFileCounts) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 1);
  const auto change = [&](int64_t version, std::string_view removed, std::string_view added) {
    WriteTestFile(file_system, CommitPath(kTestTable, version),
                  fmt::format(R"({{"remove":{{"path":"part-1.parquet","dataChange":true{}}}}})"
                              "\n"
                              R"({{"add":{{"path":"part-1.parquet","size":1,"modificationTime":2,)"
                              R"("dataChange":true{}}}}})",
                              removed, added));
  };
  const auto vector = [](int offset) {
    return fmt::format(R"(,"deletionVector":{{"storageType":"u","pathOrInlineDv":"_dvx",)"
                       R"("offset":{},"sizeInBytes":3,"cardinality":2}})",
                       offset);
  };
  change(2, "", vector(1));
  change(3, vector(1), vector(9));
  const auto log = OpenTestLog(file_system);
  ASSERT_OK_AND_ASSIGN(const TableState state, log->Load());
  EXPECT_EQ(state.files.at("part-1.parquet").deletion_vector->offset, 9);
  EXPECT_EQ(state.tombstones.count("part-1.parquet"), 1);
  EXPECT_EQ(state.tombstones.count(std::string("part-1.parquet\0u_dvx@1", 22)), 1);
  ASSERT_OK_AND_ASSIGN(const auto commits, log->ReadAfter(1));
  TableState followed = state;
  followed.version = 1;
  followed.tombstones.clear();
  for (const TableCommit& commit : commits) ApplyCommit(commit, followed);
  EXPECT_EQ(followed.files, state.files);
}

// -- Checkpoints
// ------------------------------------------------------------------------------------

TEST(TableLog, WantsACheckpointAtEveryInterval) {
  MemoryFileSystem file_system;
  const auto log = OpenTestLog(file_system, {.checkpoint_interval = 10});
  EXPECT_FALSE(log->WantsCheckpoint(0));
  EXPECT_FALSE(log->WantsCheckpoint(9));
  EXPECT_TRUE(log->WantsCheckpoint(10));
  EXPECT_TRUE(log->WantsCheckpoint(20));
  EXPECT_FALSE(OpenTestLog(file_system, {.checkpoint_interval = 0})->WantsCheckpoint(10));
}

TEST(TableLog, ACheckpointThatWasMissedIsMadeUpFor) {
  MemoryFileSystem file_system;
  ASSERT_OK(CreateTestRoot(file_system));
  const auto log = OpenTestLog(file_system, {.checkpoint_interval = 10});
  ASSERT_OK(log->Commit(0, TestCreation(), 1));
  TableState state;
  state.version = -1;
  ApplyCommit(TestCreation(), state);
  for (int64_t version = 1; version <= 13; ++version) {
    const TableCommit commit = TestFlush(version, version);
    ASSERT_OK(log->Commit(version, commit, version));
    ApplyCommit(commit, state);
  }
  // Versions 10 to 12 were committed by somebody else.
  EXPECT_TRUE(log->WantsCheckpoint(13));
  ASSERT_OK(log->WriteCheckpoint(state, 13));
  EXPECT_FALSE(log->WantsCheckpoint(20));
  EXPECT_TRUE(log->WantsCheckpoint(23));
  const auto reopened = OpenTestLog(file_system, {.checkpoint_interval = 10});
  ASSERT_OK(reopened->Load());
  EXPECT_FALSE(reopened->WantsCheckpoint(20));
  EXPECT_TRUE(reopened->WantsCheckpoint(23));
}

TEST(TableLog, LoadsThatHaveEndedLeaveNothing) {
  TableState state;
  TableCommit commit;
  const std::string load = std::string(kLoadApplicationPrefix) + "0123456789abcdef";
  commit.transactions = {{load, 7}, {"somebody", 0}};
  ApplyCommit(commit, state);
  EXPECT_EQ(state.transactions, commit.transactions);
  commit.transactions = {{load, 0}};
  ApplyCommit(commit, state);
  EXPECT_EQ(state.transactions, (std::map<std::string, int64_t>{{"somebody", 0}}));
}

TEST(TableLog, LoadsFromACheckpointAndTheCommitsAfterIt) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 9);
  const auto log = OpenTestLog(file_system);
  ASSERT_OK(log->WriteCheckpoint(StateAt(6), 6 * kTestDay));
  for (int64_t version = 0; version <= 6; ++version) {
    ASSERT_OK(file_system.RemoveFile(CommitPath(kTestTable, version)));
  }
  ASSERT_OK_AND_ASSIGN(const TableState loaded, log->Load());
  EXPECT_EQ(WithoutDataChange(loaded), WithoutDataChange(StateAt(9)));
  EXPECT_TRUE(*log->Exists());
}

TEST(TableLog, TheHintIsWhatTheProtocolAsks) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 8);
  ASSERT_OK(OpenTestLog(file_system)->WriteCheckpoint(StateAt(8), 8 * kTestDay));
  const uint64_t bytes = *file_system.FileSize(CheckpointPath(kTestTable, 8));
  EXPECT_EQ(ReadText(file_system, LastCheckpointPath(kTestTable)),
            R"({"numOfAddFiles":5,"size":11,"sizeInBytes":)" + std::to_string(bytes) +
                R"(,"version":8})");
}

TEST(TableLog, TheHintDoesNotMatter) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 8);
  const auto log = OpenTestLog(file_system);
  ASSERT_OK(log->WriteCheckpoint(StateAt(6), 6 * kTestDay));
  for (const char* hint : {"{\"version\":3,\"size\":1}", "{\"version\":99}", "dam", ""}) {
    WriteTestFile(file_system, LastCheckpointPath(kTestTable), hint);
    EXPECT_EQ(log->Load()->version, 8);
  }
  ASSERT_OK(file_system.RemoveFile(LastCheckpointPath(kTestTable)));
  EXPECT_EQ(log->Load()->version, 8);
}

TEST(TableLog, ADamagedCheckpointIsPassedOver) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 8);
  const auto log = OpenTestLog(file_system);
  ASSERT_OK(log->WriteCheckpoint(StateAt(3), 3 * kTestDay));
  ASSERT_OK(log->WriteCheckpoint(StateAt(6), 6 * kTestDay));
  WriteTestFile(file_system, CheckpointPath(kTestTable, 6), "damaged");
  EXPECT_EQ(WithoutDataChange(*log->Load()), WithoutDataChange(StateAt(8)));
  // From the one of version 3.
  ASSERT_OK(file_system.RemoveFile(CommitPath(kTestTable, 2)));
  EXPECT_EQ(WithoutDataChange(*log->Load()), WithoutDataChange(StateAt(8)));
  WriteTestFile(file_system, CheckpointPath(kTestTable, 3), "damaged");
  EXPECT_STATUS(kCorruption, "00000000000000000002.json", log->Load());
  ASSERT_OK(file_system.RemoveFile(CommitPath(kTestTable, 0)));
  EXPECT_STATUS(kCorruption, "00000000000000000006.checkpoint.parquet", log->Load());
}

TEST(TableLog, CheckpointsInSeveralPartsAreNotNeeded) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 4);
  WriteTestFile(file_system,
                JoinPath(LogDirectory(kTestTable),
                         "00000000000000000003.checkpoint.0000000001.0000000002.parquet"),
                "");
  EXPECT_EQ(OpenTestLog(file_system)->Load()->version, 4);
}

TEST(TableLog, TombstonesExpireInCheckpoints) {
  MemoryFileSystem file_system;
  MakeTestTable(file_system, 20);
  const auto log = OpenTestLog(file_system);
  ASSERT_OK(log->WriteCheckpoint(StateAt(20), 20 * kTestDay));
  ASSERT_OK_AND_ASSIGN(const TableState loaded, log->Load());
  // Of the days 13 to 20.
  EXPECT_EQ(loaded.tombstones.size(), 8);
  EXPECT_EQ(loaded.files.size(), 5);
}

TEST(TableLog, ATableWithForeignRulesGetsNoCheckpointFromUs) {
  MemoryFileSystem file_system;
  TableState state = StateAt(3);
  state.protocol = {1, 7, {}, {"rowTracking"}};
  EXPECT_STATUS(kUnsupported, "rowTracking", OpenTestLog(file_system)->WriteCheckpoint(state, 0));
}

}  // namespace
}  // namespace viper::storage
