#include "core/flusher.h"

#include <array>
#include <deque>

#include "base/bitmap.h"
#include "base/coding.h"
#include "core/collection_fixture.h"
#include "storage/deletion_vector.h"
#include "storage/file_names.h"
#include "storage/part_sidecar.h"
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

  /// A row of the moment, to be put into a file as it is.
  Row RowAt(const std::string& id, float x, float y) {
    floats_.push_back({x, y});
    Row row;
    row.id = id;
    row.id_hash = storage::HashId(id);
    row.timestamp = row.ingested_at = clock_.Now().micros;
    row.vector = reinterpret_cast<const std::byte*>(floats_.back().data());
    return row;
  }

  /// Another writer: commits a file of these rows, which may have an id several times, in place of
  /// others.
  void CommitForeign(const std::vector<Row>& rows, const std::vector<std::string>& removed) {
    auto memtable = std::make_shared<Memtable>(2);
    for (const Row& row : rows) memtable->Append(row);
    FlushPlan plan;
    plan.schema = std::make_shared<const CollectionSchema>(Schema());
    plan.sources.push_back(
        {nullptr, memtable, rows.size(), std::make_shared<const Bitmap>(rows.size())});
    PartBuildOptions build;
    build.file_system = &files_;
    build.table_directory = kTable;
    const int64_t now_ms = clock_.Now().micros / 1000 + ++foreign_count_;
    ASSERT_OK_AND_ASSIGN(const BuiltParts built, BuildParts(plan, build, now_ms));
    storage::TableCommit commit;
    commit.operation = "WRITE";
    commit.added = built.added;
    for (storage::AddedFile& added : commit.added) added.stats_json.clear();
    for (const storage::AddedFile& added : built.added) {
      const std::string path = std::string(kTable) + "/" + added.path;
      std::string bytes = ReadFile(path);
      // Another writer's file does not carry our footer key.
      const size_t key = bytes.rfind("viper.part");
      ASSERT_NE(key, std::string::npos);
      bytes[key] = 'x';
      WriteFile(path, bytes);
    }
    for (const std::string& path : removed) commit.removed.push_back({.path = path});
    ASSERT_OK(Log()->Commit(Table().version + 1, commit, 1));
  }

  std::vector<std::string> PathsInTable() {
    std::vector<std::string> paths;
    for (const auto& [path, file] : Table().files) paths.push_back(path);
    return paths;
  }

  int64_t foreign_count_ = 0;
  std::deque<std::array<float, 2>> floats_;
};

TEST_F(FlusherTest, C18_OneCommitHoldsTheRowsAndHowFarTheLogIsCovered) {
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

TEST_F(FlusherTest, DeadRowsBecomeADeletionVectorAndTheFileStays) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1), At("c", 2, 2)}));
  ASSERT_OK(collection_->Flush());
  const std::string first = Table().files.begin()->first;
  EXPECT_EQ(Table().protocol.min_reader_version, 1) << "as long as there is none";
  ASSERT_OK(collection_->Upsert(At("a", 5, 5)));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"c"}));
  ASSERT_OK(collection_->Flush());
  const storage::TableState table = Table();
  ASSERT_EQ(table.files.size(), 2u);
  const storage::AddedFile& file = table.files.at(first);
  ASSERT_TRUE(file.deletion_vector.has_value());
  EXPECT_EQ(file.deletion_vector->cardinality, 2);
  EXPECT_NE(file.stats_json.find("\"tightBounds\":false"), std::string::npos) << file.stats_json;
  EXPECT_TRUE(file.tags.contains(std::string(kFooterCrcTag)));
  EXPECT_EQ(table.tombstones.size(), 2u) << "the file without, and with its first vector";
  EXPECT_EQ(table.protocol.min_reader_version, 3);
  EXPECT_EQ(table.protocol.min_writer_version, 7);
  EXPECT_EQ(table.metadata.configuration.at("delta.enableDeletionVectors"), "true");
  for (int opening = 0; opening < 2; ++opening) {
    EXPECT_EQ(Count(), 2u);
    EXPECT_EQ(collection_->Get("a").value().vector[0], 5);
    EXPECT_STATUS(kNotFound, "'c'", collection_->Get("c"));
    EXPECT_EQ(Nearest(0, 0), (std::vector<std::string>{"b", "a"}));
    ASSERT_OK(Reopen());
  }
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(Table().version, table.version) << "nothing to say that the table does not know";
}

/// The protocol asks for it, whoever wrote the file.
TEST_F(FlusherTest, AFileWithADeletionVectorTellsItsNumberOfRecords) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  CommitForeign({RowAt("a", 0, 0), RowAt("b", 1, 1), RowAt("c", 2, 2)}, {});
  ASSERT_OK(collection_->Refresh());
  ASSERT_TRUE(Table().files.begin()->second.stats_json.empty());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"b"}));
  ASSERT_OK(collection_->Flush());
  const storage::AddedFile file = Table().files.begin()->second;
  ASSERT_TRUE(file.deletion_vector.has_value());
  ASSERT_OK_AND_ASSIGN(const Value statistics, Value::FromJson(file.stats_json));
  EXPECT_EQ(statistics.as_object()->at("numRecords"), Value(3));
  EXPECT_EQ(Count(), 2u);
}

TEST_F(FlusherTest, AFileOfWhichNothingIsLeftGoes) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1)}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"b"}));
  ASSERT_OK(collection_->Flush());
  EXPECT_TRUE(Table().files.empty());
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 0u);
}

TEST_F(FlusherTest, RewritingTakesTheDeletionVectorIn) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1), At("c", 2, 2)}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  ASSERT_OK(collection_->Flush());
  options_.delete_mode = DeleteMode::kRewrite;
  ASSERT_OK(Reopen());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"b"}));
  ASSERT_OK(collection_->Flush());
  const storage::TableState table = Table();
  ASSERT_EQ(table.files.size(), 1u);
  EXPECT_FALSE(table.files.begin()->second.deletion_vector.has_value());
  ASSERT_OK(Reopen());
  EXPECT_EQ(Nearest(0, 0), std::vector<std::string>{"c"});
}

TEST_F(FlusherTest, ALargeFileWithFewDeadRowsIsNotCopied) {
  constexpr size_t kDim = 2048;
  constexpr size_t kRows = 2'200;  // 18 MB of floats
  // All components of a vector are equal: they would be compressed to a small file.
  options_.adaptive_compression = false;
  options_.compression = {.codec = Codec::kNone};
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  ASSERT_OK_AND_ASSIGN(collection_,
                       engine.CreateCollection("docs", {.dim = kDim, .metric = Metric::kL2}));
  std::vector<Record> records(kRows);
  std::vector<std::string> ids(kRows);
  for (size_t i = 0; i < kRows; ++i) {
    ids[i] = records[i].id = std::to_string(i);
    records[i].vector.assign(kDim, static_cast<float>(i));
  }
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  const std::string first = Table().files.begin()->first;
  ASSERT_OK(collection_->Delete(std::span(ids).first(10)));
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(Table().files.at(first).deletion_vector->cardinality, 10);
  ASSERT_OK(collection_->Delete(std::span(ids).first(kRows / 2 + 1)));
  ASSERT_OK(collection_->Flush());
  EXPECT_FALSE(Table().files.contains(first)) << "mostly dead";
  EXPECT_EQ(Count(), kRows - kRows / 2 - 1);
}

TEST_F(FlusherTest, DeletionVectorsThatNobodyNamesAreSwept) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1), At("c", 2, 2)}));
  ASSERT_OK(collection_->Flush());
  for (const std::string id : {"a", "b"}) {
    ASSERT_OK(collection_->Delete(std::vector<std::string>{id}));
    ASSERT_OK(collection_->Flush());
  }
  const std::string folder = std::string(kTable) + "/_dv";
  const auto named = FilesEndingIn(folder, ".bin");
  EXPECT_EQ(named.size(), 2u) << "an older version of the table names one";
  WriteFile(folder + "/" + storage::DeletionVectorName("00000000-0000-4000-8000-000000000000"),
            "x");
  ASSERT_OK(Reopen());
  EXPECT_EQ(FilesEndingIn(folder, ".bin"), named);
}

TEST_F(FlusherTest, ADamagedDeletionVectorIsNamedAndNothingAnswered) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1)}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  ASSERT_OK(collection_->Flush());
  const std::string path = FilesEndingIn(std::string(kTable) + "/_dv", ".bin").front();
  const std::string good = ReadFile(path);
  std::string bad = good;
  bad[20] = static_cast<char>(bad[20] ^ 1);
  WriteFile(path, bad);
  EXPECT_STATUS(kCorruption, path.substr(path.rfind("deletion_vector_")), Reopen());
  ASSERT_OK(files_.RemoveFile(path));
  EXPECT_STATUS(kCorruption, "does not exist", Reopen());
  WriteFile(path, good);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 1u);
}

TEST_F(FlusherTest, TakesInTheDeletionVectorsOfOthers) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1), At("c", 2, 2)}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));  // in the log only
  // Another writer deletes c.
  const storage::AddedFile file = Table().files.begin()->second;
  storage::DeletionVectorFile vectors("00000000-0000-4000-8000-000000000001");
  Bitmap dead(3);
  dead.Set(2);
  storage::TableCommit commit;
  commit.operation = "DELETE";
  commit.removed.push_back({.path = file.path, .size = file.size});
  commit.added.push_back(file);
  commit.added[0].deletion_vector = vectors.Add(dead);
  commit.protocol = {.min_reader_version = 3,
                     .min_writer_version = 7,
                     .reader_features = {"deletionVectors"},
                     .writer_features = {"deletionVectors"}};
  ASSERT_OK(files_.CreateDirectories(std::string(kTable) + "/_dv"));
  WriteFile(std::string(kTable) + "/" + vectors.path(), std::string(AsText(vectors.bytes())));
  ASSERT_OK(Log()->Commit(Table().version + 1, commit, 1));
  ASSERT_OK(collection_->Refresh());
  EXPECT_EQ(Nearest(0, 0), std::vector<std::string>{"b"});
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(Table().files.at(file.path).deletion_vector->cardinality, 2);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Nearest(0, 0), std::vector<std::string>{"b"});
}

TEST_F(FlusherTest, ReadersFollowDeletionVectors) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1)}));
  ASSERT_OK(collection_->Flush());
  EngineOptions reading = options_;
  reading.read_only = true;
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", reading));
  ASSERT_OK_AND_ASSIGN(auto reader, engine.OpenCollection("docs"));
  const Snapshot before = reader->GetSnapshot();
  ASSERT_OK(collection_->Delete(std::vector<std::string>{"a"}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(reader->Refresh());
  EXPECT_EQ(reader->Count().value(), 1u);
  EXPECT_EQ(before.Count().value(), 2u);
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
  CommitForeign({RowAt("a", 7, 7), RowAt("c", 8, 8), RowAt("d", 9, 9)}, {});
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
  CommitForeign({RowAt("a", 7, 7)}, {});
  CommitForeign({RowAt("a", 8, 8), RowAt("b", 1, 1)}, {});
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 2u);
  EXPECT_EQ(collection_->Get("a").value().vector[0], 8);
}

/// A file of ours supersedes nothing by being there: what theirs did has to be in the table.
TEST_F(FlusherTest, RowsThatOthersReplacedStayDeadWhenTheirFilesAreWrittenAnew) {
  for (const DeleteMode mode : {DeleteMode::kVectors, DeleteMode::kRewrite}) {
    for (const bool widens : {false, true}) {
      (void)files_.RemoveDirectoryTree("/db").ok();  // not there at first
      options_.delete_mode = mode;
      Create();
      ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1)}));
      ASSERT_OK(collection_->Flush());
      CommitForeign({RowAt("a", 7, 7), RowAt("c", 2, 2)}, {});
      ASSERT_OK(collection_->Refresh());
      if (widens) {
        ASSERT_OK(collection_->WidenField({"year", FieldType::kFloat64}));
      } else {
        ASSERT_OK(collection_->Compact({.everything = true}));
      }
      for (int opening = 0; opening < 2; ++opening) {
        EXPECT_EQ(Count(), 3u);
        EXPECT_EQ(collection_->Get("a").value().vector[0], 7);
        EXPECT_EQ(Nearest(0, 0).front(), "b");
        ASSERT_OK(Reopen());
      }
      collection_.reset();
    }
  }
}

TEST_F(FlusherTest, AFlushThatLosesTheRaceStartsAgain) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  CommitForeign({RowAt("b", 1, 1)}, {});
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
  CommitForeign({RowAt("a", 0, 0), RowAt("b", 1, 1)}, {part});
  ASSERT_OK(collection_->Flush());
  EXPECT_EQ(Count(), 1u);
  EXPECT_STATUS(kNotFound, "'a'", collection_->Get("a"));
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 1u);
}

/// Files of a commit that did not happen would fill the disk, attempt by attempt.
TEST_F(FlusherTest, ACommitThatFailsLeavesNoFiles) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1)}));
  ASSERT_OK(collection_->Flush());
  const auto files = [&] {
    return FilesEndingIn(kTable, ".parquet").size() + FilesEndingIn(kTable, ".bin").size();
  };
  const size_t before = files();
  ASSERT_OK(collection_->Upsert(At("a", 5, 5)));
  for (const FileOperation operation : {FileOperation::kCreate, FileOperation::kWrite,
                                        FileOperation::kSync, FileOperation::kLink}) {
    files_.InjectFault({.operation = operation, .path_part = ".json"});
    EXPECT_STATUS(kIoError, "", collection_->Flush());
    files_.ClearFaults();
    EXPECT_EQ(files(), before) << static_cast<int>(operation);
  }
  // What may have happened stays; what is tried after that is not even begun.
  files_.InjectFault({.operation = FileOperation::kSyncDirectory, .path_part = "_delta_log"});
  EXPECT_STATUS(kIoError, "may or may not survive", collection_->Flush());
  const size_t after = files();
  EXPECT_GT(after, before);
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_STATUS(kFailedPrecondition, "has stopped", collection_->Flush());
    EXPECT_STATUS(kFailedPrecondition, "has stopped", collection_->Compact({.everything = true}));
    EXPECT_STATUS(kFailedPrecondition, "has stopped",
                  collection_->WidenField({"year", FieldType::kFloat64}));
  }
  EXPECT_EQ(files(), after);
  ASSERT_OK(Reopen());
  EXPECT_EQ(collection_->Get("a").value().vector[0], 5);
  ASSERT_OK(collection_->Flush());
}

/// Of two versions of a record, one of them another writer's, in one file that a third one made.
TEST_F(FlusherTest, ARecordSurvivesTheMergeOfItsVersionsByOthers) {
  for (const bool newest_first : {false, true}) {
    (void)files_.RemoveDirectoryTree("/db").ok();  // not there at first
    Create();
    ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1)}));
    ASSERT_OK(collection_->Flush());
    const std::string part = Table().files.begin()->first;
    clock_.AdvanceSeconds(1);
    CommitForeign({RowAt("a", 7, 7)}, {});
    ASSERT_OK(collection_->Refresh());
    const std::vector<std::string> merged = PathsInTable();
    std::vector<Row> rows = {RowAt("a", 0, 0), RowAt("b", 1, 1), RowAt("a", 7, 7)};
    rows.back().ingested_at += 1'000'000;
    if (newest_first) std::swap(rows.front(), rows.back());
    CommitForeign(rows, merged);
    ASSERT_OK(collection_->Refresh());
    for (int opening = 0; opening < 2; ++opening) {
      EXPECT_EQ(Count(), 2u);
      EXPECT_EQ(collection_->Get("a").value().vector[0], 7) << newest_first;
      EXPECT_EQ(Nearest(0, 0).front(), "b");
      ASSERT_OK(Reopen());
    }
    collection_.reset();
  }
}

/// Others appended a file, merged it, and removed it and the commits: what is left is a checkpoint.
TEST_F(FlusherTest, AWriterThatSleptThroughTheWorkOfOthersGoesOn) {
  for (const bool cleans_log : {false, true}) {
    (void)files_.RemoveDirectoryTree("/db").ok();  // not there at first
    Create();
    ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->Upsert(At("c", 2, 2)));
    CommitForeign({RowAt("b", 1, 1)}, {});
    const std::vector<std::string> merged = PathsInTable();
    CommitForeign({RowAt("a", 0, 0), RowAt("b", 3, 3)}, merged);
    for (const std::string& path : merged) {
      ASSERT_OK(files_.RemoveFile(std::string(kTable) + "/" + path));
    }
    if (cleans_log) {
      ASSERT_OK(Log()->WriteCheckpoint(Table(), 1));
      for (int64_t version = 0; version < Table().version; ++version) {
        ASSERT_OK(files_.RemoveFile(storage::CommitPath(kTable, version)));
      }
    }
    ASSERT_OK(collection_->Flush());
    for (int opening = 0; opening < 2; ++opening) {
      ASSERT_EQ(Count(), 3u) << cleans_log << opening << log_;
      EXPECT_EQ(collection_->Get("b").value().vector[0], 3);
      EXPECT_EQ(collection_->Get("c").value().vector[0], 2);
      ASSERT_OK(Reopen());
    }
    collection_.reset();
  }
}

TEST_F(FlusherTest, AClockThatIsSetBackTakesNoVersionAwayEarly) {
  options_.retained_versions = 2;
  Create();
  for (int i = 0; i < 4; ++i) {
    ASSERT_OK(collection_->Upsert(At("a", static_cast<float>(i), 0)));
    ASSERT_OK(collection_->Flush());
    clock_.AdvanceSeconds(i == 2 ? -7200 : 1);
  }
  ASSERT_OK_AND_ASSIGN(const VacuumReport report, collection_->Vacuum());
  EXPECT_FALSE(report.files.empty());
  const int64_t newest = Table().version;
  for (const int64_t version : {newest - 1, newest}) {
    ASSERT_OK_AND_ASSIGN(const Snapshot snapshot, collection_->GetSnapshotOfVersion(version));
    EXPECT_EQ(snapshot.Get("a").value().vector[0], static_cast<float>(version - 1));
  }
}

TEST_F(FlusherTest, C18_ACommitThatFailsLosesNothing) {
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
