// What gets through, against distances in double precision.

#include "index/query_panels.h"

#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "index/exact_distance.h"

namespace viper::index {
namespace {

constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kL2, Metric::kDot};
constexpr double kFar = std::numeric_limits<double>::infinity();

using Pairs = std::set<std::pair<size_t, size_t>>;

struct Batch {
  size_t dim = 0;
  std::vector<float> rows;
  std::vector<float> queries;

  size_t row_count() const { return rows.size() / dim; }
  size_t query_count() const { return queries.size() / dim; }
  const float* query(size_t q) const { return queries.data() + q * dim; }
  const std::byte* row(size_t r) const {
    return std::as_bytes(std::span(rows)).data() + r * dim * 4;
  }
  double Distance(Metric metric, size_t r, size_t q) const {
    return ExactDistance(metric, row(r), query(q), dim);
  }
};

/// Rows around `offset` in every component, in magnitudes around `scale`.
Batch RandomBatch(Random& random, size_t dim, double offset, double scale) {
  Batch batch{dim, {}, {}};
  const auto fill = [&](std::vector<float>& floats, size_t count) {
    for (size_t i = 0; i < count * dim; ++i) {
      floats.push_back(static_cast<float>(scale * (offset + random.UniformDouble() - 0.5)));
    }
  };
  fill(batch.rows, 53);
  fill(batch.queries, 37);
  return batch;
}

QueryPanels PanelsOf(Metric metric, const Batch& batch) {
  std::vector<double> squared_norms;
  double max_row_norm = 0;
  for (size_t q = 0; q < batch.query_count(); ++q) {
    squared_norms.push_back(SquaredNormOf(batch.query(q), batch.dim));
  }
  for (size_t r = 0; r < batch.row_count(); ++r) {
    max_row_norm = std::max(max_row_norm,
                            std::sqrt(SquaredNormOf(batch.rows.data() + r * batch.dim, batch.dim)));
  }
  return QueryPanels(metric, batch.dim, batch.queries, squared_norms, max_row_norm);
}

Pairs Within(QueryPanels& panels, const kernels::KernelTable& kernel, const Batch& batch) {
  Pairs pairs;
  panels.VisitWithin(kernel, {batch.row(0), batch.row_count()},
                     [&](size_t row, size_t query) { pairs.emplace(row, query); });
  return pairs;
}

TEST(QueryPanels, NoRowWithinTheLimitIsHeldBackAtAnyLevel) {
  Random random(19);
  for (const kernels::KernelTable* kernel : kernels::Available()) {
    for (const Metric metric : kMetrics) {
      for (const size_t dim : {1, 2, 5, 16, 100, 128, 1000}) {
        for (int repetition = 0; repetition < 12; ++repetition) {
          const double offset = random.Chance(0.5) ? 0 : std::exp2(random.Uniform(20));
          const double scale = std::exp2(static_cast<double>(random.Uniform(81)) - 40);
          const Batch batch = RandomBatch(random, dim, offset, scale);
          QueryPanels panels = PanelsOf(metric, batch);
          // Each query's limit is the very distance of some row, so that the bound has to hold.
          std::vector<double> limits;
          for (size_t q = 0; q < batch.query_count(); ++q) {
            limits.push_back(batch.Distance(metric, random.Uniform(batch.row_count()), q));
            panels.SetLimit(q, limits.back());
          }
          const Pairs within = Within(panels, *kernel, batch);
          for (size_t r = 0; r < batch.row_count(); ++r) {
            for (size_t q = 0; q < batch.query_count(); ++q) {
              if (batch.Distance(metric, r, q) > limits[q]) continue;
              ASSERT_TRUE(within.contains({r, q}))
                  << kernel->name << " " << MetricName(metric) << " dim=" << dim << " row " << r
                  << " query " << q << " offset=" << offset << " scale=" << scale;
            }
          }
        }
      }
    }
  }
}

TEST(QueryPanels, RowsClearlyBeyondTheLimitAreHeldBack) {
  Random random(23);
  for (const kernels::KernelTable* kernel : kernels::Available()) {
    for (const Metric metric : kMetrics) {
      const Batch batch = RandomBatch(random, 128, 0, 1);
      QueryPanels panels = PanelsOf(metric, batch);
      const size_t limit_row = 7;
      for (size_t q = 0; q < batch.query_count(); ++q) {
        panels.SetLimit(q, batch.Distance(metric, limit_row, q));
      }
      for (const auto& [row, query] : Within(panels, *kernel, batch)) {
        EXPECT_LT(batch.Distance(metric, row, query),
                  batch.Distance(metric, limit_row, query) + 0.001);
      }
    }
  }
}

TEST(QueryPanels, WithoutALimitEveryPairGetsThroughOnce) {
  Random random(29);
  for (const Metric metric : kMetrics) {
    const Batch batch = RandomBatch(random, 9, 0, 1);
    QueryPanels panels = PanelsOf(metric, batch);
    EXPECT_EQ(Within(panels, kernels::Active(), batch).size(),
              batch.row_count() * batch.query_count());
  }
}

TEST(QueryPanels, WhatOverflowsOrIsNoNumberGetsThrough) {
  Random random(31);
  for (const Metric metric : kMetrics) {
    const Batch huge = RandomBatch(random, 12, 1, 1e38);
    QueryPanels of_huge = PanelsOf(metric, huge);
    for (size_t q = 0; q < huge.query_count(); ++q) {
      of_huge.SetLimit(q, metric == Metric::kCosine ? 0.5 : huge.Distance(metric, 0, q));
    }
    EXPECT_EQ(Within(of_huge, kernels::Active(), huge).size(),
              huge.row_count() * huge.query_count());

    Batch broken = RandomBatch(random, 12, 0, 1);
    broken.rows[5 * 12 + 3] = std::numeric_limits<float>::quiet_NaN();
    QueryPanels panels = PanelsOf(metric, broken);
    for (size_t q = 0; q < broken.query_count(); ++q) panels.SetLimit(q, kFar);
    EXPECT_EQ(Within(panels, kernels::Active(), broken).size(),
              broken.row_count() * broken.query_count());
  }
}

}  // namespace
}  // namespace viper::index
