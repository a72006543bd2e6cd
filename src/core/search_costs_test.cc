#include "core/search_costs.h"

#include <array>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/indexed_collection_fixture.h"
#include "core/view_search.h"

namespace viper::core {
namespace {

constexpr double kRowSeconds = 2e-9;
constexpr double kFixedSeconds = 50e-6;

void NoteMany(SearchCosts& costs, int count, double row_seconds,
              std::span<const std::string_view> files = {}) {
  for (int i = 0; i < count; ++i) {
    const uint64_t rows = 10'000 + static_cast<uint64_t>(i % 7) * 1'000;
    costs.Note(rows, kFixedSeconds + row_seconds * static_cast<double>(rows), files);
  }
}

TEST(SearchCosts, OneSearchInSoManyIsChosen) {
  SearchCosts costs;
  int chosen = 0;
  for (uint64_t i = 0; i < 10 * SearchCosts::kMeasuredOneIn; ++i) {
    chosen += costs.CountAndChoose() ? 1 : 0;
  }
  EXPECT_EQ(chosen, 10);
  EXPECT_EQ(costs.Summarize().searches, 10 * SearchCosts::kMeasuredOneIn);
}

TEST(SearchCosts, WhatIsSpentWhateverIsScannedIsNotCounted) {
  SearchCosts costs;
  NoteMany(costs, 70, kRowSeconds);
  const auto scan_seconds = costs.Summarize().scan_seconds;
  ASSERT_TRUE(scan_seconds);
  EXPECT_NEAR(*scan_seconds, kRowSeconds * 13'000, 1e-8);
}

TEST(SearchCosts, AFewMeasurementsTellNothing) {
  SearchCosts costs;
  NoteMany(costs, static_cast<int>(SearchCosts::kMeasurementsMin) - 1, kRowSeconds,
           std::array<std::string_view, 1>{"a"});
  EXPECT_FALSE(costs.Summarize().scan_seconds);
  EXPECT_TRUE(costs.Summarize().answer_shares.empty());
}

TEST(SearchCosts, EqualNumbersOfRowsTellNothing) {
  SearchCosts costs;
  for (int i = 0; i < 100; ++i) costs.Note(12'345, 1e-6 * (1 + i % 3), {});
  EXPECT_FALSE(costs.Summarize().scan_seconds);
}

TEST(SearchCosts, MoreRowsInLessTimeCostNothing) {
  SearchCosts costs;
  for (int i = 0; i < 100; ++i) costs.Note(static_cast<uint64_t>(i), 1e-3 - 1e-6 * i, {});
  EXPECT_EQ(costs.Summarize().scan_seconds, 0.0);
}

TEST(SearchCosts, OldMeasurementsFade) {
  SearchCosts costs;
  NoteMany(costs, 1'000, kRowSeconds);
  NoteMany(costs, 10'000, 5 * kRowSeconds);
  EXPECT_NEAR(*costs.Summarize().scan_seconds, 5 * kRowSeconds * 13'000, 1e-7);
}

TEST(SearchCosts, AnswersAreSharedAmongFiles) {
  SearchCosts costs;
  const std::vector<std::string_view> files = {"a", "a", "a", "b"};
  NoteMany(costs, 100, kRowSeconds, files);
  const auto shares = costs.Summarize().answer_shares;
  EXPECT_DOUBLE_EQ(shares.at("a"), 0.75);
  EXPECT_DOUBLE_EQ(shares.at("b"), 0.25);
}

TEST(SearchCosts, FilesThatAreGoneAreForgotten) {
  SearchCosts costs;
  costs.Note(1, 1, std::array<std::string_view, 1>{"gone"});
  const std::vector<std::string_view> files(1'000, "here");
  NoteMany(costs, 200, kRowSeconds, files);
  const auto shares = costs.Summarize().answer_shares;
  EXPECT_FALSE(shares.contains("gone"));
  EXPECT_DOUBLE_EQ(shares.at("here"), 1);
}

class MeasuredSearchTest : public IndexedCollectionFixture {};

TEST_F(MeasuredSearchTest, SingleSearchesThroughTheIndexAreMeasured) {
  CreateIndexed();
  Write(0, 1500);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const auto open, ReopenInside());
  const auto view = open->View();
  ReadContext& context = *open->context().read;
  const auto search = [&](size_t query_count, const SearchOptions& options) {
    std::vector<float> queries;
    for (size_t i = 0; i < query_count; ++i) {
      const std::vector<float> query = RandomVector();
      queries.insert(queries.end(), query.begin(), query.end());
    }
    ASSERT_OK(ViewSearch(context, view, options).Run({queries, query_count}, 0));
  };
  constexpr uint64_t kSearches = SearchCosts::kMeasuredOneIn * SearchCosts::kMeasurementsMin;
  for (uint64_t i = 0; i < kSearches; ++i) search(1, {.nprobe = 2});
  SearchCosts::Summary summary = context.search_costs.Summarize();
  EXPECT_EQ(summary.searches, kSearches);
  ASSERT_EQ(summary.answer_shares.size(), 1U);
  EXPECT_EQ(summary.answer_shares.begin()->first, view->parts.at(0).part->added().path);
  EXPECT_DOUBLE_EQ(summary.answer_shares.begin()->second, 1);
  // Of these nobody could say what scanning took.
  search(3, {.nprobe = 2});
  search(1, {.exact = true});
  EXPECT_EQ(context.search_costs.Summarize().searches, kSearches);
}

}  // namespace
}  // namespace viper::core
