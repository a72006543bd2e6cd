#include "core/search_plan.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "index/model_training.h"

namespace viper::core {
namespace {

/// A million rows of 128 dimensions in 2,000 clusters, of which `selected` take part, spread
/// evenly.
SearchWork MillionRows(uint64_t selected) {
  SearchWork work;
  work.dim = 128;
  work.k = 10;
  work.rows = 1'000'000;
  work.selected_rows = selected;
  IndexWork index;
  index.clusters = 2000;
  index.selected_clusters = std::min<uint64_t>(2000, selected);
  index.probes = static_cast<double>(index.selected_clusters) / 10;
  index.selected_rows = selected;
  index.blocks = std::min<uint64_t>(17'000, selected);
  index.block_bytes = 1280;
  index.row_bytes = 132;
  work.index = index;
  return work;
}

TEST(SearchPlan, TheIndexWinsUnlessHardlyAnyRowIsLeft) {
  for (const uint64_t selected : {1'000'000, 500'000, 50'000, 10'000, 1000}) {
    EXPECT_TRUE(EstimateCosts(MillionRows(selected)).index_is_cheaper()) << selected;
  }
  for (const uint64_t selected : {0, 1, 10}) {
    // Rows of a small collection: there is no selection to walk.
    SearchWork work = MillionRows(selected);
    work.rows = 20'000;
    EXPECT_FALSE(EstimateCosts(work).index_is_cheaper()) << selected;
  }
}

TEST(SearchPlan, WithoutAnIndexEveryRowIsCompared) {
  SearchWork work = MillionRows(1'000'000);
  work.index.reset();
  const PlanCosts costs = EstimateCosts(work);
  EXPECT_FALSE(costs.index_ns.has_value());
  EXPECT_FALSE(costs.index_is_cheaper());
}

TEST(SearchPlan, CostsRiseWithTheWork) {
  const PlanCosts one = EstimateCosts(MillionRows(1000));
  const PlanCosts more = EstimateCosts(MillionRows(2000));
  EXPECT_GT(more.exact_ns, one.exact_ns);
  EXPECT_GT(*more.index_ns, *one.index_ns);
  SearchWork batch = MillionRows(1000);
  batch.query_count = 10;
  const PlanCosts ten = EstimateCosts(batch);
  // Queries compared with every row share the reading.
  EXPECT_LT(ten.exact_ns, 10 * one.exact_ns);
  EXPECT_EQ(*ten.index_ns, 10 * *one.index_ns);
  SearchWork fresh = MillionRows(1000);
  fresh.index->selected_rows = 500;
  EXPECT_GT(*EstimateCosts(fresh).index_ns, *one.index_ns) << "rows in no segment cost nothing";
}

TEST(SearchPlan, BatchesOverAFewThousandRowsGoThroughTheIndex) {
  // As of 4,900 rows of 128 dimensions; measured 7 and 18 us a query.
  SearchWork work;
  work.dim = 128;
  work.query_count = 256;
  work.k = 10;
  work.rows = work.selected_rows = 4900;
  work.index = IndexWork{.clusters = 19,
                         .selected_clusters = 19,
                         .probes = 9,
                         .selected_rows = 4900,
                         .blocks = 90,
                         .block_bytes = 1280,
                         .row_bytes = 132};
  EXPECT_TRUE(EstimateCosts(work).index_is_cheaper());
  // Of hardly more rows than a query looks into all are compared.
  work.rows = work.selected_rows = work.index->selected_rows = 300;
  work.index->blocks = 19;
  EXPECT_FALSE(EstimateCosts(work).index_is_cheaper());
}

TEST(SearchPlan, TypicalDistancesRiseAndGiveProbes) {
  Random random(3);
  std::vector<float> rows(size_t{2000} * 8);
  for (float& x : rows) x = static_cast<float>(random.Uniform(1000));
  for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
    index::TrainingOptions options;
    options.metric = metric;
    options.dim = 8;
    options.cluster_count = 20;
    options.row_count = 2000;
    const auto model = index::TrainModel(rows, options).value();
    const auto distances = TypicalProbeDistances(*model);
    ASSERT_EQ(distances.size(), model->cluster_count());
    for (size_t i = 1; i < distances.size(); ++i) EXPECT_GE(distances[i], distances[i - 1]);
    index::ProbeGoal goal = {.recall = 0.9, .cluster_count = 20, .row_count = 2000};
    const double few = ExpectedProbes(*model, distances, goal, 10);
    EXPECT_GE(few, 1);
    goal.recall = 0.99;
    EXPECT_LE(few, ExpectedProbes(*model, distances, goal, 10));
    goal.cluster_count = 0;
    EXPECT_EQ(ExpectedProbes(*model, distances, goal, 10), 0);
  }
}

}  // namespace
}  // namespace viper::core
