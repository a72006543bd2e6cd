#include "core/cluster_prediction.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "core/indexed_collection_fixture.h"

namespace viper::core {
namespace {

class ClusterPredictionTest : public IndexedCollectionFixture {
 protected:
  void Build(Metric metric) {
    CreateIndexed(metric);
    Write(0, 6000);
    ASSERT_OK(collection_->Flush());
    ASSERT_OK(collection_->BuildIndex());
  }
};

TEST_F(ClusterPredictionTest, WithoutAnIndexThereIsNothingToPredict) {
  CreateIndexed();
  Write(0, 10);
  const std::vector<float> vector(kDim, 1);
  EXPECT_STATUS(kFailedPrecondition, "docs", collection_->PredictOptimalCluster(vector));
  EXPECT_STATUS(kFailedPrecondition, "docs", collection_->PredictRelevantClusters(vector));
}

TEST_F(ClusterPredictionTest, VectorsThatCannotBeSearchedAreRefused) {
  Build(Metric::kCosine);
  std::vector<float> vector(kDim, 0);
  EXPECT_STATUS(kInvalidArgument, "zeros", collection_->PredictOptimalCluster(vector));
  vector[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_STATUS(kInvalidArgument, "component 3", collection_->PredictOptimalCluster(vector));
  EXPECT_STATUS(kInvalidArgument, "component 3", collection_->PredictRelevantClusters(vector));
  vector.assign(kDim - 1, 1);
  EXPECT_STATUS(kInvalidArgument, "expected=96 actual=95",
                collection_->PredictOptimalCluster(vector));
  vector.assign(kDim, 1);
  for (const double recall : {0.0, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_STATUS(kInvalidArgument, "recall", collection_->PredictRelevantClusters(vector, recall));
  }
}

TEST_F(ClusterPredictionTest, C24_A1_TheOptimalClusterStaysWhileTheModelDoes) {
  for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
    SCOPED_TRACE(MetricName(metric));
    Build(metric);
    std::vector<ClusterId> first;
    std::vector<std::vector<float>> vectors;
    for (int i = 0; i < 50; ++i) {
      vectors.push_back(RandomVector());
      ASSERT_OK_AND_ASSIGN(const auto predicted,
                           collection_->PredictOptimalCluster(vectors.back()));
      ASSERT_TRUE(predicted.second_distance.has_value());
      EXPECT_GE(*predicted.second_distance, predicted.distance);
      EXPECT_GE(predicted.margin, 0);
      EXPECT_LE(predicted.margin, 1);
      first.push_back(predicted.id);
    }
    EXPECT_TRUE(first[0].ToString().starts_with("docs/"));
    EXPECT_GT(std::set<uint32_t>({first[0].number, first[1].number, first[2].number,
                                  first[3].number, first[4].number, first[5].number})
                  .size(),
              1U);
    ASSERT_OK(Reopen());
    for (size_t i = 0; i < vectors.size(); ++i) {
      ASSERT_OK_AND_ASSIGN(const auto again, collection_->PredictOptimalCluster(vectors[i]));
      EXPECT_EQ(again.id, first[i]);
    }
    collection_.reset();
    ASSERT_OK(files_.RemoveDirectoryTree("/db"));
  }
}

/// The neighbours of a query lie where the model says that they do.
TEST_F(ClusterPredictionTest, C26_RelevantClustersHoldTheNeighboursAskedFor) {
  for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
    SCOPED_TRACE(MetricName(metric));
    Build(metric);
    double expected = 0;
    for (int i = 0; i < 40; ++i) {
      const std::vector<float> query = RandomVector();
      ASSERT_OK_AND_ASSIGN(const auto few, collection_->PredictRelevantClusters(query, 0.5));
      ASSERT_OK_AND_ASSIGN(const auto many, collection_->PredictRelevantClusters(query, 0.99));
      ASSERT_FALSE(few.empty());
      EXPECT_LE(few.size(), many.size());
      EXPECT_LE(many.size(), collection_->Statistics().index_clusters);
      std::set<uint32_t> numbers;
      uint64_t rows = 0;
      double sum = 0;
      for (size_t rank = 0; rank < many.size(); ++rank) {
        numbers.insert(many[rank].id.number);
        rows += many[rank].row_count;
        sum += many[rank].probability.value_or(0);
        if (rank > 0) {
          EXPECT_GE(many[rank].distance, many[rank - 1].distance);
        }
      }
      EXPECT_EQ(numbers.size(), many.size());
      EXPECT_LE(rows, 6000U);
      EXPECT_LE(sum, 1.0001);
      expected += sum;
    }
    EXPECT_GT(expected / 40, 0.9);
    collection_.reset();
    ASSERT_OK(files_.RemoveDirectoryTree("/db"));
  }
}

TEST_F(ClusterPredictionTest, TheNearestRelevantClusterIsTheOptimalOneOfThatVector) {
  Build(Metric::kL2);
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> query = RandomVector();
    ASSERT_OK_AND_ASSIGN(const auto optimal, collection_->PredictOptimalCluster(query));
    ASSERT_OK_AND_ASSIGN(const auto relevant, collection_->PredictRelevantClusters(query, 0.9));
    EXPECT_EQ(relevant.front().id, optimal.id);
    EXPECT_NEAR(relevant.front().distance, optimal.distance, 1e-3);
  }
  ASSERT_OK_AND_ASSIGN(const auto none,
                       collection_->PredictRelevantClusters(RandomVector(), 0.9, 0));
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace viper::core
