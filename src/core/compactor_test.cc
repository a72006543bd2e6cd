#include "core/compactor.h"

#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "base/random.h"
#include "core/collection_fixture.h"
#include "core/indexed_collection_fixture.h"
#include "storage/table_log.h"

namespace viper::core {
namespace {

constexpr char kTable[] = "/db/docs";

class CompactorTest : public CollectionFixture {
 protected:
  storage::TableState Table() {
    auto state = storage::TableLog::Make(files_, kTable, {})->Load();
    EXPECT_OK(state);
    return state.ok() ? *state : storage::TableState{};
  }

  /// `count` flushes of a row each: "0", "1", ...
  void WriteSmallFiles(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_OK(collection_->Upsert(At(std::to_string(i), static_cast<float>(i), 0)));
      ASSERT_OK(collection_->Flush());
    }
  }

  size_t PartCount() { return collection_->Statistics().part_count; }
  Status Delete(const std::vector<std::string>& ids) { return collection_->Delete(ids).status(); }
};

TEST_F(CompactorTest, C19_SmallFilesBecomeOne) {
  Create();
  WriteSmallFiles(6);
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact());
  ASSERT_EQ(report.steps.size(), 1u);
  EXPECT_EQ(report.steps[0].reason, "6 small files");
  EXPECT_EQ(report.steps[0].files.size(), 6u);
  EXPECT_EQ(report.files_before, 6u);
  EXPECT_EQ(report.files_after, 1u);
  EXPECT_EQ(report.bytes_after, Table().files.begin()->second.size);
  EXPECT_LT(report.bytes_after, report.bytes_before);
  for (int opening = 0; opening < 2; ++opening) {
    EXPECT_EQ(PartCount(), 1u);
    EXPECT_EQ(Nearest(0, 0).size(), 6u);
    EXPECT_EQ(collection_->Get("3").value().vector[0], 3);
    ASSERT_OK(Reopen());
  }
  ASSERT_OK_AND_ASSIGN(const CompactionReport again, collection_->Compact());
  EXPECT_TRUE(again.steps.empty()) << again.steps[0].reason;
}

TEST_F(CompactorTest, NothingOfTheDataChangesForOtherReaders) {
  Create();
  WriteSmallFiles(4);
  ASSERT_OK(collection_->Compact());
  ASSERT_OK_AND_ASSIGN(const auto commits,
                       storage::TableLog::Make(files_, kTable, {})->ReadAfter(4));
  ASSERT_EQ(commits.size(), 1u);
  EXPECT_EQ(commits[0].operation, "OPTIMIZE");
  EXPECT_EQ(commits[0].operation_metrics.at("numRemovedFiles"), "4");
  EXPECT_EQ(commits[0].operation_metrics.at("numAddedBytes"),
            std::to_string(commits[0].added.at(0).size));
  EXPECT_TRUE(commits[0].operation_metrics.contains("predictedAddedBytes"));
  EXPECT_TRUE(commits[0].transactions.empty());
  for (const auto& file : commits[0].added) EXPECT_FALSE(file.data_change);
  for (const auto& file : commits[0].removed) EXPECT_FALSE(file.data_change);
}

TEST_F(CompactorTest, ADryRunTellsAndChangesNothing) {
  Create();
  WriteSmallFiles(5);
  const storage::TableState before = Table();
  ASSERT_OK_AND_ASSIGN(const CompactionReport told, collection_->Compact({.dry_run = true}));
  EXPECT_EQ(Table(), before);
  ASSERT_EQ(told.steps.size(), 1u);
  EXPECT_EQ(told.files_after, 1u);
  EXPECT_EQ(told.steps[0].bytes_after, 0u);
  EXPECT_EQ(told.steps[0].predicted_bytes, told.bytes_before);
  ASSERT_OK_AND_ASSIGN(const CompactionReport done, collection_->Compact());
  EXPECT_EQ(done.steps[0].files, told.steps[0].files);
}

TEST_F(CompactorTest, DeadRowsAndExpiredOnesAreLeftOut) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  std::vector<Record> records;
  for (int i = 0; i < 10; ++i) records.push_back(At(std::to_string(i), static_cast<float>(i), 0));
  records[9].expires_at = Timestamp{clock_.Now().micros + 1'000'000};
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Delete({"0", "1"}));
  ASSERT_OK(collection_->Flush());
  clock_.AdvanceSeconds(2);
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact());
  ASSERT_EQ(report.steps.size(), 1u);
  EXPECT_EQ(report.steps[0].reason, "30 % dead rows");
  EXPECT_EQ(report.steps[0].dropped_rows, 3u);
  EXPECT_EQ(Count(), 7u);
  EXPECT_EQ(collection_->Statistics().dead_rows, 0u);
  ASSERT_OK_AND_ASSIGN(const auto commits,
                       storage::TableLog::Make(files_, kTable, {})->ReadAfter(2));
  EXPECT_TRUE(commits[0].added[0].data_change) << "an expired row was there for other readers";
  // The expired id is free.
  ASSERT_OK(collection_->Insert(At("9", 5, 5)));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 8u);
}

// What the table does not know to be dead is copied: it would be missed by other readers before
// what replaces it is there.
TEST_F(CompactorTest, RowsThatAreReplacedInMemoryStayInTheTable) {
  Create();
  WriteSmallFiles(4);
  ASSERT_OK(collection_->Upsert(At("1", 50, 50)));
  ASSERT_OK(Delete({"2"}));
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact());
  EXPECT_EQ(report.steps.at(0).dropped_rows, 0u);
  EXPECT_EQ(Count(), 3u);
  EXPECT_EQ(collection_->Get("1").value().vector[0], 50);
  EXPECT_EQ(Nearest(1, 0), (std::vector<std::string>{"0", "3", "1"}));
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 3u) << "from the log";
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 3u);
  EXPECT_STATUS(kNotFound, "'2'", collection_->Get("2"));
}

// The commit of a compaction finds deletion vectors that a flush has written meanwhile.
TEST_F(CompactorTest, DeathsThatAFlushCommittedMeanwhileAreCarriedIntoADeletionVector) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  std::vector<Record> records;
  for (int i = 0; i < 20; ++i) records.push_back(At(std::to_string(i), static_cast<float>(i), 0));
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Delete({"0", "1", "2", "3"}));
  ASSERT_OK(collection_->Flush());
  CompactOptions options;
  bool interfered = false;
  options.progress = [&](double) {
    if (interfered) return true;
    interfered = true;
    EXPECT_OK(Delete({"5"}));
    EXPECT_OK(collection_->Upsert(At("6", 60, 60)));
    EXPECT_OK(collection_->Flush());
    EXPECT_OK(Delete({"7"}));  // in the log only
    return true;
  };
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact(options));
  ASSERT_TRUE(interfered);
  EXPECT_EQ(report.steps.at(0).dropped_rows, 4u);
  const std::string path = [&] {
    for (const auto& [name, file] : Table().files) {
      if (file.deletion_vector) return name;
    }
    return std::string();
  }();
  ASSERT_FALSE(path.empty());
  EXPECT_EQ(Table().files.at(path).deletion_vector->cardinality, 2);
  for (int opening = 0; opening < 2; ++opening) {
    EXPECT_EQ(Nearest(4, 0, {.k = 4}), (std::vector<std::string>{"4", "8", "9", "10"}));
    EXPECT_EQ(Count(), 14u);
    ASSERT_OK(Reopen());
  }
}

TEST_F(CompactorTest, AFileThatAFlushWroteAnewMeanwhileIsPlannedAnew) {
  options_.delete_mode = DeleteMode::kRewrite;
  Create();
  WriteSmallFiles(4);
  CompactOptions options;
  bool interfered = false;
  options.progress = [&](double) {
    if (!std::exchange(interfered, true)) {
      EXPECT_OK(collection_->Upsert(At("1", 9, 9)));
      EXPECT_OK(collection_->Flush());
    }
    return true;
  };
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact(options));
  EXPECT_EQ(report.steps.size(), 1u);
  EXPECT_EQ(PartCount(), 1u);
  EXPECT_EQ(Count(), 4u);
  EXPECT_EQ(collection_->Get("1").value().vector[0], 9);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 4u);
  EXPECT_TRUE(collection_->recovery().removed_files.empty()) << "nothing was left behind";
}

TEST_F(CompactorTest, ItStopsWhenItIsToldTo) {
  Create();
  WriteSmallFiles(4);
  EXPECT_STATUS(kCancelled, "stopped",
                collection_->Compact({.progress = [](double) { return false; }}));
  EXPECT_EQ(PartCount(), 4u);
  ASSERT_OK(Reopen());
  EXPECT_TRUE(collection_->recovery().removed_files.empty()) << "nothing was left behind";
}

TEST_F(CompactorTest, HoweverSlowItIsToBeItCanBeStopped) {
  Create();
  WriteSmallFiles(4);
  int asked = 0;
  CompactOptions options;
  options.bytes_per_second = 1;
  options.progress = [&](double) { return ++asked < 3; };
  EXPECT_STATUS(kCancelled, "stopped", collection_->Compact(options));
  EXPECT_EQ(PartCount(), 4u);
}

TEST_F(CompactorTest, AFullDiskAtItsEndLeavesNothingBehind) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  std::vector<Record> records;
  for (int i = 0; i < 20; ++i) records.push_back(At(std::to_string(i), static_cast<float>(i), 0));
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Delete({"0", "1", "2", "3"}));
  ASSERT_OK(collection_->Flush());
  CompactOptions options;
  options.progress = [&](double) {
    if (Delete({"5"}).ok() && collection_->Flush().ok()) {
      // The deletion vectors of the new file cannot be written.
      InjectedFault fault;
      fault.operation = FileOperation::kCreate;
      fault.path_part = "deletion_vector_";
      files_.InjectFault(fault);
    }
    return true;
  };
  EXPECT_FALSE(collection_->Compact(options).ok());
  files_.ClearFaults();
  EXPECT_EQ(FilesEndingIn(kTable, ".parquet").size(), 1u);
  EXPECT_EQ(Count(), 15u);
  ASSERT_OK(collection_->Compact({.everything = true}));
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 15u);
}

TEST_F(CompactorTest, FoldingGivesTheTableItsOldProtocolBack) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  ASSERT_OK(collection_->Upsert(std::vector<Record>{At("a", 0, 0), At("b", 1, 1), At("c", 2, 2)}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Delete({"a"}));
  ASSERT_OK(collection_->Flush());
  ASSERT_EQ(Table().protocol.min_reader_version, 3);
  ASSERT_OK_AND_ASSIGN(CompactionReport told, collection_->Compact({.dry_run = true}));
  EXPECT_FALSE(told.lowered_protocol) << "nobody asked for it";
  const CompactOptions dry = {.dry_run = true, .fold_deletion_vectors = true};
  ASSERT_OK_AND_ASSIGN(told, collection_->Compact(dry));
  EXPECT_TRUE(told.lowered_protocol);
  EXPECT_EQ(Table().protocol.min_reader_version, 3);
  ASSERT_OK_AND_ASSIGN(const CompactionReport report,
                       collection_->Compact({.fold_deletion_vectors = true}));
  EXPECT_TRUE(report.lowered_protocol);
  EXPECT_EQ(Table().protocol, storage::TableProtocol{});
  EXPECT_FALSE(Table().metadata.configuration.contains("delta.enableDeletionVectors"));
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 2u);
  ASSERT_OK_AND_ASSIGN(const CompactionReport again,
                       collection_->Compact({.fold_deletion_vectors = true}));
  EXPECT_FALSE(again.lowered_protocol);
  ASSERT_OK_AND_ASSIGN(told, collection_->Compact(dry));
  EXPECT_FALSE(told.lowered_protocol);
}

TEST_F(CompactorTest, C19_ReadersKeepWhatTheyHave) {
  Create();
  WriteSmallFiles(5);
  const Snapshot before = collection_->GetSnapshot();
  ASSERT_OK(collection_->Compact());
  ASSERT_OK_AND_ASSIGN(const VacuumReport vacuumed, collection_->Vacuum({.retention_ms = 0}));
  EXPECT_EQ(vacuumed.files.size(), 5u);
  EXPECT_EQ(before.Count().value(), 5u);
  EXPECT_EQ(before.Get("4").value().vector[0], 4);
}

TEST_F(CompactorTest, AVacuumKeepsWhatIsYoungerThanTheRetention) {
  options_.retention_ms = 1'000;
  Create();
  WriteSmallFiles(4);
  ASSERT_OK(collection_->Compact());
  ASSERT_OK_AND_ASSIGN(const VacuumReport early, collection_->Vacuum());
  EXPECT_TRUE(early.files.empty());
  clock_.AdvanceSeconds(2);
  ASSERT_OK_AND_ASSIGN(const VacuumReport told, collection_->Vacuum({.dry_run = true}));
  EXPECT_EQ(told.files.size(), 4u);
  EXPECT_GT(told.bytes, 0u);
  ASSERT_OK_AND_ASSIGN(const VacuumReport done, collection_->Vacuum());
  EXPECT_EQ(done.files, told.files);
  EXPECT_EQ(done.bytes, told.bytes);
  EXPECT_EQ(FilesEndingIn(kTable, ".parquet").size(), 1u);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 4u);
}

TEST_F(CompactorTest, TheReportCountsFilesThatFlushesAddedMeanwhile) {
  Create();
  WriteSmallFiles(4);
  CompactOptions options;
  options.everything = true;
  options.progress = [&, is_first = true](double) mutable {
    for (int i = 10; is_first && i < 15; ++i) {
      EXPECT_OK(collection_->Upsert(At(std::to_string(i), 0, 0)));
      EXPECT_OK(collection_->Flush());
    }
    is_first = false;
    return true;
  };
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact(options));
  EXPECT_EQ(report.files_after, Table().files.size());
  uint64_t bytes = 0;
  for (const auto& [path, file] : Table().files) bytes += file.size;
  EXPECT_EQ(report.bytes_after, bytes);
}

TEST_F(CompactorTest, BadOptionsAreNamed) {
  Create();
  EXPECT_STATUS(kInvalidArgument, "actual=1", collection_->Compact({.part_bytes = 1}));
  options_.read_only = true;
  ASSERT_OK(Reopen());
  EXPECT_STATUS(kFailedPrecondition, "read-only", collection_->Compact());
  EXPECT_STATUS(kFailedPrecondition, "read-only", collection_->Vacuum());
}

TEST_F(CompactorTest, C04_TheBackgroundKeepsFilesFew) {
  options_.background_compaction = true;
  options_.retention_ms = 0;
  options_.checkpoint_interval = 5;
  Create();
  for (int round = 0; round < 60; ++round) {
    ASSERT_OK(collection_->Upsert(At(std::to_string(round % 40), static_cast<float>(round), 0)));
    ASSERT_OK(collection_->Flush());
  }
  ASSERT_OK(collection_->Compact());  // waits for the background
  EXPECT_LT(PartCount(), 8u);
  EXPECT_GT(collection_->Statistics().compactions, 0u);
  EXPECT_EQ(Count(), 40u);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 40u);
}

TEST_F(CompactorTest, S04_WritersAndReadersGoOnBesideIt) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  std::vector<Record> records;
  for (int i = 0; i < 200; ++i) records.push_back(At(std::to_string(i), static_cast<float>(i), 0));
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  std::atomic<bool> stop = false;
  std::thread compacting([&] {
    while (!stop) {
      const auto report = collection_->Compact({.everything = true});
      EXPECT_TRUE(report.ok() || report.status().code() == StatusCode::kConflict)
          << report.status().ToString();
    }
  });
  std::thread reading([&] {
    while (!stop) EXPECT_EQ(Nearest(0, 0, {.k = 200}).size(), 200u);
  });
  for (int round = 0; round < 100; ++round) {
    std::vector<Record> some;
    for (int i = 0; i < 5; ++i) {
      const int id = (round * 37 + i * 11) % 200;
      some.push_back(At(std::to_string(id), static_cast<float>(id), static_cast<float>(round)));
    }
    ASSERT_OK(collection_->Upsert(some));
    if (round % 3 == 0) {
      ASSERT_OK(collection_->Flush());
    }
  }
  stop = true;
  compacting.join();
  reading.join();
  EXPECT_EQ(Count(), 200u);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 200u);
  EXPECT_EQ(Nearest(0, 0, {.k = 300}).size(), 200u);
}

TEST_F(CompactorTest, S04_ARunEndsThoughWritersGoOn) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  std::vector<Record> records;
  for (int i = 0; i < 200; ++i) records.push_back(At(std::to_string(i), static_cast<float>(i), 0));
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(Delete({"0"}));
  ASSERT_OK(collection_->Flush());
  constexpr int kRoundsMax = 40;
  for (const bool folds : {false, true}) {
    int rounds = 0;
    CompactOptions options{.everything = !folds, .fold_deletion_vectors = folds};
    options.progress = [&](double) {
      if (rounds == kRoundsMax) return true;
      // A dead row in every file that there is.
      ++rounds;
      for (int id = 1; id < 200; id += 50) {
        EXPECT_OK(collection_->Upsert(At(std::to_string(id), 1, static_cast<float>(rounds))));
      }
      EXPECT_OK(collection_->Flush());
      return true;
    };
    ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact(options));
    EXPECT_GE(report.steps.size(), 1u);
    EXPECT_LT(rounds, kRoundsMax) << "it went on with what was written meanwhile";
    EXPECT_EQ(Count(), 199u);
  }
}

/// Files that are too large to be merged, of a third of which the rows are dead: each is a task of
/// its own.
class ManyTasksTest : public CompactorTest {
 protected:
  static constexpr int kFiles = 6;
  static constexpr int kRowsOfFile = 60;

  void WriteLargeFiles() {
    options_.part_bytes = uint64_t{1} << 20;
    options_.delete_mode = DeleteMode::kVectors;
    options_.compaction_threads = 3;
    Create();
    Random random(7);
    std::vector<std::string> gone;
    for (int file = 0; file < kFiles; ++file) {
      std::vector<Record> records;
      for (int i = 0; i < kRowsOfFile; ++i) {
        const int number = file * kRowsOfFile + i;
        records.push_back(At(std::to_string(number), static_cast<float>(number), 0));
        records.back().metadata["noise"] = RandomText(random);
        if (i % 3 == 0) gone.push_back(records.back().id);
      }
      ASSERT_OK(collection_->Upsert(records));
      ASSERT_OK(collection_->Flush());
    }
    ASSERT_OK(Delete(gone));
    ASSERT_OK(collection_->Flush());
    ASSERT_EQ(PartCount(), static_cast<size_t>(kFiles));
  }
  void ExpectTheLiveRows() {
    EXPECT_EQ(Count(), static_cast<uint64_t>(kFiles * kRowsOfFile * 2 / 3));
    EXPECT_STATUS(kNotFound, "'3'", collection_->Get("3"));
    EXPECT_EQ(collection_->Get("4").value().vector[0], 4);
  }

 private:
  static std::string RandomText(Random& random) {
    std::string text(20'000, ' ');
    for (char& c : text) c = static_cast<char>('!' + random.Next() % 90);
    return text;
  }
};

TEST_F(ManyTasksTest, WorkersDoThemTogetherAndNoFileTwice) {
  WriteLargeFiles();
  std::set<std::thread::id> threads;
  CompactOptions options;
  // Slow enough for all workers to come.
  options.bytes_per_second = 4'000;
  options.progress = [&](double) {
    threads.insert(std::this_thread::get_id());
    return true;
  };
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact(options));
  EXPECT_GT(threads.size(), 1u);
  EXPECT_LE(threads.size(), 3u);
  EXPECT_EQ(report.steps.size(), static_cast<size_t>(kFiles));
  std::set<std::string> files;
  for (const CompactionStep& step : report.steps)
    files.insert(step.files.begin(), step.files.end());
  EXPECT_EQ(files.size(), static_cast<size_t>(kFiles));
  EXPECT_EQ(report.files_after, PartCount());
  EXPECT_EQ(collection_->Statistics().dead_rows, 0u);
  ExpectTheLiveRows();
  ASSERT_OK(Reopen());
  ExpectTheLiveRows();
}

TEST_F(ManyTasksTest, WhenOneWorkerFailsAllStop) {
  WriteLargeFiles();
  files_.InjectFault({.operation = FileOperation::kRename, .path_part = ".parquet"});
  EXPECT_FALSE(collection_->Compact().ok());
  files_.ClearFaults();
  EXPECT_LT(collection_->Statistics().compactions, static_cast<uint64_t>(kFiles));
  ExpectTheLiveRows();
  ASSERT_OK(collection_->Compact());
  EXPECT_EQ(collection_->Statistics().dead_rows, 0u);
  ASSERT_OK(Reopen());
  EXPECT_TRUE(collection_->recovery().removed_files.empty()) << "nothing was left behind";
  ExpectTheLiveRows();
}

TEST_F(ManyTasksTest, C04_InTheBackgroundOneThatFailsKeepsNothingElseFromBeingDone) {
  WriteLargeFiles();
  std::promise<void> failed;
  options_.log = [&](std::string_view line) {
    if (line.find("background compaction failed") != std::string_view::npos) failed.set_value();
  };
  options_.background_compaction = true;
  options_.compaction_threads = 1;
  options_.retention_ms = 0;
  clock_.AdvanceSeconds(1);
  files_.InjectFault({.operation = FileOperation::kRename, .path_part = ".parquet"});
  ASSERT_OK(Reopen());
  failed.get_future().wait();
  EXPECT_EQ(collection_->Statistics().compactions, static_cast<uint64_t>(kFiles - 1));
  EXPECT_EQ(FilesEndingIn(kTable, ".parquet").size(), static_cast<size_t>(kFiles))
      << "what was replaced is removed all the same";
  ExpectTheLiveRows();
}

TEST_F(ManyTasksTest, WhereThereIsNoRoomForSoManyTheOthersDoIt) {
  WriteLargeFiles();
  files_.InjectFault({.operation = FileOperation::kRename,
                      .path_part = ".parquet",
                      .code = StatusCode::kResourceExhausted});
  ASSERT_OK_AND_ASSIGN(const CompactionReport report,
                       collection_->Compact({.bytes_per_second = 4'000}));
  EXPECT_EQ(report.steps.size(), static_cast<size_t>(kFiles));
  EXPECT_EQ(collection_->Statistics().dead_rows, 0u);
  ExpectTheLiveRows();
}

TEST_F(ManyTasksTest, TheNextStepIsPredictedByTheLast) {
  WriteLargeFiles();
  ASSERT_OK_AND_ASSIGN(CompactionReport told, collection_->Compact({.dry_run = true}));
  EXPECT_FALSE(told.steps.at(0).predicted_seconds) << "nothing was copied yet";
  ASSERT_OK(collection_->Compact());
  ASSERT_OK(Delete({"4", "5", "7", "8", "10", "11", "13", "14", "16", "17", "19", "20"}));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK_AND_ASSIGN(told, collection_->Compact({.dry_run = true}));
  ASSERT_FALSE(told.steps.empty());
  ASSERT_TRUE(told.steps[0].predicted_seconds);
  EXPECT_GT(*told.steps[0].predicted_seconds, 0);
}

class IndexedCompactorTest : public IndexedCollectionFixture {};

TEST_F(IndexedCompactorTest, WhatItWritesIsInTheIndexWhenItIsInTheTable) {
  options_.background_index = true;
  CreateIndexed();
  Write(0, 700);
  ASSERT_OK(collection_->Flush());
  Write(700, 1500);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  const uint64_t trainings = collection_->Statistics().index_trainings;
  ASSERT_OK_AND_ASSIGN(const CompactionReport report, collection_->Compact({.everything = true}));
  ASSERT_EQ(report.files_after, 1u);
  ASSERT_OK_AND_ASSIGN(const SearchExplanation told,
                       collection_->Explain(RandomVector(), {.nprobe = 2}));
  EXPECT_EQ(told.plan, SearchPlan::kIndex);
  EXPECT_EQ(told.compared_rows, 0u);
  EXPECT_EQ(collection_->Statistics().index_trainings, trainings);
}

}  // namespace
}  // namespace viper::core
