#pragma once

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

/// The same of some sources (rising indices) alone.
Result<std::vector<FoundRows>> ScanSources(ReadContext& context, const ReadView& view,
                                           const Selections& selections,
                                           std::span<const size_t> sources, const SearchTask& task);

/// The same through the index, and by comparing with the rows that are not in it. Corruption: a
/// segment is damaged; `damaged` tells which.
Result<std::vector<FoundRows>> SearchThroughIndex(ReadContext& context, const ReadView& view,
                                                  const ViewIndex& view_index,
                                                  const IndexSelection& selection,
                                                  const SearchTask& task,
                                                  const index::Segment** damaged);

}  // namespace viper::core
