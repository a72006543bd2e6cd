#include "viper/snapshot.h"

#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "base/finite.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "core/operation_recorder.h"
#include "core/row_reader.h"
#include "core/scroll.h"
#include "core/snapshot_impl.h"
#include "core/view_search.h"
#include "index/exact_distance.h"

namespace viper {
namespace {

using core::Location;
using core::Measured;
using core::OperationKind;
using core::ReadView;

Status CheckQueries(const CollectionSchema& schema, const QueryBatch& queries) {
  if (queries.floats.size() != queries.count * schema.dim) {
    const size_t actual = queries.count == 0 ? 0 : queries.floats.size() / queries.count;
    return Status::InvalidArgument(
        fmt::format("search: the query's dimension is not the collection's: expected={} actual={}",
                    schema.dim, actual));
  }
  const auto bad = FindNotFinite(queries.floats);
  if (!bad) return {};
  return Status::InvalidArgument(fmt::format("search: component {} of query {} is not finite: {}",
                                             *bad % schema.dim, *bad / schema.dim,
                                             queries.floats[*bad]));
}

Status CheckOptions(const SearchOptions& options) {
  if (options.recall > 0 && options.recall < 1) return {};
  return Status::InvalidArgument(
      fmt::format("search: recall must be above 0 and below 1 (exact = true finds all): actual={}",
                  options.recall));
}

Result<Hit> MakeHit(const ReadView& view, const Location& location, double distance,
                    const Projection& projection) {
  Hit hit;
  hit.distance = distance;
  hit.score = index::ScoreOf(view.schema->metric, distance);
  if (projection.metadata) {
    VIPER_ASSIGN_OR_RETURN(hit.metadata, core::ReadMetadata(view, location, projection));
  }
  VIPER_RETURN_IF_ERROR(
      core::ReadVector(view, location, projection, hit.vector, hit.sparse_vector));
  return hit;
}

Result<Hits> MakeHits(const ReadView& view, const core::FoundRows& rows,
                      const Projection& projection) {
  std::vector<Location> locations;
  locations.reserve(rows.size());
  for (const core::FoundRow& row : rows) locations.push_back(row.location);
  VIPER_ASSIGN_OR_RETURN(auto ids, view.IdsOf(locations));
  Hits hits;
  hits.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    VIPER_ASSIGN_OR_RETURN(hits.emplace_back(),
                           MakeHit(view, rows[i].location, rows[i].distance, projection));
    hits.back().id = std::move(ids[i]);
  }
  return hits;
}

Status CheckSearch(const ReadView& view, const QueryBatch& queries, const SearchOptions& options) {
  VIPER_RETURN_IF_ERROR(CheckQueries(*view.schema, queries));
  VIPER_RETURN_IF_ERROR(core::CheckProjection(view, options.projection));
  return CheckOptions(options);
}

Result<std::vector<Hits>> AnswerQueries(const Snapshot::Impl& snapshot, const QueryBatch& queries,
                                        const SearchOptions& options) {
  snapshot.context().counters.searches.fetch_add(queries.count, std::memory_order_relaxed);
  const ReadView& view = snapshot.view();
  VIPER_RETURN_IF_ERROR(CheckSearch(view, queries, options));
  // After the check: a recall that cannot be would stay in the mean of all searches.
  if (core::OperationRecorder* recorder = snapshot.operations()) {
    recorder->NoteSearches(queries.count, options);
  }
  core::ViewSearch search(snapshot.context(), snapshot.view_pointer(), options);
  VIPER_ASSIGN_OR_RETURN(const auto found, search.Run(queries, snapshot.ExpiryNow()));
  std::vector<Hits> answers;
  answers.reserve(queries.count);
  for (const core::FoundRows& rows : found) {
    VIPER_ASSIGN_OR_RETURN(Hits hits, MakeHits(view, rows, options.projection));
    answers.push_back(std::move(hits));
  }
  return answers;
}

/// What filters of Count and Scroll name counts as those of searches do.
void NoteFilter(const Snapshot::Impl& snapshot, const Filter& filter) {
  if (core::OperationRecorder* recorder = snapshot.operations()) recorder->NoteFilter(filter);
}

}  // namespace

std::string_view SearchPlanName(SearchPlan plan) {
  return plan == SearchPlan::kExact ? "exact" : "index";
}

const Projection Snapshot::kEverything = {
    .vector = true, .metadata = true, .fields = {}, .version = true};

Snapshot::Snapshot(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

int64_t Snapshot::table_version() const { return impl_->view().table_version; }
const CollectionSchema& Snapshot::schema() const { return *impl_->view().schema; }
uint64_t Snapshot::sequence() const { return impl_->view().sequence; }

Result<Record> Snapshot::Get(std::string_view id, const Projection& projection) const {
  VIPER_RETURN_IF_ERROR(impl_->context().CheckProcess());
  impl_->context().counters.gets.fetch_add(1, std::memory_order_relaxed);
  return Measured(impl_->operations(), OperationKind::kGet, [&]() -> Result<Record> {
    const ReadView& view = impl_->view();
    VIPER_RETURN_IF_ERROR(core::CheckProjection(view, projection));
    VIPER_ASSIGN_OR_RETURN(auto location, view.Find(id, impl_->ExpiryNow()));
    if (!location) return Status::NotFound(fmt::format("no record has the id '{}'", id));
    return core::ReadRecord(view, *location, projection);
  });
}

Result<Hits> Snapshot::Search(std::span<const float> query, const SearchOptions& options) const {
  VIPER_RETURN_IF_ERROR(impl_->context().CheckProcess());
  return Measured(impl_->operations(), OperationKind::kSearch, [&]() -> Result<Hits> {
    VIPER_ASSIGN_OR_RETURN(auto answers, AnswerQueries(*impl_, {query, 1}, options));
    return std::move(answers.front());
  });
}

Result<Hits> Snapshot::Search(const SparseVector& query, const SearchOptions& options) const {
  const auto dense = query.ToDense(impl_->view().schema->dim);
  if (!dense.ok()) return dense.status().WithContext("search");
  return Search(*dense, options);
}

Result<std::vector<Hits>> Snapshot::SearchBatch(QueryBatch queries,
                                                const SearchOptions& options) const {
  VIPER_RETURN_IF_ERROR(impl_->context().CheckProcess());
  return Measured(impl_->operations(), OperationKind::kSearchBatch,
                  [&] { return AnswerQueries(*impl_, queries, options); });
}

Result<SearchExplanation> Snapshot::Explain(std::span<const float> query,
                                            const SearchOptions& options) const {
  VIPER_RETURN_IF_ERROR(impl_->context().CheckProcess());
  impl_->context().counters.searches.fetch_add(1, std::memory_order_relaxed);
  const ReadView& view = impl_->view();
  VIPER_RETURN_IF_ERROR(CheckSearch(view, {query, 1}, options));
  SearchExplanation told;
  core::ViewSearch search(impl_->context(), impl_->view_pointer(), options);
  VIPER_ASSIGN_OR_RETURN(const auto found, search.Explain(query, impl_->ExpiryNow(), told));
  const auto begin = std::chrono::steady_clock::now();
  VIPER_ASSIGN_OR_RETURN(told.hits, MakeHits(view, found, options.projection));
  told.hits_us =
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
  return told;
}

Result<uint64_t> Snapshot::Count(const Filter& filter) const {
  VIPER_RETURN_IF_ERROR(impl_->context().CheckProcess());
  NoteFilter(*impl_, filter);
  return Measured(impl_->operations(), OperationKind::kCount, [&]() -> Result<uint64_t> {
    VIPER_ASSIGN_OR_RETURN(const auto selection, impl_->Select(filter));
    return selection->selected_rows;
  });
}

Result<ScrollPage> Snapshot::Scroll(const ScrollOptions& options) const {
  VIPER_RETURN_IF_ERROR(impl_->context().CheckProcess());
  NoteFilter(*impl_, options.filter);
  return Measured(impl_->operations(), OperationKind::kScroll, [&]() -> Result<ScrollPage> {
    VIPER_RETURN_IF_ERROR(core::CheckScroll(impl_->view(), options));
    VIPER_ASSIGN_OR_RETURN(const auto selection, impl_->Select(options.filter));
    return core::Scroll(impl_->view(), *selection, options);
  });
}

}  // namespace viper
