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
bool AreFew(const ReadView& view, const core::ViewSelection& selection) {
  constexpr uint64_t kFloatsMax = uint64_t{512} << 10;
  constexpr uint64_t kFloatsPerRow = 64;  // what reaching a row costs
  return selection.selected_rows * (view.schema->dim + kFloatsPerRow) <= kFloatsMax;
}

/// One search of a view: what all its steps share.
class ViewSearch {
 public:
  ViewSearch(const Snapshot::Impl& impl, const SearchOptions& options)
      : context_(impl.context()),
        view_(impl.view_pointer()),
        options_(options),
        key_(options.filter) {}

  Result<std::vector<core::FoundRows>> Run(QueryBatch queries, int64_t now) {
    VIPER_ASSIGN_OR_RETURN(selection_,
                           context_.selector.Select(view_, options_.filter, key_, now, nullptr));
    const bool compares_all = options_.exact || HasZeroQuery(*view_->schema, queries);
    // Whoever says how many clusters to look into means the index, however few the rows.
    const bool are_few = options_.nprobe == 0 && AreFew(*view_, *selection_);
    while (!compares_all && !are_few) {
      const auto view_index = context_.index.For(view_);
      if (view_index == nullptr) break;
      const index::Segment* damaged = nullptr;
      auto found = SearchIndex(view_index, queries, &damaged);
      // A damaged segment is as good as none: the rows themselves are whole.
      if (damaged == nullptr) return found;
      context_.index.Drop(damaged);
    }
    return core::SearchExactly(context_, *view_, selection_->sources, queries, options_.k);
  }

 private:
  Result<std::vector<core::FoundRows>> SearchIndex(
      const std::shared_ptr<const core::ViewIndex>& view_index, QueryBatch queries,
      const index::Segment** damaged) {
    VIPER_ASSIGN_OR_RETURN(const auto selected, context_.selector.SelectInIndex(
                                                    *view_, view_index, selection_, key_, damaged));
    return core::SearchThroughIndex(context_, *view_, *view_index, *selected, queries, options_,
                                    damaged);
  }

  core::ReadContext& context_;
  const std::shared_ptr<const ReadView>& view_;
  const SearchOptions& options_;
  const core::FilterKey key_;
  std::shared_ptr<const core::ViewSelection> selection_;
};

Result<Hit> MakeHit(const ReadView& view, const Location& location, double distance,
                    const Projection& projection) {
  Hit hit;
  VIPER_ASSIGN_OR_RETURN(hit.id, view.IdOf(location));
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
  VIPER_ASSIGN_OR_RETURN(const auto found, ViewSearch(*impl_, options).Run(queries, impl_->Now()));
  std::vector<Hits> answers(queries.count);
  for (size_t query = 0; query < queries.count; ++query) {
    answers[query].reserve(found[query].size());
    for (const core::FoundRow& row : found[query]) {
      VIPER_ASSIGN_OR_RETURN(Hit hit,
                             MakeHit(view, row.location, row.distance, options.projection));
      answers[query].push_back(std::move(hit));
    }
  }
  return answers;
}

Result<uint64_t> Snapshot::Count(const Filter& filter) const {
  VIPER_ASSIGN_OR_RETURN(const auto selection, impl_->Select(filter));
  return selection->selected_rows;
}

Result<ScrollPage> Snapshot::Scroll(const ScrollOptions& options) const {
  VIPER_RETURN_IF_ERROR(core::CheckScroll(impl_->view(), options));
  VIPER_ASSIGN_OR_RETURN(const auto selection, impl_->Select(options.filter));
  return core::Scroll(impl_->view(), *selection, options);
}

}  // namespace viper
