#include "core/view_selection.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/status_macros.h"
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

/// What masks leave of each cluster, and the segments and masks that it was made of. Segments may
/// go while it is kept.
struct MaskedClusters {
  struct Source {
    std::weak_ptr<const OpenSegment> open;
    std::shared_ptr<const index::ScanMask> mask;
    friend bool operator==(const Source& a, const Source& b) {
      return !a.open.owner_before(b.open) && !b.open.owner_before(a.open) && a.mask == b.mask;
    }
  };
  std::vector<Source> sources;
  index::ClusterSelection clusters;
};

size_t BytesOf(const Bitmap& bitmap) { return sizeof(bitmap) + bitmap.words().size() * 8; }

bool IsSubset(const Bitmap& part, const Bitmap& whole) {
  for (size_t w = 0; w < part.words().size(); ++w) {
    if ((part.words()[w] & ~whole.words()[w]) != 0) return false;
  }
  return true;
}

/// Rows of a source, and until when it is those.
struct SourceSelection {
  SelectedRows selected;
  int64_t next_expiry = kNeverExpires;
};

/// A selection of a part's rows, and what it was made of.
struct PartSelection {
  std::shared_ptr<const Bitmap> dead;
  std::shared_ptr<const Bitmap> expired;
  SelectedRows selected;
};

/// What of a run of a segment takes part. Null = all.
struct RunSelection {
  bool is_gone = false;
  std::shared_ptr<const Bitmap> rows;
  friend bool operator==(const RunSelection&, const RunSelection&) = default;
};

/// A selection of a segment's rows, and what it was made of.
struct SegmentSelection {
  std::vector<RunSelection> runs;
  SelectedRows selected;
};

/// The rows of a segment of several parts, each of which is one run of it.
SelectedRows JoinParts(const ViewIndex::Segment& segment, std::span<const ViewIndex::Run> runs,
                       const ViewSelection& selection) {
  auto rows = std::make_shared<Bitmap>(segment.segment->row_count());
  uint64_t count = 0;
  for (const ViewIndex::Run& run : runs) {
    if (run.is_gone) continue;
    const Bitmap* const of_part = selection.sources[run.rows.source].get();
    rows->CopyFrom(of_part, run.row_count, run.first_row - segment.first_row);
    count += selection.selected_of_source[run.rows.source];
  }
  return {std::move(rows), count};
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

  Result<SourceSelection> Select(size_t source, int64_t now) {
    VIPER_ASSIGN_OR_RETURN(const ExpiredRows expired, Expired(source, now));
    SourceSelection selection;
    selection.next_expiry = expired.next_expiry;
    if (view_.is_part(source)) {
      VIPER_ASSIGN_OR_RETURN(selection.selected, SelectInPart(view_.parts[source], expired.rows));
    } else {
      const MemtableView& memtable = view_.memtable_of(source);
      VIPER_ASSIGN_OR_RETURN(auto matches, MatchesOfMemtable(memtable));
      selection.selected =
          KeepRows(std::move(matches), memtable.row_count, memtable.dead.get(), expired.rows.get());
    }
    return selection;
  }

 private:
  Result<ExpiredRows> Expired(size_t source, int64_t now) {
    if (!view_.is_part(source)) return FindExpired(view_, source, now);
    const std::shared_ptr<const Part>& part = view_.parts[source].part;
    // The same for every filter.
    const FilterKey all{Filter()};
    const auto kept = cache_.Find<ExpiredRows>(part, all);
    if (kept != nullptr && kept->HoldsAt(now)) return *kept;
    VIPER_ASSIGN_OR_RETURN(ExpiredRows made, FindExpired(view_, source, now));
    if (made.rows != nullptr) {
      cache_.Put(part, all, std::make_shared<const ExpiredRows>(made), BytesOf(*made.rows));
    }
    return made;
  }

  Result<SelectedRows> SelectInPart(const PartView& part,
                                    const std::shared_ptr<const Bitmap>& expired) {
    // Which row an id leads to depends on which are dead: not to be kept.
    if (ids_) {
      VIPER_ASSIGN_OR_RETURN(Bitmap matches, MatchPartByIds(part, predicate_, *ids_));
      return KeepRows(std::make_shared<const Bitmap>(std::move(matches)), part.part->row_count(),
                      part.dead.get(), expired.get());
    }
    if (part.dead == nullptr && expired == nullptr) {
      VIPER_ASSIGN_OR_RETURN(auto matches, MatchesOfPart(part.part));
      return KeepRows(std::move(matches), part.part->row_count(), nullptr, nullptr);
    }
    const auto kept = cache_.Find<PartSelection>(part.part, key_);
    if (kept != nullptr && kept->dead == part.dead && kept->expired == expired) {
      return kept->selected;
    }
    VIPER_ASSIGN_OR_RETURN(auto matches, MatchesOfPart(part.part));
    PartSelection made = {
        part.dead, expired,
        KeepRows(std::move(matches), part.part->row_count(), part.dead.get(), expired.get())};
    cache_.Put(part.part, key_, std::make_shared<const PartSelection>(made),
               BytesOf(*made.selected.rows));
    return made.selected;
  }

  /// Null = all.
  Result<std::shared_ptr<const Bitmap>> MatchesOfPart(const std::shared_ptr<const Part>& part) {
    if (predicate_.matches_all()) return std::shared_ptr<const Bitmap>();
    if (auto kept = cache_.Find<Bitmap>(part, key_)) return kept;
    VIPER_ASSIGN_OR_RETURN(Bitmap matches, MatchPart(*part, predicate_, stop_));
    auto made = std::make_shared<const Bitmap>(std::move(matches));
    cache_.Put(part, key_, made, BytesOf(*made));
    return made;
  }

  Result<std::shared_ptr<const Bitmap>> MatchesOfMemtable(const MemtableView& memtable) {
    if (predicate_.matches_all()) return std::shared_ptr<const Bitmap>();
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
  for (size_t source = 0; source < view->source_count(); ++source) {
    VIPER_ASSIGN_OR_RETURN(SourceSelection selection, evaluation.Select(source, now));
    made->valid_until = std::min(made->valid_until, selection.next_expiry);
    made->rows += view->source_rows(source);
    made->selected_rows += selection.selected.count;
    made->selected_of_source.push_back(selection.selected.count);
    made->sources.push_back(std::move(selection.selected.rows));
  }
  // The bitmaps of parts are kept, and counted, by part.
  size_t bytes =
      sizeof(ViewSelection) + made->sources.size() * (sizeof(made->sources[0]) + sizeof(uint64_t));
  for (size_t source = view->parts.size(); source < made->sources.size(); ++source) {
    if (made->sources[source] != nullptr) bytes += BytesOf(*made->sources[source]);
  }
  auto shared = std::shared_ptr<const ViewSelection>(std::move(made));
  cache_.Put(view, key, shared, bytes);
  return shared;
}

SelectedRows ViewSelector::RowsOfSegment(const ViewIndex& view_index,
                                         const ViewIndex::Segment& segment,
                                         const ViewSelection& selection, const FilterKey& key) {
  const std::span<const ViewIndex::Run> runs =
      std::span(view_index.runs).subspan(segment.first_run, segment.run_count);
  std::vector<RunSelection> selected;
  for (const ViewIndex::Run& run : runs) {
    selected.push_back({run.is_gone, run.is_gone ? nullptr : selection.sources[run.rows.source]});
  }
  if (std::none_of(selected.begin(), selected.end(),
                   [](const auto& run) { return run.is_gone || run.rows != nullptr; })) {
    return {nullptr, segment.segment->row_count()};
  }
  if (runs.size() == 1 && !runs[0].is_gone) {
    const std::shared_ptr<const Bitmap>& rows = selected[0].rows;
    if (rows->size() == runs[0].row_count) {
      return {rows, selection.selected_of_source[runs[0].rows.source]};
    }
    auto slice = std::make_shared<const Bitmap>(rows->Slice(runs[0].rows.first, runs[0].row_count));
    const uint64_t count = slice->CountSet();
    return {std::move(slice), count};
  }
  auto kept = cache_.Find<SegmentSelection>(segment.open, key);
  if (kept == nullptr || kept->runs != selected) {
    kept = std::make_shared<const SegmentSelection>(
        SegmentSelection{std::move(selected), JoinParts(segment, runs, selection)});
    cache_.Put(segment.open, key, kept, BytesOf(*kept->selected.rows));
  }
  return kept->selected;
}

Result<IndexSelection::Segment> ViewSelector::SelectInSegment(
    const std::shared_ptr<const OpenSegment>& open, const FilterKey& key, SelectedRows selected) {
  const index::Segment& segment = *open->segment;
  const auto wanted = static_cast<double>(selected.count);
  if (key.filter().matches_all() &&
      wanted >= (1 - kGoneShareMax) * static_cast<double>(segment.row_count())) {
    return IndexSelection::Segment{nullptr, std::move(selected.rows)};
  }
  auto kept = cache_.Find<SegmentMask>(open, key);
  const bool fits =
      kept != nullptr &&
      wanted >= (1 - kStaleShareMax) * static_cast<double>(kept->mask->selected_count()) &&
      IsSubset(*selected.rows, *kept->selection);
  if (!fits) {
    VIPER_ASSIGN_OR_RETURN(auto mask, index::ScanMask::Make(segment, *selected.rows));
    const size_t bytes = mask->memory_bytes() + BytesOf(*selected.rows);
    kept = std::make_shared<const SegmentMask>(SegmentMask{std::move(mask), selected.rows});
    cache_.Put(open, key, kept, bytes);
  }
  // As many rows of a subset: the same rows.
  if (kept->mask->selected_count() == selected.count) selected.rows.reset();
  return IndexSelection::Segment{kept->mask, std::move(selected.rows)};
}

index::ClusterSelection ViewSelector::SelectClusters(const ViewIndex& view_index,
                                                     const IndexSelection& selection,
                                                     const FilterKey& key) {
  std::vector<MaskedClusters::Source> sources;
  for (size_t i = 0; i < selection.segments.size(); ++i) {
    sources.push_back({view_index.segments[i].open, selection.segments[i].mask});
  }
  // After most writes the segments and their masks are those of before.
  auto kept = cache_.Find<MaskedClusters>(view_index.files, key);
  if (kept != nullptr && kept->sources == sources) return kept->clusters;
  index::ClusterSelection clusters(view_index.files->model->cluster_count());
  for (size_t i = 0; i < sources.size(); ++i) {
    clusters.Add(*view_index.segments[i].segment, sources[i].mask.get());
  }
  const size_t bytes = clusters.memory_bytes();
  cache_.Put(view_index.files, key,
             std::make_shared<const MaskedClusters>(MaskedClusters{std::move(sources), clusters}),
             bytes);
  return clusters;
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
    SelectedRows rows = RowsOfSegment(*view_index, segment, *selection, key);
    made->selected_rows += rows.count;
    if (rows.rows != nullptr) {
      auto selected = SelectInSegment(segment.open, key, std::move(rows));
      if (!selected.ok()) {
        if (selected.status().code() == StatusCode::kCorruption) *damaged = segment.segment;
        return selected.status();
      }
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
    made->clusters = SelectClusters(*view_index, *made, key);
    made->clusters->set_selected_count(made->selected_rows);
    bytes += made->clusters->memory_bytes();
  }
  auto shared = std::shared_ptr<const IndexSelection>(std::move(made));
  cache_.Put(view_index, key, shared, bytes);
  return shared;
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
