#include "utilities/trend.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace viper::utilities {
namespace {

/// Neighbours together, until there are few enough.
std::vector<TrendPoint> Thinned(std::span<const TrendPoint> points) {
  const size_t together = (points.size() + kTrendPointsMax - 1) / kTrendPointsMax;
  std::vector<TrendPoint> thinned;
  for (size_t begin = 0; begin < points.size(); begin += together) {
    const auto group = points.subspan(begin, std::min(together, points.size() - begin));
    TrendPoint mean;
    for (const TrendPoint& point : group) {
      mean.at += point.at / static_cast<double>(group.size());
      mean.value += point.value / static_cast<double>(group.size());
    }
    thinned.push_back(mean);
  }
  return thinned;
}

double ConfidenceOf(double sign_sum, std::span<const TrendPoint> points) {
  const auto of_count = [](double n) { return n * (n - 1) * (2 * n + 5); };
  std::map<double, double> ties;
  for (const TrendPoint& point : points) ++ties[point.value];
  double variance = of_count(static_cast<double>(points.size()));
  for (const auto& [value, count] : ties) variance -= of_count(count);
  variance /= 18;
  if (variance <= 0) return 0;
  const double z = std::max(0.0, std::abs(sign_sum) - 1) / std::sqrt(variance);
  return std::erf(z / std::sqrt(2.0));
}

}  // namespace

double MedianOf(std::span<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

std::optional<TrendLine> FindTrend(std::span<const TrendPoint> all) {
  if (all.size() < kTrendPointsMin || all.front().at == all.back().at) return std::nullopt;
  const std::vector<TrendPoint> points = Thinned(all);
  std::vector<double> slopes;
  double sign_sum = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    for (size_t j = i + 1; j < points.size(); ++j) {
      const double rise = points[j].value - points[i].value;
      sign_sum += rise > 0 ? 1 : (rise < 0 ? -1 : 0);
      if (points[j].at > points[i].at) slopes.push_back(rise / (points[j].at - points[i].at));
    }
  }
  if (slopes.empty()) return std::nullopt;
  TrendLine line;
  line.slope = MedianOf(slopes);
  std::vector<double> places;
  std::vector<double> values;
  for (const TrendPoint& point : points) {
    places.push_back(point.at);
    values.push_back(point.value);
  }
  const double middle = MedianOf(places);
  const double middle_value = MedianOf(values);
  line.first = middle_value + line.slope * (points.front().at - middle);
  line.last = middle_value + line.slope * (points.back().at - middle);
  line.confidence = ConfidenceOf(sign_sum, points);
  return line;
}

}  // namespace viper::utilities
