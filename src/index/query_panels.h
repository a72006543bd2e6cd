#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernel_table.h"
#include "kernels/panel.h"
#include "viper/schema.h"

namespace viper::index {

/// Queries of a batch, sixteen to a panel, each with a *limit*: the distance that rows of interest
/// do not exceed. Tells of many rows at once for which queries they may be within the limit, by
/// products in single precision alone; what the rounding of those could hide is let through.
///
/// That a bias carries the limit makes one comparison with zero, or with the norm, of the score:
///   kL2      |x - q| <= d    where  q.x + (d^2 - |q|^2) / 2 >= |x|^2 / 2
///   kDot     -(q.x) <= d     where  q.x + d >= 0
///   kCosine  1 - cos <= d    where  q.x / |q| + (d - 1) |x| >= 0
/// With cancellation (rows that are near each other but far from the origin) single precision tells
/// little apart in this form, and most rows get through.
class QueryPanels {
 public:
  /// `queries` are `squared_norms.size() x dim` finite floats. `max_row_norm`: an upper bound of
  /// the norm of every row, infinity if there is none; not used by kCosine. No query has a limit
  /// yet.
  QueryPanels(Metric metric, size_t dim, std::span<const float> queries,
              std::span<const double> squared_norms, double max_row_norm);

  size_t query_count() const { return squared_norms_.size(); }

  /// From now on rows farther from the query than `distance` (as ExactDistance) are of no interest.
  void SetLimit(size_t query, double distance);

  /// Call `visit(row, query)` for every row (its number in `rows`) and query of which the distance
  /// may be within the limit.
  template <typename Visit>
  void VisitWithin(const kernels::KernelTable& kernel, const kernels::RowRun& rows, Visit visit) {
    if (!Mask(kernel, rows)) return;
    for (size_t row = 0; row < rows.count; ++row) {
      for (size_t panel = 0; panel < panel_count_; ++panel) {
        unsigned lanes = masks_[row * panel_count_ + panel];
        for (; lanes != 0; lanes &= lanes - 1) {
          const size_t query = panel * kernels::kPanelLanes + std::countr_zero(lanes);
          if (query < query_count()) visit(row, query);
        }
      }
    }
  }

 private:
  bool Mask(const kernels::KernelTable& kernel, const kernels::RowRun& rows);
  float BiasOf(size_t query, double distance) const;

  Metric metric_;
  size_t dim_;
  size_t panel_count_;
  double max_row_norm_;
  std::vector<double> squared_norms_;  // of the queries
  std::vector<kernels::PanelLine> lines_;
  /// Per row at hand.
  std::vector<float> scales_;
  std::vector<float> floors_;
  std::vector<uint16_t> masks_;
};

}  // namespace viper::index
