/// Who opens a table with short retentions of their own takes nothing from one that says how long
/// it is kept.

#include "core/retention.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "core/collection_fixture.h"
#include "storage/file_names.h"
#include "storage/table_log.h"

namespace viper::core {
namespace {

constexpr char kRetained[] = "/db/docs";
constexpr const char* kFilesDuration = "delta.deletedFileRetentionDuration";
constexpr const char* kLogDuration = "delta.logRetentionDuration";
constexpr int64_t kHourSeconds = 3600;
constexpr int64_t kWeekMs = int64_t{7} * 24 * 3600 * 1000;

class RetentionTest : public CollectionFixture {
 protected:
  /// A collection that others keep too little of: nothing for age, one version, each log file.
  void CreateKept(std::optional<int64_t> retention_ms) {
    options_.retention_ms = 0;
    options_.retained_versions = 1;
    options_.checkpoint_interval = 2;
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    ASSERT_OK_AND_ASSIGN(collection_,
                         engine.CreateCollection("docs", Schema(), {.retention_ms = retention_ms}));
  }

  /// Replace the one record `rounds` times, an hour and a version each.
  void Write(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      clock_.AdvanceSeconds(kHourSeconds);
      ASSERT_OK(collection_->Upsert(At("a", static_cast<float>(++written_), 0)));
      ASSERT_OK(collection_->Flush());
    }
  }

  std::unique_ptr<storage::TableLog> Log() {
    return storage::TableLog::Make(files_, kRetained, {});
  }

  /// Have another engine change the table's properties; empty texts are no property.
  void SetByOther(const std::string& files, const std::string& log) {
    ASSERT_OK_AND_ASSIGN(const auto table, Log()->Load());
    storage::TableCommit commit;
    commit.operation = "SET TBLPROPERTIES";
    commit.metadata = table.metadata;
    auto& configuration = commit.metadata->configuration;
    for (const auto& [name, text] : {std::pair(kFilesDuration, files), {kLogDuration, log}}) {
      configuration.erase(name);
      if (!text.empty()) configuration[name] = text;
    }
    ASSERT_OK(Log()->Commit(table.version + 1, commit, clock_.Now().micros / 1000));
  }

  std::map<std::string, std::string> Configuration() {
    auto table = Log()->Load();
    EXPECT_OK(table);
    return table->metadata.configuration;
  }

  size_t Kept() {
    auto versions = collection_->Versions();
    EXPECT_OK(versions);
    return versions.ok() ? versions->size() : 0;
  }

  /// Version `version` is read as it was: each holds what its own number of writes left.
  void CheckReads(int64_t version) {
    ASSERT_OK_AND_ASSIGN(const Snapshot snapshot, collection_->GetSnapshotOfVersion(version));
    EXPECT_EQ(snapshot.Get("a").value().vector[0], static_cast<float>(version));
  }

  int written_ = 0;
};

TEST_F(RetentionTest, WithoutAPropertyTheOptionsOfWhoOpensCount) {
  CreateKept(std::nullopt);
  Write(8);
  ASSERT_OK_AND_ASSIGN(const VacuumReport report, collection_->Vacuum());
  EXPECT_EQ(report.files.size(), 7u);
  EXPECT_STATUS(kNotFound, "kept are 1 versions", collection_->GetSnapshotOfVersion(3));
}

TEST_F(RetentionTest, ATableThatSaysItIsKeptWhoeverOpensIt) {
  CreateKept(kWeekMs);
  Write(40);
  for (int opening = 0; opening < 2; ++opening) {
    ASSERT_OK_AND_ASSIGN(const VacuumReport report, collection_->Vacuum());
    EXPECT_TRUE(report.files.empty());
    EXPECT_EQ(Kept(), 41u) << "more than retained_versions, and the one without files";
    for (const int64_t version : {1, 20, 40}) CheckReads(version);
    ASSERT_OK(Reopen());
    EXPECT_TRUE(collection_->recovery().removed_files.empty());
  }
  clock_.AdvanceSeconds(kWeekMs / 1000 - 20 * kHourSeconds);
  // What the twenty-first and all before it replaced is a week old now.
  ASSERT_OK_AND_ASSIGN(const VacuumReport report, collection_->Vacuum());
  EXPECT_EQ(report.files.size(), 19u);
  CheckReads(20);
  EXPECT_STATUS(kNotFound, "kept are", collection_->GetSnapshotOfVersion(19));
}

TEST_F(RetentionTest, TheLogGoesWithTheFilesAndNotForever) {
  CreateKept(kWeekMs);
  Write(10);
  EXPECT_TRUE(*files_.Exists(storage::CommitPath(kRetained, 0)));
  clock_.AdvanceSeconds(kWeekMs / 1000);
  Write(2);
  EXPECT_FALSE(*files_.Exists(storage::CommitPath(kRetained, 0)));
  ASSERT_OK(collection_->Vacuum());
  CheckReads(10);
}

TEST_F(RetentionTest, AVersionIsReadAfterAnotherOpenerHasFlushedAndCompacted) {
  options_.background_compaction = false;
  CreateKept(kWeekMs);
  Write(3);
  for (int round = 0; round < 6; ++round) {
    ASSERT_OK(Reopen());
    clock_.AdvanceSeconds(kHourSeconds);
    ASSERT_OK(collection_->Upsert(At("b" + std::to_string(round), 0, 0)));
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->Compact({.everything = true}));
    ASSERT_OK(collection_->Vacuum());
    for (const int64_t version : {1, 2, 3}) CheckReads(version);
  }
}

TEST_F(RetentionTest, AShorterPropertyThanTheOptionsCountsToo) {
  CreateKept(1000);
  options_.retention_ms = kWeekMs;
  options_.retained_versions = 1000;
  ASSERT_OK(Reopen());
  Write(5);
  clock_.AdvanceSeconds(1);
  ASSERT_OK_AND_ASSIGN(const VacuumReport report, collection_->Vacuum());
  EXPECT_EQ(report.files.size(), 4u);
}

TEST_F(RetentionTest, AVacuumThatWouldKeepLessIsRefusedByBothNumbers) {
  CreateKept(kWeekMs);
  Write(3);
  for (const bool dry_run : {true, false}) {
    EXPECT_STATUS(kFailedPrecondition, "property=604800000 ms asked=604799999 ms",
                  collection_->Vacuum({.retention_ms = kWeekMs - 1, .dry_run = dry_run}));
    EXPECT_STATUS(kFailedPrecondition, "change its property retention_ms first",
                  collection_->Vacuum({.retention_ms = 0, .dry_run = dry_run}));
  }
  ASSERT_OK_AND_ASSIGN(VacuumReport report, collection_->Vacuum({.retention_ms = kWeekMs}));
  EXPECT_TRUE(report.files.empty());
  clock_.AdvanceSeconds(kWeekMs / 1000);
  // It may keep more.
  ASSERT_OK_AND_ASSIGN(report, collection_->Vacuum({.retention_ms = 2 * kWeekMs}));
  EXPECT_TRUE(report.files.empty());
  ASSERT_OK(collection_->SetProperties({}));
  ASSERT_OK_AND_ASSIGN(report, collection_->Vacuum({.retention_ms = 0}));
  EXPECT_EQ(report.files.size(), 2u);
}

TEST_F(RetentionTest, APropertyThatAnotherProcessSetsIsSeenBeforeAnythingIsRemoved) {
  CreateKept(std::nullopt);
  Write(3);
  SetByOther("interval 1 week", "");
  ASSERT_OK_AND_ASSIGN(const VacuumReport report, collection_->Vacuum());
  EXPECT_TRUE(report.files.empty());
  EXPECT_EQ(collection_->Properties().retention_ms, kWeekMs);
  CheckReads(1);
}

TEST_F(RetentionTest, ACheckpointGoesByThePropertyThatAnotherProcessSet) {
  CreateKept(std::nullopt);
  Write(3);
  SetByOther("interval 1 week", "");
  clock_.AdvanceSeconds(5 * kHourSeconds);
  for (int round = 0; round < 6; ++round) {
    ASSERT_OK(collection_->Upsert(At("b", static_cast<float>(round), 0)));
    ASSERT_OK(collection_->Flush());
  }
  EXPECT_TRUE(*files_.Exists(storage::CommitPath(kRetained, 0)));
  CheckReads(3);
}

TEST_F(RetentionTest, TheLogFollowsItsOwnPropertyWhereThatIsLonger) {
  CreateKept(1000);
  SetByOther("interval 1 second", "interval 1 week");
  Write(9);
  EXPECT_EQ(collection_->Properties().retention_ms, 1000);
  EXPECT_TRUE(*files_.Exists(storage::CommitPath(kRetained, 0)));
  ASSERT_OK_AND_ASSIGN(const VacuumReport report, collection_->Vacuum({.retention_ms = 1000}));
  EXPECT_EQ(report.files.size(), 7u);
}

TEST_F(RetentionTest, ALogThatIsToGoBeforeTheFilesStaysWithThem) {
  CreateKept(std::nullopt);
  SetByOther("interval 1 week", "interval 1 second");
  written_ = 1;  // that of the other was a version
  Write(9);
  for (const int64_t version : {2, 5, 10}) CheckReads(version);
}

TEST_F(RetentionTest, FilesThatAreKeptForLongAreNoLeftoversToALaterOpener) {
  CreateKept(4 * kWeekMs);
  Write(3);
  clock_.AdvanceSeconds(2 * kWeekMs / 1000);
  Write(4);  // and a checkpoint after them, whose tombstones are all that names the old files
  clock_.AdvanceSeconds(kWeekMs / 1000);
  for (int opening = 0; opening < 2; ++opening) {
    ASSERT_OK(Reopen());
    EXPECT_TRUE(collection_->recovery().removed_files.empty());
    for (const int64_t version : {1, 2, 7}) CheckReads(version);
  }
}

TEST_F(RetentionTest, ATextThatIsNoIntervalKeepsEverythingAndIsTold) {
  for (const char* text : {"a while", "interval 1 month", "interval -1 day", ""}) {
    const bool is_log_only = std::string(text).empty();
    CreateKept(std::nullopt);
    SetByOther(text, is_log_only ? "soon" : "");
    const std::string told = is_log_only ? "delta.logRetentionDuration='soon'"
                                         : std::string(kFilesDuration) + "='" + text + "'";
    written_ = 1;  // that of the other was a version
    ASSERT_OK(collection_->Refresh());
    EXPECT_NE(log_.find(told), std::string::npos) << log_;
    log_.clear();
    ASSERT_OK(Reopen());
    EXPECT_NE(log_.find(told), std::string::npos) << log_;
    Write(6);
    clock_.AdvanceSeconds(10'000 * kHourSeconds);
    Write(6);
    EXPECT_TRUE(*files_.Exists(storage::CommitPath(kRetained, 0)));
    ASSERT_OK_AND_ASSIGN(const VacuumReport report, collection_->Vacuum());
    if (!is_log_only) {
      EXPECT_TRUE(report.files.empty());
      EXPECT_EQ(collection_->Properties().retention_ms, kRetentionMsMax);
      CheckReads(2);
    }
    collection_.reset();
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    ASSERT_OK(engine.DropCollection("docs"));
  }
}

TEST_F(RetentionTest, TheWordsOfOthersOutliveOurCommitsOfOtherProperties) {
  CreateKept(std::nullopt);
  SetByOther("7 Days", "a while");
  ASSERT_OK(collection_->Refresh());
  CollectionProperties properties = collection_->Properties();
  EXPECT_EQ(properties.retention_ms, kWeekMs);
  properties.default_ttl_ms = kWeekMs;
  ASSERT_OK(collection_->SetProperties(properties));
  ASSERT_OK(collection_->AddFields(std::vector<Field>{{"more", FieldType::kInt64}}));
  Write(3);
  EXPECT_EQ(Configuration().at(kFilesDuration), "7 Days");
  EXPECT_EQ(Configuration().at(kLogDuration), "a while");
  EXPECT_EQ(Configuration().at("viper.default_ttl_ms"), "604800000");
  properties.retention_ms = 5000;
  ASSERT_OK(collection_->SetProperties(properties));
  EXPECT_EQ(Configuration().at(kFilesDuration), "interval 5000 milliseconds");
  EXPECT_EQ(Configuration().at(kLogDuration), "interval 5000 milliseconds");
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->Properties(), properties);
  properties.retention_ms.reset();
  ASSERT_OK(collection_->SetProperties(properties));
  EXPECT_FALSE(Configuration().contains(kFilesDuration));
  EXPECT_FALSE(Configuration().contains(kLogDuration));
}

TEST_F(RetentionTest, WhatIsOutOfRangeIsRefusedByName) {
  CreateKept(std::nullopt);
  EXPECT_STATUS(kInvalidArgument, "retention_ms is out of range: min=0",
                collection_->SetProperties({.retention_ms = -1}));
  EXPECT_STATUS(kInvalidArgument, "actual=3155760000001",
                collection_->SetProperties({.retention_ms = kRetentionMsMax + 1}));
  ASSERT_OK(collection_->SetProperties({.retention_ms = kRetentionMsMax}));
  ASSERT_OK(collection_->SetProperties({.retention_ms = 0}));
  Write(3);
  ASSERT_OK_AND_ASSIGN(const VacuumReport report, collection_->Vacuum({.retention_ms = 0}));
  EXPECT_EQ(report.files.size(), 2u);
}

}  // namespace
}  // namespace viper::core
