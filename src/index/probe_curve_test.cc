#include "index/probe_curve.h"

#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper::index {
namespace {

/// Queries whose neighbours lie in near clusters; `spread` decides how far out.
std::vector<ProbeCurve::Sample> MakeSamples(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<ProbeCurve::Sample> samples(count);
  for (ProbeCurve::Sample& sample : samples) {
    const double spread = 0.02 + static_cast<double>(random.Uniform(100)) / 400;
    double distance = 1;
    for (size_t i = 0; i < 200; ++i) {
      sample.squared_distances.push_back(static_cast<float>(distance * distance));
      distance += spread * static_cast<double>(random.Uniform(100)) / 1000;
    }
    sample.neighbours.resize(200);
    for (int i = 0; i < 10; ++i) {
      size_t rank = 0;
      while (rank < 199 && random.Uniform(100) < 75) ++rank;
      ++sample.neighbours[rank];
    }
  }
  return samples;
}

double FoundWith(const ProbeCurve& curve, const std::vector<ProbeCurve::Sample>& samples,
                 double recall) {
  double found = 0;
  for (const ProbeCurve::Sample& sample : samples) {
    const size_t probes = curve.ProbesFor(sample.squared_distances, {}, recall);
    for (size_t i = 0; i < probes; ++i) found += sample.neighbours[i];
  }
  return found / 10 / static_cast<double>(samples.size());
}

TEST(ProbeCurve, ReachesTheRecallOnSamplesItHasNotSeen) {
  const ProbeCurve curve = ProbeCurve::Fit(MakeSamples(2000, 1), 10);
  const auto unseen = MakeSamples(2000, 2);
  for (const double recall : {0.8, 0.9, 0.95, 0.98, 0.99}) {
    const double found = FoundWith(curve, unseen, recall);
    EXPECT_GT(found, recall - 0.01);
    EXPECT_LT(found, recall + 0.03);
  }
  ASSERT_TRUE(curve.calibration_error().has_value());
  EXPECT_LT(*curve.calibration_error(), 0.03);
}

TEST(ProbeCurve, AsksForMoreProbesForMoreRecall) {
  const ProbeCurve curve = ProbeCurve::Fit(MakeSamples(500, 3), 10);
  for (const ProbeCurve::Sample& sample : MakeSamples(50, 4)) {
    size_t previous = 1;
    for (double recall = 0.3; recall < 1; recall += 0.01) {
      const size_t probes = curve.ProbesFor(sample.squared_distances, {}, recall);
      EXPECT_GE(probes, previous);
      previous = probes;
    }
  }
}

TEST(ProbeCurve, ComesBackFromItsBytes) {
  const ProbeCurve curve = ProbeCurve::Fit(MakeSamples(300, 5), 10);
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  curve.Encode(writer);
  ByteReader reader(bytes);
  const auto again = ProbeCurve::Decode(reader);
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(again->k(), 10U);
  for (const ProbeCurve::Sample& sample : MakeSamples(20, 6)) {
    EXPECT_EQ(again->ProbesFor(sample.squared_distances, {}, 0.93),
              curve.ProbesFor(sample.squared_distances, {}, 0.93));
  }
  ByteReader cut(std::span<const std::byte>(bytes).first(bytes.size() - 1));
  EXPECT_FALSE(ProbeCurve::Decode(cut).has_value());
}

TEST(ProbeCurve, ExpectsNeighboursWhereMoreRowsTakePart) {
  const ProbeCurve curve = ProbeCurve::Fit(MakeSamples(300, 5), 10);
  for (const ProbeCurve::Sample& sample : MakeSamples(20, 6)) {
    const auto probes = [&](const std::vector<float>& shares) {
      return curve.ProbesFor(sample.squared_distances, shares, 0.9);
    };
    std::vector<float> shares(sample.squared_distances.size(), 0.5F);
    const size_t evenly = curve.ProbesFor(sample.squared_distances, {}, 0.9);
    EXPECT_EQ(probes(shares), evenly);
    for (size_t rank = 0; rank <= evenly; ++rank) shares[rank] = 0.001F;
    EXPECT_GT(probes(shares), evenly);
    for (float& share : shares) share = 0.001F;
    shares[0] = 1;
    EXPECT_LE(probes(shares), evenly);
  }
}

TEST(ProbeCounter, StaysWithinTheClusters) {
  const std::vector<ProbeCurve> curves = {ProbeCurve::Fit(MakeSamples(300, 7), 10)};
  for (const ProbeCurve::Sample& sample : MakeSamples(20, 8)) {
    for (const double recall : {0.0001, 0.5, 0.999999}) {
      const ProbeGoal goal = {recall, 200, 20'000};
      ProbeCounter counter(curves, sample.squared_distances, {}, goal);
      ProbeCounter without({}, sample.squared_distances, {}, goal);
      for (const double k : {1.0, 10.0, 1000.0, 20'000.0, 1e9}) {
        EXPECT_GE(counter.ProbesFor(k), 1U);
        EXPECT_LE(counter.ProbesFor(k), 200U);
        EXPECT_LE(without.ProbesFor(k), 200U);
      }
      EXPECT_EQ(counter.ProbesFor(20'000), 200U) << "all rows are in all clusters";
    }
  }
}

TEST(ProbeCurve, ExpectedSharesSumToOneAndDecideTheProbes) {
  const auto samples = MakeSamples(400, 5);
  const ProbeCurve curves[] = {ProbeCurve::Fit(samples, 10)};
  const auto& distances = samples[0].squared_distances;
  const std::vector<float> shares = ExpectedShares(curves, distances, 10);
  ASSERT_EQ(shares.size(), distances.size());
  EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1, 1e-3);
  EXPECT_GT(shares[0], shares[50]);
  EXPECT_TRUE(ExpectedShares({}, distances, 10).empty());
}

TEST(ProbeCounter, FollowsTheCurvesAndRisesBetweenAndBeyondThem) {
  const std::vector<ProbeCurve> curves = {ProbeCurve::Fit(MakeSamples(300, 7), 10),
                                          ProbeCurve::Fit(MakeSamples(300, 9), 100)};
  for (const ProbeCurve::Sample& sample : MakeSamples(20, 8)) {
    ProbeCounter counter(curves, sample.squared_distances, {}, {0.95, 5000, 1e6});
    const size_t ten = curves[0].ProbesFor(sample.squared_distances, {}, 0.95);
    EXPECT_EQ(counter.ProbesFor(10), ten);
    EXPECT_EQ(counter.ProbesFor(3), ten);
    EXPECT_EQ(counter.ProbesFor(100),
              std::max(ten, curves[1].ProbesFor(sample.squared_distances, {}, 0.95)));
    size_t last = 0;
    for (double k = 1; k < 2e6; k *= 1.3) {
      EXPECT_GE(counter.ProbesFor(k), last) << k;
      last = counter.ProbesFor(k);
    }
    EXPECT_EQ(last, 5000U);
  }
}

}  // namespace
}  // namespace viper::index
