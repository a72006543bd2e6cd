#include "core/rows_of_parts.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>

#include "base/random.h"
#include "base/status_macros.h"
#include "index/byte_row.h"
#include "index/model_training.h"

namespace viper::core {

RowsOfParts::RowsOfParts(const ReadView& view, const std::vector<size_t>& parts) : sources_(parts) {
  for (const size_t part : parts) {
    firsts_.push_back(count_);
    parts_.push_back(view.parts[part].part);
    count_ += parts_.back()->row_count();
  }
}

Result<HeldFloats> RowsOfParts::Floats(uint64_t row) const {
  const auto after = std::upper_bound(firsts_.begin(), firsts_.end(), row);
  const auto part = static_cast<size_t>(after - firsts_.begin()) - 1;
  return parts_[part]->Floats(row - firsts_[part]);
}

std::vector<uint64_t> RowsOfParts::Sample(size_t count, uint64_t seed) const {
  Random random(seed);
  std::vector<uint64_t> rows;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t first = count_ * i / count;
    const uint64_t last = std::max(count_ * (i + 1) / count, first + 1);
    rows.push_back(first + random.Uniform(last - first));
  }
  return rows;
}

Result<std::vector<float>> RowsOfParts::FloatsOf(std::span<const uint64_t> numbers,
                                                 size_t dim) const {
  std::vector<float> floats(numbers.size() * dim);
  size_t next = 0;
  for (const uint64_t row : numbers) {
    VIPER_ASSIGN_OR_RETURN(const HeldFloats held, Floats(row));
    std::memcpy(floats.data() + next, held.floats, dim * sizeof(float));
    next += dim;
  }
  return floats;
}

Result<std::vector<std::vector<uint64_t>>> RowsOfParts::Nearest(const ReadView& view,
                                                                std::span<const float> queries,
                                                                size_t k,
                                                                const ScanControl& control) const {
  const Selections all(view.source_count());
  const QueryBatch batch = {queries, queries.size() / view.schema->dim};
  VIPER_ASSIGN_OR_RETURN(const auto found, ScanByDistance(view, all, sources_, batch, k, control));
  std::vector<std::vector<uint64_t>> nearest(batch.count);
  for (size_t i = 0; i < batch.count; ++i) {
    for (const FoundRow& row : found[i]) {
      const auto source = std::lower_bound(sources_.begin(), sources_.end(), row.location.source);
      nearest[i].push_back(firsts_[static_cast<size_t>(source - sources_.begin())] +
                           row.location.row);
    }
  }
  return nearest;
}

/// Pages are contiguous runs of rows: the unit of the work.
Result<AssignedRows> AssignRows(const RowsOfParts& rows,
                                const std::shared_ptr<const index::Model>& model,
                                ThreadPool* threads, const std::function<bool(double)>& progress) {
  struct Page {
    const Part* part;
    size_t page;
    uint64_t first_row;
  };
  std::vector<Page> pages;
  uint64_t first_row = 0;
  for (const auto& part : rows.parts()) {
    for (size_t i = 0; i < part->reader().vector_pages().size(); ++i) {
      pages.push_back({part.get(), i, first_row + part->reader().vector_pages()[i].rows.first});
    }
    first_row += part->row_count();
  }
  const index::ClusterAssigner assigner(model);
  AssignedRows assigned;
  assigned.clusters.resize(rows.count());
  std::atomic<bool> are_whole{model->metric() == Metric::kL2};
  std::atomic<size_t> done{0};
  std::vector<Status> statuses(pages.size());
  std::vector<double> sums(pages.size());
  const auto assign = [&](size_t i) {
    const Page& page = pages[i];
    const auto held = page.part->OpenPage(page.page);
    statuses[i] = held.status();
    if (!held.ok()) return;
    const parquet::VectorPage& place = page.part->reader().vector_pages()[page.page];
    const std::byte* floats = held->floats;
    std::vector<float> squared(place.rows.count);
    assigner.Assign(floats, place.rows.count, assigned.clusters.data() + page.first_row,
                    squared.data());
    sums[i] = std::accumulate(squared.begin(), squared.end(), 0.0);
    if (are_whole) {
      std::vector<float> copy(place.rows.count * model->dim());
      std::memcpy(copy.data(), floats, copy.size() * sizeof(float));
      if (!index::IsWhole(copy)) are_whole = false;
    }
    const double share = static_cast<double>(++done) / static_cast<double>(pages.size());
    if (progress && !progress(share)) statuses[i] = Status::Cancelled("assigning rows was stopped");
  };
  // A thread at a time takes a few pages, so that a stop is noticed soon.
  const size_t step = threads == nullptr ? 1 : 4 * threads->thread_count();
  for (size_t first = 0; first < pages.size(); first += step) {
    const size_t count = std::min(step, pages.size() - first);
    if (threads == nullptr) {
      assign(first);
    } else {
      threads->ParallelFor(count, [&](size_t i) { assign(first + i); });
    }
    for (size_t i = 0; i < count; ++i) VIPER_RETURN_IF_ERROR(statuses[first + i]);
  }
  // In the order of the pages, whatever thread took them.
  assigned.mean_squared_distance = std::accumulate(sums.begin(), sums.end(), 0.0) /
                                   static_cast<double>(std::max<uint64_t>(rows.count(), 1));
  assigned.are_whole = are_whole;
  return assigned;
}

}  // namespace viper::core
