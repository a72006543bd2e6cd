#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace viper::utilities {

/// y = exp(a) * x1^b1 * x2^b2, fitted by least squares of the logarithms.
struct PowerLaw {
  double constant = 0;
  std::array<double, 2> exponents = {};

  double At(double x1, double x2) const;
};

struct PowerLawPoint {
  double x1 = 0;
  double x2 = 0;
  double y = 0;
};

/// Points that a law is fitted to, at least, and how far the smallest and the largest x1 have to be
/// apart.
inline constexpr size_t kLawPointsMin = 4;
inline constexpr double kLawSpreadMin = 1.2;

/// Fit it to points with numbers above 0 (others are left out). x2 takes part where it varies apart
/// from x1. Absent if the points are too few or too near to each other.
std::optional<PowerLaw> FitPowerLaw(std::span<const PowerLawPoint> points);

/// For each point that can be predicted from those before it alone, how far that is off, as a share
/// of y; the median of these. Absent if there is none.
std::optional<double> PastError(std::span<const PowerLawPoint> points);

}  // namespace viper::utilities
