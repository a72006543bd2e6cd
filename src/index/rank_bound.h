#pragma once

#include <cstddef>

#include "viper/schema.h"

namespace viper::index {

/// What one query can say about rows from single-precision arithmetic alone.
///
/// A row's *rank* is a float that a kernel computes; it rises with the distance but for rounding:
///   kL2      squared distance
///   kDot     -(row . query), the negated query being passed to the kernel
///   kCosine  -(row . query / |query|) / |row|, where the norm of the row is in the range below
class RankBound {
 public:
  /// A squared norm, computed in single precision, outside this range says too little: the sums of
  /// such a row may have overflowed, or underflowed to nothing.
  static constexpr float kSquaredNormMin = 0x1p-100F;
  static constexpr float kSquaredNormMax = 0x1p100F;

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
