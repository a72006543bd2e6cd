#include "utilities/power_law.h"

#include <algorithm>
#include <cmath>

#include "utilities/trend.h"

namespace viper::utilities {
namespace {

/// Below this share of its own variance what is left of log x2 beside log x1 is noise.
constexpr double kOwnVarianceMin = 0.01;
/// And its values have to differ by so much, in the logarithm.
constexpr double kOwnSpreadMin = 0.05;

struct LogPoint {
  double x1, x2, y;
};

std::vector<LogPoint> Logarithms(std::span<const PowerLawPoint> points) {
  std::vector<LogPoint> logs;
  for (const PowerLawPoint& point : points) {
    if (point.x1 > 0 && point.x2 > 0 && point.y > 0) {
      logs.push_back({std::log(point.x1), std::log(point.x2), std::log(point.y)});
    }
  }
  return logs;
}

/// Sums about the means.
struct Moments {
  double x1 = 0, x2 = 0, y = 0;
  double x1x1 = 0, x2x2 = 0, x1x2 = 0, x1y = 0, x2y = 0;
};

Moments MomentsOf(std::span<const LogPoint> points) {
  Moments m;
  const auto count = static_cast<double>(points.size());
  for (const LogPoint& point : points) {
    m.x1 += point.x1 / count;
    m.x2 += point.x2 / count;
    m.y += point.y / count;
  }
  for (const LogPoint& point : points) {
    const double d1 = point.x1 - m.x1;
    const double d2 = point.x2 - m.x2;
    const double dy = point.y - m.y;
    m.x1x1 += d1 * d1;
    m.x2x2 += d2 * d2;
    m.x1x2 += d1 * d2;
    m.x1y += d1 * dy;
    m.x2y += d2 * dy;
  }
  return m;
}

}  // namespace

double PowerLaw::At(double x1, double x2) const {
  return std::exp(constant + exponents[0] * std::log(x1) + exponents[1] * std::log(x2));
}

std::optional<PowerLaw> FitPowerLaw(std::span<const PowerLawPoint> points) {
  const std::vector<LogPoint> logs = Logarithms(points);
  if (logs.size() < kLawPointsMin) return std::nullopt;
  const auto [least, most] = std::minmax_element(
      logs.begin(), logs.end(), [](const LogPoint& a, const LogPoint& b) { return a.x1 < b.x1; });
  if (most->x1 - least->x1 < std::log(kLawSpreadMin)) return std::nullopt;
  const Moments m = MomentsOf(logs);
  PowerLaw law;
  const double determinant = m.x1x1 * m.x2x2 - m.x1x2 * m.x1x2;
  const bool has_second =
      m.x2x2 > kOwnSpreadMin * kOwnSpreadMin && determinant > kOwnVarianceMin * m.x1x1 * m.x2x2;
  if (has_second) {
    law.exponents[0] = (m.x1y * m.x2x2 - m.x2y * m.x1x2) / determinant;
    law.exponents[1] = (m.x2y * m.x1x1 - m.x1y * m.x1x2) / determinant;
  } else {
    law.exponents[0] = m.x1y / m.x1x1;
  }
  law.constant = m.y - law.exponents[0] * m.x1 - law.exponents[1] * m.x2;
  return law;
}

std::optional<double> PastError(std::span<const PowerLawPoint> points) {
  std::vector<double> errors;
  for (size_t i = kLawPointsMin; i < points.size(); ++i) {
    const auto law = FitPowerLaw(points.first(i));
    const PowerLawPoint& point = points[i];
    if (!law || point.x1 <= 0 || point.x2 <= 0 || point.y <= 0) continue;
    errors.push_back(std::abs(law->At(point.x1, point.x2) / point.y - 1));
  }
  if (errors.empty()) return std::nullopt;
  return MedianOf(errors);
}

}  // namespace viper::utilities
