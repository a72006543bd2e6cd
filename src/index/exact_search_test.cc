// Exact search against a plain sort of all distances in double precision.

#include "index/exact_search.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper::index {
namespace {

constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kL2, Metric::kDot};
using Lists = std::vector<std::vector<ScoredRow>>;

/// Rows at an odd address, in blocks with gaps between their numbers, and what is selected of them.
class Rows {
 public:
  Rows(size_t dim, std::vector<float> floats)
      : dim_(dim), bytes_(floats.size() * sizeof(float) + 1) {
    std::ranges::copy(std::as_bytes(std::span(floats)), bytes_.begin() + 1);
  }

  size_t count() const { return (bytes_.size() - 1) / sizeof(float) / dim_; }
  const std::byte* row(size_t i) const { return bytes_.data() + 1 + i * dim_ * sizeof(float); }
  const std::vector<RowBlock>& blocks() const { return blocks_; }

  /// Add the next `row_count` rows as a block; bits from `selection_offset` on select among them.
  void AddBlock(size_t row_count, const Bitmap* selection = nullptr, size_t selection_offset = 0) {
    blocks_.push_back(
        {row(blocked_), row_count, blocked_ + 1000 * blocks_.size(), selection, selection_offset});
    blocked_ += row_count;
  }

 private:
  size_t dim_;
  std::vector<std::byte> bytes_;
  std::vector<RowBlock> blocks_;
  size_t blocked_ = 0;
};

Lists BruteForce(const ExactSearchRequest& request) {
  Lists lists;
  for (size_t q = 0; q < request.query_count; ++q) {
    std::vector<ScoredRow> all;
    for (const RowBlock& block : request.blocks) {
      for (size_t i = 0; i < block.row_count; ++i) {
        if (block.selection != nullptr && !block.selection->Test(block.selection_offset + i)) {
          continue;
        }
        const std::byte* row = block.floats + i * request.dim * sizeof(float);
        const float* query = request.queries.data() + q * request.dim;
        all.push_back(
            {block.first_row + i, ExactDistance(request.metric, row, query, request.dim)});
      }
    }
    std::sort(all.begin(), all.end(), [&](const ScoredRow& a, const ScoredRow& b) {
      if (a.distance != b.distance) return a.distance < b.distance;
      if (request.tie_less && request.tie_less(a.row, b.row)) return true;
      if (request.tie_less && request.tie_less(b.row, a.row)) return false;
      return a.row < b.row;
    });
    all.resize(std::min(request.k, all.size()));
    lists.push_back(std::move(all));
  }
  return lists;
}

ExactSearchRequest MakeRequest(Metric metric, size_t dim, const Rows& rows,
                               const std::vector<float>& queries, size_t k) {
  ExactSearchRequest request;
  request.metric = metric;
  request.dim = dim;
  request.blocks = rows.blocks();
  request.queries = queries;
  request.query_count = queries.size() / dim;
  request.k = k;
  for (size_t i = 0; i < rows.count(); ++i) {
    std::vector<float> row(dim);
    std::memcpy(row.data(), rows.row(i), dim * sizeof(float));
    const double norm = std::sqrt(SquaredNormOf(row.data(), dim));
    request.max_norm = std::isnan(norm) ? INFINITY : std::max(request.max_norm, norm);
  }
  return request;
}

/// Expect the answer of the plain sort at every level, with and without threads.
void ExpectExact(ExactSearchRequest request, ThreadPool* pool) {
  const Lists expected = BruteForce(request);
  for (const kernels::KernelTable* kernel : kernels::Available()) {
    SCOPED_TRACE(std::string(kernel->name));
    request.kernel = kernel;
    request.pool = nullptr;
    ASSERT_EQ(ExactSearch(request).value(), expected);
    request.pool = pool;
    ASSERT_EQ(ExactSearch(request).value(), expected) << "with threads";
  }
}

using FloatSource = std::function<float(size_t row, size_t i)>;

std::vector<float> Fill(size_t count, size_t dim, const FloatSource& source) {
  std::vector<float> floats;
  for (size_t row = 0; row < count; ++row) {
    for (size_t i = 0; i < dim; ++i) floats.push_back(source(row, i));
  }
  return floats;
}

float Centered(Random& random) { return static_cast<float>(random.UniformDouble() * 2 - 1); }

class ExactSearchTest : public testing::Test {
 protected:
  ThreadPool pool_{"test", 3};
};

TEST_F(ExactSearchTest, EqualsBruteForceOnManyKindsOfData) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const size_t dim = 1 + random.Uniform(seed % 3 == 0 ? 200 : 40);
    const size_t row_count = random.Uniform(700);
    const std::vector<float> centers =
        Fill(5, dim, [&](size_t, size_t) { return Centered(random); });
    const FloatSource sources[] = {
        [&](size_t, size_t) { return Centered(random); },
        [&](size_t row, size_t i) {  // clustered
          return centers[row % 5 * dim + i] + 1e-3F * Centered(random);
        },
        [&](size_t row, size_t i) { return centers[row * row % 5 * dim + i]; },  // duplicates
        [&](size_t, size_t) { return static_cast<float>(random.Uniform(4)); },   // integers
    };
    Rows rows(dim, Fill(row_count, dim, sources[seed % 4]));
    Bitmap selection(row_count + 100);
    const double share = random.UniformDouble() * 1.2;
    for (size_t i = 0; i < selection.size(); ++i) selection.Assign(i, random.Chance(share));
    for (size_t left = row_count; left > 0;) {
      const size_t count = 1 + random.Uniform(left);
      rows.AddBlock(count, random.Chance(0.6) ? &selection : nullptr, random.Uniform(100));
      left -= count;
    }
    const size_t query_count = seed % 5 == 0 ? 70 : random.Uniform(6);
    const std::vector<float> queries = Fill(query_count, dim, sources[(seed + seed / 4) % 4]);
    for (const Metric metric : kMetrics) {
      SCOPED_TRACE(MetricName(metric));
      ExactSearchRequest request = MakeRequest(
          metric, dim, rows, queries, random.Uniform(random.Chance(0.5) ? 20 : row_count + 10));
      if (random.Chance(0.5)) request.tie_less = std::greater<>();
      ASSERT_NO_FATAL_FAILURE(ExpectExact(request, &pool_));
    }
  }
}

TEST_F(ExactSearchTest, SharesOfSeveralThreadsGiveTheSameResult) {
  Random random(5);
  const size_t dim = 96;
  const size_t row_count = 12'000;  // 4.6 MB: enough for three threads
  Rows rows(dim, Fill(row_count, dim, [&](size_t row, size_t i) {
              return row % 3 == 0 ? static_cast<float>(i % 5) : Centered(random);
            }));
  Bitmap selection(row_count, true);
  for (size_t i = 0; i < row_count; i += 7) selection.Clear(i);
  rows.AddBlock(5'000, &selection, 13);
  rows.AddBlock(7'000);
  const std::vector<float> queries = Fill(3, dim, [&](size_t row, size_t i) {
    return row == 1 ? static_cast<float>(i % 5) : Centered(random);
  });
  for (const Metric metric : kMetrics) {
    ASSERT_NO_FATAL_FAILURE(ExpectExact(MakeRequest(metric, dim, rows, queries, 500), &pool_));
  }
}

TEST_F(ExactSearchTest, NearTiesAreOrderedByTheirLastBits) {
  Random random(11);
  for (const size_t dim : {3, 16, 50, 129}) {
    const std::vector<float> query = Fill(1, dim, [&](size_t, size_t) { return Centered(random); });
    // Every row is the same point but for one step of one float: distances differ far below the
    // rounding error of single precision.
    const std::vector<float> point = Fill(1, dim, [&](size_t, size_t) { return Centered(random); });
    std::vector<float> floats;
    for (size_t row = 0; row < 400; ++row) {
      floats.insert(floats.end(), point.begin(), point.end());
      float& component = floats[row * dim + random.Uniform(dim)];
      component = std::nextafter(component, Centered(random) * 10);
    }
    Rows rows(dim, floats);
    rows.AddBlock(400);
    for (const Metric metric : kMetrics) {
      SCOPED_TRACE(MetricName(metric));
      ASSERT_NO_FATAL_FAILURE(ExpectExact(MakeRequest(metric, dim, rows, query, 10), &pool_));
    }
  }
}

TEST_F(ExactSearchTest, ManyIdenticalRowsAreOrderedByTieLess) {
  const size_t dim = 20;
  Rows rows(dim, std::vector<float>(3000 * dim, 0.25F));
  rows.AddBlock(3000);
  const std::vector<float> query(dim, 0.5F);
  for (const Metric metric : kMetrics) {
    ExactSearchRequest request = MakeRequest(metric, dim, rows, query, 25);
    request.tie_less = [](uint64_t a, uint64_t b) { return a * 7919 % 3001 < b * 7919 % 3001; };
    ASSERT_NO_FATAL_FAILURE(ExpectExact(request, &pool_));
  }
}

TEST_F(ExactSearchTest, HugeAndTinyComponentsAreOrderedAsInDoublePrecision) {
  const size_t dim = 24;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const float scales[] = {1e-44F, 1e-30F, 1e-22F, 1e-10F, 1.0F, 1e18F, 1e20F, 1e38F, 3.4e38F};
    const auto wild = [&](size_t row, size_t) {
      return Centered(random) * scales[(row * seed) % std::size(scales)];
    };
    Rows rows(dim, Fill(300, dim, wild));
    rows.AddBlock(300);
    const std::vector<float> queries = Fill(9, dim, wild);
    for (const Metric metric : kMetrics) {
      SCOPED_TRACE(MetricName(metric));
      ASSERT_NO_FATAL_FAILURE(ExpectExact(MakeRequest(metric, dim, rows, queries, 20), &pool_));
    }
  }
}

TEST_F(ExactSearchTest, RowsThatAreNotFiniteComeLastAndLoseNoOther) {
  const size_t dim = 17;
  Random random(3);
  const float bad[] = {NAN, INFINITY, -INFINITY};
  Rows rows(dim, Fill(200, dim, [&](size_t row, size_t i) {
              return row % 4 == 0 && i == row % dim ? bad[row % 3] : Centered(random);
            }));
  rows.AddBlock(200);
  const std::vector<float> queries = Fill(5, dim, [&](size_t, size_t) { return Centered(random); });
  for (const Metric metric : kMetrics) {
    for (const size_t k : {10, 150, 170, 300}) {
      const ExactSearchRequest request = MakeRequest(metric, dim, rows, queries, k);
      ASSERT_NO_FATAL_FAILURE(ExpectExact(request, &pool_));
      if (k < 200) continue;
      EXPECT_FALSE(std::isinf(ExactSearch(request).value()[0][149].distance));
      EXPECT_TRUE(std::isinf(ExactSearch(request).value()[0][150].distance));
    }
  }
}

TEST_F(ExactSearchTest, ZeroVectorsAreAtCosineDistanceOne) {
  const size_t dim = 8;
  Random random(4);
  Rows rows(dim, Fill(100, dim,
                      [&](size_t row, size_t) { return row % 2 == 0 ? 0.0F : Centered(random); }));
  rows.AddBlock(100);
  std::vector<float> queries = Fill(2, dim, [&](size_t, size_t) { return Centered(random); });
  std::fill(queries.begin(), queries.begin() + dim, 0.0F);
  const ExactSearchRequest request = MakeRequest(Metric::kCosine, dim, rows, queries, 100);
  ASSERT_NO_FATAL_FAILURE(ExpectExact(request, &pool_));
  const Lists lists = ExactSearch(request).value();
  for (const ScoredRow& row : lists[0]) EXPECT_EQ(row.distance, 1);
}

TEST_F(ExactSearchTest, LongRowsAndManyQueriesAreSearched) {
  Random random(8);
  const size_t dim = 9000;  // a run holds four rows
  Rows rows(dim, Fill(23, dim, [&](size_t, size_t) { return Centered(random); }));
  rows.AddBlock(23);
  const std::vector<float> queries = Fill(3, dim, [&](size_t, size_t) { return Centered(random); });
  ASSERT_NO_FATAL_FAILURE(ExpectExact(MakeRequest(Metric::kL2, dim, rows, queries, 5), &pool_));

  Rows short_rows(2, Fill(2500, 2, [&](size_t, size_t) { return Centered(random); }));
  short_rows.AddBlock(2500);
  const std::vector<float> many = Fill(150, 2, [&](size_t, size_t) { return Centered(random); });
  ASSERT_NO_FATAL_FAILURE(ExpectExact(MakeRequest(Metric::kDot, 2, short_rows, many, 7), &pool_));
}

TEST_F(ExactSearchTest, NothingToSearchGivesEmptyLists) {
  const std::vector<float> queries(4, 1.0F);
  Rows none(2, {});
  EXPECT_EQ(ExactSearch(MakeRequest(Metric::kL2, 2, none, queries, 3)).value(), Lists(2));
  Rows rows(2, {1, 2, 3, 4});
  rows.AddBlock(2);
  EXPECT_EQ(ExactSearch(MakeRequest(Metric::kL2, 2, rows, queries, 0)).value(), Lists(2));
  EXPECT_EQ(ExactSearch(MakeRequest(Metric::kL2, 2, rows, {}, 3)).value(), Lists());
  const Bitmap unselected(2);
  Rows hidden(2, {1, 2, 3, 4});
  hidden.AddBlock(2, &unselected);
  EXPECT_EQ(ExactSearch(MakeRequest(Metric::kL2, 2, hidden, queries, 3)).value(), Lists(2));
}

}  // namespace
}  // namespace viper::index
