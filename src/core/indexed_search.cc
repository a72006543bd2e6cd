#include "core/indexed_search.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/status_macros.h"
#include "core/row_order.h"

namespace viper::core {
namespace {

/// A search of several queries through the index.
class IndexedSearch {
 public:
  /// `pool`: as IndexSearchRequest::pool.
  IndexedSearch(const ReadView& view, const ViewIndex& view_index, const IndexSelection& selection,
                const SearchTask& task, ThreadPool* pool)
      : view_(view), view_index_(view_index), selection_(*selection.made_of), order_(view) {
    for (size_t i = 0; i < view_index.segments.size(); ++i) {
      const ViewIndex::Segment& segment = view_index.segments[i];
      const IndexSelection::Segment& selected = selection.segments[i];
      searched_.push_back(
          {segment.segment, segment.first_row, selected.mask.get(), selected.selection.get()});
    }
    request_.model = view_index.files->model.get();
    request_.segments = searched_;
    request_.clusters = selection.clusters ? &*selection.clusters : nullptr;
    request_.k = task.options->k;
    request_.recall = request_.model->record().CautiousRecall(task.options->recall);
    request_.probes = task.options->nprobe;
    request_.rerank = task.options->rerank;
    request_.stop = task.stop;
    request_.pool = pool;
    request_.floats = [this](uint64_t row) -> Result<HeldFloats> {
      const auto location = view_index_.FindRow(row);
      if (!location) return LeadsNowhere(row);
      return view_.FloatsOf(*location);
    };
    request_.tie_less = [this](uint64_t a, uint64_t b) {
      const auto first = view_index_.FindRow(a);
      const auto second = view_index_.FindRow(b);
      return first && second ? order_.IsBefore(*first, *second) : a < b;
    };
  }
  IndexedSearch(const IndexedSearch&) = delete;

  /// Search for `queries`; the rows of query i go to `answers[i]`.
  Status Run(QueryBatch queries, index::IndexSearchCounts* counts, std::span<FoundRows> answers) {
    index::IndexSearchRequest request = request_;
    request.queries = queries.floats;
    request.query_count = queries.count;
    VIPER_ASSIGN_OR_RETURN(const auto found, index::IndexSearch(request, counts));
    VIPER_RETURN_IF_ERROR(order_.status());
    for (size_t query = 0; query < queries.count; ++query) {
      answers[query].reserve(found[query].size());
      for (const index::ScoredRow& row : found[query]) {
        // A segment that was overwritten after it was checked may lead anywhere; never is a row
        // given that takes no part.
        const auto location = view_index_.FindRow(row.row);
        if (!location || !TakesPart(*location)) return LeadsNowhere(row.row);
        answers[query].push_back({*location, row.distance});
      }
    }
    return {};
  }

  Result<std::vector<index::PlannedProbe>> Plan(std::span<const float> query) const {
    index::IndexSearchRequest request = request_;
    request.queries = query;
    return index::PlanProbes(request);
  }

  /// The first segment of which some cluster is not what it was, though it may have been before.
  const index::Segment* FindDamaged() const {
    if (const index::Segment* cut = view_index_.FindCut()) return cut;
    for (const index::SearchedSegment& searched : searched_) {
      for (size_t i = 0; i < searched.segment->cluster_count(); ++i) {
        if (!searched.segment->CheckClusterAgain(i).ok()) return searched.segment;
      }
    }
    return nullptr;
  }

 private:
  static Status LeadsNowhere(uint64_t row) {
    return Status::Corruption(fmt::format("index segment: a row takes no part: number={}", row));
  }
  bool TakesPart(const Location& location) const {
    const auto& selected = selection_.sources[location.source];
    return selected == nullptr || selected->Test(location.row);
  }

  const ReadView& view_;
  const ViewIndex& view_index_;
  const ViewSelection& selection_;
  RowOrder order_;
  std::vector<index::SearchedSegment> searched_;
  index::IndexSearchRequest request_;
};

/// Corruption if a file that was searched has been cut: then zeros may have been read.
Status CheckCuts(const ViewIndex& view_index) {
  if (view_index.FindCut() == nullptr) return {};
  return Status::Corruption("index segment: its file was cut");
}

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
                                                  const IndexSelection& selection,
                                                  const SearchTask& task,
                                                  const index::Segment** damaged) {
  const QueryBatch& queries = task.queries;
  // With fewer queries than threads, those that are left help with the larger queries.
  const bool has_idle = queries.count < context.pool.thread_count();
  IndexedSearch search(view, view_index, selection, task, has_idle ? &context.pool : nullptr);
  const size_t dim = view.schema->dim;
  std::vector<FoundRows> answers(queries.count);
  // As few groups as there are threads: the queries of one share what they read.
  const size_t groups = std::min(queries.count, context.pool.thread_count());
  index::IndexSearchCounts* counts = groups == 1 ? task.counts : nullptr;
  std::vector<Status> statuses(groups);
  const auto run = [&](size_t group) {
    const size_t first = queries.count * group / groups;
    const size_t count = queries.count * (group + 1) / groups - first;
    statuses[group] = search.Run({queries.floats.subspan(first * dim, count * dim), count}, counts,
                                 std::span(answers).subspan(first, count));
  };
  if (groups > 1) {
    context.pool.ParallelFor(groups, run);
  } else if (groups == 1) {
    run(0);
  }
  for (Status& status : statuses) {
    if (status.ok()) status = CheckCuts(view_index);
    if (status.ok()) continue;
    if (status.code() == StatusCode::kCorruption) *damaged = search.FindDamaged();
    return status;
  }
  if (view_index.others.empty()) return answers;
  VIPER_ASSIGN_OR_RETURN(const auto others, ScanSources(context, view, selection.made_of->sources,
                                                        view_index.others, task));
  RowOrder order(view);
  for (size_t query = 0; query < queries.count; ++query) {
    answers[query] = Merge(order, answers[query], others[query], task.options->k);
  }
  VIPER_RETURN_IF_ERROR(order.status());
  return answers;
}

Result<std::vector<index::PlannedProbe>> PlanThroughIndex(const ReadView& view,
                                                          const ViewIndex& view_index,
                                                          const IndexSelection& selection,
                                                          const SearchTask& task,
                                                          const index::Segment** damaged) {
  const IndexedSearch search(view, view_index, selection, task, nullptr);
  auto planned = search.Plan(task.queries.floats);
  if (const Status whole = CheckCuts(view_index); !whole.ok()) planned = whole;
  if (planned.status().code() == StatusCode::kCorruption) *damaged = search.FindDamaged();
  return planned;
}

}  // namespace viper::core
