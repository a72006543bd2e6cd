#include "index/model_training.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <iterator>
#include <numbers>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/finite.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "index/cluster_ranking.h"
#include "index/exact_distance.h"
#include "index/index_search.h"
#include "index/parallel.h"
#include "index/prepared_query.h"
#include "index/query_search.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

/// Rows of a cluster, on average: fewer make the centroids' share of the work grow, more the
/// blocks'.
constexpr uint64_t kRowsPerCluster = 250;
constexpr size_t kSamplePerCluster = 80;
constexpr size_t kSamplePerClusterMin = 64;
/// Fewer than this part of the clusters make searches too slow to be worth an index.
constexpr size_t kClusterPartMin = 32;
constexpr size_t kRowsTogether = 1024;
/// Squares of single precision that are as good as zero beside 1.
constexpr double kResolution = 1e-12;
/// The numbers of neighbours that curves are fitted for.
constexpr std::array<size_t, 2> kCurveKs = {10, 100};
constexpr size_t kRowsPerMade = 4;
constexpr uint64_t kMadeSeed = 0x6D616465;
/// A calibration query sees this share of the clusters, which stands for all of them.
constexpr double kThoroughShare = 0.15;
constexpr size_t kThoroughProbesMin = 64;
/// Unless fewer than this share of the true neighbours of some queries lie there.
constexpr double kThoroughRecallMin = 0.995;
/// Comparing these many queries with every row; products that may go into it.
constexpr size_t kCheckedQueriesMin = 16;
constexpr size_t kCheckedQueriesMax = 64;
constexpr double kCheckedProductsMax = 8e9;
constexpr size_t kComparedQueriesMin = 100;
constexpr double kComparedProductsMax = 64e9;

std::vector<float> MeanOf(std::span<const float> rows, size_t dim) {
  std::vector<double> sums(dim);
  const size_t count = rows.size() / dim;
  for (size_t row = 0; row < count; ++row) {
    for (size_t i = 0; i < dim; ++i) sums[i] += double{rows[row * dim + i]};
  }
  std::vector<float> mean(dim);
  for (size_t i = 0; i < dim; ++i)
    mean[i] = static_cast<float>(sums[i] / static_cast<double>(count));
  return mean;
}

void NormaliseRows(std::span<float> rows, size_t dim) {
  for (size_t first = 0; first < rows.size(); first += dim) {
    const std::span<float> row = rows.subspan(first, dim);
    double squared = 0;
    for (const float x : row) squared += double{x} * double{x};
    const double inverse = squared > 0 ? 1 / std::sqrt(squared) : 0;
    for (float& x : row) x = static_cast<float>(double{x} * inverse);
  }
}

/// Leave out rows that are so many times as long as the median of those that are not zero: one such
/// row would be all that the mean and the scale tell of.
void DropOutliers(std::vector<float>& rows, size_t dim) {
  constexpr double kTimesMax = 1e6;
  std::vector<double> norms;
  for (size_t first = 0; first < rows.size(); first += dim) {
    norms.push_back(std::sqrt(SquaredNormOf(rows.data() + first, dim)));
  }
  std::vector<double> sorted = norms;
  std::erase(sorted, 0);
  if (sorted.empty()) return;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  size_t kept = 0;
  for (size_t row = 0; row < norms.size(); ++row) {
    if (norms[row] > kTimesMax * *middle) continue;
    if (kept < row)
      std::memcpy(rows.data() + kept * dim, rows.data() + row * dim, dim * sizeof(float));
    ++kept;
  }
  rows.resize(kept * dim);
}

/// The factor that gives residuals a mean squared length of one.
float ScaleFor(const Clustering& clustering, std::span<const float> rows, size_t dim) {
  const size_t count = rows.size() / dim;
  std::vector<uint32_t> clusters(count);
  std::vector<float> squared(count);
  clustering.Assign(rows.data(), count, clusters.data(), squared.data());
  double sum = 0;
  for (const float x : squared) sum += double{x};
  double norms = 0;
  for (const float x : rows) norms += double{x} * double{x};
  // Residuals that are rounding errors of the rows say nothing about their size.
  const double mean =
      (sum > kResolution * norms ? sum : norms) / static_cast<double>(std::max<size_t>(count, 1));
  return mean > 1e-30 ? static_cast<float>(1 / std::sqrt(mean)) : 1;
}

/// `asked` 0 = as the rows say.
size_t WantedClusters(size_t asked, uint64_t row_count, size_t dim) {
  return asked == 0 ? ClusterCountFor(row_count, dim) : std::min<uint64_t>(asked, row_count);
}

}  // namespace

size_t ClusterCountFor(uint64_t row_count, size_t dim) {
  static_cast<void>(dim);
  return std::max<size_t>(1, row_count / kRowsPerCluster);
}

size_t SampleRowsFor(uint64_t row_count, size_t cluster_count) {
  return std::min<uint64_t>(row_count, cluster_count * kSamplePerCluster);
}

size_t TrainingBytes(const TrainingSize& size, size_t dim, size_t thread_count) {
  // The centroids, the lists and panels made of them, sums in double precision; their rotated form.
  const size_t floats_per_centroid = 6 * dim + 2 * CodeDimFor(dim);
  return ClusteringBytes(size.sample_rows, size.cluster_count, dim, thread_count) +
         size.cluster_count * floats_per_centroid * sizeof(float) +
         size.sample_rows * (sizeof(uint32_t) + sizeof(float));
}

Result<TrainingSize> SizeTraining(uint64_t row_count, size_t dim, size_t thread_count,
                                  size_t memory_bytes, size_t asked_clusters) {
  const size_t wanted_clusters = WantedClusters(asked_clusters, row_count, dim);
  const auto fits = [&](const TrainingSize& size) {
    return TrainingBytes(size, dim, thread_count) <= memory_bytes;
  };
  const auto at_least = [&](size_t clusters) -> TrainingSize {
    return {clusters, std::min<uint64_t>(row_count, clusters * kSamplePerClusterMin)};
  };
  TrainingSize size = {wanted_clusters, SampleRowsFor(row_count, wanted_clusters)};
  if (fits(size)) return size;
  if (fits(at_least(wanted_clusters))) {
    // Between the two: the most that fits, to a row for each cluster.
    size = at_least(wanted_clusters);
    while (fits({wanted_clusters, size.sample_rows + wanted_clusters})) {
      size.sample_rows += wanted_clusters;
    }
    return size;
  }
  const size_t fewest = std::max<size_t>(1, wanted_clusters / kClusterPartMin);
  if (!fits(at_least(fewest))) {
    return Status::ResourceExhausted(fmt::format(
        "index: the memory is too small for the smallest sample: needed={} allowed={} clusters={} "
        "sampled_rows={}",
        TrainingBytes(at_least(fewest), dim, thread_count), memory_bytes, fewest,
        at_least(fewest).sample_rows));
  }
  size_t few = fewest;
  size_t many = wanted_clusters;
  while (many - few > 1) {
    const size_t middle = few + (many - few) / 2;
    (fits(at_least(middle)) ? few : many) = middle;
  }
  return at_least(few);
}

Result<std::shared_ptr<const Model>> TrainModel(std::vector<float> sample,
                                                const TrainingOptions& options) {
  const size_t dim = options.dim;
  ModelContent content;
  content.metric = options.metric;
  content.dim = dim;
  content.code_dim = CodeDimFor(dim);
  content.rotation_seed = options.seed;
  content.record.trained_rows = options.row_count;
  content.record.sampled_rows = sample.size() / dim;
  content.record.wanted_rows = SampleRowsFor(
      options.row_count, WantedClusters(options.wanted_clusters, options.row_count, dim));
  if (options.metric == Metric::kCosine) NormaliseRows(sample, dim);
  DropOutliers(sample, dim);
  content.mean = MeanOf(sample, dim);
  for (size_t i = 0; i < sample.size(); ++i) sample[i] -= content.mean[i % dim];
  ClusteringOptions clustering_options;
  clustering_options.cluster_count = options.cluster_count;
  clustering_options.seed = options.seed;
  clustering_options.pool = options.pool;
  clustering_options.progress = options.progress;
  VIPER_ASSIGN_OR_RETURN(
      const Clustering clustering,
      TrainClustering(sample.data(), sample.size() / dim, dim, clustering_options));
  content.scale = ScaleFor(clustering, sample, dim);
  content.centroids.assign(clustering.centroids().begin(), clustering.centroids().end());
  for (float& x : content.centroids) x *= content.scale;
  return Model::Make(std::move(content));
}

ClusterAssigner::ClusterAssigner(std::shared_ptr<const Model> model)
    : model_(std::move(model)),
      clustering_(MakeClustering(model_->content().centroids, model_->dim())) {}

void ClusterAssigner::Assign(const std::byte* rows, size_t count, uint32_t* clusters,
                             float* squared_distances) const {
  const size_t dim = model_->dim();
  std::vector<float> prepared(std::min(count, kRowsTogether) * dim);
  for (size_t first = 0; first < count; first += kRowsTogether) {
    const size_t some = std::min(kRowsTogether, count - first);
    model_->PrepareRows(rows + first * dim * sizeof(float), some, prepared.data());
    clustering_.Assign(prepared.data(), some, clusters + first,
                       squared_distances == nullptr ? nullptr : squared_distances + first);
  }
}

namespace {

/// What the curves learn from.
struct SampleQuery {
  std::vector<float> floats;
  ProbeCurve::Origin origin = ProbeCurve::Origin::kStored;
  /// Its own row, which is not one of its neighbours.
  std::optional<uint64_t> row;
};

std::vector<float> Normalised(std::vector<float> row) {
  NormaliseRows(row, row.size());
  return row;
}

/// Queries that are unlike the stored rows they are made of. Those of real use lie between these
/// and the rows.
class QueryMaker {
 public:
  QueryMaker(Metric metric, std::span<const SampleQuery> stored)
      : metric_(metric), stored_(stored), random_(kMadeSeed) {
    const size_t dim = stored.front().floats.size();
    mean_.resize(dim);
    spread_.resize(dim);
    for (size_t i = 0; i < dim; ++i) {
      double sum = 0;
      double squares = 0;
      for (const SampleQuery& query : stored) {
        sum += double{query.floats[i]};
        squares += double{query.floats[i]} * double{query.floats[i]};
      }
      const auto count = static_cast<double>(stored.size());
      mean_[i] = static_cast<float>(sum / count);
      const double variance = squares / count - (sum / count) * (sum / count);
      spread_[i] = static_cast<float>(std::sqrt(std::max(0.0, variance)));
    }
  }

  /// A row with noise of half the spread of each component.
  SampleQuery Noisy(size_t i) {
    SampleQuery made = {stored_[i].floats, ProbeCurve::Origin::kNoisy, std::nullopt};
    for (size_t j = 0; j < made.floats.size(); ++j) made.floats[j] += spread_[j] / 2 * Normal();
    return made;
  }

  /// Anywhere around the mean of the rows that their spread reaches: where rows lie in groups, in
  /// none of them.
  SampleQuery Far() {
    SampleQuery made = {mean_, ProbeCurve::Origin::kFar, std::nullopt};
    for (size_t j = 0; j < made.floats.size(); ++j) made.floats[j] += spread_[j] * Normal();
    return made;
  }

  /// The middle between a row and any other. Not one at a certain place: where rows lie in a table
  /// may have to do with what they are.
  SampleQuery Between(size_t i) {
    const size_t steps = stored_.size() > 1 ? 1 + random_.Uniform(stored_.size() - 1) : 0;
    const size_t other = (i + steps) % stored_.size();
    std::vector<float> a = stored_[i].floats;
    std::vector<float> b = stored_[other].floats;
    if (metric_ == Metric::kCosine) {
      a = Normalised(std::move(a));
      b = Normalised(std::move(b));
    }
    for (size_t j = 0; j < a.size(); ++j) a[j] = (a[j] + b[j]) / 2;
    return {std::move(a), ProbeCurve::Origin::kBetween, std::nullopt};
  }

 private:
  /// Box and Muller's.
  float Normal() {
    const double radius = std::sqrt(-2 * std::log(1 - random_.UniformDouble()));
    return static_cast<float>(radius * std::cos(2 * std::numbers::pi * random_.UniformDouble()));
  }

  const Metric metric_;
  const std::span<const SampleQuery> stored_;
  // Of each component.
  std::vector<float> mean_;
  std::vector<float> spread_;
  Random random_;
};

/// Fits curves; one call of Run.
class ProbeFitting {
 public:
  ProbeFitting(const std::shared_ptr<const Model>& model, const ProbeTraining& training)
      : model_(*model),
        training_(training),
        thorough_probes_(std::max(
            kThoroughProbesMin,
            static_cast<size_t>(kThoroughShare * static_cast<double>(model->cluster_count())))) {}

  Result<std::vector<ProbeCurve>> Run() {
    std::vector<uint64_t> rows(training_.queries.begin(), training_.queries.end());
    VIPER_ASSIGN_OR_RETURN(const bool is_thorough, IsThoroughEnough());
    if (!is_thorough) {
      const size_t most = std::max<size_t>(1, rows.size() / 2);
      rows = Spread(std::min(Affordable(kComparedProductsMax, kComparedQueriesMin, most), most));
    }
    VIPER_ASSIGN_OR_RETURN(const std::vector<SampleQuery> queries, MakeQueries(rows));
    std::vector<std::vector<uint64_t>> truths;
    if (!is_thorough) {
      VIPER_ASSIGN_OR_RETURN(truths, training_.nearest(FloatsOf(queries), kCurveKs.back() + 1));
    }
    std::vector<std::vector<ProbeCurve::Sample>> taught(queries.size());
    std::vector<Status> statuses(queries.size());
    std::atomic<size_t> done{0};
    std::atomic<bool> stopped{false};
    ForEach(training_.pool, queries.size(), [&](size_t i) {
      if (stopped) return;
      auto samples = TeachBy(queries[i], truths.empty() ? nullptr : &truths[i]);
      statuses[i] = samples.status();
      if (samples.ok()) taught[i] = std::move(*samples);
      const double share = static_cast<double>(++done) / static_cast<double>(queries.size());
      if (training_.progress && !training_.progress(share)) stopped = true;
    });
    if (stopped) return Status::Cancelled("index: fitting the probe curves was cancelled");
    for (const Status& status : statuses) VIPER_RETURN_IF_ERROR(status);
    std::vector<ProbeCurve> curves;
    for (size_t i = 0; i < kCurveKs.size() && !taught.empty(); ++i) {
      std::vector<ProbeCurve::Sample> samples;
      for (auto& of_query : taught) samples.push_back(std::move(of_query[i]));
      const ProbeCurve curve = ProbeCurve::Fit(samples, kCurveKs[i]);
      // Of a single sample there is nothing to learn.
      if (curve.k() != 0) curves.push_back(curve);
    }
    return curves;
  }

 private:
  /// These rows, and queries made of them: for eight rows one with noise, three between two, which
  /// need the highest thresholds, so that most depends on them, and two anywhere.
  Result<std::vector<SampleQuery>> MakeQueries(std::span<const uint64_t> rows) const {
    VIPER_ASSIGN_OR_RETURN(std::vector<SampleQuery> stored, StoredQueries(rows));
    // Under inner product nothing would tell them from rows, which would pay for them.
    if (model_.metric() == Metric::kDot || stored.size() < kRowsPerMade) return stored;
    QueryMaker maker(model_.metric(), stored);
    std::vector<SampleQuery> made;
    for (size_t i = 0; i < stored.size(); i += kRowsPerMade) {
      // Every other query is for the fit, of one kind and the other in turn.
      made.push_back(i / kRowsPerMade % 2 == 0 ? maker.Noisy(i) : maker.Between(i));
      made.push_back(maker.Between(i));
    }
    for (size_t i = 0; i < stored.size(); i += kRowsPerMade) made.push_back(maker.Far());
    std::erase_if(made, [this](const SampleQuery& query) { return !Teaches(query); });
    std::move(made.begin(), made.end(), std::back_inserter(stored));
    return stored;
  }

  /// As many queries as may be compared with every row.
  size_t Affordable(double products, size_t least, size_t most) const {
    const auto each = static_cast<double>(training_.clusters.size() * model_.dim());
    return std::clamp(static_cast<size_t>(products / std::max(each, 1.0)), std::min(least, most),
                      most);
  }

  /// `count` of the queries, spread evenly, rising.
  std::vector<uint64_t> Spread(size_t count) const {
    std::vector<uint64_t> spread;
    for (size_t i = 0; i < count; ++i) {
      spread.push_back(training_.queries[training_.queries.size() * i / count]);
    }
    return spread;
  }

  Result<std::vector<SampleQuery>> StoredQueries(std::span<const uint64_t> rows) const {
    std::vector<SampleQuery> stored;
    for (const uint64_t row : rows) {
      VIPER_ASSIGN_OR_RETURN(const HeldFloats held, training_.floats(row));
      SampleQuery& query = stored.emplace_back();
      query.floats.resize(model_.dim());
      std::memcpy(query.floats.data(), held.floats, query.floats.size() * sizeof(float));
      query.row = row;
      if (!Teaches(query)) stored.pop_back();
    }
    return stored;
  }

  /// Whether the index would be asked: the curves are for such queries.
  bool Teaches(const SampleQuery& query) const {
    return AreFinite(query.floats) && model_.Reaches(query.floats.data());
  }

  static std::vector<float> FloatsOf(std::span<const SampleQuery> queries) {
    std::vector<float> floats;
    for (const SampleQuery& query : queries) {
      floats.insert(floats.end(), query.floats.begin(), query.floats.end());
    }
    return floats;
  }

  /// Whether nearly all true neighbours lie in the clusters that a thorough search sees.
  Result<bool> IsThoroughEnough() const {
    const bool sees_all = thorough_probes_ >= model_.cluster_count();
    if (training_.nearest == nullptr || sees_all || training_.queries.empty()) return true;
    const size_t most = std::min(kCheckedQueriesMax, training_.queries.size());
    const auto rows = Spread(Affordable(kCheckedProductsMax, kCheckedQueriesMin, most));
    VIPER_ASSIGN_OR_RETURN(const std::vector<SampleQuery> queries, StoredQueries(rows));
    VIPER_ASSIGN_OR_RETURN(const auto truths,
                           training_.nearest(FloatsOf(queries), kCurveKs.back()));
    size_t seen = 0;
    size_t all = 0;
    for (size_t i = 0; i < queries.size(); ++i) {
      std::vector<bool> is_probed(model_.cluster_count());
      for (const ClusterDistance& ranked :
           RankClusters(model_, queries[i].floats, thorough_probes_)) {
        is_probed[ranked.cluster] = true;
      }
      for (const uint64_t row : truths[i]) seen += is_probed[training_.clusters[row]] ? 1 : 0;
      all += truths[i].size();
    }
    return static_cast<double>(seen) >= kThoroughRecallMin * static_cast<double>(all);
  }

  /// What one query teaches the curve of each k. Its neighbours are searched for unless the truth
  /// is known.
  Result<std::vector<ProbeCurve::Sample>> TeachBy(const SampleQuery& query,
                                                  const std::vector<uint64_t>* truth) const {
    std::vector<uint64_t> neighbours;
    if (truth != nullptr) {
      neighbours = *truth;
    } else {
      VIPER_ASSIGN_OR_RETURN(const auto found,
                             Search(query, kCurveKs.back(), ThoroughProbes(query), nullptr));
      for (const ScoredRow& hit : found) neighbours.push_back(hit.row);
    }
    std::erase_if(neighbours, [&](uint64_t row) { return row == query.row; });
    const auto ranked = RankClusters(model_, query.floats, ProbeCurve::kRanksMax);
    std::vector<uint32_t> rank_of(model_.cluster_count(), static_cast<uint32_t>(ranked.size()));
    ProbeCurve::Sample blank;
    blank.origin = query.origin;
    blank.neighbours.resize(ranked.size());
    for (uint32_t rank = 0; rank < ranked.size(); ++rank) rank_of[ranked[rank].cluster] = rank;
    AppendProbeDistances(model_, query.floats, ranked, blank.squared_distances);
    VIPER_ASSIGN_OR_RETURN(const auto openings, OpeningsOf(query));
    std::vector<ProbeCurve::Sample> samples(kCurveKs.size(), blank);
    for (size_t i = 0; i < kCurveKs.size(); ++i) {
      samples[i].opening = openings[i];
      for (const uint64_t row :
           std::span(neighbours).first(std::min(neighbours.size(), kCurveKs[i]))) {
        const uint32_t rank = rank_of[training_.clusters[row]];
        if (rank < ranked.size()) ++samples[i].neighbours[rank];
      }
    }
    return samples;
  }

  /// Neighbours of a query from anywhere may be anywhere.
  size_t ThoroughProbes(const SampleQuery& query) const {
    const bool is_far = query.origin == ProbeCurve::Origin::kFar;
    return is_far ? model_.cluster_count() : thorough_probes_;
  }

  /// ProbeDistances::opening for each k.
  Result<std::vector<std::optional<float>>> OpeningsOf(const SampleQuery& query) const {
    std::vector<std::optional<float>> openings(kCurveKs.size());
    if (model_.metric() == Metric::kDot) return openings;
    PreparedQuery prepared;
    prepared.Prepare(model_, query.floats);
    // What holds for the largest k tells all; where the clusters hold fewer rows, a smaller may do.
    for (size_t i = kCurveKs.size(); i-- > 0;) {
      IndexSearchCounts counts;
      VIPER_ASSIGN_OR_RETURN(auto found,
                             Search(query, kCurveKs[i], QuerySearch::kOpeningClusters, &counts));
      std::erase_if(found, [&](const ScoredRow& hit) { return hit.row == query.row; });
      const bool went_on = counts.probed_clusters > QuerySearch::kOpeningClusters;
      if (went_on || found.size() < kCurveKs[i]) continue;
      for (size_t j = 0; j <= i; ++j) {
        openings[j] = prepared.PreparedValue(found[kCurveKs[j] - 1].distance);
      }
      break;
    }
    return openings;
  }

  /// The k nearest rows of some clusters, and the query's own.
  Result<std::vector<ScoredRow>> Search(const SampleQuery& query, size_t k, size_t probes,
                                        IndexSearchCounts* counts) const {
    const SearchedSegment searched = {.segment = training_.segment};
    IndexSearchRequest request;
    request.model = &model_;
    request.segments = {&searched, 1};
    request.queries = query.floats;
    request.k = k + 1;
    request.recall = 0.999;
    request.probes = probes;
    request.floats = training_.floats;
    VIPER_ASSIGN_OR_RETURN(auto found, IndexSearch(request, counts));
    return std::move(found.front());
  }

  const Model& model_;
  const ProbeTraining& training_;
  const size_t thorough_probes_;
};

}  // namespace

Result<std::shared_ptr<const Model>> FitProbes(const std::shared_ptr<const Model>& model,
                                               const ProbeTraining& training) {
  ModelContent content = model->content();
  VIPER_ASSIGN_OR_RETURN(content.probes, ProbeFitting(model, training).Run());
  return Model::Make(std::move(content));
}

}  // namespace viper::index
