#include "core/column_cache.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "testing/status_matchers.h"

namespace viper::core {
namespace {

columnar::Column Numbers(int64_t count) {
  columnar::Column column(FieldType::kInt64);
  for (int64_t i = 0; i < count; ++i) column.AppendInt64(i);
  return column;
}

class ColumnCacheTest : public ::testing::Test {
 protected:
  ColumnCache::ColumnPointer Get(const ColumnCache::Runs& runs, size_t number) {
    auto got = runs.Get(number, [this] {
      ++decodes_;
      return Result<columnar::Column>(Numbers(1000));
    });
    EXPECT_OK(got);
    return *got;
  }
  int decodes_ = 0;
};

TEST_F(ColumnCacheTest, DecodesOnce) {
  ColumnCache cache(1 << 20);
  const ColumnCache::Runs runs(cache, 2);
  EXPECT_EQ(Get(runs, 0), Get(runs, 0));
  EXPECT_EQ(decodes_, 1);
  EXPECT_NE(Get(runs, 0), Get(runs, 1));
  EXPECT_EQ(decodes_, 2);
}

TEST_F(ColumnCacheTest, EvictsWhatWasNotUsedAgain) {
  ColumnCache cache(2 * Numbers(1000).memory_bytes() + 1000);
  const ColumnCache::Runs runs(cache, 3);
  Get(runs, 0);
  Get(runs, 1);
  Get(runs, 0);
  Get(runs, 2);  // evicts 1
  EXPECT_EQ(decodes_, 3);
  Get(runs, 0);
  EXPECT_EQ(decodes_, 3);
  Get(runs, 1);
  EXPECT_EQ(decodes_, 4);
}

TEST_F(ColumnCacheTest, KeepsNothingWhenItHasNoRoom) {
  ColumnCache cache(0);
  const ColumnCache::Runs runs(cache, 1);
  EXPECT_NE(Get(runs, 0), nullptr);
  Get(runs, 0);
  EXPECT_EQ(decodes_, 2);
}

TEST_F(ColumnCacheTest, RunsThatGoMakeRoomForOthers) {
  ColumnCache cache(2 * Numbers(1000).memory_bytes() + 1000);
  const ColumnCache::Runs kept(cache, 1);
  Get(kept, 0);
  for (int i = 0; i < 10; ++i) {
    const ColumnCache::Runs gone(cache, 1);
    Get(gone, 0);
  }
  Get(kept, 0);
  EXPECT_EQ(decodes_, 11);
}

TEST_F(ColumnCacheTest, ReturnsErrorsAndDoesNotKeepThem) {
  ColumnCache cache(1 << 20);
  const ColumnCache::Runs runs(cache, 1);
  EXPECT_STATUS(kCorruption, "bad page", runs.Get(0, [] {
    return Result<columnar::Column>(Status::Corruption("bad page"));
  }));
  EXPECT_OK(runs.Get(0, [] { return Result<columnar::Column>(Numbers(1)); }));
}

TEST_F(ColumnCacheTest, ThreadsThatPushEachOtherOutSeeWholeColumns) {
  ColumnCache cache(3 * Numbers(1000).memory_bytes() + 1000);
  const ColumnCache::Runs runs(cache, 8);
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&runs, seed] {
      Random random(seed);
      for (int i = 0; i < 2000; ++i) {
        const auto got =
            runs.Get(random.Uniform(8), [] { return Result<columnar::Column>(Numbers(1000)); });
        ASSERT_EQ((*got)->int64s()[999], 999);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace viper::core
