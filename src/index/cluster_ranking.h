#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/model.h"
#include "index/prepared_query.h"
#include "index/scan_mask.h"
#include "index/smallest_picker.h"

namespace viper::index {

/// A cluster and how near its centroid is to a query: squared distance in the prepared space, or
/// for dot minus the inner product.
struct ClusterDistance {
  float value = 0;
  uint32_t cluster = 0;
};
/// Nearer first, of equally near ones the lower number.
bool IsNearer(const ClusterDistance& a, const ClusterDistance& b);
/// ClusterDistance::value, exactly; `query` is prepared.
float CentroidValue(const Model& model, uint32_t cluster, const float* query);

/// Sorts by IsNearer; keeps its memory from one sort to the next. Not thread-safe.
class ClusterSorter {
 public:
  /// The first `count` of the order are in their places; those behind them nearly.
  void Sort(std::span<ClusterDistance> clusters, size_t count);

 private:
  std::vector<ClusterDistance> sorted_;
  std::vector<int32_t> buckets_;
  std::vector<uint32_t> bucket_ends_;
};

/// The clusters of a model in the order of their nearness to a query, as far as asked for. The
/// 1-bit codes of all centroids choose those that are compared by their bytes, and where those are
/// most, all are. The floats decide only where the error of bytes matters beside how far the
/// nearest centroids are apart, or beside the error of the codes of rows. Keeps its memory from one
/// query to the next. Not thread-safe.
class ClusterRanker {
 public:
  /// Rank the nearest: ProbeCurve::kRanksMax or twice `count`, or all there are. By estimates, and
  /// far ones nearly in order: good enough to tell how many to probe. `clusters`: those that are
  /// left of the model's (null = all); it and the query outlive the ranking.
  void Rank(PreparedQuery& query, const ClusterSelection* clusters, size_t count);
  /// Make the values of the first `count` ranks good enough to search these clusters by, and put
  /// them in that order, adding ranks that are missing.
  void Refine(size_t count);

  /// Nearest first.
  std::span<const ClusterDistance> ranked() const { return ranked_; }

 private:
  bool IsLeft(size_t cluster) const { return clusters_ == nullptr || clusters_->Has(cluster); }
  void RankAll();
  /// Compare at least so many of the nearest by codes. Whether there were more than before.
  bool Consider(size_t count);
  void ScanCodes();
  /// Append the clusters that the picker holds and have not been taken.
  void AppendPicked();
  /// Put those that have been compared in order, the first `count` of them in their places.
  void Order(size_t count);
  /// The values of these clusters by byte rows.
  void Compare(std::span<ClusterDistance> clusters);
  /// The same by floats.
  void CompareFloats(std::span<ClusterDistance> clusters) const;
  /// Whether byte rows tell the nearest apart: their error is small beside how the nearest differ.
  bool AreTold() const;
  /// Whether it is small beside the error of the codes of rows, which adds to it.
  bool AreGoodForRows() const;

  PreparedQuery* query_ = nullptr;
  const ClusterSelection* clusters_ = nullptr;
  /// How many those are.
  size_t left_ = 0;
  std::vector<float> values_;
  SmallestPicker picker_;
  std::vector<ClusterDistance> ranked_;
  std::vector<uint8_t> is_ranked_;
  /// Ranks by byte rows; how many of them are in their places, and how many good enough to search
  /// by.
  size_t compared_count_ = 0;
  size_t ordered_count_ = 0;
  size_t refined_count_ = 0;
  /// Of the last Compare, the largest.
  float error_ = 0;
  bool needs_floats_ = false;
  ClusterSorter sorter_;
};

/// What probe curves go by: squared distances, which rise. For dot those of <q, c> from the largest
/// inner product that any centroid could have.
void AppendProbeDistances(const Model& model, std::span<const float> query,
                          std::span<const ClusterDistance> ranked,
                          std::vector<float>& squared_distances);
/// The nearest `count` clusters of a query (or all), nearest first, by exact centroid distances.
std::vector<ClusterDistance> RankClusters(const Model& model, std::span<const float> query,
                                          size_t count);

}  // namespace viper::index
