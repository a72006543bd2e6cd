#include "core/view_search.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "core/recall_audit.h"
#include "kernels/kernel_table.h"

namespace viper::core {
namespace {

double MicrosSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
      .count();
}

/// Under cosine a query of zeros is as far from every record: only comparing all of them orders
/// those by id.
bool HasZeroQuery(const CollectionSchema& schema, const QueryBatch& queries) {
  if (schema.metric != Metric::kCosine) return false;
  for (size_t query = 0; query < queries.count; ++query) {
    const auto floats = queries.floats.subspan(query * schema.dim, schema.dim);
    if (std::all_of(floats.begin(), floats.end(), [](float x) { return x == 0; })) return true;
  }
  return false;
}

/// Bytes that comparing a row takes after its code: of its byte row, or of its floats.
size_t ComparedBytes(const ViewIndex& view_index) {
  const index::Model& model = *view_index.files->model;
  const size_t bytes = index::ByteRowBytes(view_index.segments.front().segment->byte_rows(), model);
  return bytes == 0 ? model.dim() * sizeof(float) : bytes;
}

}  // namespace

ViewSearch::ViewSearch(ReadContext& context, const std::shared_ptr<const ReadView>& view,
                       const SearchOptions& options)
    : context_(context),
      view_(view),
      options_(options),
      key_(options.filter),
      stop_(options.stop, context.clock, options.timeout_ms) {}

Result<std::vector<FoundRows>> ViewSearch::Run(QueryBatch queries, int64_t now) {
  VIPER_RETURN_IF_ERROR(Select(now));
  return FindRows({queries, &options_, &stop_, nullptr});
}

Result<FoundRows> ViewSearch::Explain(std::span<const float> query, int64_t now,
                                      SearchExplanation& told) {
  told_ = &told;
  const auto begin = std::chrono::steady_clock::now();
  VIPER_RETURN_IF_ERROR(Select(now));
  told.selection_us = MicrosSince(begin);
  told.rows = selection_->rows;
  told.selected_rows = selection_->selected_rows;
  told.selection_was_cached = selection_was_cached_;
  const auto selected = std::chrono::steady_clock::now();
  index::IndexSearchCounts counts;
  const SearchTask task = {{query, 1}, &options_, &stop_, &counts};
  told.exact_estimate_us = EstimateCosts(WorkOf(task)).exact_ns / 1000;
  VIPER_ASSIGN_OR_RETURN(auto found, FindRows(task));
  told.search_us = MicrosSince(selected);
  if (told.plan == SearchPlan::kIndex) {
    told.probed_clusters = counts.probed_clusters;
    told.scanned_rows = counts.scanned_rows;
    told.byte_rows = counts.byte_rows;
    told.float_rows = counts.exact_rows;
  } else {
    told.compared_rows = selection_->selected_rows;
  }
  return std::move(found.front());
}

Status ViewSearch::Select(int64_t now) {
  VIPER_ASSIGN_OR_RETURN(selection_,
                         context_.selector.Select(view_, key_, now, stop_, &selection_was_cached_));
  return {};
}

Result<std::vector<FoundRows>> ViewSearch::FindRows(const SearchTask& task) {
  const bool compares_all = options_.exact || HasZeroQuery(*view_->schema, task.queries);
  while (!compares_all) {
    const auto view_index = context_.index.For(view_);
    if (view_index == nullptr) break;
    const index::Segment* damaged = nullptr;
    auto found = SearchIndex(view_index, task, &damaged);
    if (damaged == nullptr) {
      if (!found.ok()) return found.status();
      if (!*found) break;
      OfferToAudit(context_, view_, selection_->sources, task.queries, options_, **found);
      return std::move(**found);
    }
    // A damaged segment is as good as none: the rows themselves are whole.
    context_.index.Drop(damaged);
  }
  if (told_ != nullptr) told_->plan = SearchPlan::kExact;
  return SearchExactly(context_, *view_, selection_->sources, task);
}

Result<std::optional<std::vector<FoundRows>>> ViewSearch::SearchIndex(
    const std::shared_ptr<const ViewIndex>& view_index, const SearchTask& task,
    const index::Segment** damaged) {
  const index::Model& model = *view_index->files->model;
  for (size_t query = 0; query < task.queries.count; ++query) {
    if (!model.Reaches(task.queries.floats.data() + query * model.dim())) {
      return std::optional<std::vector<FoundRows>>();
    }
  }
  // Whoever says how many clusters to look into means the index, however few the rows.
  const bool is_decided = options_.nprobe != 0;
  if (!is_decided && told_ == nullptr) {
    // For a handful of rows not even a mask is worth making.
    SearchWork work = WorkOf(task);
    work.index.emplace().clusters = model.cluster_count();
    work.index->selected_rows = work.selected_rows;
    if (!EstimateCosts(work).index_is_cheaper()) return std::optional<std::vector<FoundRows>>();
  }
  VIPER_ASSIGN_OR_RETURN(const auto selected,
                         context_.selector.SelectInIndex(view_index, selection_, key_, damaged));
  if (!IsForIndex(view_index, *selected, task) && !is_decided) {
    return std::optional<std::vector<FoundRows>>();
  }
  if (told_ != nullptr) Tell(*view_index, *selected);
  VIPER_ASSIGN_OR_RETURN(auto found, Measured(*view_index, *selected, task, damaged));
  return std::optional(std::move(found));
}

Result<std::vector<FoundRows>> ViewSearch::Measured(const ViewIndex& view_index,
                                                    const IndexSelection& selected,
                                                    const SearchTask& task,
                                                    const index::Segment** damaged) {
  // Of a batch nobody could say which query took what.
  if (task.queries.count != 1 || task.counts != nullptr ||
      !context_.search_costs.CountAndChoose()) {
    return SearchThroughIndex(context_, *view_, view_index, selected, task, damaged);
  }
  index::IndexSearchCounts counts;
  SearchTask measured = task;
  measured.counts = &counts;
  const auto begin = std::chrono::steady_clock::now();
  VIPER_ASSIGN_OR_RETURN(
      auto found, SearchThroughIndex(context_, *view_, view_index, selected, measured, damaged));
  const double seconds = MicrosSince(begin) / 1e6;
  std::vector<std::string_view> files;
  for (const FoundRow& row : found.front()) {
    if (!view_->is_part(row.location.source)) continue;
    files.push_back(view_->parts[row.location.source].part->added().path);
  }
  context_.search_costs.Note(counts.scanned_rows, seconds, files);
  return found;
}

bool ViewSearch::IsForIndex(const std::shared_ptr<const ViewIndex>& view_index,
                            const IndexSelection& selected, const SearchTask& task) {
  const std::shared_ptr<const index::Model>& model = view_index->files->model;
  const size_t clusters = selected.clusters ? selected.clusters->count() : model->cluster_count();
  SearchWork work = WorkOf(task);
  work.index = IndexWork{.clusters = model->cluster_count(),
                         .selected_clusters = clusters,
                         .probes = static_cast<double>(clusters),
                         .selected_rows = selected.selected_rows,
                         .blocks = selected.block_count,
                         .block_bytes = kernels::BlockBytes(model->planes()),
                         .row_bytes = ComparedBytes(*view_index)};
  PlanCosts costs = EstimateCosts(work);
  // Even looking into every cluster would be cheaper: how many it will be does not matter.
  if (told_ == nullptr && costs.index_is_cheaper()) return true;
  if (options_.nprobe != 0) {
    work.index->probes = static_cast<double>(std::min(options_.nprobe, clusters));
  } else {
    index::ProbeGoal goal = {options_.recall, clusters, static_cast<double>(selection_->rows)};
    auto k = static_cast<double>(options_.k);
    if (selected.clusters) {
      k /= std::max(selected.clusters->selected_share(), 1e-9);
      goal.row_count = static_cast<double>(selected.clusters->reached_rows());
    }
    work.index->probes =
        ExpectedProbes(*model, *context_.selector.TypicalDistances(model), goal, k);
  }
  costs = EstimateCosts(work);
  if (told_ != nullptr) told_->index_estimate_us = *costs.index_ns / 1000;
  return costs.index_is_cheaper();
}

SearchWork ViewSearch::WorkOf(const SearchTask& task) const {
  SearchWork work;
  work.dim = view_->schema->dim;
  work.query_count = task.queries.count;
  work.k = options_.k;
  work.rows = selection_->rows;
  work.selected_rows = selection_->selected_rows;
  return work;
}

void ViewSearch::Tell(const ViewIndex& view_index, const IndexSelection& selected) {
  told_->plan = SearchPlan::kIndex;
  told_->clusters = view_index.files->model->cluster_count();
  told_->selected_clusters = selected.clusters ? selected.clusters->count() : *told_->clusters;
  told_->compared_rows = selection_->selected_rows - selected.selected_rows;
}

}  // namespace viper::core
