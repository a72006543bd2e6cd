/// A collection that is written for months of its clock, by programs that call nothing but writes,
/// keeps a bounded number of files of every kind: the background does it. The tests only look, by
/// dry runs, whether it has caught up.

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "core/collection_fixture.h"
#include "storage/file_names.h"
#include "storage/table_log.h"

namespace viper::core {
namespace {

constexpr char kDocs[] = "/db/docs";
constexpr int kRounds = 300;

struct FileCounts {
  size_t parts = 0;
  size_t log_entries = 0;
  size_t checkpoints = 0;
  size_t vectors = 0;
  size_t wal_segments = 0;
  size_t derived = 0;
  size_t staged = 0;
};

class BoundedGrowthTest : public CollectionFixture {
 protected:
  BoundedGrowthTest() {
    options_.background_compaction = true;
    options_.checkpoint_interval = 10;
    options_.retained_versions = 40;
  }

  size_t CountIn(const std::string& directory, const std::string& ending = "") {
    return FilesEndingIn(directory, ending).size();
  }

  FileCounts Files() {
    FileCounts counts;
    counts.parts = CountIn(kDocs, ".parquet");
    counts.log_entries = CountIn(storage::LogDirectory(kDocs), ".json");
    counts.checkpoints = CountIn(storage::LogDirectory(kDocs), ".checkpoint.parquet");
    counts.vectors = CountIn(storage::DeletionVectorDirectory(kDocs));
    counts.wal_segments = CountIn(storage::WalDirectory(kDocs));
    counts.derived = CountIn(storage::IndexDirectory(kDocs));
    counts.staged = CountIn(storage::TmpDirectory(kDocs));
    return counts;
  }

  /// Play a pattern of writes, a flush and `seconds` of the clock a round. What is there after each
  /// round of the second half must not be more than the bounds.
  void Play(const std::function<void(int round)>& write, int64_t seconds) {
    for (int round = 0; round < kRounds; ++round) {
      write(round);
      ASSERT_OK(collection_->Flush());
      WaitForBackground();
      if (round >= kRounds / 2) CheckBounds(round);
      if (HasFailure()) return;
      // Afterwards: what expires by it is work for a background that has yet to wake.
      clock_.AdvanceSeconds(seconds);
    }
    ASSERT_OK(Reopen());
    WaitForBackground();
    CheckBounds(kRounds);
  }

  /// Wait until there is nothing for the background to do.
  void WaitForBackground() {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (true) {
      const auto compaction = collection_->Compact({.dry_run = true});
      const auto vacuum = collection_->Vacuum({.dry_run = true});
      ASSERT_OK(compaction);
      ASSERT_OK(vacuum);
      if (compaction->steps.empty() && vacuum->files.empty()) return;
      ASSERT_LT(std::chrono::steady_clock::now(), give_up)
          << compaction->steps.size() << " steps and " << vacuum->files.size() << " files are left";
      std::this_thread::yield();
    }
  }

  void CheckBounds(int round) {
    const FileCounts counts = Files();
    // A version adds at most one file here, and a compaction takes four: those of the versions that
    // are kept, and four of each size of the newest.
    const size_t versions = options_.retained_versions + 2 * options_.checkpoint_interval;
    EXPECT_LE(counts.parts, 2 * versions + 20) << round;
    EXPECT_LE(counts.vectors, versions) << round;
    EXPECT_LE(counts.log_entries, versions + 1) << round;
    EXPECT_LE(counts.checkpoints, versions / options_.checkpoint_interval + 1) << round;
    EXPECT_LE(counts.wal_segments, 3u) << round;
    EXPECT_LE(counts.derived, 30u) << round;
    EXPECT_EQ(counts.staged, 0u) << round;
    EXPECT_LE(collection_->Statistics().part_count, 20u) << round;
    const auto kept = collection_->Versions();
    ASSERT_OK(kept);
    EXPECT_LE(kept->size(), versions + 1) << round;
  }
};

TEST_F(BoundedGrowthTest, SingleInsertsWithAFlushEach) {
  Create();
  Play([&](int round) { ASSERT_OK(collection_->Upsert(At(std::to_string(round), 0, 0))); }, 1);
  EXPECT_EQ(Count(), static_cast<uint64_t>(kRounds));
}

TEST_F(BoundedGrowthTest, TheSameHundredIdsWrittenOverAndOver) {
  Create();
  Play(
      [&](int round) {
        std::vector<Record> records;
        for (int i = 0; i < 100; ++i) {
          records.push_back(At(std::to_string(i), static_cast<float>(round), 0));
        }
        ASSERT_OK(collection_->Upsert(records));
      },
      60);
  EXPECT_EQ(Count(), 100u);
}

TEST_F(BoundedGrowthTest, InsertsAndDeletesInDeletionVectors) {
  options_.delete_mode = DeleteMode::kVectors;
  Create();
  Play(
      [&](int round) {
        std::vector<Record> records;
        for (int i = 0; i < 10; ++i) {
          records.push_back(At(std::to_string(round * 10 + i), static_cast<float>(i), 0));
        }
        ASSERT_OK(collection_->Upsert(records));
        std::vector<std::string> old;
        for (int i = 0; i < 10; ++i) old.push_back(std::to_string((round - 20) * 10 + i));
        ASSERT_OK(collection_->Delete(old));
      },
      1);
  EXPECT_EQ(Count(), 200u);
}

TEST_F(BoundedGrowthTest, RecordsThatExpire) {
  ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", options_));
  ASSERT_OK_AND_ASSIGN(collection_,
                       engine.CreateCollection("docs", Schema(), {.default_ttl_ms = 100'000}));
  Play(
      [&](int round) {
        ASSERT_OK(collection_->Upsert(At("a" + std::to_string(round), 0, 0)));
        ASSERT_OK(collection_->Upsert(At("b" + std::to_string(round), 0, 0)));
      },
      10);
  EXPECT_EQ(Count(), 18u);
  EXPECT_LE(collection_->Statistics().part_count, 8u);
}

TEST_F(BoundedGrowthTest, ChangesOfMetadata) {
  Create();
  ASSERT_OK(collection_->Upsert(At("a", 0, 0)));
  const std::vector<std::string> ids = {"a"};
  Play([&](int round) { ASSERT_OK(collection_->UpdateMetadata(ids, {.set = {{"year", round}}})); },
       1);
  EXPECT_EQ(Count(), 1u);
}

TEST_F(BoundedGrowthTest, ChangesOfPropertiesAlone) {
  Create();
  Play([&](int round) { ASSERT_OK(collection_->SetProperties({.default_ttl_ms = 1 + round})); }, 1);
  EXPECT_EQ(collection_->Properties().default_ttl_ms, kRounds);
}

TEST_F(BoundedGrowthTest, LoadsOfARowEach) {
  Create();
  Play(
      [&](int round) {
        RecordBatch batch;
        batch.ids = {std::to_string(round)};
        batch.vectors = {static_cast<float>(round), 0};
        OneBatch source(std::move(batch));
        ASSERT_OK(collection_->Load(source));
      },
      1);
  EXPECT_EQ(Count(), static_cast<uint64_t>(kRounds));
}

TEST_F(BoundedGrowthTest, A5_ATidyCollectionIsLeftAlone) {
  Create();
  std::vector<Record> records;
  for (int i = 0; i < 1000; ++i) records.push_back(At(std::to_string(i), static_cast<float>(i), 0));
  records[0].expires_at = Timestamp{clock_.Now().micros + 1};
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  const int64_t version = collection_->Statistics().table_version;
  for (int interval = 0; interval < 50; ++interval) {
    clock_.AdvanceSeconds(3600);
    ASSERT_OK(collection_->Compact());  // what the background does in an interval
  }
  EXPECT_EQ(collection_->Statistics().compactions, 0u);
  EXPECT_EQ(collection_->Statistics().table_version, version);
}

TEST_F(BoundedGrowthTest, C04_A5_FiftyTinyFlushesAreMergedAndTheCommitSaysWhy) {
  options_.background_compaction = false;
  Create();
  for (int i = 0; i < 50; ++i) {
    ASSERT_OK(collection_->Upsert(At(std::to_string(i), 0, 0)));
    ASSERT_OK(collection_->Flush());
  }
  ASSERT_EQ(collection_->Statistics().part_count, 50u);
  options_.background_compaction = true;
  ASSERT_OK(Reopen());
  WaitForBackground();
  EXPECT_LT(collection_->Statistics().part_count, 4u);
  ASSERT_OK_AND_ASSIGN(const auto versions, collection_->Versions());
  const auto compacted = std::find_if(versions.begin(), versions.end(), [](const auto& version) {
    return version.operation == "OPTIMIZE";
  });
  ASSERT_NE(compacted, versions.end());
  EXPECT_EQ(compacted->reason, "50 small files");
}

}  // namespace
}  // namespace viper::core
