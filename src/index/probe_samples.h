#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "index/probe_curve.h"

namespace viper::index {

/// Queries whose neighbours lie in near clusters, in some of them farther out than in others.
inline std::vector<ProbeCurve::Sample> MakeSamples(size_t count, uint64_t seed) {
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

}  // namespace viper::index
