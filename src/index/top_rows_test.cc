#include "index/top_rows.h"

#include <algorithm>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper::index {
namespace {

const TieLess kByNumber;

TEST(TopRows, KeepsTheNearestWhateverTheOrderOfTheOffers) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<ScoredRow> rows;
    for (uint64_t row = 0; row < random.Uniform(60); ++row) {
      rows.push_back({row, static_cast<double>(random.Uniform(8))});
    }
    std::vector<ScoredRow> expected = rows;
    std::sort(expected.begin(), expected.end(), [](const ScoredRow& a, const ScoredRow& b) {
      return a.distance != b.distance ? a.distance < b.distance : a.row < b.row;
    });
    const size_t k = random.Uniform(20);
    expected.resize(std::min(k, expected.size()));

    for (size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.Uniform(i)]);
    TopRows first(k, kByNumber);
    TopRows second(k, kByNumber);
    for (const ScoredRow& row : rows) (random.Chance(0.5) ? first : second).Offer(row);
    first.Merge(second);
    EXPECT_EQ(std::move(first).TakeSorted(), expected);
  }
}

TEST(TopRows, TiesAreOrderedByTieLessThenByNumber) {
  const TieLess even_first = [](uint64_t a, uint64_t b) { return a % 2 < b % 2; };
  TopRows top(4, even_first);
  for (uint64_t row = 1; row <= 7; ++row) top.Offer({row, 0.5});
  const std::vector<ScoredRow> expected = {{2, 0.5}, {4, 0.5}, {6, 0.5}, {1, 0.5}};
  EXPECT_EQ(std::move(top).TakeSorted(), expected);
}

TEST(TopRows, AsksTieLessOnlyAboutTies) {
  const TieLess fail = [](uint64_t, uint64_t) {
    ADD_FAILURE() << "asked about rows of different distance";
    return false;
  };
  TopRows top(3, fail);
  for (uint64_t row = 0; row < 10; ++row) top.Offer({row, static_cast<double>(row * 7 % 10)});
  EXPECT_EQ(std::move(top).TakeSorted().front(), (ScoredRow{0, 0}));
}

TEST(TopRows, NoneAreKeptWhenNoneAreAskedFor) {
  TopRows top(0, kByNumber);
  top.Offer({1, 1});
  EXPECT_TRUE(std::move(top).TakeSorted().empty());
}

TEST(TopRows, InfinitelyFarRowsAreKeptLast) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  TopRows top(2, kByNumber);
  for (const ScoredRow& row : {ScoredRow{0, kFar}, ScoredRow{1, kFar}, ScoredRow{2, 7}}) {
    top.Offer(row);
  }
  const std::vector<ScoredRow> expected = {{2, 7}, {0, kFar}};
  EXPECT_EQ(std::move(top).TakeSorted(), expected);
}

}  // namespace
}  // namespace viper::index
