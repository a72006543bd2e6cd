#include "index/probe_curve.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "index/index_fixture.h"
#include "index/probe_samples.h"

namespace viper::index {
namespace {

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

/// Queries like the rows, under inner product: nearly all of their neighbours are among the longest
/// rows, which are in few clusters.
std::vector<ProbeCurve::Sample> MakeDotSamples(uint64_t seed) {
  constexpr size_t kDim = 8;
  constexpr size_t kClusters = 24;
  Random random(seed);
  const auto dot = [](std::span<const float> a, std::span<const float> b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  std::vector<std::vector<float>> rows(2000);
  for (auto& row : rows) row = NormalVector(kDim, random);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (float& x : rows[i]) x *= i % kClusters == 0 ? 5.0F : 1.0F;
  }
  std::vector<ProbeCurve::Sample> samples(300);
  for (ProbeCurve::Sample& sample : samples) {
    const std::vector<float> query = NormalVector(kDim, random);
    std::vector<std::pair<double, size_t>> ranked;
    for (size_t c = 0; c < kClusters; ++c) ranked.emplace_back(-dot(query, rows[c]), c);
    std::sort(ranked.begin(), ranked.end());
    const double largest = std::sqrt(dot(query, query)) * std::sqrt(dot(rows[0], rows[0])) * 2;
    for (const auto& [value, cluster] : ranked) {
      sample.squared_distances.push_back(static_cast<float>(std::pow(largest + value, 2)));
    }
    std::vector<std::pair<double, size_t>> nearest;
    for (size_t i = 0; i < rows.size(); ++i) nearest.emplace_back(-dot(query, rows[i]), i);
    std::partial_sort(nearest.begin(), nearest.begin() + 10, nearest.end());
    sample.neighbours.resize(kClusters);
    for (size_t i = 0; i < 10; ++i) {
      size_t rank = 0;
      while (ranked[rank].second != nearest[i].second % kClusters) ++rank;
      ++sample.neighbours[rank];
    }
  }
  return samples;
}

/// Where few clusters hold nearly everything, whole steps of Newton's method lead away.
TEST(ProbeCurve, PredictsWhereNeighboursAreEvenIfNearlyAllAreInOneCluster) {
  for (uint64_t seed = 70; seed < 80; ++seed) {
    const auto samples = MakeDotSamples(seed);
    const ProbeCurve curve = ProbeCurve::Fit(samples, 10);
    std::vector<double> expected(24);
    std::vector<double> truth(24);
    for (const ProbeCurve::Sample& sample : samples) {
      const auto shares = curve.ExpectedShares(sample.squared_distances);
      for (size_t rank = 0; rank < 24; ++rank) {
        expected[rank] += double{shares[rank]} / 300;
        truth[rank] += sample.neighbours[rank] / 3000.0;
      }
    }
    double difference = 0;
    for (size_t rank = 0; rank < 24; ++rank) difference += std::fabs(expected[rank] - truth[rank]);
    EXPECT_LT(difference, 0.4) << "seed " << seed;
  }
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

/// Queries of which the share 1 / (1 + r / 64) of the neighbours lies beyond rank r.
std::vector<ProbeCurve::Sample> SamplesOfFarNeighbours(size_t count) {
  Random random(23);
  std::vector<ProbeCurve::Sample> samples(count);
  for (ProbeCurve::Sample& sample : samples) {
    sample.neighbours.resize(ProbeCurve::kRanksMax);
    for (size_t rank = 0; rank < ProbeCurve::kRanksMax; ++rank) {
      sample.squared_distances.push_back(1 + static_cast<float>(rank) / 1000);
    }
    for (int i = 0; i < 10; ++i) {
      const double beyond = (1 + static_cast<double>(random.Uniform(1 << 20))) / (1 << 20);
      const auto rank = static_cast<size_t>(64 * (1 / beyond - 1));
      if (rank < ProbeCurve::kRanksMax) ++sample.neighbours[rank];
    }
  }
  return samples;
}

TEST(ProbeCurve, ProbesBeyondTheRanksThatItModels) {
  const auto samples = SamplesOfFarNeighbours(1000);
  const ProbeCurve curve = ProbeCurve::Fit(samples, 10);
  const auto probes = [&](double recall) {
    return curve.ProbesFor(samples[0].squared_distances, {}, recall);
  };
  EXPECT_LE(probes(0.7), ProbeCurve::kRanksMax);
  // 576 and 1216 have them.
  EXPECT_GT(probes(0.9), 500U);
  EXPECT_LT(probes(0.9), 1000U);
  EXPECT_GT(probes(0.95), 1100U);
  EXPECT_LT(probes(0.95), 2500U);
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  curve.Encode(writer);
  ByteReader reader(bytes);
  EXPECT_EQ(ProbeCurve::Decode(reader).value().ProbesFor(samples[0].squared_distances, {}, 0.95),
            probes(0.95));
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

}  // namespace
}  // namespace viper::index
