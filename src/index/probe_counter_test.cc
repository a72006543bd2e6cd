#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "index/probe_samples.h"

namespace viper::index {
namespace {

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
