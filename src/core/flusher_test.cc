#include "core/flusher.h"

#include "core/collection_fixture.h"
#include "storage/file_names.h"
#include "storage/table_log.h"

namespace viper::core {
namespace {

constexpr char kTable[] = "/db/docs";

class FlusherTest : public CollectionFixture {
 protected:
  std::unique_ptr<storage::TableLog> Log() { return storage::TableLog::Make(files_, kTable, {}); }

  storage::TableState Table() {
    auto state = Log()->Load();
    EXPECT_OK(state);
    return state.ok() ? *state : storage::TableState{};
  }

  /// Another writer: writes the files of `other` (a collection beside ours) into our table.
  void CommitForeign(const std::vector<Record>& rows, const std::vector<std::string>& removed) {
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/elsewhere", options_));
    const std::string name = "other" + std::to_string(foreign_count_++);
    ASSERT_OK_AND_ASSIGN(auto other, engine.CreateCollection(name, Schema()));
    ASSERT_OK(other->Upsert(rows));
    ASSERT_OK(other->Flush());
    storage::TableCommit commit;
    commit.operation = "WRITE";
    for (const std::string& path : FilesEndingIn("/elsewhere/" + name, ".parquet")) {
      storage::AddedFile added;
      added.path = "foreign-" + name + ".parquet";
      std::string bytes = ReadFile(path);
      // Another writer's file does not carry our footer key.
      const size_t key = bytes.rfind("viper.part");
      ASSERT_NE(key, std::string::npos);
      bytes[key] = 'x';
      WriteFile(std::string(kTable) + "/" + added.path, bytes);
      added.size = bytes.size();
      added.modification_time_ms =
          clock_.Now().micros / 1000 + static_cast<int64_t>(foreign_count_);
      commit.added.push_back(added);
    }
    for (const std::string& path : removed) commit.removed.push_back({path, 0, true, 0});
    ASSERT_OK(Log()->Commit(Table().version + 1, commit, 1));
  }

  size_t foreign_count_ = 0;
};

TEST_F(FlusherTest, OneCommitHoldsTheRowsAndHowFarTheLogIsCovered) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  ASSERT_OK(collection_->Upsert(At("b", 0, 0)));
  ASSERT_OK(collection_->Flush());
  const storage::TableState table = Table();
  EXPECT_EQ(table.version, 1);
  EXPECT_EQ(table.files.size(), 1u);
  EXPECT_EQ(table.transactions.at(std::string(kLogApplication)), 2);
  EXPECT_EQ(table.protocol.min_reader_version, 1);
  EXPECT_EQ(table.protocol.min_writer_version, 2);
}

TEST_F(FlusherTest, OverwrittenRowsLeaveTheTableByRewriting) {
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1)}));
  ASSERT_OK(collection_->Flush());
  const std::string first = Table().files.begin()->first;
  ASSERT_OK(collection_->Upsert(At("a", 5, 5)));
  ASSERT_OK(collection_->Flush());
  const storage::TableState table = Table();
  EXPECT_FALSE(table.files.contains(first));
  EXPECT_TRUE(table.tombstones.contains(first));
  ASSERT_EQ(table.files.size(), 1u);
  EXPECT_EQ(Count(), 2u);
}

TEST_F(FlusherTest, WritesCheckpoints) {
  options_.checkpoint_interval = 2;
  Create();
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(collection_->Upsert(At(std::to_string(i), 0, 0)));
    ASSERT_OK(collection_->Flush());
  }
  EXPECT_EQ(collection_->Statistics().checkpoints, 2u);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 5u);
}

TEST_F(FlusherTest, TakesInWhatOthersAppended) {
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1)}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Upsert(At("c", 2, 2)));
  CommitForeign({At("a", 7, 7), At("c", 8, 8), At("d", 9, 9)}, {});
  ASSERT_OK(collection_->Refresh());
  EXPECT_EQ(Count(), 4u);
  EXPECT_EQ(collection_->Get("a").value().vector[0], 7)
      << "their row is newer than the flushed one";
  EXPECT_EQ(collection_->Get("c").value().vector[0], 2) << "ours in memory will be committed later";
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 4u);
  EXPECT_EQ(collection_->Get("a").value().vector[0], 7);
  EXPECT_EQ(collection_->Get("c").value().vector[0], 2);
}

TEST_F(FlusherTest, OpeningResolvesDuplicatesThatOthersAppended) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  ASSERT_OK(collection_->Flush());
  collection_.reset();
  CommitForeign({At("a", 7, 7)}, {});
  CommitForeign({At("a", 8, 8), At("b", 1, 1)}, {});
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 2u);
  EXPECT_EQ(collection_->Get("a").value().vector[0], 8);
}

TEST_F(FlusherTest, AFlushThatLosesTheRaceStartsAgain) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  CommitForeign({At("b", 1, 1)}, {});
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(Count(), 2u);
  EXPECT_EQ(Table().files.size(), 2u);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 2u);
}

TEST_F(FlusherTest, DeletesOutliveARewriteByOthers) {
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1)}));
  ASSERT_OK(collection_->Flush());
  const std::string part = Table().files.begin()->first;
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  // Meanwhile somebody compacts the file with both rows.
  CommitForeign({At("a", 0, 0), At("b", 1, 1)}, {part});
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(Count(), 1u);
  EXPECT_STATUS(kNotFound, "'a'", collection_->Get("a"));
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 1u);
}

TEST_F(FlusherTest, ACommitThatFailsLosesNothing) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  for (const FileOperation operation :
       {FileOperation::kCreate, FileOperation::kWrite, FileOperation::kRename, FileOperation::kLink,
        FileOperation::kSync, FileOperation::kSyncDirectory}) {
    InjectedFault fault;
    fault.operation = operation;
    files_.InjectFault(fault);
    (void)collection_->Flush();
    files_.ClearFaults();
    EXPECT_EQ(Count(), 1u);
    EXPECT_OK(collection_->Get("a"));
  }
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(Count(), 1u);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 1u);
}

}  // namespace
}  // namespace viper::core
