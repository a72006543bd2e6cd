#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "index/probe_curve.h"
#include "index/probe_samples.h"

namespace viper::index {
namespace {

/// Stored rows, and as many queries between rows, which look the same to centroids: their
/// neighbours lie in more clusters, and their k-th row is farther away.
std::vector<ProbeCurve::Sample> MakeSamplesOfBoth(size_t count, uint64_t seed) {
  Random random(seed);
  auto samples = MakeSamples(2 * count, seed);
  for (size_t i = 0; i < samples.size(); ++i) {
    ProbeCurve::Sample& sample = samples[i];
    const bool is_between = i / 2 % 2 == 1;
    sample.opening = static_cast<float>(1 + random.UniformDouble() / 10 + (is_between ? 0.4 : 0));
    if (!is_between) continue;
    sample.origin = ProbeCurve::Origin::kBetween;
    std::vector<uint16_t> farther(sample.neighbours.size());
    for (size_t rank = 0; rank < farther.size(); ++rank) {
      farther[std::min(4 * rank + random.Uniform(4), farther.size() - 1)] +=
          sample.neighbours[rank];
    }
    sample.neighbours = farther;
  }
  return samples;
}

TEST(ProbeThreshold, AStrangeQueryProbesMoreAndFindsWhatItAsksFor) {
  const ProbeCurve curve = ProbeCurve::Fit(MakeSamplesOfBoth(1000, 11), 10);
  double found[2] = {};
  double probes[2] = {};
  double found_by_centroids = 0;
  constexpr double kRecall = 0.9;
  const auto unseen = MakeSamplesOfBoth(1000, 12);
  for (const ProbeCurve::Sample& sample : unseen) {
    const size_t is_between = sample.origin == ProbeCurve::Origin::kBetween ? 1 : 0;
    const auto share_in = [&](size_t count) {
      size_t in = 0;
      for (size_t rank = 0; rank < count; ++rank) in += sample.neighbours[rank];
      return static_cast<double>(in) / 10 / 1000;
    };
    const ProbeDistances known(sample.squared_distances, sample.opening);
    const size_t count = curve.ProbesFor(known, {}, kRecall);
    found[is_between] += share_in(count);
    probes[is_between] += static_cast<double>(count) / 1000;
    if (is_between == 1) {
      found_by_centroids += share_in(curve.ProbesFor(sample.squared_distances, {}, kRecall));
    }
  }
  EXPECT_GT(found[0], kRecall - 0.01);
  EXPECT_LT(found[0], kRecall + 0.05);
  EXPECT_GT(found[1], kRecall - 0.02);
  EXPECT_GT(probes[1], 2 * probes[0]);
  EXPECT_LT(found_by_centroids, kRecall - 0.1);
  // Of a part of the rows the k-th is farther away, which makes nobody strange.
  const auto& stored = unseen.front();
  const auto probes_at = [&](float opening, bool is_of_all_rows) {
    return curve.ProbesFor({stored.squared_distances, opening, is_of_all_rows}, {}, 0.98);
  };
  EXPECT_GT(probes_at(1.5F, true), probes_at(1.5F, false));
}

TEST(ProbeThreshold, AQueryStrangerThanAllSamplesProbesMoreThanTheyDoUpToALimit) {
  auto samples = MakeSamplesOfBoth(1000, 13);
  for (ProbeCurve::Sample& sample : samples) {
    // The median of stored rows is 1.05, and few of them exceed 1.1.
    if (sample.origin == ProbeCurve::Origin::kBetween) sample.opening = 1.1F;
  }
  const ProbeCurve curve = ProbeCurve::Fit(samples, 10);
  double sums[4] = {};
  for (const ProbeCurve::Sample& sample : samples) {
    const float openings[] = {1.1F, 1.15F, 1.3F, 9.0F};
    for (size_t i = 0; i < std::size(openings); ++i) {
      sums[i] +=
          static_cast<double>(curve.ProbesFor({sample.squared_distances, openings[i]}, {}, 0.95));
    }
  }
  EXPECT_GT(sums[1], 1.02 * sums[0]);
  EXPECT_GT(sums[2], 1.02 * sums[1]);
  EXPECT_LT(sums[3], 1.5 * sums[2]);
}

}  // namespace
}  // namespace viper::index
