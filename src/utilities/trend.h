#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace viper::utilities {

/// Points that a trend is found from, at least; of more than the second number neighbours are
/// averaged.
inline constexpr size_t kTrendPointsMin = 8;
inline constexpr size_t kTrendPointsMax = 256;

struct TrendPoint {
  double at = 0;
  double value = 0;
};

struct TrendLine {
  /// The median of the slopes of all pairs (Theil 1950, Sen 1968), and the line's values at the
  /// first and at the last point: it passes through the medians of both coordinates.
  double slope = 0;
  double first = 0;
  double last = 0;
  /// 1 - p of the test of Mann (1945) and Kendall (1975): normal approximation with the correction
  /// of continuity, variance corrected for ties. 0 to 1.
  double confidence = 0;
};

/// Absent below kTrendPointsMin points, or if they all have one place. `points` rise in `at`.
std::optional<TrendLine> FindTrend(std::span<const TrendPoint> points);

/// Of an even number the mean of the two in the middle. Reorders `values`, which are not empty.
double MedianOf(std::span<double> values);

}  // namespace viper::utilities
