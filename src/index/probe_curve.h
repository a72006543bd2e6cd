#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/coding.h"

namespace viper::index {

/// How many of the nearest clusters a query has to see to find a wanted share of its k true
/// neighbours, for one k: a logistic model of the probability that a neighbour lies in the cluster
/// of a rank, from the distances of the query to its nearest centroids. Probing stops when the
/// probabilities seen reach a threshold, which is calibrated for each wanted recall on rows that
/// the fit has not seen. A plain value.
class ProbeCurve {
 public:
  /// Ranks that are modelled; beyond them clusters follow by distance alone.
  static constexpr size_t kRanksMax = 256;
  static constexpr size_t kFeatureCount = 9;

  /// What a sample query teaches: how many of its true k nearest lie in the cluster of each rank.
  struct Sample {
    /// Squared distances to the nearest centroids, rising; at least two unless there is one
    /// cluster.
    std::vector<float> squared_distances;
    std::vector<uint16_t> neighbours;
  };
  /// Fit on one half of the samples and calibrate on the other, for queries of this k.
  /// Deterministic.
  static ProbeCurve Fit(std::span<const Sample> samples, size_t k);

  /// The k that it was fitted for; 0 if it was not.
  size_t k() const { return k_; }
  /// Fitted only. Clusters to probe for a share of `recall` of the k nearest, at least 1.
  /// `squared_distances` rise.
  size_t ProbesFor(std::span<const float> squared_distances, double recall) const;
  /// Fitted only. For each rank that is modelled the estimated share of the k nearest that lie in
  /// its cluster; they sum to 1. `squared_distances` rise.
  std::vector<float> ExpectedShares(std::span<const float> squared_distances) const;
  /// Mean absolute difference between the recall asked for and found, on the calibration half;
  /// absent until fitted.
  std::optional<double> calibration_error() const;

  void Encode(ByteWriter& writer) const;
  static std::optional<ProbeCurve> Decode(ByteReader& reader);

 private:
  using Features = std::array<double, kFeatureCount>;
  class FeatureMaker;
  double ProbabilityOf(const Features& features) const;
  /// Share of the neighbours expected in each rank, which sum to 1; how many ranks.
  size_t SharesOf(std::span<const float> squared_distances,
                  std::array<float, kRanksMax>& shares) const;
  void Calibrate(std::span<const Sample> samples, size_t k);
  static float ThresholdOfStep(size_t step);
  float ThresholdFor(double recall) const;

  size_t k_ = 0;
  Features coefficients_ = {};
  /// Wanted recall -> share of the probability to see; rising in both.
  std::vector<std::pair<float, float>> thresholds_;
  double calibration_error_ = 0;
};

/// Clusters to probe for a share of `recall` of the `k` nearest of a query whose squared distances
/// to its nearest centroids are given, rising; `cluster_count` in all. By the curve of the nearest
/// k above, stretched for a k beyond them all; a generous share of the clusters without curves.
/// `curves` rise in k. `k` need not be whole: under a filter that keeps a share s of the rows it is
/// k / s, as that many of all rows lie nearer than the k-th that matches.
size_t ProbesFor(std::span<const ProbeCurve> curves, std::span<const float> squared_distances,
                 double recall, double k, size_t cluster_count);

/// What ProbesFor goes by: the expected share of the k nearest in the cluster of each rank, by the
/// curve that it would take; empty without curves.
std::vector<float> ExpectedShares(std::span<const ProbeCurve> curves,
                                  std::span<const float> squared_distances, double k);

}  // namespace viper::index
