/// Comparing queries with every selected row (SearchExactly of indexed_search.h).

#include <algorithm>
#include <utility>

#include "base/assert.h"
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

/// The rows of a source from `first` on; its row 0 gets the number `first_row`. Of parts all of
/// them.
void AddBlocks(const ReadView& view, const SourceRows& rows, uint64_t first_row,
               const Bitmap* selection, Scan& scan) {
  const auto [source, first] = rows;
  if (view.is_part(source)) {
    VIPER_ASSERT(first == 0);
    const Part& part = *view.parts[source].part;
    scan.max_norm = std::max(scan.max_norm, part.max_norm());
    const auto& pages = part.reader().vector_pages();
    for (size_t i = 0; i < pages.size(); ++i) {
      const parquet::VectorPage& page = pages[i];
      scan.pages.emplace_back(&part, i);
      scan.blocks.push_back(
          {nullptr, page.rows.count, first_row + page.rows.first, selection, page.rows.first});
    }
    return;
  }
  const MemtableView& memtable = view.memtable_of(source);
  scan.max_norm = std::max(scan.max_norm, memtable.max_norm);
  const size_t per_chunk = memtable.memtable->rows_per_chunk();
  for (uint64_t row = first; row < memtable.row_count;) {
    const uint64_t chunk_end = (row / per_chunk + 1) * per_chunk;
    const uint64_t end = std::min<uint64_t>(chunk_end, memtable.row_count);
    scan.pages.emplace_back(nullptr, 0);
    scan.blocks.push_back({memtable.row(static_cast<uint32_t>(row)).vector, end - row,
                           first_row + row, selection, row});
    row = end;
  }
}

Scan PlanScan(const ReadView& view, const Selections& selections,
              std::span<const SourceRows> rows) {
  Scan scan;
  uint64_t first_row = 0;
  size_t next = 0;
  for (size_t source = 0; source < view.source_count(); ++source) {
    scan.first_rows.push_back(first_row);
    const Bitmap* selection = selections[source].get();
    if (next < rows.size() && rows[next].source == source) {
      if (selection == nullptr || selection->AnySet()) {
        AddBlocks(view, rows[next], first_row, selection, scan);
      }
      ++next;
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

Result<HeldFloats> OpenBlock(const Scan& scan, size_t block) {
  const auto [part, page] = scan.pages[block];
  if (part == nullptr) return HeldFloats(scan.blocks[block].floats);
  return part->OpenPage(page);
}

}  // namespace

Result<std::vector<FoundRows>> ScanSources(ReadContext& context, const ReadView& view,
                                           const Selections& selections,
                                           std::span<const SourceRows> rows,
                                           const SearchTask& task) {
  const Scan scan = PlanScan(view, selections, rows);
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
  request.open_block = [&scan](size_t block) { return OpenBlock(scan, block); };
  VIPER_ASSIGN_OR_RETURN(auto answers, Run(view, scan, std::move(request)));
  VIPER_RETURN_IF_ERROR(order.status());
  return answers;
}

Result<std::vector<FoundRows>> ScanByDistance(const ReadView& view, const Selections& selections,
                                              std::span<const size_t> sources, QueryBatch queries,
                                              size_t k, const ScanControl& control) {
  std::vector<SourceRows> whole;
  for (const size_t source : sources) whole.push_back({source, 0});
  const Scan scan = PlanScan(view, selections, whole);
  index::ExactSearchRequest request;
  request.queries = queries.floats;
  request.query_count = queries.count;
  request.k = k;
  request.pool = control.pool;
  request.open_block = [&scan, &control](size_t block) -> Result<HeldFloats> {
    const bool goes_on = !control.goes_on || control.goes_on();
    if (!goes_on) return Status::Cancelled("comparing with every record was stopped");
    return OpenBlock(scan, block);
  };
  return Run(view, scan, std::move(request));
}

Result<std::vector<FoundRows>> SearchExactly(ReadContext& context, const ReadView& view,
                                             const Selections& selections, const SearchTask& task) {
  std::vector<SourceRows> all(view.source_count());
  for (size_t i = 0; i < all.size(); ++i) all[i].source = i;
  return ScanSources(context, view, selections, all, task);
}

}  // namespace viper::core
