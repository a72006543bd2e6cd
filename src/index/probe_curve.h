#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/coding.h"

namespace viper::index {

/// What is known of a query when the clusters to probe are counted.
struct ProbeDistances {
  // NOLINTBEGIN(google-explicit-constructor): where nothing was scanned, the distances are all.
  ProbeDistances(std::span<const float> distances) : squared(distances) {}
  ProbeDistances(const std::vector<float>& distances) : squared(distances) {}
  // NOLINTEND(google-explicit-constructor)
  ProbeDistances(std::span<const float> distances, std::optional<float> opened,
                 bool opened_all_rows = true)
      : squared(distances), opening(opened), is_of_all_rows(opened_all_rows) {}

  /// To the nearest centroids, rising.
  std::span<const float> squared;
  /// Squared distance of the k-th nearest row of the first clusters (QuerySearch opens with them);
  /// absent before they are scanned, and where they hold fewer than k.
  std::optional<float> opening;
  /// Whether every row took part. The k-th of a part is farther away, which tells nothing of how
  /// strange the query is.
  bool is_of_all_rows = true;
};

/// How many of the nearest clusters a query has to see to find a wanted share of its k true
/// neighbours, for one k: a logistic model of the probability that a neighbour lies in the cluster
/// of a rank, from the distances of the query to its nearest centroids and to the k-th row found so
/// far. Probing stops when the probabilities seen reach a threshold, which is calibrated for each
/// wanted recall on queries that the fit has not seen. A plain value.
///
/// It learns from stored rows, and from queries made to be unlike them. The threshold of a query
/// rises with its strangeness, 0 to 3: how far the k-th row found is, in itself and over the
/// distance of the nearest centroid, from the median of stored rows (0) to what few of them exceed
/// (1), and by as much again (2) and again.
class ProbeCurve {
 public:
  /// Ranks that are modelled. Where the neighbours that a recall asks for are not all among them,
  /// the share that is missed is taken to fall by a power of the number of clusters (ProbesBeyond).
  static constexpr size_t kRanksMax = 256;
  static constexpr size_t kFeatureCount = 12;

  /// Where a sample query comes from: a stored row, a stored row with noise, the middle between two
  /// of them, or anywhere that the spread of all of them reaches.
  enum class Origin : uint8_t { kStored, kNoisy, kBetween, kFar };
  static constexpr size_t kOriginCount = 4;
  /// What a sample query teaches: how many of its true k nearest lie in the cluster of each rank.
  struct Sample {
    /// Squared distances to the nearest centroids, rising; at least two unless there is one
    /// cluster.
    std::vector<float> squared_distances;
    std::vector<uint16_t> neighbours;
    /// As ProbeDistances.
    std::optional<float> opening;
    Origin origin = Origin::kStored;
  };
  /// Fit on the samples of even number and calibrate on the others, for queries of this k.
  /// Deterministic.
  static ProbeCurve Fit(std::span<const Sample> samples, size_t k);

  /// The k that it was fitted for; 0 if it was not.
  size_t k() const { return k_; }
  /// Fitted only. Clusters to probe for a share of `recall` of the k nearest, at least 1.
  /// `shares` tells for each distance which share of the cluster's rows takes part, where that is
  /// not the same for all: neighbours are expected where more do; else empty.
  size_t ProbesFor(const ProbeDistances& distances, std::span<const float> shares,
                   double recall) const;
  /// Fitted only. For each rank that is modelled the estimated share of the k nearest that lie in
  /// its cluster; they sum to 1.
  std::vector<float> ExpectedShares(const ProbeDistances& distances) const;
  /// Mean absolute difference between the recall asked for and found, on the calibration half;
  /// absent until fitted.
  std::optional<double> calibration_error() const;

  void Encode(ByteWriter& writer) const;
  static std::optional<ProbeCurve> Decode(ByteReader& reader);

 private:
  using Features = std::array<double, kFeatureCount>;
  class FeatureMaker;
  struct Likelihood;
  /// Of the probability that a neighbour lies in a cluster.
  double LogitOf(const Features& features) const;
  void FitCoefficients(std::span<const Sample* const> samples);
  /// Whether the largest threshold finds, nearly, all that these have in the ranks modelled.
  bool FindsAll(std::span<const Sample* const> samples) const;
  FeatureMaker MakerFor(const ProbeDistances& distances) const;
  /// Share of the neighbours expected in each rank, which sum to 1; how many ranks.
  size_t SharesOf(const ProbeDistances& distances, std::array<float, kRanksMax>& shares) const;
  /// The share of its neighbours that a sample finds with each step of the threshold.
  std::vector<float> FoundBySteps(const Sample& sample) const;
  void MeasureOpenings(std::span<const Sample* const> samples);
  double StrangenessOf(const ProbeDistances& distances) const;
  void Calibrate(std::span<const Sample* const> samples);
  void MeasureReach(std::span<const Sample> samples, size_t k);
  struct Reach {
    float half = 1;
    float all = 1;

    /// How many clusters to probe where those of all modelled ranks are not enough; else 0.
    double ProbesBeyond(double recall) const;
  };
  /// The same for a query of this strangeness, between the reaches of stored, strange and far ones.
  double ProbesBeyond(double strangeness, double recall) const;
  float ThresholdFor(double recall, double strangeness) const;

  size_t k_ = 0;
  Features coefficients_ = {};
  /// From the median of stored rows to what few of them exceed; below it if none tells.
  struct Range {
    double median = 0;
    double high = -1;

    bool is_unknown() const { return high < median; }
  };
  static double PlaceIn(const Range& range, double value);
  static double RootOf(float squared) { return std::sqrt(std::max(0.0, double{squared})); }
  /// Of the distance of the k-th row of the opening, and of that over the distance of the nearest
  /// centroid. The median of the latter stands for an opening that is not known.
  Range openings_;
  Range opening_ratios_;
  /// Thresholds are 1 - 2^-step for steps of 0 on: those of queries whose strangeness is 0, 1 and
  /// the largest there is.
  struct Steps {
    double usual = 0;
    double strange = 0;
    double far = 0;

    double For(double strangeness) const;
  };
  struct Finders;
  /// Rising in recall and all steps.
  struct Threshold {
    float recall = 0;
    Steps steps;
  };
  std::vector<Threshold> thresholds_;
  /// The share of the neighbours that the nearest kRanksMax / 2 clusters have, and the nearest
  /// kRanksMax; both 1 where there are no more clusters. Of stored rows, of those samples near them
  /// that have the fewest there, and of far ones.
  Reach reach_;
  Reach strange_reach_;
  Reach far_reach_;
  double calibration_error_ = 0;
};

/// What clusters are probed for.
struct ProbeGoal {
  /// Share of the nearest to find.
  double recall = 0.95;
  size_t cluster_count = 0;
  /// Rows of all clusters.
  double row_count = 0;
};

/// Tells of one query how many clusters to probe for any k: up to the largest k that was fitted, by
/// the curves of the k below and above; beyond, where the logarithms of both, and that all rows lie
/// in all clusters, lead. A generous share of the clusters without curves. Not thread-safe.
class ProbeCounter {
 public:
  /// `curves` rise in k; `shares` are as in ProbeCurve::ProbesFor. All outlive it.
  ProbeCounter(std::span<const ProbeCurve> curves, const ProbeDistances& distances,
               std::span<const float> shares, const ProbeGoal& goal)
      : curves_(curves), distances_(distances), shares_(shares), goal_(goal) {}

  /// At least 1, at most goal.cluster_count. `k` need not be whole: under a filter that keeps a
  /// share s of the rows it is k / s, as that many of all rows lie nearer than the k-th that
  /// matches.
  size_t ProbesFor(double k);

 private:
  /// Of the curve of probes over k, both as logarithms.
  struct Point {
    double k = 0;
    double probes = 0;
  };
  static double LineThrough(const Point& a, const Point& b, double k);
  static double ParabolaThrough(const Point& a, const Point& b, const Point& c, double k);
  const Point& PointOf(size_t curve);
  double LogProbes(double log_k);

  std::span<const ProbeCurve> curves_;
  const ProbeDistances distances_;
  std::span<const float> shares_;
  const ProbeGoal goal_;
  /// Of the first curves.
  std::vector<Point> points_;
};

/// The expected share of the k nearest in the cluster of each rank, by the curve of the k above, or
/// the last; empty without curves.
std::vector<float> ExpectedShares(std::span<const ProbeCurve> curves,
                                  const ProbeDistances& distances, double k);

}  // namespace viper::index
