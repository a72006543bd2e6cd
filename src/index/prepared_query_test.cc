#include "index/prepared_query.h"

#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "index/exact_distance.h"
#include "index/index_fixture.h"

namespace viper::index {
namespace {

std::shared_ptr<const Model> TrainedModel(Metric metric, size_t dim, uint64_t seed) {
  Random random(seed);
  TrainingOptions options;
  options.metric = metric;
  options.dim = dim;
  options.cluster_count = 8;
  options.row_count = 600;
  return TrainModel(ClusteredRows(600, dim, 8, random), options).value();
}

TEST(PreparedQuery, PreparedValuesAreThoseOfThePreparedSpace) {
  Random random(21);
  for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
    const auto model = TrainedModel(metric, 24, 5);
    PreparedQuery query;
    for (int i = 0; i < 20; ++i) {
      const std::vector<float> plain = NormalVector(24, random);
      const std::vector<float> row = NormalVector(24, random);
      query.Prepare(*model, plain);
      const auto* bytes = reinterpret_cast<const std::byte*>(row.data());
      std::vector<float> prepared(24);
      model->PrepareRows(bytes, 1, prepared.data());
      double expected = 0;
      for (size_t j = 0; j < 24; ++j) {
        const double difference = double{query.prepared()[j]} - double{prepared[j]};
        expected += metric == Metric::kDot ? -double{plain[j]} * double{prepared[j]}
                                           : difference * difference;
      }
      const double distance = ExactDistance(metric, bytes, plain.data(), 24);
      EXPECT_NEAR(query.PreparedValue(distance), expected, 1e-4 * (1 + std::fabs(expected)));
    }
  }
}

TEST(PreparedQuery, EachQueryReplacesTheOneBefore) {
  Random random(22);
  const auto model = TrainedModel(Metric::kL2, 40, 6);
  PreparedQuery used;
  for (int i = 0; i < 5; ++i) {
    const std::vector<float> plain = NormalVector(40, random);
    used.Prepare(*model, plain);
    PreparedQuery fresh;
    fresh.Prepare(*model, plain);
    EXPECT_EQ(used.centre(), fresh.centre());
    EXPECT_EQ(used.squared_norm(), fresh.squared_norm());
    EXPECT_EQ(used.table().scale, fresh.table().scale);
    const std::byte* centroid = model->byte_centroid(3);
    float estimates[2];
    float errors[2];
    used.bytes(ByteRows::kScaled).Estimate(&centroid, 1, estimates, errors);
    fresh.bytes(ByteRows::kScaled).Estimate(&centroid, 1, estimates + 1, errors + 1);
    EXPECT_EQ(estimates[0], estimates[1]);
    EXPECT_EQ(errors[0], errors[1]);
  }
}

}  // namespace
}  // namespace viper::index
