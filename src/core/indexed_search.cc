#include "core/indexed_search.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/status_macros.h"
#include "core/row_order.h"

namespace viper::core {
namespace {

/// Which rows of a segment take part: what the view sees of it, or, under a filter, what the filter
/// leaves. Null = all.
std::shared_ptr<const Bitmap> SelectionOf(const ReadView& view, const ViewIndex& view_index,
                                          const ViewIndex::Segment& segment,
                                          const Selections& selections) {
  const std::span<const ViewIndex::Run> runs =
      std::span(view_index.runs).subspan(segment.first_run, segment.run_count);
  const bool is_filtered = std::any_of(runs.begin(), runs.end(), [&](const ViewIndex::Run& run) {
    return !run.is_gone && selections[run.source] != nullptr;
  });
  if (!is_filtered) return segment.alive;
  if (runs.size() == 1) return selections[runs[0].source];
  auto selected = std::make_shared<Bitmap>(segment.segment->row_count());
  for (const ViewIndex::Run& run : runs) {
    if (run.is_gone) continue;
    const uint64_t first = run.first_row - segment.first_row;
    selected->CopyFrom(selections[run.source].get(), view.source_rows(run.source), first);
  }
  return selected;
}

uint64_t CountSelected(const Bitmap* selection, uint64_t rows) {
  return selection == nullptr ? rows : selection->CountSet();
}

/// A search of several queries through the index.
class IndexedSearch {
 public:
  IndexedSearch(const ReadView& view, const ViewIndex& view_index, const Selections& selections,
                const SearchOptions& options)
      : view_(view), view_index_(view_index), order_(view) {
    uint64_t rows = 0;
    uint64_t selected = 0;
    for (const ViewIndex::Segment& segment : view_index.segments) {
      held_.push_back(SelectionOf(view, view_index, segment, selections));
      const Bitmap* selection = held_.back().get();
      searched_.push_back({segment.segment, segment.first_row, selection});
      rows += segment.segment->row_count();
      selected += CountSelected(selection, segment.segment->row_count());
    }
    request_.model = view_index.files->model.get();
    request_.segments = searched_;
    request_.k = options.k;
    request_.recall = request_.model->record().CautiousRecall(options.recall);
    request_.probes = options.nprobe;
    request_.selected_share =
        rows == 0 ? 1 : static_cast<double>(selected) / static_cast<double>(rows);
    request_.floats = [this](uint64_t row) { return view_.FloatsOf(view_index_.LocationOf(row)); };
    request_.tie_less = [this](uint64_t a, uint64_t b) {
      return order_.IsBefore(view_index_.LocationOf(a), view_index_.LocationOf(b));
    };
  }
  IndexedSearch(const IndexedSearch&) = delete;

  /// Search for `queries`; the rows of query i go to `answers[i]`.
  Status Run(QueryBatch queries, std::span<FoundRows> answers) {
    index::IndexSearchRequest request = request_;
    request.queries = queries.floats;
    request.query_count = queries.count;
    VIPER_ASSIGN_OR_RETURN(const auto found, index::IndexSearch(request, nullptr));
    VIPER_RETURN_IF_ERROR(order_.status());
    for (size_t query = 0; query < queries.count; ++query) {
      answers[query].reserve(found[query].size());
      for (const index::ScoredRow& row : found[query]) {
        answers[query].push_back({view_index_.LocationOf(row.row), row.distance});
      }
    }
    return {};
  }

  std::vector<index::PlannedProbe> Plan(std::span<const float> query) const {
    index::IndexSearchRequest request = request_;
    request.queries = query;
    return index::PlanProbes(request);
  }

  /// The first segment of which some cluster is not what it was.
  const index::Segment* FindDamaged() const {
    for (const index::SearchedSegment& searched : searched_) {
      for (size_t i = 0; i < searched.segment->cluster_count(); ++i) {
        if (!searched.segment->CheckCluster(i).ok()) return searched.segment;
      }
    }
    return nullptr;
  }

 private:
  const ReadView& view_;
  const ViewIndex& view_index_;
  RowOrder order_;
  std::vector<std::shared_ptr<const Bitmap>> held_;
  std::vector<index::SearchedSegment> searched_;
  index::IndexSearchRequest request_;
};

/// The k nearest of two lists that are in order.
FoundRows Merge(RowOrder& order, const FoundRows& a, const FoundRows& b, size_t k) {
  FoundRows merged;
  merged.reserve(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(merged),
             [&](const FoundRow& x, const FoundRow& y) {
               if (x.distance != y.distance) return x.distance < y.distance;
               return order.IsBefore(x.location, y.location);
             });
  merged.resize(std::min(merged.size(), k));
  return merged;
}

}  // namespace

Result<std::vector<FoundRows>> SearchThroughIndex(ReadContext& context, const ReadView& view,
                                                  const ViewIndex& view_index,
                                                  const Selections& selections, QueryBatch queries,
                                                  const SearchOptions& options,
                                                  const index::Segment** damaged) {
  IndexedSearch search(view, view_index, selections, options);
  const size_t dim = view.schema->dim;
  std::vector<FoundRows> answers(queries.count);
  // As few groups as there are threads: the queries of one share what they read.
  const size_t groups = std::min(queries.count, context.pool.thread_count());
  std::vector<Status> statuses(groups);
  const auto run = [&](size_t group) {
    const size_t first = queries.count * group / groups;
    const size_t count = queries.count * (group + 1) / groups - first;
    statuses[group] = search.Run({queries.floats.subspan(first * dim, count * dim), count},
                                 std::span(answers).subspan(first, count));
  };
  if (groups > 1) {
    context.pool.ParallelFor(groups, run);
  } else if (groups == 1) {
    run(0);
  }
  for (const Status& status : statuses) {
    if (status.ok()) continue;
    if (status.code() == StatusCode::kCorruption) *damaged = search.FindDamaged();
    return status;
  }
  if (view_index.other_sources.empty()) return answers;
  VIPER_ASSIGN_OR_RETURN(
      const auto others,
      ScanSources(context, view, selections, view_index.other_sources, queries, options.k));
  RowOrder order(view);
  for (size_t query = 0; query < queries.count; ++query) {
    answers[query] = Merge(order, answers[query], others[query], options.k);
  }
  VIPER_RETURN_IF_ERROR(order.status());
  return answers;
}

std::vector<index::PlannedProbe> PlanThroughIndex(const ReadView& view, const ViewIndex& view_index,
                                                  const Selections& selections,
                                                  std::span<const float> query,
                                                  const SearchOptions& options) {
  return IndexedSearch(view, view_index, selections, options).Plan(query);
}

}  // namespace viper::core
