/// Scrolling in the order of the ids: every source is walked in its own id order from the cursor
/// on, and the walks are merged. A part's order is computed once and kept in the column cache; a
/// memtable's is computed per page.

#include "core/scroll.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <queue>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "core/row_reader.h"

namespace viper::core {
namespace {

/// The selected rows of one source in the order of their ids.
class SourceWalk {
 public:
  SourceWalk(const ReadView& view, size_t source, std::shared_ptr<const Bitmap> selection)
      : view_(view), source_(source), selection_(std::move(selection)) {}

  /// Stand on the first selected row whose id is greater than `after`.
  Status Start(const std::string& after) {
    if (view_.is_part(source_)) {
      VIPER_ASSIGN_OR_RETURN(ordered_, view_.parts[source_].part->RowsInIdOrder());
    } else {
      SortMemoryRows();
    }
    VIPER_RETURN_IF_ERROR(SeekPast(after));
    return Settle();
  }

  bool done() const { return place_ >= order().size(); }
  const std::string& id() const { return id_; }
  Location location() const { return {source_, static_cast<uint64_t>(order()[place_])}; }
  Status Advance() {
    ++place_;
    return Settle();
  }

 private:
  const std::vector<int64_t>& order() const {
    return ordered_ != nullptr ? ordered_->int64s() : memory_rows_;
  }

  Result<std::string> IdAt(size_t place) const {
    return view_.IdOf({source_, static_cast<uint64_t>(order()[place])});
  }

  void SortMemoryRows() {
    const MemtableView& memtable = view_.memtable_of(source_);
    memory_rows_.resize(memtable.row_count);
    std::iota(memory_rows_.begin(), memory_rows_.end(), int64_t{0});
    std::erase_if(memory_rows_, [&](int64_t row) { return !IsSelected(row); });
    auto id_of = [&](int64_t row) -> const std::string& {
      return memtable.row(static_cast<uint32_t>(row)).id;
    };
    std::sort(memory_rows_.begin(), memory_rows_.end(),
              [&](int64_t a, int64_t b) { return id_of(a) < id_of(b); });
  }

  Status SeekPast(const std::string& after) {
    size_t low = 0;
    size_t high = after.empty() ? 0 : order().size();
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      VIPER_ASSIGN_OR_RETURN(std::string id, IdAt(middle));
      if (id <= after) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    place_ = low;
    return {};
  }

  bool IsSelected(int64_t row) const {
    return selection_ == nullptr || selection_->Test(static_cast<size_t>(row));
  }

  Status Settle() {
    while (!done() && !IsSelected(order()[place_])) ++place_;
    if (done()) return {};
    VIPER_ASSIGN_OR_RETURN(id_, IdAt(place_));
    return {};
  }

  const ReadView& view_;
  const size_t source_;
  const std::shared_ptr<const Bitmap> selection_;
  ColumnCache::ColumnPointer ordered_;
  std::vector<int64_t> memory_rows_;
  size_t place_ = 0;
  std::string id_;
};

struct GreaterId {
  bool operator()(const SourceWalk* a, const SourceWalk* b) const { return a->id() > b->id(); }
};

}  // namespace

Status CheckScroll(const ReadView& view, const ScrollOptions& options) {
  if (options.limit == 0 || options.limit > kScrollPageMax) {
    return Status::InvalidArgument(
        fmt::format("scroll: limit must be 1 to {}: actual={}", kScrollPageMax, options.limit));
  }
  return CheckProjection(view, options.projection);
}

Result<ScrollPage> Scroll(const ReadView& view, const ViewSelection& selection,
                          const ScrollOptions& options) {
  std::vector<std::unique_ptr<SourceWalk>> walks;
  std::priority_queue<SourceWalk*, std::vector<SourceWalk*>, GreaterId> next;
  for (size_t source = 0; source < view.source_count(); ++source) {
    const std::shared_ptr<const Bitmap>& rows = selection.sources[source];
    if (rows != nullptr && !rows->AnySet()) continue;
    auto walk = std::make_unique<SourceWalk>(view, source, rows);
    VIPER_RETURN_IF_ERROR(walk->Start(options.after));
    if (!walk->done()) next.push(walk.get());
    walks.push_back(std::move(walk));
  }
  ScrollPage page;
  while (!next.empty() && page.records.size() < options.limit) {
    SourceWalk* walk = next.top();
    next.pop();
    VIPER_ASSIGN_OR_RETURN(Record record, ReadRecord(view, walk->location(), options.projection));
    page.records.push_back(std::move(record));
    VIPER_RETURN_IF_ERROR(walk->Advance());
    if (!walk->done()) next.push(walk);
  }
  if (!next.empty()) page.next = page.records.back().id;
  return page;
}

}  // namespace viper::core
