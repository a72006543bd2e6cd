#include "core/write_queue.h"

#include <atomic>
#include <thread>

#include "core/collection_fixture.h"

namespace viper::core {
namespace {

class WriteQueueTest : public CollectionFixture {
 protected:
  template <typename Work>
  static void InThreads(int count, Work work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([work, i] { work(i); });
    for (std::thread& thread : threads) thread.join();
  }
};

TEST_F(WriteQueueTest, WritesOfManyThreadsAreAllThereAndShareSyncs) {
  Create();
  InThreads(8, [&](int thread) {
    for (int i = 0; i < 200; ++i) {
      EXPECT_OK(collection_->Upsert(
          At(std::to_string(thread) + "-" + std::to_string(i), 1, static_cast<float>(i))));
    }
  });
  EXPECT_EQ(Count(), 1600u);
  const CollectionStatistics statistics = collection_->Statistics();
  EXPECT_EQ(statistics.last_sequence, 1600u);
  EXPECT_LE(statistics.wal_syncs, statistics.wal_records + 10);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 1600u);
}

TEST_F(WriteQueueTest, OneOfManyRacingInsertsWins) {
  Create();
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> winners = 0;
    InThreads(6, [&](int thread) {
      auto inserted = collection_->Insert(
          At("contested-" + std::to_string(round), static_cast<float>(thread), 0));
      if (inserted.ok()) {
        winners.fetch_add(1);
      } else {
        EXPECT_STATUS(kAlreadyExists, "contested", inserted);
      }
    });
    EXPECT_EQ(winners.load(), 1) << round;
  }
}

TEST_F(WriteQueueTest, ReadersSeeWholeBatchesBesideWritersAndFlushes) {
  Create();
  // Each batch replaces all of ten records by one number; a reader must never see two numbers.
  const auto batch_of = [](int number) {
    std::vector<Record> batch;
    for (int i = 0; i < 10; ++i) {
      batch.push_back(At("id" + std::to_string(i), static_cast<float>(number), 0));
    }
    return batch;
  };
  ASSERT_OK(collection_->Upsert(batch_of(0)));
  std::atomic<bool> done = false;
  InThreads(4, [&](int thread) {
    if (thread == 0) {
      for (int i = 1; i <= 150; ++i) EXPECT_OK(collection_->Upsert(batch_of(i)));
      done = true;
    } else if (thread == 1) {
      while (!done) EXPECT_OK(collection_->Flush());
    } else {
      while (!done) {
        SearchOptions options;
        options.k = 100;
        options.projection.vector = true;
        const std::vector<float> query = {0, 0};
        auto hits = collection_->Search(query, options);
        ASSERT_OK(hits);
        ASSERT_EQ(hits->size(), 10u);
        for (const Hit& hit : *hits) ASSERT_EQ(hit.vector[0], hits->front().vector[0]);
      }
    }
  });
  EXPECT_EQ(Count(), 10u);
}

TEST_F(WriteQueueTest, BackgroundFlushKeepsMemorySmall) {
  options_.background_flush = true;
  options_.flush_bytes = size_t{1} << 20;
  Create();
  std::vector<Record> batch(500);
  for (int round = 0; round < 40; ++round) {
    for (size_t i = 0; i < batch.size(); ++i) {
      batch[i] = At(std::to_string(round) + "/" + std::to_string(i), 1, 2,
                    {{"note", std::string(200, 'n')}});
    }
    ASSERT_OK(collection_->Upsert(batch));
    ASSERT_LT(collection_->Statistics().memory_bytes, 6 * options_.flush_bytes);
  }
  EXPECT_GT(collection_->Statistics().flushes, 0u);
  EXPECT_EQ(Count(), 20'000u);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Count(), 20'000u);
}

TEST_F(WriteQueueTest, WeakerDurabilityKeepsWhatAProcessKillLeaves) {
  for (const Durability durability : {Durability::kInterval, Durability::kNone}) {
    options_.durability = durability;
    collection_.reset();
    (void)files_.RemoveDirectoryTree("/db").ok();
    Create();
    ASSERT_OK(collection_->Upsert(At("a", 1, 1)));
    auto killed = files_.DurableImage(CrashMode::kKeepAll);
    EngineOptions after = options_;
    after.file_system = killed.get();
    ASSERT_OK_AND_ASSIGN(Engine engine, Engine::Open("/db", after));
    ASSERT_OK_AND_ASSIGN(auto collection, engine.OpenCollection("docs"));
    EXPECT_OK(collection->Get("a"));
  }
}

}  // namespace
}  // namespace viper::core
