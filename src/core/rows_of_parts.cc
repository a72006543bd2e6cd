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

RowsOfParts::RowsOfParts(const ReadView& view, const std::vector<size_t>& parts) {
  for (const size_t part : parts) Add(view, part);
}

RowsOfParts::RowsOfParts(const ReadView& view) {
  for (size_t part = 0; part < view.parts.size(); ++part) Add(view, part);
}

void RowsOfParts::Add(const ReadView& view, size_t part) {
  sources_.push_back(part);
  parts_.push_back(view.parts[part].part);
  firsts_.push_back(count_);
  count_ += parts_.back()->row_count();
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

namespace {

/// Finds the clusters of the rows of one page.
class PageAssigner {
 public:
  PageAssigner(const index::Model& model, const index::ClusterAssigner& assigner)
      : model_(model), assigner_(assigner) {}

  /// What is known about the rows compared.
  struct Sum {
    double squared_distance = 0;
    uint64_t rows = 0;
    bool are_whole = true;
  };

  /// Of the page's rows, those whose cluster is kUnknownCluster in `clusters`.
  Result<Sum> Assign(const Part& part, size_t page, std::span<uint32_t> clusters) const {
    Sum sum;
    const auto is_unknown = [](uint32_t cluster) { return cluster == kUnknownCluster; };
    auto first = std::find_if(clusters.begin(), clusters.end(), is_unknown);
    if (first == clusters.end()) return sum;
    VIPER_ASSIGN_OR_RETURN(const HeldFloats held, part.OpenPage(page));
    while (first != clusters.end()) {
      const auto end = std::find_if_not(first, clusters.end(), is_unknown);
      AssignRun(held.floats, static_cast<size_t>(first - clusters.begin()), {first, end}, sum);
      first = std::find_if(end, clusters.end(), is_unknown);
    }
    return sum;
  }

 private:
  void AssignRun(const std::byte* page_floats, size_t first, std::span<uint32_t> clusters,
                 Sum& sum) const {
    const std::byte* floats = page_floats + first * model_.dim() * sizeof(float);
    std::vector<float> squared(clusters.size());
    assigner_.Assign(floats, clusters.size(), clusters.data(), squared.data());
    sum.squared_distance += std::accumulate(squared.begin(), squared.end(), 0.0);
    sum.rows += clusters.size();
    if (model_.metric() != Metric::kL2 || !sum.are_whole) return;
    std::vector<float> copy(clusters.size() * model_.dim());
    std::memcpy(copy.data(), floats, copy.size() * sizeof(float));
    sum.are_whole = index::IsWhole(copy);
  }

  const index::Model& model_;
  const index::ClusterAssigner& assigner_;
};

}  // namespace

/// Pages are contiguous runs of rows: the unit of the work.
Result<AssignedRows> AssignRows(const RowsOfParts& rows,
                                const std::shared_ptr<const index::Model>& model,
                                std::vector<uint32_t> known, ThreadPool* threads,
                                const std::function<bool(double)>& progress) {
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
  const PageAssigner page_assigner(*model, assigner);
  AssignedRows assigned;
  assigned.clusters = std::move(known);
  assigned.clusters.resize(rows.count(), kUnknownCluster);
  std::atomic<size_t> done{0};
  std::vector<Status> statuses(pages.size());
  std::vector<PageAssigner::Sum> sums(pages.size());
  const auto assign = [&](size_t i) {
    const Page& page = pages[i];
    const uint64_t count = page.part->reader().vector_pages()[page.page].rows.count;
    auto sum = page_assigner.Assign(*page.part, page.page,
                                    std::span(assigned.clusters).subspan(page.first_row, count));
    statuses[i] = sum.status();
    if (!sum.ok()) return;
    sums[i] = *sum;
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
  double squared_distance = 0;
  assigned.are_whole = model->metric() == Metric::kL2;
  for (const PageAssigner::Sum& sum : sums) {
    squared_distance += sum.squared_distance;
    assigned.compared_rows += sum.rows;
    assigned.are_whole &= sum.are_whole;
  }
  assigned.mean_squared_distance =
      squared_distance / static_cast<double>(std::max<uint64_t>(assigned.compared_rows, 1));
  return assigned;
}

}  // namespace viper::core
