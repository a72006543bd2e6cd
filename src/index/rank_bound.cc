// The bounds, with u = 2^-24, gamma(n) = n u / (1 - n u) and n = kernels::RoundingsPerSum(dim),
// from Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., chapter 3:
//
// kL2      All terms are positive: |rank - exact| <= gamma(n) * exact.
// kDot     The sum of |terms| is at most |query| |row| (Cauchy and Schwarz):
//          |rank - exact| <= gamma(n) * |query| * max_row_norm.
// kCosine  Relative to the row's norm, the dot product is off by gamma(n), and by one rounding more
// since
//          the unit query is rounded; the squared norm by gamma(n), of which its root keeps half;
//          the root, its inverse and the product round once each. The cosine being at most 1,
//          together |rank - exact| <= gamma(2 n + 4).
//
// The ExactDistance that these are compared with is itself rounded, in double precision; taking one
// u more covers that many times over (dim * 2^-53 <= 2^-37). Underflow adds dim * FLT_MIN, which is
// nothing beside the error of a cosine, since the norm is at least 2^-50.

#include "index/rank_bound.h"

#include <cfloat>
#include <cmath>
#include <limits>

#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

double RoundingError(size_t roundings) {
  const double error = static_cast<double>(roundings) * 0x1p-24;
  return error / (1 - error);
}

float RoundUp(double value) {
  if (!(value < double{FLT_MAX})) return kInfinity;
  if (value < -double{FLT_MAX}) return -FLT_MAX;
  return std::nextafter(static_cast<float>(value), kInfinity);
}

RankBound::RankBound(Metric metric, size_t dim, double query_norm, double max_row_norm)
    : metric_(metric) {
  const size_t roundings = kernels::RoundingsPerSum(dim) + 1;
  absolute_error_ = static_cast<double>(dim) * double{FLT_MIN};
  switch (metric) {
    case Metric::kL2:
      relative_error_ = RoundingError(roundings);
      break;
    case Metric::kDot: {
      const double sum_of_absolutes_max = query_norm * max_row_norm;
      absolute_error_ += RoundingError(roundings) * sum_of_absolutes_max;
      // No partial sum exceeds this; where it could leave the range of float, ranks say nothing.
      if (!(2 * sum_of_absolutes_max < double{FLT_MAX})) absolute_error_ = kInfinity;
      break;
    }
    case Metric::kCosine:
      absolute_error_ = RoundingError(2 * roundings + 4);
      break;
  }
}

float RankBound::LargestRankWithin(double distance) const {
  switch (metric_) {
    case Metric::kL2:
      return RoundUp((1 + relative_error_) * distance * distance + absolute_error_);
    case Metric::kDot:
      return RoundUp(distance + absolute_error_);
    case Metric::kCosine:
      return RoundUp(distance - 1 + absolute_error_);
  }
  return kInfinity;
}

}  // namespace viper::index
