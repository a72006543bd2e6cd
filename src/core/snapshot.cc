#include "viper/snapshot.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "core/indexed_search.h"
#include "core/row_reader.h"
#include "core/scroll.h"
#include "core/snapshot_impl.h"
#include "index/exact_distance.h"

namespace viper {
namespace {

using core::Location;
using core::ReadView;

Status CheckQueries(const CollectionSchema& schema, const QueryBatch& queries) {
  if (queries.floats.size() != queries.count * schema.dim) {
    const size_t actual = queries.count == 0 ? 0 : queries.floats.size() / queries.count;
    return Status::InvalidArgument(
        fmt::format("search: the query's dimension is not the collection's: expected={} actual={}",
                    schema.dim, actual));
  }
  for (size_t i = 0; i < queries.floats.size(); ++i) {
    if (!std::isfinite(queries.floats[i])) {
      return Status::InvalidArgument(
          fmt::format("search: component {} of query {} is not finite: {}", i % schema.dim,
                      i / schema.dim, queries.floats[i]));
    }
  }
  return {};
}

Status CheckOptions(const SearchOptions& options) {
  if (options.recall > 0 && options.recall < 1) return {};
  return Status::InvalidArgument(
      fmt::format("search: recall must be above 0 and below 1 (exact = true finds all): actual={}",
                  options.recall));
}

Result<core::Selections> SelectAll(const ReadView& view, const Filter& filter, int64_t now) {
  VIPER_ASSIGN_OR_RETURN(auto predicate, core::BindFilter(view, filter));
  core::Selections selections;
  for (size_t source = 0; source < view.source_count(); ++source) {
    VIPER_ASSIGN_OR_RETURN(auto selection, core::SelectRows(view, source, predicate, now));
    selections.push_back(std::move(selection));
  }
  return selections;
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

/// Few enough rows that reading all of them is cheaper than looking through the index for them.
bool AreFew(const ReadView& view, const core::Selections& selections) {
  constexpr uint64_t kFloatsMax = uint64_t{512} << 10;
  constexpr uint64_t kFloatsPerRow = 64;  // what reaching a row costs
  uint64_t rows = 0;
  for (size_t source = 0; source < selections.size(); ++source) {
    rows += core::SelectedCount(view, source, selections[source].get());
  }
  return rows * (view.schema->dim + kFloatsPerRow) <= kFloatsMax;
}

Result<std::vector<core::FoundRows>> FindRows(core::ReadContext& context,
                                              const std::shared_ptr<const ReadView>& view,
                                              const core::Selections& selections,
                                              QueryBatch queries, const SearchOptions& options) {
  const bool compares_all = options.exact || HasZeroQuery(*view->schema, queries);
  // Whoever says how many clusters to look into means the index, however few the rows.
  const bool are_few = options.nprobe == 0 && AreFew(*view, selections);
  while (!compares_all && !are_few) {
    const auto view_index = context.index.For(view);
    if (view_index == nullptr) break;
    const index::Segment* damaged = nullptr;
    auto found = core::SearchThroughIndex(context, *view, *view_index, selections, queries, options,
                                          &damaged);
    // A damaged segment is as good as none: the rows themselves are whole.
    if (damaged == nullptr) {
      if (found.ok()) core::OfferToAudit(context, view, selections, queries, options, *found);
      return found;
    }
    context.index.Drop(damaged);
  }
  return core::SearchExactly(context, *view, selections, queries, options.k);
}

/// A hit without its id.
Result<Hit> MakeHit(const ReadView& view, const Location& location, double distance,
                    const Projection& projection) {
  Hit hit;
  hit.distance = distance;
  hit.score = index::ScoreOf(view.schema->metric, distance);
  if (projection.metadata) {
    VIPER_ASSIGN_OR_RETURN(hit.metadata, core::ReadMetadata(view, location, projection));
  }
  if (projection.vector) {
    VIPER_ASSIGN_OR_RETURN(const std::byte* floats, view.FloatsOf(location));
    hit.vector.resize(view.schema->dim);
    std::memcpy(hit.vector.data(), floats, view.schema->dim * sizeof(float));
  }
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
    VIPER_ASSIGN_OR_RETURN(
        hits.emplace_back(), MakeHit(view, rows[i].location, rows[i].distance, projection));
    hits.back().id = std::move(ids[i]);
  }
  return hits;
}

}  // namespace

const Projection Snapshot::kEverything = {.vector = true, .metadata = true, .fields = {}};

Snapshot::Snapshot(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

int64_t Snapshot::table_version() const { return impl_->view().table_version; }
uint64_t Snapshot::sequence() const { return impl_->view().sequence; }

Result<Record> Snapshot::Get(std::string_view id, const Projection& projection) const {
  impl_->context().counters.gets.fetch_add(1, std::memory_order_relaxed);
  const ReadView& view = impl_->view();
  VIPER_RETURN_IF_ERROR(core::CheckProjection(view, projection));
  VIPER_ASSIGN_OR_RETURN(auto location, view.Find(id, impl_->Now()));
  if (!location) return Status::NotFound(fmt::format("no record has the id '{}'", id));
  return core::ReadRecord(view, *location, projection);
}

Result<Hits> Snapshot::Search(std::span<const float> query, const SearchOptions& options) const {
  VIPER_ASSIGN_OR_RETURN(auto answers, SearchBatch({query, 1}, options));
  return std::move(answers.front());
}

Result<std::vector<Hits>> Snapshot::SearchBatch(QueryBatch queries,
                                                const SearchOptions& options) const {
  impl_->context().counters.searches.fetch_add(queries.count, std::memory_order_relaxed);
  const ReadView& view = impl_->view();
  VIPER_RETURN_IF_ERROR(CheckQueries(*view.schema, queries));
  VIPER_RETURN_IF_ERROR(core::CheckProjection(view, options.projection));
  VIPER_RETURN_IF_ERROR(CheckOptions(options));
  VIPER_ASSIGN_OR_RETURN(const auto selections, SelectAll(view, options.filter, impl_->Now()));
  VIPER_ASSIGN_OR_RETURN(const auto found, FindRows(impl_->context(), impl_->view_pointer(),
                                                    selections, queries, options));
  std::vector<Hits> answers(queries.count);
  for (size_t query = 0; query < queries.count; ++query) {
    VIPER_ASSIGN_OR_RETURN(answers[query], MakeHits(view, found[query], options.projection));
  }
  return answers;
}

Result<uint64_t> Snapshot::Count(const Filter& filter) const {
  const ReadView& view = impl_->view();
  VIPER_ASSIGN_OR_RETURN(const auto selections, SelectAll(view, filter, impl_->Now()));
  uint64_t count = 0;
  for (size_t source = 0; source < selections.size(); ++source) {
    count += core::SelectedCount(view, source, selections[source].get());
  }
  return count;
}

Result<ScrollPage> Snapshot::Scroll(const ScrollOptions& options) const {
  return core::Scroll(impl_->view(), options, impl_->Now());
}

}  // namespace viper
