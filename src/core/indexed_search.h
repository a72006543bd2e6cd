#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/collection_index.h"
#include "core/read_view.h"
#include "core/snapshot_impl.h"
#include "index/index_search.h"
#include "index/top_rows.h"
#include "viper/options.h"
#include "viper/snapshot.h"

namespace viper::core {

/// Which rows of each source of a view take part in a search; null = all of them.
using Selections = std::vector<std::shared_ptr<const Bitmap>>;

/// A row found, and its distance.
struct FoundRow {
  Location location;
  double distance = 0;
};
using FoundRows = std::vector<FoundRow>;

/// The nearest selected rows of each query by comparing it with every one of them.
Result<std::vector<FoundRows>> SearchExactly(ReadContext& context, const ReadView& view,
                                             const Selections& selections, QueryBatch queries,
                                             size_t k);

/// The same of some sources (rising indices) alone.
Result<std::vector<FoundRows>> ScanSources(ReadContext& context, const ReadView& view,
                                           const Selections& selections,
                                           std::span<const size_t> sources, QueryBatch queries,
                                           size_t k);

/// The same besides searches, where only distances count: rows of equal distance come in any order.
/// On `pool` (null = on this thread alone), and until `goes_on` (may be empty) says no: Cancelled.
struct ScanControl {
  ThreadPool* pool = nullptr;
  std::function<bool()> goes_on;
};
Result<std::vector<FoundRows>> ScanByDistance(const ReadView& view, const Selections& selections,
                                              std::span<const size_t> sources, QueryBatch queries,
                                              size_t k, const ScanControl& control);

/// The same through the index, and by comparing with the rows that are not in it. Corruption: a
/// segment is damaged; `damaged` tells which.
Result<std::vector<FoundRows>> SearchThroughIndex(ReadContext& context, const ReadView& view,
                                                  const ViewIndex& view_index,
                                                  const Selections& selections, QueryBatch queries,
                                                  const SearchOptions& options,
                                                  const index::Segment** damaged);

/// The clusters that SearchThroughIndex would look into for one query, in its order.
std::vector<index::PlannedProbe> PlanThroughIndex(const ReadView& view, const ViewIndex& view_index,
                                                  const Selections& selections,
                                                  std::span<const float> query,
                                                  const SearchOptions& options);

}  // namespace viper::core
