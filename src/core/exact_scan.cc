/// Comparing queries with every selected row (SearchExactly of indexed_search.h).

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "core/indexed_search.h"
#include "core/row_order.h"
#include "index/exact_search.h"

namespace viper::core {
namespace {

/// All rows of the view in one numbering, as blocks to scan.
struct Scan {
  std::vector<index::RowBlock> blocks;
  /// For each block the vector page that it is, or none for memory.
  std::vector<std::pair<const Part*, size_t>> pages;
  /// First number of each source.
  std::vector<uint64_t> first_rows;
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
    const Part& part = *view.parts[source].part;
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
  const MemtableView& memtable = view.memtable_of(source);
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

Scan PlanScan(const ReadView& view, const Selections& selections, std::span<const size_t> sources) {
  Scan scan;
  uint64_t first_row = 0;
  size_t next = 0;
  for (size_t source = 0; source < view.source_count(); ++source) {
    scan.first_rows.push_back(first_row);
    const bool wanted = next < sources.size() && sources[next] == source;
    if (wanted) ++next;
    const Bitmap* selection = selections[source].get();
    if (wanted && (selection == nullptr || selection->AnySet())) {
      AddBlocks(view, source, first_row, selection, scan);
    }
    first_row += view.source_rows(source);
  }
  return scan;
}

/// Fill in what every scan of these blocks has in common, and run it.
Result<std::vector<FoundRows>> Run(const ReadView& view, const Scan& scan,
                                   index::ExactSearchRequest request) {
  request.metric = view.schema->metric;
  request.dim = view.schema->dim;
  request.blocks = scan.blocks;
  request.max_norm = scan.max_norm;
  VIPER_ASSIGN_OR_RETURN(const auto found, index::ExactSearch(request));
  std::vector<FoundRows> answers(request.query_count);
  for (size_t query = 0; query < answers.size(); ++query) {
    for (const index::ScoredRow& row : found[query]) {
      answers[query].push_back({scan.LocationOf(row.row), row.distance});
    }
  }
  return answers;
}

Status CheckBlock(const Scan& scan, size_t block) {
  const auto [part, page] = scan.pages[block];
  return part == nullptr ? Status::Ok() : part->CheckPage(page);
}

}  // namespace

Result<std::vector<FoundRows>> ScanSources(ReadContext& context, const ReadView& view,
                                           const Selections& selections,
                                           std::span<const size_t> sources,
                                           const SearchTask& task) {
  const Scan scan = PlanScan(view, selections, sources);
  RowOrder order(view);
  index::ExactSearchRequest request;
  request.queries = task.queries.floats;
  request.query_count = task.queries.count;
  request.k = task.options->k;
  request.stop = task.stop;
  request.pool = &context.pool;
  request.tie_less = [&](uint64_t a, uint64_t b) {
    return order.IsBefore(scan.LocationOf(a), scan.LocationOf(b));
  };
  request.check_block = [&scan](size_t block) { return CheckBlock(scan, block); };
  VIPER_ASSIGN_OR_RETURN(auto answers, Run(view, scan, std::move(request)));
  VIPER_RETURN_IF_ERROR(order.status());
  return answers;
}

Result<std::vector<FoundRows>> ScanByDistance(const ReadView& view, const Selections& selections,
                                              std::span<const size_t> sources, QueryBatch queries,
                                              size_t k, const ScanControl& control) {
  const Scan scan = PlanScan(view, selections, sources);
  index::ExactSearchRequest request;
  request.queries = queries.floats;
  request.query_count = queries.count;
  request.k = k;
  request.pool = control.pool;
  request.check_block = [&scan, &control](size_t block) {
    const bool goes_on = !control.goes_on || control.goes_on();
    return goes_on ? CheckBlock(scan, block)
                   : Status::Cancelled("comparing with every record was stopped");
  };
  return Run(view, scan, std::move(request));
}

Result<std::vector<FoundRows>> SearchExactly(ReadContext& context, const ReadView& view,
                                             const Selections& selections, const SearchTask& task) {
  std::vector<size_t> sources(view.source_count());
  for (size_t i = 0; i < sources.size(); ++i) sources[i] = i;
  return ScanSources(context, view, selections, sources, task);
}

}  // namespace viper::core
