#include "storage/log_cleanup.h"

#include <algorithm>

#include "storage/table_test_log.h"
#include "testing/hooked_file_system.h"

namespace viper::storage {
namespace {

// Versions 0 to 12, one a day, checkpoints at 4 and 8, and what Spark leaves beside a log.
void MakeLog(MemoryFileSystem& file_system) {
  const TableState state = MakeTestTable(file_system, 12);
  const auto log = OpenTestLog(file_system);
  for (const int64_t version : {4, 8}) {
    TableState at;
    for (int64_t v = 0; v <= version; ++v) {
      ApplyCommit(v == 0 ? TestCreation() : TestFlush(v, v * kTestDay), at);
    }
    ASSERT_OK(log->WriteCheckpoint(at, version * kTestDay));
  }
  for (const char* name : {"00000000000000000002.crc", ".00000000000000000002.json.crc",
                           "00000000000000000009.crc", "_something_else"}) {
    WriteTestFile(file_system, JoinPath(LogDirectory(kTestTable), name), "");
  }
}

std::vector<std::string> Names(FileSystem& file_system) {
  return *file_system.List(LogDirectory(kTestTable));
}

bool Has(FileSystem& file_system, const std::string& name) {
  const auto names = Names(file_system);
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST(LogCleanup, KeepsTheNewestExpiredCheckpointAndEverythingAfterIt) {
  MemoryFileSystem file_system;
  MakeLog(file_system);
  ASSERT_OK_AND_ASSIGN(const TableState before, OpenTestLog(file_system)->Load());
  ASSERT_OK(CleanExpiredLog(file_system, kTestTable, {.expired_before_ms = 10 * kTestDay}));
  for (int64_t version = 0; version <= 12; ++version) {
    EXPECT_EQ(Has(file_system, CommitName(version)), version >= 8) << version;
  }
  EXPECT_FALSE(Has(file_system, CheckpointName(4)));
  EXPECT_TRUE(Has(file_system, CheckpointName(8)));
  EXPECT_FALSE(Has(file_system, "00000000000000000002.crc"));
  EXPECT_FALSE(Has(file_system, ".00000000000000000002.json.crc"));
  EXPECT_TRUE(Has(file_system, "00000000000000000009.crc"));
  EXPECT_TRUE(Has(file_system, "_something_else"));
  ASSERT_OK_AND_ASSIGN(const TableState after, OpenTestLog(file_system)->Load());
  EXPECT_EQ(after, before);
}

TEST(LogCleanup, VersionsThatAreTooManyGoHoweverYoungTheyAre) {
  MemoryFileSystem file_system;
  MakeLog(file_system);
  ASSERT_OK(CleanExpiredLog(file_system, kTestTable, {.oldest_kept_version = 3}));
  EXPECT_TRUE(Has(file_system, CommitName(0))) << "no checkpoint can tell version 3";
  ASSERT_OK(CleanExpiredLog(file_system, kTestTable, {.oldest_kept_version = 7}));
  EXPECT_FALSE(Has(file_system, CommitName(3)));
  EXPECT_TRUE(Has(file_system, CheckpointName(4)));
  EXPECT_TRUE(Has(file_system, CommitName(4)));
  ASSERT_OK(CleanExpiredLog(file_system, kTestTable, {.oldest_kept_version = 8}));
  EXPECT_FALSE(Has(file_system, CommitName(7)));
  EXPECT_FALSE(Has(file_system, CheckpointName(4)));
  ASSERT_OK_AND_ASSIGN(const TableState state, OpenTestLog(file_system)->LoadVersion(8));
  EXPECT_EQ(state.version, 8);
}

TEST(LogCleanup, RemovesNothingWithoutAnExpiredCheckpoint) {
  MemoryFileSystem file_system;
  MakeLog(file_system);
  const auto before = Names(file_system);
  ASSERT_OK(CleanExpiredLog(file_system, kTestTable, {.expired_before_ms = 4 * kTestDay}));
  EXPECT_EQ(Names(file_system), before);
  ASSERT_OK(CleanExpiredLog(file_system, kTestTable, {.expired_before_ms = 4 * kTestDay + 1}));
  EXPECT_TRUE(Has(file_system, CommitName(4)));
  EXPECT_FALSE(Has(file_system, CommitName(3)));
}

TEST(LogCleanup, ADamagedCheckpointIsNotWhatIsKept) {
  MemoryFileSystem file_system;
  MakeLog(file_system);
  WriteTestFile(file_system, CheckpointPath(kTestTable, 8), "damaged");
  const auto before = Names(file_system);
  EXPECT_STATUS(kCorruption, "00000000000000000008.checkpoint.parquet",
                CleanExpiredLog(file_system, kTestTable, {.expired_before_ms = 10 * kTestDay}));
  EXPECT_EQ(Names(file_system), before);
}

TEST(LogCleanup, ACommitThatDoesNotSayItsTimeIsNew) {
  MemoryFileSystem file_system;
  MakeLog(file_system);
  for (const char* text : {R"({"txn":{"appId":"a","version":1}})", "damaged"}) {
    WriteTestFile(file_system, CommitPath(kTestTable, 4), text);
    const auto before = Names(file_system);
    ASSERT_OK(CleanExpiredLog(file_system, kTestTable, {.expired_before_ms = 10 * kTestDay}));
    EXPECT_EQ(Names(file_system), before);
  }
}

TEST(LogCleanup, StoppedAnywhereItLeavesAWholeTable) {
  for (uint64_t removals = 0; removals < 12; ++removals) {
    MemoryFileSystem file_system;
    MakeLog(file_system);
    ASSERT_OK_AND_ASSIGN(const TableState before, OpenTestLog(file_system)->Load());
    file_system.CrashAfter(removals);
    static_cast<void>(
        CleanExpiredLog(file_system, kTestTable, {.expired_before_ms = 10 * kTestDay}));
    // What can be travelled to is still one range of versions.
    const auto killed = file_system.DurableImage(CrashMode::kKeepAll);
    for (int64_t version = 1; version <= 12; ++version) {
      EXPECT_TRUE(!Has(*killed, CommitName(version - 1)) || Has(*killed, CommitName(version)))
          << "removals=" << removals << " version=" << version;
    }
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const auto image = file_system.DurableImage(
          seed == 0 ? CrashMode::kKeepAll : CrashMode::kRandomSubset, seed);
      ASSERT_OK_AND_ASSIGN(const TableState after, OpenTestLog(*image)->Load());
      EXPECT_EQ(after, before);
    }
  }
}

// Between the listing of the log and the reading of its files another process cleans it.
TEST(LogCleanup, WhoReadsOlderVersionsMeanwhileBeginsAgain) {
  constexpr LogRetention kRetention = {.expired_before_ms = 10 * kTestDay};
  for (int which = 0; which < 3; ++which) {
    MemoryFileSystem file_system;
    MakeLog(file_system);
    HookedFileSystem hooked(file_system);
    const std::string trigger =
        which == 0 ? CommitPath(kTestTable, 7) : CommitPath(kTestTable, which == 1 ? 5 : 3);
    bool is_cleaned = false;
    hooked.open = [&](const std::string& path) {
      if (path == trigger && !is_cleaned) {
        is_cleaned = true;
        EXPECT_OK(CleanExpiredLog(file_system, kTestTable, kRetention));
      }
      return file_system.OpenForRead(path);
    };
    const auto log = OpenTestLog(hooked);
    if (which == 0) {
      EXPECT_STATUS(kNotFound, "no version is that old", log->VersionAt(7 * kTestDay));
    } else if (which == 1) {
      EXPECT_STATUS(kNotFound, "oldest=8 newest=12 asked=6", log->LoadVersion(6));
    } else {
      std::vector<int64_t> visited;
      EXPECT_OK(log->VisitVersions([&](const TableState& state, const TableLog::Committed&) {
        visited.push_back(state.version);
        return Status::Ok();
      }));
      EXPECT_EQ(visited, (std::vector<int64_t>{0, 1, 2, 8, 9, 10, 11, 12}));
    }
    EXPECT_TRUE(is_cleaned);
  }
}

TEST(LogCleanup, WhatAVisitorRefusesIsNotTriedAgain) {
  MemoryFileSystem file_system;
  MakeLog(file_system);
  int visits = 0;
  EXPECT_STATUS(
      kNotFound, "not here",
      OpenTestLog(file_system)->VisitVersions([&](const TableState&, const TableLog::Committed&) {
        ++visits;
        return Status::NotFound("not here");
      }));
  EXPECT_EQ(visits, 1);
}

}  // namespace
}  // namespace viper::storage
