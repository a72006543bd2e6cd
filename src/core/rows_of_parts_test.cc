#include "core/rows_of_parts.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>
#include <vector>

#include "core/indexed_collection_fixture.h"
#include "index/cluster_ranking.h"

namespace viper::core {
namespace {

class RowsOfPartsTest : public IndexedCollectionFixture {
 protected:
  /// Three parts, of 1,200, 500 and 700 rows.
  void SetUp() override {
    CreateIndexed();
    int first = 0;
    for (const int count : {1200, 500, 700}) {
      Write(first, first + count);
      ASSERT_OK(collection_->Flush());
      first += count;
    }
    ASSERT_OK(collection_->BuildIndex());
    ASSERT_OK_AND_ASSIGN(open_, ReopenInside());
    view_ = open_->View();
    ASSERT_EQ(view_->parts.size(), 3U);
  }

  std::vector<float> FloatsIn(size_t part, uint64_t row) {
    std::vector<float> floats(kDim);
    const auto bytes = view_->parts[part].part->Floats(row);
    EXPECT_OK(bytes);
    std::memcpy(floats.data(), bytes->floats, kDim * sizeof(float));
    return floats;
  }

  std::unique_ptr<Collection::Impl> open_;
  std::shared_ptr<const ReadView> view_;
};

TEST_F(RowsOfPartsTest, NumbersTheRowsOfItsPartsAlone) {
  const RowsOfParts rows(*view_, {0, 2});
  const uint64_t first_count = view_->parts[0].part->row_count();
  ASSERT_EQ(rows.count(), first_count + view_->parts[2].part->row_count());
  const std::vector<uint64_t> numbers = {0, first_count - 1, first_count, rows.count() - 1};
  ASSERT_OK_AND_ASSIGN(const auto floats, rows.FloatsOf(numbers, kDim));
  std::vector<float> expected;
  for (const auto& [part, row] : {std::pair<size_t, uint64_t>{0, 0},
                                  {0, first_count - 1},
                                  {2, 0},
                                  {2, rows.count() - first_count - 1}}) {
    const auto next = FloatsIn(part, row);
    expected.insert(expected.end(), next.begin(), next.end());
  }
  EXPECT_EQ(floats, expected);
}

TEST_F(RowsOfPartsTest, SamplesEachStretchOnce) {
  const RowsOfParts rows(*view_, {0, 1, 2});
  const std::vector<uint64_t> sample = rows.Sample(100, 7);
  ASSERT_EQ(sample.size(), 100U);
  for (size_t i = 0; i < sample.size(); ++i) {
    EXPECT_GE(sample[i], rows.count() * i / 100);
    EXPECT_LT(sample[i], rows.count() * (i + 1) / 100);
  }
  EXPECT_EQ(rows.Sample(100, 7), sample);
  EXPECT_NE(rows.Sample(100, 8), sample);
}

TEST_F(RowsOfPartsTest, NearestAreThoseOfABruteForce) {
  const RowsOfParts rows(*view_, {1, 2});
  std::vector<uint64_t> all(rows.count());
  std::iota(all.begin(), all.end(), uint64_t{0});
  ASSERT_OK_AND_ASSIGN(const auto floats, rows.FloatsOf(all, kDim));
  const std::vector<uint64_t> asked = {3, 499, 500, 1100};
  ASSERT_OK_AND_ASSIGN(const auto queries, rows.FloatsOf(asked, kDim));
  ASSERT_OK_AND_ASSIGN(const auto nearest, rows.Nearest(*view_, queries, 5, {}));
  for (size_t i = 0; i < asked.size(); ++i) {
    std::vector<std::pair<double, uint64_t>> ranked;
    for (const uint64_t row : all) {
      double squared = 0;
      for (size_t j = 0; j < kDim; ++j) {
        const double difference =
            double{floats[row * kDim + j]} - double{floats[asked[i] * kDim + j]};
        squared += difference * difference;
      }
      ranked.emplace_back(squared, row);
    }
    std::sort(ranked.begin(), ranked.end());
    std::vector<uint64_t> expected;
    for (size_t j = 0; j < 5; ++j) expected.push_back(ranked[j].second);
    EXPECT_EQ(nearest[i], expected);
  }
}

TEST_F(RowsOfPartsTest, AssignsEachRowToItsNearestCentroid) {
  const RowsOfParts rows(*view_, {0, 1, 2});
  const auto model = open_->context().read->index.files()->model;
  ThreadPool pool("test", 2);
  ASSERT_OK_AND_ASSIGN(const AssignedRows alone, AssignRows(rows, model, {}, nullptr, {}));
  ASSERT_OK_AND_ASSIGN(const AssignedRows shared, AssignRows(rows, model, {}, &pool, {}));
  EXPECT_EQ(alone.clusters, shared.clusters);
  EXPECT_EQ(alone.mean_squared_distance, shared.mean_squared_distance);
  EXPECT_FALSE(alone.are_whole);
  size_t others = 0;
  for (uint64_t row = 0; row < rows.count(); row += 10) {
    ASSERT_OK_AND_ASSIGN(const auto floats, rows.FloatsOf({{row}}, kDim));
    others += index::RankClusters(*model, floats, 1).front().cluster != alone.clusters[row];
  }
  // Centroids that are as near may be told apart by rounding.
  EXPECT_LE(others, 2U);
  EXPECT_STATUS(kCancelled, "", AssignRows(rows, model, {}, nullptr, [](double) { return false; }));
}

}  // namespace
}  // namespace viper::core
