#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "viper/value.h"

namespace viper {

/// What a collection was like at a moment.
struct PerformancePoint {
  Timestamp at = {};
  /// Rows and bytes of the table.
  double rows = 0;
  double bytes = 0;
  /// Clusters that a search looks into; 1 without an index.
  double probes = 1;
  /// Mean of the searches since the last point; absent without any.
  std::optional<double> latency_ms = {};
};

/// A number that is expected.
struct PredictedNumber {
  double value = 0;
  /// How far earlier predictions of this model were off, as a share of what came: the median over
  /// the points, each predicted from those before it alone. Absent before there was one.
  std::optional<double> past_error = {};
  /// Points that it was fitted to.
  uint64_t points = 0;
};

/// What is expected of a collection with other numbers of rows (Utilities::Predict). Absent before
/// there are 4 points, with numbers of rows that differ by a fifth at least.
struct PerformancePrediction {
  double rows = 0;
  double probes = 0;
  std::optional<PredictedNumber> latency_ms = {};
  std::optional<PredictedNumber> bytes = {};
};

}  // namespace viper
