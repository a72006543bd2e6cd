// (1) Draw live rows of the index; (2) compare the cluster that a segment has each in with the
// nearest of all centroids; (3) search for some of them exactly, each apart from itself; (4) for
// each recall look which of the true neighbours lie in the clusters that a search would look into,
// and how many places the search itself fills as well.

#include "core/index_accuracy.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "base/coding.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "core/indexed_search.h"
#include "index/index_search.h"
#include "index/parallel.h"
#include "index/scan_mask.h"
#include "kernels/kernel_table.h"

namespace viper::core {
namespace {

constexpr double kRecalls[] = {0.9, 0.95, 0.98, 0.99};
constexpr size_t kNeighbours = 10;
constexpr size_t kQueriesMin = 32;
constexpr size_t kQueriesMax = 500;
constexpr size_t kAssignmentsMin = 200;
constexpr size_t kAssignmentsMax = 2000;
/// Products that may go into comparing queries with all rows, and rows with all centroids: a second
/// or two.
constexpr double kProductsMax = 16e9;
/// Two centroids are as near if their distances differ by no more than rounding.
constexpr float kTie = 1.00001F;
/// Draws for each row wanted, where many are dead.
constexpr size_t kDrawsPerRow = 20;
constexpr uint32_t kNoCluster = std::numeric_limits<uint32_t>::max();

/// `most`, or fewer where so many products each would be too many.
size_t Affordable(double products_each, size_t least, size_t most) {
  const auto affordable = static_cast<size_t>(kProductsMax / std::max(products_each, 1.0));
  return std::clamp(affordable, least, most);
}

class AccuracyMeasurement {
 public:
  AccuracyMeasurement(ReadContext& context, const AccuracyRequest& request)
      : context_(context),
        request_(request),
        view_(*request.view),
        index_(*request.index),
        model_(*index_.files->model),
        dim_(model_.dim()),
        alive_clusters_(model_.cluster_count()) {}

  Result<IndexAccuracy> Run() {
    VIPER_RETURN_IF_ERROR(FindClusters());
    accuracy_.measured_at = context_.clock.Now();
    VIPER_RETURN_IF_ERROR(MeasureAssignment());
    VIPER_RETURN_IF_ERROR(DrawQueries());
    if (queries_.empty()) return accuracy_;
    VIPER_RETURN_IF_ERROR(FindTruth());
    VIPER_RETURN_IF_ERROR(MeasureRecalls());
    return accuracy_;
  }

 private:
  struct Query {
    uint64_t row = 0;
    /// True neighbours, best first, by their numbers; and the distance of the last.
    std::vector<uint64_t> truth;
    double last_distance = 0;
  };
  /// Of one query and one recall.
  struct Outcome {
    double routed = 0;
    double achieved = 0;
    double probed_clusters = 0;
    double scanned_rows = 0;
  };

  /// The cluster of each row, by the segments; none for rows that are dead or in none.
  Status FindClusters() {
    for (const ViewIndex::Segment& used : index_.segments) {
      const std::unique_ptr<const Bitmap> alive = AliveRowsOf(used);
      const uint64_t end = used.first_row + used.segment->row_count();
      clusters_.resize(std::max<size_t>(clusters_.size(), end), kNoCluster);
      for (size_t i = 0; i < used.segment->cluster_count(); ++i) {
        // Again: its numbers are followed without further checks.
        VIPER_RETURN_IF_ERROR(used.segment->CheckClusterAgain(i));
        const index::ClusterView& cluster = used.segment->cluster(i);
        for (size_t row = 0; row < cluster.row_count; ++row) {
          const auto number = LoadFixed<uint32_t>(cluster.numbers + row * sizeof(uint32_t));
          if (alive != nullptr && !alive->Test(number)) continue;
          clusters_[used.first_row + number] = static_cast<uint32_t>(i);
          ++accuracy_.rows;
        }
      }
    }
    return {};
  }

  /// Rows that are alive and in a cluster, rising; fewer than `count` where there are not so many.
  std::vector<uint64_t> Draw(size_t count, uint64_t seed, std::span<const uint64_t> except) const {
    std::set<uint64_t> drawn;
    if (clusters_.empty()) return {};
    Random random(seed);
    for (size_t i = 0; i < count * kDrawsPerRow && drawn.size() < count; ++i) {
      const uint64_t row = random.Uniform(clusters_.size());
      if (clusters_[row] == kNoCluster) continue;
      if (std::binary_search(except.begin(), except.end(), row)) continue;
      drawn.insert(row);
    }
    return {drawn.begin(), drawn.end()};
  }

  Status MeasureAssignment() {
    const auto products = static_cast<double>(model_.cluster_count() * dim_);
    const std::vector<uint64_t> rows =
        Draw(Affordable(products, kAssignmentsMin, kAssignmentsMax), request_.seed, {});
    std::vector<Status> statuses(rows.size());
    std::atomic<uint64_t> agreeing{0};
    index::ForEach(request_.threads, rows.size(), [&](size_t i) {
      const auto floats = view_.FloatsOf(index_.LocationOf(rows[i]));
      statuses[i] = floats.status();
      if (floats.ok() && IsAtNearest(floats->floats, clusters_[rows[i]])) ++agreeing;
    });
    for (const Status& status : statuses) VIPER_RETURN_IF_ERROR(status);
    accuracy_.assignment_rows = rows.size();
    if (!rows.empty()) {
      accuracy_.assignment_agreement =
          static_cast<double>(agreeing) / static_cast<double>(rows.size());
    }
    return GoesOn(0.1) ? Status::Ok() : Stopped();
  }

  bool IsAtNearest(const std::byte* floats, uint32_t cluster) const {
    std::vector<float> prepared(dim_);
    model_.PrepareRows(floats, 1, prepared.data());
    std::vector<float> squared(model_.cluster_count());
    kernels::Active().squared_l2(reinterpret_cast<const std::byte*>(model_.centroid(0)),
                                 squared.size(), dim_, prepared.data(), squared.data());
    return squared[cluster] <= kTie * *std::min_element(squared.begin(), squared.end());
  }

  Status DrawQueries() {
    const auto products = static_cast<double>(accuracy_.rows * dim_);
    const size_t count =
        std::min<uint64_t>(Affordable(products, kQueriesMin, kQueriesMax), accuracy_.rows / 2);
    for (const uint64_t row : Draw(count, request_.seed + 1, request_.fitted_rows)) {
      queries_.push_back({row, {}, 0});
      VIPER_ASSIGN_OR_RETURN(const HeldFloats held, view_.FloatsOf(index_.LocationOf(row)));
      const size_t first = floats_.size();
      floats_.resize(first + dim_);
      std::memcpy(floats_.data() + first, held.floats, dim_ * sizeof(float));
    }
    accuracy_.queries = queries_.size();
    accuracy_.k = kNeighbours;
    return {};
  }

  std::span<const float> FloatsOf(size_t query) const {
    return std::span(floats_).subspan(query * dim_, dim_);
  }

  /// What every search of the measurement sees: the live rows of the index.
  void SelectRows() {
    selections_.resize(view_.source_count());
    for (const ViewIndex::Run& run : index_.runs) {
      if (!run.is_gone) first_row_of_[run.rows.source] = run.first_row;
    }
    for (size_t source = 0; source < view_.source_count(); ++source) {
      if (!first_row_of_.contains(source)) continue;
      sources_.push_back(source);
      const auto& dead = view_.parts[source].dead;
      if (dead == nullptr) continue;
      auto alive = std::make_shared<Bitmap>(view_.source_rows(source), true);
      for (uint64_t row = 0; row < alive->size(); ++row) {
        if (dead->Test(row)) alive->Clear(row);
      }
      selections_[source] = std::move(alive);
    }
  }

  Status FindTruth() {
    SelectRows();
    const ScanControl control = {request_.threads, [this] { return GoesOn(0.1); }};
    VIPER_ASSIGN_OR_RETURN(const auto found,
                           ScanByDistance(view_, selections_, sources_, {floats_, queries_.size()},
                                          kNeighbours + 1, control));
    for (size_t i = 0; i < queries_.size(); ++i) {
      Query& query = queries_[i];
      for (const FoundRow& row : found[i]) {
        const uint64_t number = first_row_of_.at(row.location.source) + row.location.row;
        if (number == query.row || query.truth.size() == kNeighbours) continue;
        query.truth.push_back(number);
        query.last_distance = row.distance;
      }
    }
    return {};
  }

  /// The rows of a segment that the view reads through it; null = all.
  std::unique_ptr<const Bitmap> AliveRowsOf(const ViewIndex::Segment& used) const {
    auto alive = std::make_unique<Bitmap>(used.segment->row_count(), true);
    uint64_t row = 0;
    for (size_t i = 0; i < used.run_count; ++i) {
      const ViewIndex::Run& run = index_.runs[used.first_run + i];
      const uint64_t rows = used.segment->parts()[i].row_count;
      const Bitmap* dead = run.is_gone ? nullptr : view_.parts[run.rows.source].dead.get();
      for (uint64_t j = 0; j < rows; ++j, ++row) {
        if (run.is_gone || (dead != nullptr && dead->Test(j))) alive->Clear(row);
      }
    }
    if (alive->CountSet() == alive->size()) return nullptr;
    return alive;
  }

  /// As searches do, but without the order of equal distances, which only matters to readers.
  index::IndexSearchRequest RequestFor(double recall) {
    index::IndexSearchRequest request;
    request.model = &model_;
    request.segments = searched_;
    request.clusters = masks_.empty() ? nullptr : &alive_clusters_;
    request.recall = model_.record().CautiousRecall(recall);
    request.floats = [this](uint64_t row) -> Result<HeldFloats> {
      const auto location = index_.FindRow(row);
      if (!location) return Status::Corruption("index segment: a number leads nowhere");
      return view_.FloatsOf(*location);
    };
    return request;
  }

  /// Hide what is not alive, as searches do.
  Status MakeMasks() {
    for (const ViewIndex::Segment& used : index_.segments) {
      std::shared_ptr<const index::ScanMask> mask;
      if (const auto alive = AliveRowsOf(used)) {
        VIPER_ASSIGN_OR_RETURN(mask, index::ScanMask::Make(*used.segment, *alive));
        masks_.push_back(mask);
      }
      alive_clusters_.Add(*used.segment, mask.get());
      searched_.push_back({used.segment, used.first_row, mask.get(), nullptr});
    }
    return {};
  }

  Status MeasureRecalls() {
    VIPER_RETURN_IF_ERROR(MakeMasks());
    std::atomic<size_t> done{0};
    for (const double recall : kRecalls) {
      const index::IndexSearchRequest request = RequestFor(recall);
      std::vector<Outcome> outcomes(queries_.size());
      std::vector<Status> statuses(queries_.size());
      index::ForEach(request_.threads, queries_.size(), [&](size_t i) {
        auto outcome = Measure(request, i);
        statuses[i] = outcome.status();
        if (outcome.ok()) outcomes[i] = *outcome;
        const double share = static_cast<double>(++done) /
                             static_cast<double>(queries_.size() * std::size(kRecalls));
        if (!GoesOn(0.5 + 0.5 * share)) statuses[i] = Stopped();
      });
      for (const Status& status : statuses) VIPER_RETURN_IF_ERROR(status);
      accuracy_.recalls.push_back(MeanOf(outcomes, recall));
    }
    return {};
  }

  Result<Outcome> Measure(index::IndexSearchRequest request, size_t number) const {
    const Query& query = queries_[number];
    request.queries = FloatsOf(number);
    // One more, since it finds itself.
    request.k = kNeighbours + 1;
    Outcome outcome;
    std::set<uint32_t> probed;
    VIPER_ASSIGN_OR_RETURN(const auto planned, index::PlanProbes(request));
    for (const index::PlannedProbe& probe : planned) {
      probed.insert(probe.cluster);
      for (const ViewIndex::Segment& used : index_.segments) {
        outcome.scanned_rows += used.segment->cluster(probe.cluster).row_count;
      }
    }
    outcome.probed_clusters = static_cast<double>(probed.size());
    const auto wanted = static_cast<double>(std::max<size_t>(query.truth.size(), 1));
    const auto routed = std::count_if(query.truth.begin(), query.truth.end(), [&](uint64_t row) {
      return probed.contains(clusters_[row]);
    });
    outcome.routed = static_cast<double>(routed) / wanted;
    VIPER_ASSIGN_OR_RETURN(const auto found, index::IndexSearch(request, nullptr));
    double near = 0;
    for (const index::ScoredRow& row : found.front()) {
      if (row.row != query.row && row.distance <= query.last_distance) ++near;
    }
    outcome.achieved = std::min(near / wanted, 1.0);
    return outcome;
  }

  static RecallMeasurement MeanOf(const std::vector<Outcome>& outcomes, double asked) {
    RecallMeasurement mean;
    mean.asked = asked;
    for (const Outcome& outcome : outcomes) {
      mean.routed += outcome.routed;
      mean.achieved += outcome.achieved;
      mean.probed_clusters += outcome.probed_clusters;
      mean.scanned_rows += outcome.scanned_rows;
    }
    for (double* sum : {&mean.routed, &mean.achieved, &mean.probed_clusters, &mean.scanned_rows}) {
      *sum /= static_cast<double>(outcomes.size());
    }
    return mean;
  }

  bool GoesOn(double share) const { return !request_.progress || request_.progress(share); }
  static Status Stopped() { return Status::Cancelled("index: measuring its accuracy was stopped"); }

  ReadContext& context_;
  const AccuracyRequest& request_;
  const ReadView& view_;
  const ViewIndex& index_;
  const index::Model& model_;
  const size_t dim_;
  IndexAccuracy accuracy_;
  std::vector<uint32_t> clusters_;
  std::vector<index::SearchedSegment> searched_;
  std::vector<std::shared_ptr<const index::ScanMask>> masks_;
  index::ClusterSelection alive_clusters_;
  std::vector<Query> queries_;
  std::vector<float> floats_;
  Selections selections_;
  /// Sources that are in the index, and the number of the first row of each.
  std::vector<size_t> sources_;
  std::map<size_t, uint64_t> first_row_of_;
};

}  // namespace

Result<IndexAccuracy> MeasureAccuracy(ReadContext& context, const AccuracyRequest& request) {
  return AccuracyMeasurement(context, request).Run();
}

}  // namespace viper::core
