#include "core/selection_cache.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace viper::core {
namespace {

FilterKey KeyOf(const std::string& text) { return FilterKey(Filter::Parse(text).value()); }

std::shared_ptr<const int> Owner() { return std::make_shared<const int>(0); }

std::shared_ptr<const int> Number(int number) { return std::make_shared<const int>(number); }

TEST(SelectionCache, EqualFiltersAreOneKeyHoweverTheyAreWritten) {
  using where::Field;
  EXPECT_EQ(KeyOf("year >= 2000 and tags contains 'x'"),
            FilterKey(Field("year") >= 2000 && Field("tags").Contains("x")));
  EXPECT_EQ(KeyOf(""), FilterKey(Filter()));
  EXPECT_EQ(KeyOf("(a = 0.0)").hash(), KeyOf("a = -0.0").hash());
  for (const char* other : {"", "year > 2000 AND tags CONTAINS 'x'", "year >= 2000",
                            "year >= 2000.0 AND tags CONTAINS 'x'", "NOT year >= 2000"}) {
    EXPECT_FALSE(KeyOf(other) == KeyOf("year >= 2000 AND tags CONTAINS 'x'")) << other;
  }
}

TEST(SelectionCache, FindsWhatWasPutForTheSameOwnerAndFilter) {
  SelectionCache cache(10'000);
  const auto a = Owner();
  const auto b = Owner();
  cache.Put(a, KeyOf("x = 1"), Number(1), 100);
  cache.Put(b, KeyOf("x = 1"), Number(2), 100);
  cache.Put(a, KeyOf("x = 2"), Number(3), 100);
  EXPECT_EQ(*cache.Find<int>(a, KeyOf("x = 1")), 1);
  EXPECT_EQ(*cache.Find<int>(b, KeyOf("x = 1")), 2);
  EXPECT_EQ(*cache.Find<int>(a, KeyOf("x = 2")), 3);
  EXPECT_EQ(cache.Find<int>(b, KeyOf("x = 2")), nullptr);
  const size_t bytes = cache.bytes();
  cache.Put(a, KeyOf("x = 1"), Number(4), 100);
  EXPECT_EQ(*cache.Find<int>(a, KeyOf("x = 1")), 4);
  EXPECT_EQ(cache.bytes(), bytes);
}

TEST(SelectionCache, AnotherOwnerAtTheSameAddressFindsNothing) {
  SelectionCache cache(10'000);
  const int place = 0;
  const auto owner = [&place] { return std::shared_ptr<const int>(&place, [](const int*) {}); };
  cache.Put(owner(), KeyOf("x = 1"), Number(1), 100);
  EXPECT_EQ(cache.Find<int>(owner(), KeyOf("x = 1")), nullptr);
}

TEST(SelectionCache, CountsTheFiltersThatItKeeps) {
  SelectionCache cache(1 << 20);
  const auto a = Owner();
  std::string list = "'0'";
  for (int i = 1; i < 1000; ++i) list += ", 'permission-" + std::to_string(i) + "'";
  for (int user = 0; user < 100; ++user) {
    cache.Put(a, KeyOf("x IN (" + list + ", 'user-" + std::to_string(user) + "')"), Number(1), 8);
  }
  EXPECT_NE(cache.Find<int>(a, KeyOf("x IN (" + list + ", 'user-99')")), nullptr);
  EXPECT_EQ(cache.Find<int>(a, KeyOf("x IN (" + list + ", 'user-0')")), nullptr)
      << "100 filters of 50 KiB are more than a mebibyte";
}

TEST(SelectionCache, DropsWhatIsGoneThenWhatWasNotUsedForLongest) {
  SelectionCache cache(6000);
  const auto a = Owner();
  auto gone = Owner();
  cache.Put(a, KeyOf("x = 1"), Number(1), 1000);
  cache.Put(a, KeyOf("x = 2"), Number(2), 1000);
  cache.Put(gone, KeyOf("x = 3"), Number(3), 1000);
  cache.Put(a, KeyOf("x = 4"), Number(4), 1000);
  gone.reset();
  cache.Put(a, KeyOf("x = 5"), Number(5), 1000);
  EXPECT_NE(cache.Find<int>(a, KeyOf("x = 1")), nullptr);
  cache.Put(a, KeyOf("x = 6"), Number(6), 1000);
  EXPECT_NE(cache.Find<int>(a, KeyOf("x = 1")), nullptr);
  EXPECT_EQ(cache.Find<int>(a, KeyOf("x = 2")), nullptr);
  EXPECT_NE(cache.Find<int>(a, KeyOf("x = 4")), nullptr);
  EXPECT_LE(cache.bytes(), 6000U);
  // Larger than the cache: not kept, and nothing goes for it.
  cache.Put(a, KeyOf("x = 7"), Number(7), 7000);
  EXPECT_EQ(cache.Find<int>(a, KeyOf("x = 7")), nullptr);
  EXPECT_NE(cache.Find<int>(a, KeyOf("x = 1")), nullptr);
}

}  // namespace
}  // namespace viper::core
