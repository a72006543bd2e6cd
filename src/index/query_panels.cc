// What a bias has to add for rounding, with u = 2^-24, g(n) = n u / (1 - n u) and the n of
// kernels::RoundingsPerScore and RoundingsPerSum (Higham, Accuracy and Stability of Numerical
// Algorithms, 2nd ed., chapter 3). A score of exact terms b and x.q is computed to within
// g(n) (|b| + |x| |q|), by Cauchy and Schwarz; b = t + e, t being what exact arithmetic asks for:
//
// kL2      |t| <= (d^2 + |q|^2) / 2, and the halved squared norm it is compared with is off by at
//          most g(m) |x|^2 / 2:    e (1 - g(n)) >= g(n) (|t| + |x| |q|) + g(m) |x|^2 / 2
// kDot     t = d:                  e (1 - g(n)) >= g(n) (|d| + |x| |q|)
// kCosine  Everything relative to |x|, |t| <= 1 and |q| = 1: the score is off by 2 g(n), the norm
//          by g(m) and by the rounding of its root, the unit query by one more.
//
// Each n and m is taken one larger, which covers the rounding in double precision of the distance
// and of the norms many times over. Sums that may leave the range of float get the bias infinity:
// such a score is infinite or no number, and gets through.

#include "index/query_panels.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>

#include "base/assert.h"
#include "index/rank_bound.h"

namespace viper::index {
namespace {

using kernels::kPanelLanes;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

QueryPanels::QueryPanels(Metric metric, size_t dim, std::span<const float> queries,
                         std::span<const double> squared_norms, double max_row_norm)
    : metric_(metric),
      dim_(dim),
      panel_count_((squared_norms.size() + kPanelLanes - 1) / kPanelLanes),
      max_row_norm_(max_row_norm),
      squared_norms_(squared_norms.begin(), squared_norms.end()),
      lines_(panel_count_ * (dim + 1)) {
  VIPER_ASSERT(queries.size() == squared_norms.size() * dim);
  for (size_t p = 0; p < panel_count_; ++p) {
    std::fill_n(lines_[p * (dim + 1)].lanes, kPanelLanes, -kInfinity);
  }
  for (size_t q = 0; q < query_count(); ++q) {
    const double norm = std::sqrt(squared_norms_[q]);
    const double divisor = metric == Metric::kCosine && norm > 0 ? norm : 1;
    kernels::PanelLine* panel = lines_.data() + q / kPanelLanes * (dim + 1);
    for (size_t i = 0; i < dim; ++i) {
      panel[1 + i].lanes[q % kPanelLanes] = static_cast<float>(queries[q * dim + i] / divisor);
    }
    SetLimit(q, std::numeric_limits<double>::infinity());
  }
}

void QueryPanels::SetLimit(size_t query, double distance) {
  kernels::PanelLine* panel = lines_.data() + query / kPanelLanes * (dim_ + 1);
  panel[0].lanes[query % kPanelLanes] = BiasOf(query, distance);
}

float QueryPanels::BiasOf(size_t query, double distance) const {
  const double score_error = RoundingError(kernels::RoundingsPerScore(dim_) + 1);
  const double norm_error = RoundingError(kernels::RoundingsPerSum(dim_) + 1);
  const double underflow = static_cast<double>(2 * dim_ + 2) * double{FLT_MIN};
  const double squared_norm = squared_norms_[query];
  const double product_max = max_row_norm_ * std::sqrt(squared_norm);
  const double squared_row_norm_max = max_row_norm_ * max_row_norm_;
  double bias = 0;
  double error = 0;
  // No term and no partial sum exceeds this.
  double largest = 0;
  switch (metric_) {
    case Metric::kL2: {
      const double squared = distance * distance;
      bias = (squared - squared_norm) / 2;
      error = score_error * ((squared + squared_norm) / 2 + product_max) +
              norm_error * squared_row_norm_max / 2;
      largest = squared + squared_norm + product_max + squared_row_norm_max;
      break;
    }
    case Metric::kDot:
      bias = distance;
      error = score_error * (std::abs(distance) + product_max);
      largest = std::abs(distance) + product_max;
      break;
    case Metric::kCosine:
      bias = distance - 1;
      error = 2 * score_error + norm_error + RoundingError(4);
      break;
  }
  if (!(2 * largest < double{FLT_MAX})) return kInfinity;
  return RoundUp(bias + (error + underflow) / (1 - score_error));
}

bool QueryPanels::Mask(const kernels::KernelTable& kernel, const kernels::RowRun& rows) {
  scales_.assign(rows.count, 1);
  floors_.assign(rows.count, 0);
  masks_.resize(rows.count * panel_count_);
  if (metric_ == Metric::kL2) {
    kernel.squared_norm(rows.floats, rows.count, dim_, floors_.data());
    for (float& floor : floors_) floor /= 2;
  } else if (metric_ == Metric::kCosine) {
    kernel.squared_norm(rows.floats, rows.count, dim_, scales_.data());
    for (float& scale : scales_) scale = NormInRange(scale);
  }
  return kernel.mask_not_below(rows, dim_, {lines_.data(), panel_count_}, scales_.data(),
                               floors_.data(), masks_.data());
}

}  // namespace viper::index
