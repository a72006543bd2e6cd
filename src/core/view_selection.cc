#include "core/view_selection.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/status_macros.h"
#include "core/row_selection.h"
#include "core/search_plan.h"

namespace viper::core {
namespace {

/// A mask is made again once this share of its rows is gone from the selection: until then the rows
/// that are gone cost less than the new mask.
constexpr double kStaleShareMax = 0.25;
/// Without a filter nothing is masked until this share of the rows is gone.
constexpr double kGoneShareMax = 0.1;

/// The rows of a memtable that match, as far as it had grown, for who reads them by this schema.
struct MemtableMatches {
  std::shared_ptr<const CollectionSchema> schema;
  Bitmap rows;
};

/// A mask and what it was made of.
struct SegmentMask {
  std::shared_ptr<const index::ScanMask> mask;
  std::shared_ptr<const Bitmap> selection;
};

size_t BytesOf(const Bitmap& bitmap) { return sizeof(bitmap) + bitmap.words().size() * 8; }

bool IsSubset(const Bitmap& part, const Bitmap& whole) {
  for (size_t w = 0; w < part.words().size(); ++w) {
    if ((part.words()[w] & ~whole.words()[w]) != 0) return false;
  }
  return true;
}

uint64_t SelectedCount(const Bitmap* selection, uint64_t rows) {
  return selection == nullptr ? rows : selection->CountSet();
}

/// The rows of a segment that a selection of the view's sources leaves. Null = all.
std::shared_ptr<const Bitmap> SelectionOf(const ViewIndex& view_index,
                                          const ViewIndex::Segment& segment,
                                          const Selections& selections) {
  const std::span<const ViewIndex::Run> runs =
      std::span(view_index.runs).subspan(segment.first_run, segment.run_count);
  const bool takes_all = std::none_of(runs.begin(), runs.end(), [&](const ViewIndex::Run& run) {
    return run.is_gone || selections[run.rows.source] != nullptr;
  });
  if (takes_all) return nullptr;
  if (runs.size() == 1 && !runs[0].is_gone) {
    const std::shared_ptr<const Bitmap>& rows = selections[runs[0].rows.source];
    if (rows->size() == runs[0].row_count) return rows;
    return std::make_shared<const Bitmap>(rows->Slice(runs[0].rows.first, runs[0].row_count));
  }
  auto selected = std::make_shared<Bitmap>(segment.segment->row_count());
  for (const ViewIndex::Run& run : runs) {
    if (run.is_gone) continue;
    const uint64_t first = run.first_row - segment.first_row;
    selected->CopyFrom(selections[run.rows.source].get(), run.row_count, first);
  }
  return selected;
}

}  // namespace

/// Finds the rows of the sources of a view that match a filter.
class ViewSelector::Evaluation {
 public:
  Evaluation(SelectionCache& cache, const ReadView& view, const FilterKey& key,
             columnar::Predicate predicate, const StopSignal& stop)
      : cache_(cache),
        view_(view),
        key_(key),
        predicate_(std::move(predicate)),
        stop_(stop),
        ids_(predicate_.RequiredIds()) {}

  /// Null = all.
  Result<std::shared_ptr<const Bitmap>> Matches(size_t source) {
    if (predicate_.matches_all()) return std::shared_ptr<const Bitmap>();
    return view_.is_part(source) ? PartMatches(view_.parts[source])
                                 : MatchesOfMemtable(view_.memtable_of(source));
  }

 private:
  Result<std::shared_ptr<const Bitmap>> PartMatches(const PartView& part) {
    // Which row an id leads to depends on which are dead: not to be kept.
    if (ids_) {
      VIPER_ASSIGN_OR_RETURN(Bitmap matches, MatchPartByIds(part, predicate_, *ids_));
      return std::make_shared<const Bitmap>(std::move(matches));
    }
    if (auto kept = cache_.Find<Bitmap>(part.part, key_)) return kept;
    VIPER_ASSIGN_OR_RETURN(Bitmap matches, MatchPart(*part.part, predicate_, stop_));
    auto made = std::make_shared<const Bitmap>(std::move(matches));
    cache_.Put(part.part, key_, made, BytesOf(*made));
    return made;
  }

  Result<std::shared_ptr<const Bitmap>> MatchesOfMemtable(const MemtableView& memtable) {
    auto kept = cache_.Find<MemtableMatches>(memtable.memtable, key_);
    if (kept != nullptr && kept->schema != view_.schema) kept.reset();
    const size_t known = kept == nullptr ? 0 : kept->rows.size();
    if (kept != nullptr && known == memtable.row_count) return RowsOf(std::move(kept));
    auto matches = kept == nullptr ? Bitmap() : kept->rows;
    matches.Resize(memtable.row_count);
    // An older view sees fewer rows than are known.
    if (known > memtable.row_count) return std::make_shared<const Bitmap>(std::move(matches));
    const auto first = static_cast<uint32_t>(known);
    VIPER_ASSIGN_OR_RETURN(const Bitmap added, MatchMemtable(memtable, first, predicate_));
    matches.CopyFrom(&added, memtable.row_count - first, first);
    auto made =
        std::make_shared<const MemtableMatches>(MemtableMatches{view_.schema, std::move(matches)});
    cache_.Put(memtable.memtable, key_, made, BytesOf(made->rows));
    return RowsOf(std::move(made));
  }

  static std::shared_ptr<const Bitmap> RowsOf(std::shared_ptr<const MemtableMatches> matches) {
    const Bitmap* rows = &matches->rows;
    return {std::move(matches), rows};
  }

  SelectionCache& cache_;
  const ReadView& view_;
  const FilterKey& key_;
  const columnar::Predicate predicate_;
  const StopSignal& stop_;
  const std::optional<std::vector<std::string>> ids_;
};

Result<std::shared_ptr<const ViewSelection>> ViewSelector::Select(
    const std::shared_ptr<const ReadView>& view, const FilterKey& key, int64_t now,
    const StopSignal& stop, bool* was_cached) {
  auto kept = cache_.Find<ViewSelection>(view, key);
  const bool holds = kept != nullptr && kept->made_at <= now && now < kept->valid_until;
  if (was_cached != nullptr) *was_cached = holds;
  if (holds) return kept;
  VIPER_ASSIGN_OR_RETURN(columnar::Predicate predicate, BindFilter(*view, key.filter()));
  Evaluation evaluation(cache_, *view, key, std::move(predicate), stop);
  auto made = std::make_shared<ViewSelection>();
  made->made_at = now;
  size_t bytes = sizeof(ViewSelection);
  for (size_t source = 0; source < view->source_count(); ++source) {
    VIPER_ASSIGN_OR_RETURN(auto matches, evaluation.Matches(source));
    VIPER_ASSIGN_OR_RETURN(SourceSelection selection, KeepLiveRows(*view, source, matches, now));
    // What is shared with the cached matches is counted there.
    if (selection.rows != nullptr && selection.rows != matches) bytes += BytesOf(*selection.rows);
    made->valid_until = std::min(made->valid_until, selection.next_expiry);
    made->rows += view->source_rows(source);
    made->selected_rows += SelectedCount(selection.rows.get(), view->source_rows(source));
    made->sources.push_back(std::move(selection.rows));
  }
  bytes += made->sources.size() * sizeof(made->sources[0]);
  cache_.Put(view, key, made, bytes);
  return std::shared_ptr<const ViewSelection>(std::move(made));
}

Result<IndexSelection::Segment> ViewSelector::SelectInSegment(
    const std::shared_ptr<const OpenSegment>& open, const FilterKey& key,
    std::shared_ptr<const Bitmap> selection) {
  const index::Segment& segment = *open->segment;
  const auto wanted = static_cast<double>(selection->CountSet());
  if (key.filter().matches_all() &&
      wanted >= (1 - kGoneShareMax) * static_cast<double>(segment.row_count())) {
    return IndexSelection::Segment{nullptr, std::move(selection)};
  }
  auto kept = cache_.Find<SegmentMask>(open, key);
  const bool fits =
      kept != nullptr &&
      wanted >= (1 - kStaleShareMax) * static_cast<double>(kept->mask->selected_count()) &&
      IsSubset(*selection, *kept->selection);
  if (!fits) {
    VIPER_ASSIGN_OR_RETURN(auto mask, index::ScanMask::Make(segment, *selection));
    const size_t bytes = mask->memory_bytes() + BytesOf(*selection);
    kept = std::make_shared<const SegmentMask>(SegmentMask{std::move(mask), selection});
    cache_.Put(open, key, kept, bytes);
  }
  // As many rows of a subset: the same rows.
  if (kept->mask->selected_count() == selection->CountSet()) selection.reset();
  return IndexSelection::Segment{kept->mask, std::move(selection)};
}

Result<std::shared_ptr<const IndexSelection>> ViewSelector::SelectInIndex(
    const std::shared_ptr<const ViewIndex>& view_index,
    const std::shared_ptr<const ViewSelection>& selection, const FilterKey& key,
    const index::Segment** damaged) {
  auto kept = cache_.Find<IndexSelection>(view_index, key);
  if (kept != nullptr && kept->made_of == selection) return kept;
  auto made = std::make_shared<IndexSelection>();
  made->made_of = selection;
  size_t bytes = sizeof(IndexSelection);
  for (size_t i = 0; i < view_index->segments.size(); ++i) {
    const ViewIndex::Segment& segment = view_index->segments[i];
    auto rows = SelectionOf(*view_index, segment, selection->sources);
    made->selected_rows += SelectedCount(rows.get(), segment.segment->row_count());
    if (rows != nullptr) {
      auto selected = SelectInSegment(segment.open, key, std::move(rows));
      if (!selected.ok()) {
        if (selected.status().code() == StatusCode::kCorruption) *damaged = segment.segment;
        return selected.status();
      }
      if (selected->selection != nullptr) bytes += BytesOf(*selected->selection);
      made->segments.push_back(std::move(*selected));
    } else {
      made->segments.emplace_back();
    }
    const index::ScanMask* mask = made->segments.back().mask.get();
    made->block_count += mask != nullptr ? mask->block_count() : segment.segment->block_count();
  }
  const bool is_masked = std::any_of(made->segments.begin(), made->segments.end(),
                                     [](const auto& segment) { return segment.mask != nullptr; });
  if (is_masked) {
    made->clusters.emplace(view_index->files->model->cluster_count());
    for (size_t i = 0; i < made->segments.size(); ++i) {
      made->clusters->Add(*view_index->segments[i].segment, made->segments[i].mask.get());
    }
    made->clusters->set_selected_count(made->selected_rows);
    bytes += made->clusters->memory_bytes();
  }
  cache_.Put(view_index, key, made, bytes);
  return std::shared_ptr<const IndexSelection>(std::move(made));
}

std::shared_ptr<const std::vector<float>> ViewSelector::TypicalDistances(
    const std::shared_ptr<const index::Model>& model) {
  // They are the model's own, whatever the filter.
  const FilterKey key{Filter()};
  if (auto kept = cache_.Find<std::vector<float>>(model, key)) return kept;
  auto made = std::make_shared<const std::vector<float>>(TypicalProbeDistances(*model));
  cache_.Put(model, key, made, made->size() * sizeof(float));
  return made;
}

}  // namespace viper::core
