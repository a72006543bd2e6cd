#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/stop_signal.h"
#include "core/collection_index.h"
#include "core/read_view.h"
#include "core/snapshot_impl.h"
#include "core/view_selection.h"
#include "index/index_search.h"
#include "index/top_rows.h"
#include "viper/options.h"
#include "viper/snapshot.h"

namespace viper::core {

/// A row found, and its distance.
struct FoundRow {
  Location location;
  double distance = 0;
};
using FoundRows = std::vector<FoundRow>;

/// What is looked for.
struct SearchTask {
  QueryBatch queries;
  /// k, recall, nprobe and rerank count.
  const SearchOptions* options = nullptr;
  const StopSignal* stop = nullptr;
  /// What the index did for a single query is added here; null = nobody asks.
  index::IndexSearchCounts* counts = nullptr;
};

/// The nearest selected rows of each query by comparing it with every one of them.
Result<std::vector<FoundRows>> SearchExactly(ReadContext& context, const ReadView& view,
                                             const Selections& selections, const SearchTask& task);

/// The same of some rows alone; sources in rising order.
Result<std::vector<FoundRows>> ScanSources(ReadContext& context, const ReadView& view,
                                           const Selections& selections,
                                           std::span<const SourceRows> rows,
                                           const SearchTask& task);

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
                                                  const IndexSelection& selection,
                                                  const SearchTask& task,
                                                  const index::Segment** damaged);

/// The clusters that SearchThroughIndex would look into for a task of one query, in its order.
/// Fails as it does.
Result<std::vector<index::PlannedProbe>> PlanThroughIndex(const ReadView& view,
                                                          const ViewIndex& view_index,
                                                          const IndexSelection& selection,
                                                          const SearchTask& task,
                                                          const index::Segment** damaged);

}  // namespace viper::core
