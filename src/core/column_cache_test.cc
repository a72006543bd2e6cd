#include "core/column_cache.h"

#include <gtest/gtest.h>

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
  ColumnCache::ColumnPointer Get(ColumnCache& cache, uint64_t part, uint64_t number) {
    auto got = cache.Get({part, ColumnCache::Unit::kPage, "c", number}, [this] {
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
  EXPECT_EQ(Get(cache, 1, 0), Get(cache, 1, 0));
  EXPECT_EQ(decodes_, 1);
}

TEST_F(ColumnCacheTest, EvictsWhatWasNotUsedAgain) {
  ColumnCache cache(2 * Numbers(1000).memory_bytes() + 1000);
  Get(cache, 1, 0);
  Get(cache, 1, 1);
  Get(cache, 1, 0);
  Get(cache, 1, 2);  // evicts 1
  EXPECT_EQ(decodes_, 3);
  Get(cache, 1, 0);
  EXPECT_EQ(decodes_, 3);
  Get(cache, 1, 1);
  EXPECT_EQ(decodes_, 4);
}

TEST_F(ColumnCacheTest, KeepsNothingWhenItHasNoRoom) {
  ColumnCache cache(0);
  EXPECT_NE(Get(cache, 1, 0), nullptr);
  Get(cache, 1, 0);
  EXPECT_EQ(decodes_, 2);
}

TEST_F(ColumnCacheTest, DropsAPartAndNoOther) {
  ColumnCache cache(1 << 20);
  Get(cache, 1, 0);
  Get(cache, 2, 0);
  cache.DropPart(1);
  Get(cache, 2, 0);
  EXPECT_EQ(decodes_, 2);
  Get(cache, 1, 0);
  EXPECT_EQ(decodes_, 3);
}

TEST_F(ColumnCacheTest, ReturnsErrorsAndDoesNotKeepThem) {
  ColumnCache cache(1 << 20);
  const ColumnCache::Key key{1, ColumnCache::Unit::kPage, "c", 0};
  EXPECT_STATUS(kCorruption, "bad page", cache.Get(key, [] {
    return Result<columnar::Column>(Status::Corruption("bad page"));
  }));
  EXPECT_OK(cache.Get(key, [] { return Result<columnar::Column>(Numbers(1)); }));
}

}  // namespace
}  // namespace viper::core
