#include <memory>
#include <utility>

#include "core/collection_fixture.h"
#include "storage/table_log.h"

namespace viper::core {
namespace {

constexpr char kDocs[] = "/db/docs";
constexpr int64_t kSecond = 1'000'000;

class CollectionPropertiesTest : public CollectionFixture {
 protected:
  void CreateWithTtl(int64_t ttl_ms) {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
    ASSERT_OK_AND_ASSIGN(collection_,
                         engine.CreateCollection("docs", Schema(), {.default_ttl_ms = ttl_ms}));
  }

  std::unique_ptr<storage::TableLog> Log() { return storage::TableLog::Make(files_, kDocs, {}); }

  bool IsThere(const std::string& id) { return collection_->Get(id).ok(); }
};

TEST_F(CollectionPropertiesTest, TheDefaultExpiryIsExactToTheMicrosecondForEveryKindOfWrite) {
  CreateWithTtl(1000);
  ASSERT_OK(collection_->Upsert(At("upserted", 0, 0)));
  ASSERT_OK(collection_->Insert(At("inserted", 1, 0)));
  ASSERT_OK(collection_->Replace(At("inserted", 2, 0)));
  RecordBatch batch;
  batch.ids = {"loaded"};
  batch.vectors = {3, 0};
  OneBatch source(std::move(batch));
  ASSERT_OK(collection_->Load(source));
  EXPECT_EQ(collection_->Get("loaded")->expires_at, Timestamp{clock_.Now().micros + kSecond});
  clock_.AdvanceMicros(kSecond - 1);
  EXPECT_EQ(Count(), 3u);
  EXPECT_EQ(Nearest(0, 0).size(), 3u);
  clock_.AdvanceMicros(1);
  EXPECT_EQ(Count(), 0u);
  EXPECT_TRUE(Nearest(0, 0).empty());
}

TEST_F(CollectionPropertiesTest, C10_UndeclaredKeysAreRefusedByEveryKindOfWriteWhereTheyAreToBe) {
  Create();
  Record loose = At("old", 0, 0);
  loose.metadata["yeer"] = int64_t{1};
  ASSERT_OK(collection_->Upsert(loose));
  ASSERT_OK(collection_->SetProperties({.undeclared_keys = UndeclaredKeys::kRefuse}));
  for (int opening = 0; opening < 2; ++opening) {
    loose.id = "new";
    EXPECT_STATUS(kInvalidArgument, "'yeer'", collection_->Upsert(loose));
    EXPECT_STATUS(kInvalidArgument, "did you mean 'year'?", collection_->Insert(loose));
    loose.id = "old";
    EXPECT_STATUS(kInvalidArgument, "record 0 (id 'old')", collection_->Replace(loose));
    RecordBatch batch;
    batch.ids = {"loaded"};
    batch.vectors = {3, 0};
    batch.metadata = {{{"other", true}}};
    OneBatch source(std::move(batch));
    EXPECT_STATUS(kInvalidArgument, "'other'", collection_->Load(source));
    EXPECT_STATUS(
        kInvalidArgument, "'other'",
        collection_->UpdateMetadata(std::vector<std::string>{"old"}, {.set = {{"other", true}}}));
    EXPECT_EQ(Count(), 1u);
    // What is declared goes on, and what records have stays.
    ASSERT_OK(collection_->UpdateMetadata(std::vector<std::string>{"old"},
                                          {.set = {{"year", int64_t{1999}}}}));
    EXPECT_EQ(collection_->Get("old")->metadata.at("yeer"), Value(int64_t{1}));
    ASSERT_OK(Reopen());
    EXPECT_EQ(collection_->Properties().undeclared_keys, UndeclaredKeys::kRefuse);
  }
  ASSERT_OK(collection_->AddFields(std::vector<Field>{{"yeer", FieldType::kInt64}}));
  ASSERT_OK(collection_->Upsert(loose));
  ASSERT_OK(collection_->SetProperties({}));
  loose.metadata["other"] = true;
  ASSERT_OK(collection_->Upsert(loose));
}

TEST_F(CollectionPropertiesTest, AnExpiryOfItsOwnAndNeverWinOverTheDefault) {
  CreateWithTtl(1000);
  Record own = At("own", 0, 0);
  own.expires_at = Timestamp{clock_.Now().micros + 5 * kSecond};
  Record never = At("never", 0, 0);
  never.expires_at = Timestamp::Never();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{own, never, At("default", 0, 0)}));
  for (int opening = 0; opening < 3; ++opening) {
    EXPECT_EQ(collection_->Get("never")->expires_at, std::nullopt);
    EXPECT_EQ(collection_->Get("own")->expires_at, own.expires_at);
    if (opening == 1) {
      ASSERT_OK(collection_->Flush());
    }
    ASSERT_OK(Reopen());
  }
  clock_.AdvanceSeconds(2);
  EXPECT_EQ(Count(), 2u);
  clock_.AdvanceSeconds(1'000'000'000);
  EXPECT_TRUE(IsThere("never"));
  EXPECT_EQ(Count(), 1u);
}

TEST_F(CollectionPropertiesTest, AChangeIsOneCommitAndHoldsForWhatIsWrittenAfterIt) {
  Create();
  EXPECT_EQ(collection_->Properties(), CollectionProperties{});
  ASSERT_OK(collection_->Upsert(At("before", 0, 0)));
  ASSERT_OK(collection_->SetProperties({.default_ttl_ms = 2000}));
  ASSERT_OK(collection_->SetProperties({.default_ttl_ms = 2000}));
  ASSERT_OK_AND_ASSIGN(const auto commits, Log()->ReadAfter(0));
  ASSERT_EQ(commits.size(), 1u) << "and none for what it has already";
  EXPECT_EQ(commits[0].operation, "SET TBLPROPERTIES");
  EXPECT_EQ(commits[0].metadata->configuration.at("viper.default_ttl_ms"), "2000");
  ASSERT_OK(collection_->Upsert(At("after", 0, 0)));
  // The log has the times that the writes got, not the properties.
  ASSERT_OK(collection_->SetProperties({}));
  ASSERT_OK_AND_ASSIGN(const auto table, Log()->Load());
  EXPECT_FALSE(table.metadata.configuration.contains("viper.default_ttl_ms"));
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->recovery().replayed_records, 2u);
  EXPECT_EQ(collection_->Get("before")->expires_at, std::nullopt);
  EXPECT_EQ(collection_->Get("after")->expires_at, Timestamp{clock_.Now().micros + 2 * kSecond});
}

TEST_F(CollectionPropertiesTest, UpdatesOfMetadataKeepTheExpiryThatTheRecordHas) {
  CreateWithTtl(1000);
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  const auto expires_at = collection_->Get("a")->expires_at;
  clock_.AdvanceMicros(kSecond / 2);
  const std::vector<std::string> ids = {"a"};
  ASSERT_OK(collection_->UpdateMetadata(ids, {.set = {{"year", 1}}}));
  EXPECT_EQ(collection_->Get("a")->expires_at, expires_at);
}

TEST_F(CollectionPropertiesTest, DeletionVectorsAndTheirFoldingKeepTheProperties) {
  options_.delete_mode = DeleteMode::kVectors;
  CreateWithTtl(3'600'000);
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 0, 0)}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Compact({.fold_deletion_vectors = true}));
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->Properties().default_ttl_ms, 3'600'000);
}

TEST_F(CollectionPropertiesTest, AChangeByAnotherWriterIsSeen) {
  Create();
  EngineOptions reading = options_;
  reading.read_only = true;
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", reading));
  ASSERT_OK_AND_ASSIGN(const auto reader, engine.OpenCollection("docs"));
  EXPECT_STATUS(kFailedPrecondition, "read-only", reader->SetProperties({.default_ttl_ms = 1}));
  ASSERT_OK(collection_->SetProperties({.default_ttl_ms = 7000}));
  EXPECT_EQ(reader->Properties().default_ttl_ms, 0);
  ASSERT_OK(reader->Refresh());
  EXPECT_EQ(reader->Properties().default_ttl_ms, 7000);

  ASSERT_OK_AND_ASSIGN(const auto table, Log()->Load());
  storage::TableCommit commit;
  commit.operation = "SET TBLPROPERTIES";
  commit.metadata = table.metadata;
  commit.metadata->configuration["viper.default_ttl_ms"] = "9000";
  ASSERT_OK(Log()->Commit(table.version + 1, commit, 1));
  // Between the other's commit and ours there is one conflict.
  ASSERT_OK(collection_->SetProperties({.default_ttl_ms = 8000}));
  EXPECT_EQ(collection_->Properties().default_ttl_ms, 8000);
  ASSERT_OK_AND_ASSIGN(const auto after, Log()->Load());
  EXPECT_EQ(after.version, table.version + 2);
  commit.metadata = after.metadata;
  commit.metadata->configuration["viper.default_ttl_ms"] = "9000";
  ASSERT_OK(Log()->Commit(after.version + 1, commit, 1));
  ASSERT_OK(collection_->Refresh());
  EXPECT_EQ(collection_->Properties().default_ttl_ms, 9000);
}

TEST_F(CollectionPropertiesTest, WhatMakesNoSenseIsRefusedByName) {
  Create();
  EXPECT_STATUS(kInvalidArgument, "default_ttl_ms is out of range: min=0",
                collection_->SetProperties({.default_ttl_ms = -1}));
  EXPECT_STATUS(kInvalidArgument, "actual=9223372036854775807",
                collection_->SetProperties({.default_ttl_ms = Timestamp::Never().micros}));
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  EXPECT_STATUS(kInvalidArgument, "default_ttl_ms",
                engine.CreateCollection("other", Schema(), {.default_ttl_ms = -5}));
  ASSERT_OK_AND_ASSIGN(const auto table, Log()->Load());
  for (const char* text : {"soon", "-3", "99999999999999999999"}) {
    storage::TableCommit commit;
    commit.metadata = table.metadata;
    commit.metadata->configuration["viper.default_ttl_ms"] = text;
    ASSERT_OK_AND_ASSIGN(const auto newest, Log()->Load());
    ASSERT_OK(Log()->Commit(newest.version + 1, commit, 1));
    EXPECT_STATUS(kCorruption, "viper.default_ttl_ms", Reopen()) << text;
  }
}

TEST_F(CollectionPropertiesTest, AfterAPowerLossAtAnyStepItIsTheOldDefaultOrTheNew) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  collection_.reset();
  const auto start = files_.DurableImage(CrashMode::kDropUnsynced);
  bool was_old = false;
  bool was_new = false;
  for (uint64_t step = 0;; ++step) {
    const auto files = start->DurableImage(CrashMode::kKeepAll);
    EngineOptions options = options_;
    options.file_system = files.get();
    Status changed;
    {
      ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options));
      ASSERT_OK_AND_ASSIGN(const auto collection, engine.OpenCollection("docs"));
      files->CrashAfter(step);
      changed = collection->SetProperties({.default_ttl_ms = 5000});
    }
    const auto left = files->DurableImage(CrashMode::kDropUnsynced);
    options.file_system = left.get();
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options));
    ASSERT_OK_AND_ASSIGN(const auto collection, engine.OpenCollection("docs"));
    const int64_t ttl_ms = collection->Properties().default_ttl_ms;
    EXPECT_TRUE(ttl_ms == 5000 || (ttl_ms == 0 && !changed.ok())) << step << ": " << ttl_ms;
    EXPECT_TRUE(collection->Get("a").ok());
    (ttl_ms == 0 ? was_old : was_new) = true;
    if (changed.ok()) break;
  }
  EXPECT_TRUE(was_old && was_new);
}

}  // namespace
}  // namespace viper::core
