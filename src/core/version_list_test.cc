#include "core/version_list.h"

#include "core/collection_fixture.h"
#include "storage/file_names.h"
#include "testing/hooked_file_system.h"

namespace viper::core {
namespace {

class VersionListTest : public CollectionFixture {
 protected:
  void Write(int round) {
    clock_.AdvanceSeconds(10);
    ASSERT_OK(collection_->Upsert(At(std::to_string(round), static_cast<float>(round), 0)));
    ASSERT_OK(collection_->Flush());
  }
};

TEST_F(VersionListTest, TellsWhatMadeEachVersionAndWhatItHolds) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  for (int round = 0; round < 4; ++round) Write(round);
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 0, 0)}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Compact());
  ASSERT_OK_AND_ASSIGN(const auto versions, collection_->Versions());
  ASSERT_EQ(versions.size(), 8u);
  for (size_t i = 0; i < versions.size(); ++i) {
    EXPECT_EQ(versions[i].version, static_cast<int64_t>(i));
    ASSERT_OK_AND_ASSIGN(const Snapshot snapshot,
                         collection_->GetSnapshotOfVersion(versions[i].version));
    EXPECT_EQ(snapshot.Count().value(), versions[i].rows) << i;
  }
  EXPECT_EQ(versions[0].operation, "CREATE TABLE");
  EXPECT_EQ(versions[0].rows, 0u);
  EXPECT_EQ(versions[1].committed_at, Timestamp{1'700'000'010'000'000});
  EXPECT_EQ(versions[6].operation, "WRITE");
  EXPECT_EQ(versions[6].rows, 5u) << "a dead row is in no version after it died";
  EXPECT_EQ(versions[7].operation, "OPTIMIZE");
  EXPECT_EQ(versions[7].reason, "5 small files");
  EXPECT_EQ(versions[7].files_removed, 5u);
  EXPECT_EQ(versions[7].files, 1u);
}

TEST_F(VersionListTest, WhatIsVacuumedIsNotListedAndAskingForItNamesWhatIs) {
  Create();
  for (int round = 0; round < 5; ++round) Write(round);
  ASSERT_OK(collection_->Compact());
  ASSERT_OK(collection_->Vacuum({.retention_ms = 0}));
  ASSERT_OK_AND_ASSIGN(const auto versions, collection_->Versions());
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].version, 0) << "the empty table needs no file";
  EXPECT_EQ(versions[1].version, 6);
  EXPECT_STATUS(kNotFound, "kept are 2 versions, 0 (of 2023-11-14T22:13:20Z) to 6 (of",
                collection_->GetSnapshotOfVersion(3));
  EXPECT_STATUS(kNotFound, "kept are 2 versions", collection_->GetSnapshotOfVersion(99));
  EXPECT_STATUS(kNotFound, "kept are 2 versions",
                collection_->GetSnapshotOfTime(Timestamp{1'600'000'000'000'000}));
}

TEST_F(VersionListTest, VersionsAreKeptAsLongAsTheyAreToBeAlsoOverAReopening) {
  constexpr int64_t kDaySeconds = 24 * 3600;
  options_.retention_ms = 30 * kDaySeconds * 1000;
  options_.checkpoint_interval = 2;
  Create();
  for (int round = 0; round < 3; ++round) Write(round);
  const int64_t version = collection_->Versions().value().back().version;
  ASSERT_OK(collection_->Compact({.everything = true}));
  clock_.AdvanceSeconds(20 * kDaySeconds);
  for (int round = 3; round < 7; ++round) Write(round);
  ASSERT_OK(Reopen());
  EXPECT_TRUE(collection_->recovery().removed_files.empty());
  ASSERT_OK_AND_ASSIGN(const Snapshot snapshot, collection_->GetSnapshotOfVersion(version));
  EXPECT_EQ(snapshot.Count().value(), 3u);
}

TEST_F(VersionListTest, AWriterThatGoesOnMeanwhileLeavesNoEmptyList) {
  Create();
  for (int round = 0; round < 3; ++round) Write(round);
  HookedFileSystem hooked(files_);
  bool has_moved_on = false;
  hooked.open = [&](const std::string& path) {
    auto file = files_.OpenForRead(path);
    if (path == storage::CommitPath("/db/docs", 3) && !has_moved_on) {
      has_moved_on = true;
      EXPECT_OK(collection_->Compact({.everything = true}));
      EXPECT_OK(collection_->Vacuum({.retention_ms = 0}));
    }
    return file;
  };
  CollectionContext context;
  context.directory = "/db/docs";
  context.file_system = &hooked;
  const auto log = storage::TableLog::Make(hooked, context.directory, {});
  ASSERT_OK_AND_ASSIGN(const auto versions, ListVersions(context, *log));
  ASSERT_FALSE(versions.empty());
  EXPECT_EQ(versions.back().version, 4);
}

TEST_F(VersionListTest, BeginsWithTheOldestCheckpointOfALogThatWasCleaned) {
  options_.checkpoint_interval = 3;
  options_.retained_versions = 3;
  options_.retention_ms = 1'000'000'000;
  Create();
  for (int round = 0; round < 20; ++round) Write(round);
  ASSERT_OK_AND_ASSIGN(const auto versions, collection_->Versions());
  ASSERT_FALSE(versions.empty());
  EXPECT_EQ(versions.front().version, 15);
  EXPECT_EQ(versions.front().operation, "WRITE");
  EXPECT_EQ(versions.front().rows, 15u);
  EXPECT_EQ(versions.back().version, 20);
}

}  // namespace
}  // namespace viper::core
