// Engines under EngineOptions::memory_limit: what they take stays below it, writes wait or say that
// they cannot, and nothing that was acknowledged is missing.

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/collection_fixture.h"

namespace viper::core {
namespace {

constexpr uint64_t kLimit = uint64_t{64} << 20;

class MemoryLimitTest : public CollectionFixture {
 protected:
  static constexpr size_t kDim = 4096;
  /// A mebibyte of floats.
  static constexpr size_t kBatchRows = 64;

  MemoryLimitTest() {
    options_.memory_limit = kLimit;
    options_.background_index = false;
  }

  void CreateLimited() {
    auto engine = Engine::Open("/db", options_);
    ASSERT_OK(engine);
    engine_ = std::make_unique<Engine>(std::move(*engine));
    collection_ = MakeCollection("docs");
  }

  std::shared_ptr<Collection> MakeCollection(const std::string& name) {
    CollectionSchema schema;
    schema.dim = kDim;
    schema.metric = Metric::kL2;
    auto created = engine_->CreateCollection(name, schema);
    EXPECT_OK(created);
    return *created;
  }

  static std::vector<Record> Batch(size_t number, size_t rows = kBatchRows) {
    std::vector<Record> records(rows);
    for (size_t i = 0; i < records.size(); ++i) {
      records[i].id = "id" + std::to_string(number) + "-" + std::to_string(i);
      records[i].vector.assign(kDim, static_cast<float>(number * kBatchRows + i));
    }
    return records;
  }

  std::unique_ptr<Engine> engine_;
};

TEST_F(MemoryLimitTest, S09_WritesOfManyTimesTheLimitStayBelowIt) {
  options_.background_flush = true;
  CreateLimited();
  uint64_t most = 0;
  for (size_t number = 0; number < 150; ++number) {
    ASSERT_OK(collection_->Upsert(Batch(number)));
    most = std::max(most, engine_->Memory().total());
  }
  EXPECT_LE(most, kLimit);
  EXPECT_GT(most, kLimit / 8);
  EXPECT_EQ(engine_->Memory().limit, kLimit);
  EXPECT_EQ(Count(), 150 * kBatchRows);
  ASSERT_OK(collection_->Flush());
  EXPECT_LT(engine_->Memory().rows, kLimit / 16);
}

TEST_F(MemoryLimitTest, AWriteThatIsAtomicWithoutALimitIsSoUnderOne) {
  CreateLimited();
  ASSERT_OK_AND_ASSIGN(const WriteSummary first, collection_->Upsert(Batch(0, 1)));
  ASSERT_OK_AND_ASSIGN(const WriteSummary second, collection_->Upsert(Batch(1, 20 * kBatchRows)));
  EXPECT_EQ(second.sequence, first.sequence + 1) << "one record of the log";
  EXPECT_EQ(Count(), 1 + 20 * kBatchRows);
}

TEST_F(MemoryLimitTest, WithoutABackgroundTheWritesFlush) {
  CreateLimited();
  uint64_t most = 0;
  for (size_t number = 0; number < 100; ++number) {
    ASSERT_OK(collection_->Upsert(Batch(number)));
    most = std::max(most, engine_->Memory().total());
  }
  EXPECT_LE(most, kLimit);
  EXPECT_EQ(Count(), 100 * kBatchRows);
}

TEST_F(MemoryLimitTest, S09_WritersAtOnceStayBelowItTogether) {
  options_.background_flush = true;
  CreateLimited();
  std::atomic<uint64_t> most{0};
  std::vector<std::thread> writers;
  for (size_t writer = 0; writer < 6; ++writer) {
    writers.emplace_back([&, writer] {
      for (size_t number = 0; number < 4; ++number) {
        // A quarter of the limit each.
        const auto batch = Batch(100 * writer + 16 * number, 16 * kBatchRows);
        EXPECT_OK(collection_->Upsert(batch));
        const uint64_t used = engine_->Memory().total();
        for (uint64_t seen = most; used > seen && !most.compare_exchange_weak(seen, used);) {
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_LE(most, kLimit);
  EXPECT_EQ(Count(), 24 * 16 * kBatchRows);
}

TEST_F(MemoryLimitTest, AnUpdateByFilterGoesInPiecesThatFindRoom) {
  CreateLimited();
  for (size_t number = 0; number < 80; ++number) ASSERT_OK(collection_->Upsert(Batch(number)));
  ASSERT_OK_AND_ASSIGN(const Filter all, Filter::Parse("_id IS NOT NULL"));
  ASSERT_OK_AND_ASSIGN(const WriteSummary written,
                       collection_->UpdateMetadata(all, {.set = {{"seen", true}}}));
  EXPECT_EQ(written.rows, 80 * kBatchRows);
  EXPECT_LE(engine_->Memory().total(), kLimit);
  EXPECT_EQ(*collection_->Count(Filter::Parse("seen = true").value()), 80 * kBatchRows);
}

TEST_F(MemoryLimitTest, S09_OtherCollectionsGiveTheirMemoryToTheOneThatWrites) {
  options_.background_flush = true;
  // Large enough that only who is asked flushes.
  options_.memory_limit = 2 * kLimit;
  CreateLimited();
  std::vector<std::shared_ptr<Collection>> others;
  for (int i = 0; i < 12; ++i) {
    others.push_back(MakeCollection("other" + std::to_string(i)));
    for (size_t number = 0; number < 8; ++number) {
      ASSERT_OK(others.back()->Upsert(Batch(number)));
    }
  }
  for (size_t number = 0; number < 20; ++number) ASSERT_OK(collection_->Upsert(Batch(number)));
  EXPECT_LE(engine_->Memory().total(), 2 * kLimit);
  for (const auto& other : others) EXPECT_EQ(*other->Count(Filter()), 8 * kBatchRows);
}

TEST_F(MemoryLimitTest, S09_ManyIdsAreUpdatedInPiecesThatFindRoom) {
  CreateLimited();
  std::vector<std::string> ids;
  for (size_t number = 0; number < 80; ++number) {
    ASSERT_OK(collection_->Upsert(Batch(number)));
    for (const Record& record : Batch(number)) ids.push_back(record.id);
  }
  ASSERT_OK_AND_ASSIGN(const WriteSummary written,
                       collection_->UpdateMetadata(ids, {.set = {{"seen", true}}}));
  EXPECT_EQ(written.rows, ids.size());
  EXPECT_LE(engine_->Memory().total(), kLimit);
  EXPECT_EQ(*collection_->Count(Filter::Parse("seen = true").value()), ids.size());
}

TEST_F(MemoryLimitTest, WhatSnapshotsHoldMakesAWriteGiveUpAtItsDeadline) {
  options_.write_timeout_ms = 20;
  CreateLimited();
  std::vector<Snapshot> held;
  size_t written = 0;
  Status status;
  for (; written < 200; ++written) {
    status = collection_->Upsert(Batch(written)).status();
    if (!status.ok()) break;
    held.push_back(collection_->GetSnapshot());
  }
  ASSERT_EQ(status.code(), StatusCode::kDeadlineExceeded) << status.ToString();
  EXPECT_NE(status.message().find("memory_limit=67108864"), std::string::npos) << status.ToString();
  EXPECT_GT(written, 20U);
  EXPECT_LE(engine_->Memory().total(), kLimit);
  EXPECT_EQ(Count(), written * kBatchRows) << "nothing of the refused write";
  held.clear();
  ASSERT_OK(collection_->Upsert(Batch(written)));
  EXPECT_EQ(Count(), (written + 1) * kBatchRows);
}

TEST_F(MemoryLimitTest, AnAtomicWriteThatCanNeverFitIsRefusedAtOnce) {
  options_.write_timeout_ms = 3'600'000;
  CreateLimited();
  const auto written = collection_->Insert(Batch(0, 60 * kBatchRows));
  EXPECT_EQ(written.status().code(), StatusCode::kResourceExhausted) << written.status().ToString();
  EXPECT_EQ(Count(), 0U);
  // An upsert is written piece by piece.
  ASSERT_OK(collection_->Upsert(Batch(0, 200 * kBatchRows)));
  EXPECT_EQ(Count(), 200 * kBatchRows);
}

TEST_F(MemoryLimitTest, CachesTakeWhatTheCollectionsBeforeThemLeave) {
  CreateLimited();
  const uint64_t one = engine_->Memory().caches;
  EXPECT_EQ(one, kLimit / 8);
  std::vector<std::shared_ptr<Collection>> others;
  for (int i = 0; i < 10; ++i) others.push_back(MakeCollection("other" + std::to_string(i)));
  EXPECT_LE(engine_->Memory().caches, kLimit / 4);
  ASSERT_OK(others.back()->Upsert(Batch(0, 10)));
  ASSERT_OK(others.back()->Flush());
  EXPECT_EQ(*others.back()->Count(Filter::Parse("_id = 'id0-3'").value()), 1U)
      << "a collection works without caches";
  others.clear();
  EXPECT_EQ(engine_->Memory().caches, one);
}

TEST_F(MemoryLimitTest, WithoutALimitWhatIsTakenIsCounted) {
  options_.memory_limit = 0;
  options_.cache_bytes = 1 << 20;
  options_.vector_cache_bytes = 2 << 20;
  CreateLimited();
  ASSERT_OK(collection_->Upsert(Batch(0)));
  const MemoryUsage usage = engine_->Memory();
  EXPECT_EQ(usage.limit, 0U);
  EXPECT_GE(usage.rows, uint64_t{1} << 20);
  EXPECT_EQ(usage.caches, uint64_t{3} << 20);
  EXPECT_EQ(usage.total(), usage.rows + usage.caches);
}

TEST_F(MemoryLimitTest, ALimitTooSmallToWorkWithIsRefused) {
  options_.memory_limit = kLimit - 1;
  EXPECT_EQ(options_.Validate().code(), StatusCode::kInvalidArgument);
  options_.memory_limit = kLimit;
  EXPECT_OK(options_.Validate());
  options_.write_timeout_ms = 0;
  EXPECT_EQ(options_.Validate().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace viper::core
