#include "index/model.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "index/index_fixture.h"

namespace viper::index {
namespace {

std::shared_ptr<const Model> SmallModel() {
  Random random(31);
  return BuildIndex(ClusteredRows(500, 7, 5, random), 7, Metric::kL2, 8, ByteRows::kNone).model;
}

TEST(Model, ComesBackFromItsBytes) {
  const auto model = SmallModel();
  const auto again = Model::Decode(model->Encode()).value();
  EXPECT_EQ(again->id(), model->id());
  EXPECT_EQ(again->content().centroids, model->content().centroids);
  EXPECT_EQ(again->content().mean, model->content().mean);
  EXPECT_EQ(again->content().scale, model->content().scale);
  EXPECT_EQ(again->record().trained_rows, 500U);
  EXPECT_EQ(again->Encode(), model->Encode());
}

TEST(Model, KeepsItsIdWhateverIsKnownAboutIt) {
  const auto model = SmallModel();
  ModelRecord record = model->record();
  record.version = 7;
  record.accuracy.emplace().rows = 500;
  const auto known = model->WithRecord(record);
  EXPECT_EQ(known->id(), model->id());
  EXPECT_EQ(known->content().centroids, model->content().centroids);
  EXPECT_EQ(Model::Decode(known->Encode()).value()->record().version, 7U);
}

TEST(Model, EveryFlippedByteAndOtherLengthIsNoticed) {
  const std::vector<std::byte> bytes = SmallModel()->Encode();
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] ^= std::byte{1};
    EXPECT_FALSE(Model::Decode(damaged).ok()) << i;
    EXPECT_FALSE(Model::Decode(std::span(bytes).first(i)).ok()) << i;
  }
}

/// Between two curves for the same k there is no line.
TEST(Model, CurvesThatDoNotRiseAreRefused) {
  std::vector<ProbeCurve::Sample> samples(10);
  for (ProbeCurve::Sample& sample : samples) {
    sample.squared_distances = {1, 2, 3};
    sample.neighbours = {8, 1, 1};
  }
  ModelContent content = SmallModel()->content();
  content.probes = {ProbeCurve::Fit(samples, 10), ProbeCurve::Fit(samples, 20)};
  EXPECT_TRUE(Model::Decode(Model::Make(content).value()->Encode()).ok());
  content.probes = {content.probes[0], content.probes[0]};
  const auto decoded = Model::Decode(Model::Make(content).value()->Encode());
  EXPECT_EQ(decoded.status().code(), StatusCode::kCorruption);
}

TEST(Model, ResidualsHaveLengthsOfAboutOne) {
  Random random(32);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(3000, 20, 10, random), 20, Metric::kL2, 20, ByteRows::kNone);
  std::vector<float> prepared(20);
  double sum = 0;
  for (uint64_t row = 0; row < built.count(); ++row) {
    built.model->PrepareRows(built.Row(row), 1, prepared.data());
    const float* centroid = built.model->centroid(built.clusters[row]);
    for (size_t i = 0; i < 20; ++i) sum += std::pow(prepared[i] - centroid[i], 2);
  }
  EXPECT_NEAR(sum / static_cast<double>(built.count()), 1, 0.05);
}

TEST(Model, ContentThatContradictsItselfIsRefused) {
  const auto refused = [](auto change) {
    ModelContent content = SmallModel()->content();
    change(content);
    return !Model::Make(std::move(content)).ok();
  };
  EXPECT_TRUE(refused([](ModelContent& c) { c.mean.pop_back(); }));
  EXPECT_TRUE(refused([](ModelContent& c) { c.centroids.pop_back(); }));
  EXPECT_TRUE(refused([](ModelContent& c) { c.centroids.clear(); }));
  EXPECT_TRUE(refused([](ModelContent& c) { c.code_dim = 6; }));
  EXPECT_TRUE(refused([](ModelContent& c) { c.code_dim = 72; })) << "more bits than components ask";
  EXPECT_TRUE(refused([](ModelContent& c) { c.scale = 0; }));
  EXPECT_TRUE(refused([](ModelContent& c) { c.mean[0] = std::nanf(""); }));
}

TEST(TrainModel, TakesRowsThatAreAllEqualOrZero) {
  for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
    for (const float value : {0.0F, 5.0F}) {
      const BuiltIndex built =
          BuildIndex(std::vector<float>(4000, value), 4, metric, 10, ByteRows::kScaled);
      EXPECT_EQ(built.segment->row_count(), 1000U);
    }
  }
}

TEST(Model, RefusesCentroidsThatWouldOverflow) {
  ModelContent content;
  content.metric = Metric::kL2;
  content.dim = 4;
  content.code_dim = 64;
  content.mean.assign(4, 0);
  content.centroids = {1, 2, 3, 1e20F};
  const auto made = Model::Make(content);
  EXPECT_EQ(made.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(made.status().message().find("actual=1e+20"), std::string::npos);
  content.centroids = {1e-44F, 0, 1e-40F, 0};
  EXPECT_TRUE(Model::Make(content).ok());
}

}  // namespace
}  // namespace viper::index
