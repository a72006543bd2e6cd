#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "viper/schema.h"

namespace viper::index {

/// n u / (1 - n u) with u = 2^-24: the largest relative error of `roundings` = n roundings in
/// single precision.
double RoundingError(size_t roundings);

/// A float that is not less; infinity from FLT_MAX on, and for NaN.
float RoundUp(double value);

/// The norm, or NaN where a squared norm computed in single precision says too little, below 2^-100
/// or above 2^100: the sums of such a row may have overflowed, or underflowed to nothing.
inline float NormInRange(float squared_norm) {
  const bool in_range = squared_norm >= 0x1p-100F && squared_norm <= 0x1p100F;
  return in_range ? std::sqrt(squared_norm) : std::numeric_limits<float>::quiet_NaN();
}

/// What one query can say about rows from single-precision arithmetic alone.
///
/// A row's *rank* is a float that a kernel computes; it rises with the distance but for rounding:
///   kL2      squared distance
///   kDot     -(row . query), the negated query being passed to the kernel
///   kCosine  -(row . query / |query|) / |row|, where the norm of the row is NormInRange
class RankBound {
 public:
  /// `max_row_norm`: an upper bound of the norm of every row; only kDot needs it.
  RankBound(Metric metric, size_t dim, double query_norm, double max_row_norm);

  /// The largest rank that a row can have whose ExactDistance is not above `distance`: a row of a
  /// greater rank is farther. Infinity when nothing can be said; a rank that is NaN says nothing.
  float LargestRankWithin(double distance) const;

 private:
  Metric metric_;
  /// Rank of a row <= (1 + relative_error_) * exact + absolute_error_.
  double relative_error_ = 0;
  double absolute_error_ = 0;
};

}  // namespace viper::index
