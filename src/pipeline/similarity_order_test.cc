#include "pipeline/similarity_order.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>

#include "pipeline/pipeline_fixture.h"

namespace viper::pipeline {
namespace {

std::vector<const std::byte*> VectorsOf(const std::vector<Record>& records) {
  std::vector<const std::byte*> vectors;
  for (const Record& record : records) {
    vectors.push_back(reinterpret_cast<const std::byte*>(record.vector.data()));
  }
  return vectors;
}

std::vector<Record> InOrder(const std::vector<Record>& records,
                            const std::vector<uint32_t>& order) {
  EXPECT_EQ(std::set<uint32_t>(order.begin(), order.end()).size(), records.size());
  std::vector<Record> ordered;
  for (const uint32_t row : order) ordered.push_back(records[row]);
  return ordered;
}

TEST(SimilarityOrder, P06_ClusteredRowsStandBesideTheirLikes) {
  const auto records = ClusteredRecords(3000, 24, 30);
  const double random = MeanNeighbourDistance(records);
  ASSERT_OK_AND_ASSIGN(const auto clustered, OrderByClusters(VectorsOf(records), 24, Metric::kL2));
  EXPECT_LT(MeanNeighbourDistance(InOrder(records, clustered.order)), 0.2 * random);
  const auto projected = OrderByHyperplanes(VectorsOf(records), 24, Metric::kL2);
  EXPECT_LT(MeanNeighbourDistance(InOrder(records, projected)), 0.5 * random);
}

TEST(SimilarityOrder, P06_UnderCosineDirectionsCountAndLengthsDoNot) {
  auto records = ClusteredRecords(2000, 16, 20);
  Random random(3);
  for (Record& record : records) {
    const auto length = static_cast<float>(0.01 + 100 * random.UniformDouble());
    for (float& component : record.vector) component *= length;
  }
  const auto rows_by = [&](Metric metric) {
    auto ordered = InOrder(records, OrderByClusters(VectorsOf(records), 16, metric).value().order);
    for (Record& record : ordered) {
      double squared = 0;
      for (const float x : record.vector) squared += static_cast<double>(x) * x;
      for (float& x : record.vector) x = static_cast<float>(x / std::sqrt(squared));
    }
    return MeanNeighbourDistance(ordered);
  };
  EXPECT_LT(rows_by(Metric::kCosine), 0.5 * rows_by(Metric::kL2));
}

TEST(SimilarityOrder, TheSameRowsGetTheSameOrderAndModel) {
  const auto records = ClusteredRecords(500, 8, 10);
  const auto first = OrderByClusters(VectorsOf(records), 8, Metric::kL2).value();
  const auto second = OrderByClusters(VectorsOf(records), 8, Metric::kL2).value();
  EXPECT_EQ(first.order, second.order);
  ASSERT_TRUE(first.model.has_value());
  EXPECT_EQ(first.model, second.model);
  EXPECT_EQ(first.model->size(), 16u);
  const auto others = ClusteredRecords(500, 8, 10, 99);
  EXPECT_NE(OrderByClusters(VectorsOf(others), 8, Metric::kL2).value().model, first.model);
}

TEST(SimilarityOrder, FewAndEqualRowsAreNoDifficulty) {
  for (const size_t count : {0, 1, 2, 3}) {
    const auto records = ClusteredRecords(count, 4, 2);
    EXPECT_EQ(OrderByClusters(VectorsOf(records), 4, Metric::kCosine).value().order.size(), count);
    EXPECT_EQ(OrderByHyperplanes(VectorsOf(records), 4, Metric::kCosine).size(), count);
  }
  std::vector<Record> equal(100);
  for (Record& record : equal) record.vector = {0, 0, 0};
  std::vector<uint32_t> unchanged(100);
  std::iota(unchanged.begin(), unchanged.end(), 0U);
  EXPECT_EQ(OrderByClusters(VectorsOf(equal), 3, Metric::kCosine).value().order, unchanged);
  EXPECT_EQ(OrderByHyperplanes(VectorsOf(equal), 3, Metric::kCosine), unchanged);
}

}  // namespace
}  // namespace viper::pipeline
