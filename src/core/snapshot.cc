#include "viper/snapshot.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "core/row_reader.h"
#include "core/scroll.h"
#include "core/snapshot_impl.h"
#include "index/exact_search.h"
#include "platform/mutex.h"

namespace viper {
namespace {

using core::Location;
using core::ReadView;
using SelectionPointer = std::shared_ptr<const Bitmap>;

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

/// What went wrong first in a callback that cannot fail itself. Thread-safe.
class FirstFailure {
 public:
  void Note(const Status& status) {
    if (status.ok()) return;
    MutexLock lock(mutex_);
    if (status_.ok()) status_ = status;
  }
  Status status() const {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  mutable Mutex mutex_;
  Status status_ VIPER_GUARDED_BY(mutex_);
};

/// All rows of the view in one numbering, as blocks to scan.
struct Scan {
  std::vector<index::RowBlock> blocks;
  /// For each block the vector page that it is, or none for memory.
  std::vector<std::pair<const core::Part*, size_t>> pages;
  /// First number of each source; one more entry at the end.
  std::vector<uint64_t> first_rows;
  std::vector<SelectionPointer> selections;
  double max_norm = 0;

  Location LocationOf(uint64_t row) const {
    const auto after = std::upper_bound(first_rows.begin(), first_rows.end(), row);
    const auto source = static_cast<size_t>(after - first_rows.begin()) - 1;
    return {source, row - first_rows[source]};
  }
};

void AddBlocks(const ReadView& view, size_t source, uint64_t first_row, const Bitmap* selection,
               Scan& scan) {
  if (view.is_part(source)) {
    const core::Part& part = *view.parts[source].part;
    scan.max_norm = std::max(scan.max_norm, part.max_norm());
    const auto& pages = part.reader().vector_pages();
    for (size_t i = 0; i < pages.size(); ++i) {
      const parquet::VectorPage& page = pages[i];
      scan.pages.emplace_back(&part, i);
      scan.blocks.push_back({part.reader().Floats(page), page.rows.count,
                             first_row + page.rows.first, selection, page.rows.first});
    }
    return;
  }
  const core::MemtableView& memtable = view.memtable_of(source);
  scan.max_norm = std::max(scan.max_norm, memtable.max_norm);
  const size_t per_chunk = memtable.memtable->rows_per_chunk();
  for (size_t first = 0; first < memtable.row_count; first += per_chunk) {
    const auto* floats =
        reinterpret_cast<const std::byte*>((*memtable.chunks)[first / per_chunk]->floats.get());
    scan.pages.emplace_back(nullptr, 0);
    scan.blocks.push_back({floats, std::min<size_t>(per_chunk, memtable.row_count - first),
                           first_row + first, selection, first});
  }
}

Result<Scan> PlanScan(const ReadView& view, const Filter& filter, int64_t now) {
  VIPER_ASSIGN_OR_RETURN(auto predicate, core::BindFilter(view, filter));
  Scan scan;
  uint64_t first_row = 0;
  for (size_t source = 0; source < view.source_count(); ++source) {
    VIPER_ASSIGN_OR_RETURN(auto selection, core::SelectRows(view, source, predicate, now));
    scan.first_rows.push_back(first_row);
    if (selection == nullptr || selection->AnySet()) {
      AddBlocks(view, source, first_row, selection.get(), scan);
    }
    scan.selections.push_back(std::move(selection));
    first_row += view.source_rows(source);
  }
  return scan;
}

Result<Hit> MakeHit(const ReadView& view, const Location& location, double distance,
                    const Projection& projection) {
  VIPER_ASSIGN_OR_RETURN(Record record, core::ReadRecord(view, location, projection));
  Hit hit;
  hit.id = std::move(record.id);
  hit.distance = distance;
  hit.score = index::ScoreOf(view.schema->metric, distance);
  hit.metadata = std::move(record.metadata);
  hit.vector = std::move(record.vector);
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
  VIPER_ASSIGN_OR_RETURN(Scan scan, PlanScan(view, options.filter, impl_->Now()));

  FirstFailure tie_failure;
  index::ExactSearchRequest request;
  request.metric = view.schema->metric;
  request.dim = view.schema->dim;
  request.blocks = scan.blocks;
  request.queries = queries.floats;
  request.query_count = queries.count;
  request.k = options.k;
  request.max_norm = scan.max_norm;
  request.pool = &impl_->context().pool;
  request.tie_less = [&](uint64_t a, uint64_t b) {
    auto id_a = view.IdOf(scan.LocationOf(a));
    auto id_b = view.IdOf(scan.LocationOf(b));
    tie_failure.Note(id_a.status());
    tie_failure.Note(id_b.status());
    return id_a.ok() && id_b.ok() && *id_a < *id_b;
  };
  request.check_block = [&scan](size_t block) -> Status {
    const auto [part, page] = scan.pages[block];
    return part == nullptr ? Status::Ok() : part->CheckPage(page);
  };
  VIPER_ASSIGN_OR_RETURN(const auto found, index::ExactSearch(request));
  VIPER_RETURN_IF_ERROR(tie_failure.status());

  std::vector<Hits> answers(queries.count);
  for (size_t query = 0; query < queries.count; ++query) {
    for (const index::ScoredRow& row : found[query]) {
      VIPER_ASSIGN_OR_RETURN(
          Hit hit, MakeHit(view, scan.LocationOf(row.row), row.distance, options.projection));
      answers[query].push_back(std::move(hit));
    }
  }
  return answers;
}

Result<uint64_t> Snapshot::Count(const Filter& filter) const {
  const ReadView& view = impl_->view();
  VIPER_ASSIGN_OR_RETURN(auto predicate, core::BindFilter(view, filter));
  const int64_t now = impl_->Now();
  uint64_t count = 0;
  for (size_t source = 0; source < view.source_count(); ++source) {
    VIPER_ASSIGN_OR_RETURN(auto selection, core::SelectRows(view, source, predicate, now));
    count += core::SelectedCount(view, source, selection.get());
  }
  return count;
}

Result<ScrollPage> Snapshot::Scroll(const ScrollOptions& options) const {
  return core::Scroll(impl_->view(), options, impl_->Now());
}

}  // namespace viper
