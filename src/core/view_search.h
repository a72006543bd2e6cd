#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/stop_signal.h"
#include "core/indexed_search.h"
#include "core/search_plan.h"
#include "core/snapshot_impl.h"
#include "core/view_selection.h"
#include "viper/options.h"
#include "viper/snapshot.h"

namespace viper::core {

/// One search of a view: which rows take part, which plan finds the nearest of them, and what that
/// did. For one thread.
class ViewSearch {
 public:
  /// All outlive it.
  ViewSearch(ReadContext& context, const std::shared_ptr<const ReadView>& view,
             const SearchOptions& options);

  /// The nearest rows of each query. The options and queries have been checked.
  Result<std::vector<FoundRows>> Run(QueryBatch queries, int64_t now);
  /// The same of one query; `told` is filled but for hits and hits_us.
  Result<FoundRows> Explain(std::span<const float> query, int64_t now, SearchExplanation& told);

 private:
  Status Select(int64_t now);
  Result<std::vector<FoundRows>> FindRows(const SearchTask& task);
  /// Absent if comparing every row is cheaper.
  Result<std::optional<std::vector<FoundRows>>> SearchIndex(
      const std::shared_ptr<const ViewIndex>& view_index, const SearchTask& task,
      const index::Segment** damaged);
  /// SearchThroughIndex, measured now and then (SearchCosts).
  Result<std::vector<FoundRows>> Measured(const ViewIndex& view_index,
                                          const IndexSelection& selected, const SearchTask& task,
                                          const index::Segment** damaged);
  bool IsForIndex(const std::shared_ptr<const ViewIndex>& view_index,
                  const IndexSelection& selected, const SearchTask& task);
  SearchWork WorkOf(const SearchTask& task) const;
  void Tell(const ViewIndex& view_index, const IndexSelection& selected);

  ReadContext& context_;
  const std::shared_ptr<const ReadView>& view_;
  const SearchOptions& options_;
  const FilterKey key_;
  const StopSignal stop_;
  std::shared_ptr<const ViewSelection> selection_;
  bool selection_was_cached_ = false;
  /// Null unless somebody wants to know.
  SearchExplanation* told_ = nullptr;
};

}  // namespace viper::core
