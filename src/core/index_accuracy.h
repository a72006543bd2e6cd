#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "core/collection_index.h"
#include "core/read_view.h"
#include "core/snapshot_impl.h"
#include "viper/index_report.h"
#include "viper/result.h"

namespace viper::core {

/// What is measured, and how.
struct AccuracyRequest {
  /// A view, and what the index knows of it.
  const ReadView* view = nullptr;
  const ViewIndex* index = nullptr;
  /// Rows (numbers of the view index, rising) that the model was fitted to: not used as queries.
  std::span<const uint64_t> fitted_rows;
  uint64_t seed = 0;
  /// Null = this thread.
  ThreadPool* threads = nullptr;
  /// Share done, 0 to 1; false cancels.
  std::function<bool(double)> progress;
};

/// Measure how well the index predicts clusters and keeps what it promises, on rows that are in it
/// and alive. Determined by the rows and the seed. The fewer queries the more rows there are, so
/// that it takes a few per cent of the time of a build. Cancelled; Corruption.
Result<IndexAccuracy> MeasureAccuracy(ReadContext& context, const AccuracyRequest& request);

}  // namespace viper::core
