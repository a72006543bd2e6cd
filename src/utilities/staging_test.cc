#include "viper/staging.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "testing/manual_clock.h"
#include "testing/memory_file_system.h"
#include "testing/status_matchers.h"
#include "testing/temp_directory.h"

namespace viper {
namespace {

class Staging : public ::testing::Test {
 protected:
  Staging() { EXPECT_TRUE(files_.CreateDirectories("/data").ok()); }

  static Result<std::unique_ptr<StagingOperationsCoordinator>> MakeOn(FileSystem& files,
                                                                      const Clock& clock) {
    return StagingOperationsCoordinator::Make({{}, "/data/.staging", &files, &clock});
  }

  static Status Write(StagedOperation& operation, const std::string& name,
                      const std::string& text) {
    VIPER_ASSIGN_OR_RETURN(auto file, operation.CreateFile(name));
    VIPER_RETURN_IF_ERROR(file->Append(AsBytes(text)));
    return file->Close();
  }

  /// Everything below the target, by name; empty if there is no target.
  static std::vector<std::string> Found(FileSystem& files, const std::string& target) {
    std::vector<std::string> found;
    const auto names = files.List(target);
    if (!names.ok()) return found;
    for (const std::string& name : *names) {
      const auto map = files.Map(target + "/" + name);
      found.push_back(name + "=" + (map.ok() ? std::string(AsText((*map)->bytes())) : "?"));
    }
    return found;
  }

  MemoryFileSystem files_;
  ManualClock clock_{Timestamp{1'700'000'000'000'000}};
};

TEST_F(Staging, U35_ACommitGivesTheDirectoryItsName) {
  ASSERT_OK_AND_ASSIGN(auto coordinator, MakeOn(files_, clock_));
  ASSERT_OK_AND_ASSIGN(auto operation, coordinator->Begin("flush", "/data/target"));
  EXPECT_EQ(operation->state(), StagingState::kPreparing);
  ASSERT_OK(Write(*operation, "a", "one"));
  ASSERT_OK(Write(*operation, "b", "two"));
  EXPECT_EQ(operation->state(), StagingState::kWriting);
  EXPECT_TRUE(Found(files_, "/data/target").empty());
  ASSERT_OK(operation->Commit());
  EXPECT_EQ(operation->state(), StagingState::kCommitted);
  EXPECT_EQ(Found(files_, "/data/target"), (std::vector<std::string>{"a=one", "b=two"}));
  EXPECT_STATUS(kFailedPrecondition, "is over", operation->Commit());
  EXPECT_STATUS(kFailedPrecondition, "is over", operation->CreateFile("c"));
  const auto told = coordinator->Operations();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, "flush");
  EXPECT_EQ(told[0].files, 2u);
  EXPECT_EQ(told[0].error, std::nullopt);
}

TEST_F(Staging, U35_AbortedOrForgottenOperationsLeaveNothing) {
  ASSERT_OK_AND_ASSIGN(auto coordinator, MakeOn(files_, clock_));
  std::set<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    ASSERT_OK_AND_ASSIGN(auto operation, coordinator->Begin("migration", "/data/target"));
    ids.insert(operation->id());
    ASSERT_OK(Write(*operation, "a", "one"));
    if (i % 2 == 0) {
      ASSERT_OK(operation->Abort());
    }
  }
  EXPECT_EQ(ids.size(), 4u);
  ASSERT_OK_AND_ASSIGN(const auto left, files_.List("/data/.staging"));
  EXPECT_EQ(left, std::vector<std::string>{"LOCK"});
  for (const auto& told : coordinator->Operations()) EXPECT_EQ(told.state, StagingState::kAborted);
}

TEST_F(Staging, U35_ATakenTargetIsLeftAlone) {
  ASSERT_OK_AND_ASSIGN(auto coordinator, MakeOn(files_, clock_));
  ASSERT_OK(files_.CreateDirectories("/data/target"));
  ASSERT_OK_AND_ASSIGN(auto operation, coordinator->Begin("flush", "/data/target"));
  ASSERT_OK(Write(*operation, "a", "one"));
  EXPECT_STATUS(kAlreadyExists, "/data/target", operation->Commit());
  EXPECT_EQ(operation->state(), StagingState::kFailed);
  EXPECT_TRUE(Found(files_, "/data/target").empty());
  ASSERT_OK_AND_ASSIGN(const auto left, files_.List("/data/.staging"));
  EXPECT_EQ(left, std::vector<std::string>{"LOCK"});
}

TEST_F(Staging, BadNamesAndTargetsAreRefused) {
  ASSERT_OK_AND_ASSIGN(auto coordinator, MakeOn(files_, clock_));
  EXPECT_STATUS(kInvalidArgument, "kind", coordinator->Begin("", "/data/target"));
  EXPECT_STATUS(kInvalidArgument, "outside", coordinator->Begin("flush", ""));
  for (const char* target :
       {"/data/.staging/x", "/data/.staging", "/data/.staging/", "//data/./.staging/x",
        "/data/other/../.staging/x", "/data/.staging/x/../../.staging"}) {
    EXPECT_STATUS(kInvalidArgument, "outside", coordinator->Begin("flush", target));
  }
  EXPECT_OK(coordinator->Begin("flush", "/data/.staging2"));
  EXPECT_OK(coordinator->Begin("flush", "/data/.staging/../target"));
  ASSERT_OK_AND_ASSIGN(auto operation, coordinator->Begin("flush", "/data/target"));
  for (const char* name : {"", ".", "..", "a/b", "../x"}) {
    EXPECT_STATUS(kInvalidArgument, "slash", operation->CreateFile(name));
  }
  EXPECT_STATUS(kBusy, "", MakeOn(files_, clock_));
  EXPECT_STATUS(kInvalidArgument, "empty", StagingOperationsCoordinator::Make({}));
}

TEST_F(Staging, U35_PathsMayEndWithASlash) {
  ASSERT_OK_AND_ASSIGN(auto coordinator, StagingOperationsCoordinator::Make(
                                             {{}, "/data/.staging/", &files_, &clock_}));
  EXPECT_STATUS(kInvalidArgument, "outside", coordinator->Begin("flush", "/data/.staging/x"));
  ASSERT_OK_AND_ASSIGN(auto operation, coordinator->Begin("flush", "/data/target/"));
  ASSERT_OK(Write(*operation, "a", "one"));
  ASSERT_OK(operation->Commit());
  EXPECT_EQ(coordinator->Operations()[0].target, "/data/target");
  // Durable: it is the target's own parent that was synced.
  ASSERT_OK(files_.SyncDirectory("/"));
  const auto image = files_.DurableImage(CrashMode::kDropUnsynced);
  EXPECT_EQ(Found(*image, "/data/target"), std::vector<std::string>{"a=one"});
}

/// Whichever step fails: an operation that has failed left no target, also after a power loss.
TEST_F(Staging, U35_WhatFailsAfterTheRenameIsTakenBack) {
  ASSERT_OK(files_.SyncDirectory("/"));
  ASSERT_OK_AND_ASSIGN(auto coordinator, MakeOn(files_, clock_));
  // Syncs of the operation's directory, of the staging directory and of the target's parent.
  for (uint64_t skip = 0; skip < 3; ++skip) {
    for (const bool renames_back : {true, false}) {
      ASSERT_OK_AND_ASSIGN(auto operation, coordinator->Begin("flush", "/data/target"));
      ASSERT_OK(Write(*operation, "a", "one"));
      files_.InjectFault({.operation = FileOperation::kSyncDirectory, .skip = skip});
      if (!renames_back) files_.InjectFault({.operation = FileOperation::kRename, .skip = 1});
      EXPECT_STATUS(kIoError, "", operation->Commit());
      files_.ClearFaults();
      EXPECT_EQ(operation->state(), StagingState::kFailed);
      EXPECT_FALSE(*files_.Exists("/data/target")) << skip;
      ASSERT_OK_AND_ASSIGN(const auto left, files_.List("/data/.staging"));
      EXPECT_EQ(left, std::vector<std::string>{"LOCK"}) << skip;
      for (uint64_t seed = 0; seed < 4; ++seed) {
        const auto image = files_.DurableImage(CrashMode::kRandomSubset, seed);
        EXPECT_FALSE(*image->Exists("/data/target")) << skip << " " << seed;
      }
    }
  }
  ASSERT_OK_AND_ASSIGN(auto operation, coordinator->Begin("flush", "/data/target"));
  ASSERT_OK(Write(*operation, "a", "two"));
  ASSERT_OK(operation->Commit());
  EXPECT_EQ(Found(files_, "/data/target"), std::vector<std::string>{"a=two"});
}

TEST_F(Staging, U35_WhatIsOlderThanTheLimitIsRemovedWhileRunning) {
  ASSERT_OK_AND_ASSIGN(auto coordinator, MakeOn(files_, clock_));
  ASSERT_OK_AND_ASSIGN(auto old, coordinator->Begin("flush", "/data/old"));
  ASSERT_OK(Write(*old, "a", "one"));
  clock_.AdvanceSeconds(20 * 3600);
  ASSERT_OK_AND_ASSIGN(auto young, coordinator->Begin("flush", "/data/young"));
  ASSERT_OK(Write(*young, "a", "one"));
  ASSERT_OK_AND_ASSIGN(uint64_t removed, coordinator->RemoveOld());
  EXPECT_EQ(removed, 0u);
  clock_.AdvanceSeconds(5 * 3600);
  ASSERT_OK_AND_ASSIGN(removed, coordinator->RemoveOld());
  EXPECT_EQ(removed, 1u);
  EXPECT_EQ(old->state(), StagingState::kFailed);
  ASSERT_OK_AND_ASSIGN(const bool exists, files_.Exists(old->directory()));
  EXPECT_FALSE(exists);
  EXPECT_STATUS(kFailedPrecondition, "is over", old->Commit());
  ASSERT_OK(young->Commit());
  EXPECT_NE(coordinator->Operations()[0].error->find("older"), std::string::npos);
}

/// Power lost after any step: the target is whole or absent, and if the commit returned it is
/// there; the next one finds an empty staging directory.
TEST_F(Staging, U35_T12_T13_PowerLossAnywhereLeavesAllOrNothing) {
  const std::vector<std::string> whole = {"a=one", "b=two"};
  const auto run = [&](FileSystem& files) -> Status {
    VIPER_ASSIGN_OR_RETURN(auto coordinator, MakeOn(files, clock_));
    VIPER_ASSIGN_OR_RETURN(auto operation, coordinator->Begin("flush", "/data/target"));
    VIPER_RETURN_IF_ERROR(Write(*operation, "a", "one"));
    VIPER_RETURN_IF_ERROR(Write(*operation, "b", "two"));
    return operation->Commit();
  };
  const auto prepare = [](MemoryFileSystem& files) {
    EXPECT_OK(files.CreateDirectories("/data"));
    EXPECT_OK(files.SyncDirectory("/"));
  };
  MemoryFileSystem reference;
  prepare(reference);
  const uint64_t before = reference.OperationCount();
  ASSERT_OK(run(reference));
  const uint64_t steps = reference.OperationCount() - before;
  ASSERT_GT(steps, 10u);
  uint64_t whole_count = 0;
  for (uint64_t cut = 0; cut <= steps; ++cut) {
    MemoryFileSystem files;
    prepare(files);
    files.CrashAfter(cut);
    const bool is_done = run(files).ok();
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const auto image = files.DurableImage(CrashMode::kRandomSubset, seed);
      const auto found = Found(*image, "/data/target");
      EXPECT_TRUE(found == whole || (found.empty() && !is_done)) << cut << "\n"
                                                                 << files.OperationLog();
      whole_count += found == whole ? 1 : 0;
      ASSERT_OK_AND_ASSIGN(auto coordinator, MakeOn(*image, clock_));
      ASSERT_OK_AND_ASSIGN(const auto left, image->List("/data/.staging"));
      EXPECT_EQ(left, std::vector<std::string>{"LOCK"});
      EXPECT_EQ(Found(*image, "/data/target"), found);
    }
  }
  EXPECT_GT(whole_count, 0u);
}

/// And nothing else: the directory may be one that somebody keeps other things in.
TEST_F(Staging, U35_OnARealDiskLeftoversAreRemoved) {
  TempDirectory directory;
  std::string left_name;
  {
    ASSERT_OK_AND_ASSIGN(auto coordinator,
                         StagingOperationsCoordinator::Make({{}, directory / "staging"}));
    ASSERT_OK_AND_ASSIGN(auto operation, coordinator->Begin("flush", directory / "target"));
    ASSERT_OK(Write(*operation, "a", "one"));
    ASSERT_OK(operation->Commit());
    EXPECT_EQ(Found(FileSystem::Local(), directory / "target"), std::vector<std::string>{"a=one"});
    left_name = operation->id();
    const std::string relative = std::filesystem::relative(directory / "staging/x").string();
    EXPECT_STATUS(kInvalidArgument, "outside", coordinator->Begin("flush", relative));
  }
  ASSERT_OK(FileSystem::Local().CreateDirectories(directory / ("staging/" + left_name)));
  ASSERT_OK(FileSystem::Local().CreateFile(directory / ("staging/" + left_name + "/file")));
  std::vector<std::string> kept = {"LOCK", "file"};
  ASSERT_OK(FileSystem::Local().CreateFile(directory / "staging/file"));
  for (const std::string& name : {std::string("photos"), left_name.substr(7), left_name + "0",
                                  std::string("staged-by-hand")}) {
    ASSERT_OK(FileSystem::Local().CreateDirectories(directory / ("staging/" + name)));
    kept.push_back(name);
  }
  std::sort(kept.begin(), kept.end());
  ASSERT_OK_AND_ASSIGN(auto coordinator,
                       StagingOperationsCoordinator::Make({{}, directory / "staging"}));
  EXPECT_EQ(coordinator->removed_leftovers(), 1u);
  ASSERT_OK_AND_ASSIGN(const auto left, FileSystem::Local().List(directory / "staging"));
  EXPECT_EQ(left, kept);
}

}  // namespace
}  // namespace viper
