#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bitmap.h"
#include "base/stop_signal.h"
#include "core/collection_index.h"
#include "core/read_view.h"
#include "core/row_selection.h"
#include "core/selection_cache.h"
#include "index/model.h"
#include "index/scan_mask.h"

namespace viper::core {

/// Which rows of each source of a view take part in a read; null = all of them.
using Selections = std::vector<std::shared_ptr<const Bitmap>>;

/// What a filter, deletions and expiry leave of a view.
struct ViewSelection {
  Selections sources;
  /// How many rows that are, of each source.
  std::vector<uint64_t> selected_of_source;
  /// Rows that take part, and physical rows.
  uint64_t selected_rows = 0;
  uint64_t rows = 0;
  /// It holds for reads at made_at and later, but before valid_until.
  int64_t made_at = 0;
  int64_t valid_until = kNeverExpires;
};

/// What a ViewSelection leaves of the segments of the view's index.
struct IndexSelection {
  std::shared_ptr<const ViewSelection> made_of;
  struct Segment {
    /// As in index::SearchedSegment.
    std::shared_ptr<const index::ScanMask> mask;
    std::shared_ptr<const Bitmap> selection;
  };
  /// As in ViewIndex.
  std::vector<Segment> segments;
  /// Present if a segment has a mask.
  std::optional<index::ClusterSelection> clusters;
  /// Rows that take part; blocks of codes in which one does; of all segments.
  uint64_t selected_rows = 0;
  uint64_t block_count = 0;
};

/// Selections of views, evaluated once and kept (SelectionCache):
///
/// - per part, and per memtable as far as it had grown, the rows that match a filter: these stay
///   true whatever is written; and per part which of its rows have expired, until the next does;
/// - per part and filter what its dead and expired rows leave of that, until another one dies;
/// - per segment and filter what that leaves of the rows of its parts, and a mask of them, which is
///   allowed to be older;
/// - per view and filter the result, until the next row expires.
///
/// So a write costs the next search the new rows, and the bitmaps of the parts in which rows died.
/// Thread-safe.
class ViewSelector {
 public:
  explicit ViewSelector(size_t bytes_max) : cache_(bytes_max) {}

  /// The rows that match at `now` (microseconds). `was_cached` (may be null): nothing was
  /// evaluated. InvalidArgument as Predicate::Bind; Corruption of columns; else fails as `stop`
  /// does.
  Result<std::shared_ptr<const ViewSelection>> Select(const std::shared_ptr<const ReadView>& view,
                                                      const FilterKey& key, int64_t now,
                                                      const StopSignal& stop, bool* was_cached);
  /// The same for the index of the view. Corruption: the numbers of a segment are damaged;
  /// `damaged` tells which.
  Result<std::shared_ptr<const IndexSelection>> SelectInIndex(
      const std::shared_ptr<const ViewIndex>& view_index,
      const std::shared_ptr<const ViewSelection>& selection, const FilterKey& key,
      const index::Segment** damaged);

  /// TypicalProbeDistances of a model.
  std::shared_ptr<const std::vector<float>> TypicalDistances(
      const std::shared_ptr<const index::Model>& model);

  /// Bytes of what is kept.
  size_t bytes() const { return cache_.bytes(); }

 private:
  class Evaluation;
  Result<IndexSelection::Segment> SelectInSegment(const std::shared_ptr<const OpenSegment>& open,
                                                  const FilterKey& key, SelectedRows selected);
  index::ClusterSelection SelectClusters(const ViewIndex& view_index,
                                         const IndexSelection& selection, const FilterKey& key);
  SelectedRows RowsOfSegment(const ViewIndex& view_index, const ViewIndex::Segment& segment,
                             const ViewSelection& selection, const FilterKey& key);

  SelectionCache cache_;
};

}  // namespace viper::core
