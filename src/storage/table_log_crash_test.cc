// Stops commits and checkpoints after every single operation that changes the file system. The
// table found afterwards is the one of the last acknowledged commit, or of the one that was on its
// way, and it goes on from there.

#include <vector>

#include "storage/table_test_log.h"

namespace viper::storage {
namespace {

constexpr int64_t kVersions = 9;
constexpr TableLogOptions kOptions{.checkpoint_interval = 4,
                                   .log_retention_ms = 2 * kTestDay,
                                   .tombstone_retention_ms = 1000 * kTestDay};

TableCommit CommitOf(int64_t version) {
  return version == 0 ? TestCreation() : TestFlush(version, version * kTestDay);
}

TableState StateAt(int64_t version) {
  TableState state;
  for (int64_t v = 0; v <= version; ++v) ApplyCommit(CommitOf(v), state);
  return state;
}

// Commits `state.version` + 1 to `newest`, with checkpoints. Returns the last version that was
// acknowledged.
int64_t WriteOn(MemoryFileSystem& file_system, TableState state, int64_t newest) {
  if (!CreateTestRoot(file_system).ok()) return state.version;
  const auto log = OpenTestLog(file_system, kOptions);
  while (state.version < newest) {
    const int64_t version = state.version + 1;
    const int64_t now = version * kTestDay;
    const TableCommit commit = CommitOf(version);
    if (const Status committed = log->Commit(version, commit, now); !committed.ok()) {
      EXPECT_TRUE(file_system.crashed()) << committed.ToString();
      return state.version;
    }
    ApplyCommit(commit, state);
    if (!log->WantsCheckpoint(version)) continue;
    if (const Status written = log->WriteCheckpoint(state, now); !written.ok()) {
      EXPECT_TRUE(file_system.crashed()) << written.ToString();
      return version;
    }
  }
  return state.version;
}

void CheckAndGoOn(MemoryFileSystem& image, int64_t acknowledged) {
  const auto log = OpenTestLog(image, kOptions);
  ASSERT_OK_AND_ASSIGN(const bool exists, log->Exists());
  TableState state;
  if (exists || acknowledged >= 0) {
    ASSERT_OK_AND_ASSIGN(state, log->Load());
  }
  ASSERT_GE(state.version, acknowledged);
  ASSERT_LE(state.version, acknowledged + 1);
  if (state.version >= 0) {
    EXPECT_EQ(WithoutDataChange(state), WithoutDataChange(StateAt(state.version)));
  }
  const int64_t newest = state.version + 2;
  ASSERT_EQ(WriteOn(image, state, newest), newest);
  ASSERT_OK_AND_ASSIGN(const TableState end, OpenTestLog(image, kOptions)->Load());
  EXPECT_EQ(WithoutDataChange(end), WithoutDataChange(StateAt(newest)));
}

TEST(TableLogCrash, EveryCutLeavesTheLastAcknowledgedVersionOrTheNext) {
  MemoryFileSystem whole;
  ASSERT_EQ(WriteOn(whole, TableState{}, kVersions), kVersions);
  const uint64_t operation_count = whole.OperationCount();
  ASSERT_GT(operation_count, 80);
  for (uint64_t operations = 0; operations < operation_count; ++operations) {
    MemoryFileSystem file_system;
    file_system.CrashAfter(operations);
    const int64_t acknowledged = WriteOn(file_system, TableState{}, kVersions);
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const CrashMode mode = seed == 0   ? CrashMode::kDropUnsynced
                             : seed == 1 ? CrashMode::kKeepAll
                                         : CrashMode::kRandomSubset;
      SCOPED_TRACE(::testing::Message() << "operations=" << operations << " seed=" << seed);
      const auto image = file_system.DurableImage(mode, seed);
      CheckAndGoOn(*image, acknowledged);
      if (::testing::Test::HasFailure()) {
        FAIL() << file_system.OperationLog();
      }
    }
  }
}

}  // namespace
}  // namespace viper::storage
