#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "viper/export.h"
#include "viper/value.h"

namespace viper {

/// Names a cluster: unique over collections and over the models that a collection has had.
struct VIPER_EXPORT ClusterId {
  std::string collection;
  /// The model's id: a hash of its centroids and of all else that codes depend on.
  uint64_t model = 0;
  /// From 0, within the model.
  uint32_t number = 0;

  /// "films/9f3c2a1b5d0a4c7b/17".
  std::string ToString() const;
  friend bool operator==(const ClusterId&, const ClusterId&) = default;
};

/// Where a vector belongs (Collection::PredictOptimalCluster). Distances are Euclidean, under
/// cosine between the vector divided by its length and centroids of such vectors.
struct ClusterPrediction {
  ClusterId id;
  /// To the centroid of the cluster.
  double distance = 0;
  /// To the nearest other centroid; absent if there is one cluster only.
  std::optional<double> second_distance;
  /// How clear the choice is: 1 - distance / second_distance, from 0 (both are as near) to 1 (it
  /// lies on the centroid); 1 if there is one cluster only.
  double margin = 0;
};

/// A cluster that a search would look into (Collection::PredictRelevantClusters).
struct RelevantCluster {
  ClusterId id;
  /// Of the query to the centroid: Euclidean (cosine: of the query divided by its length); for dot
  /// the metric's own, minus the inner product.
  double distance = 0;
  /// Estimated probability that one of the k nearest, drawn at random, lies in this cluster; absent
  /// beyond the ranks that the model estimates.
  std::optional<double> probability;
  /// Rows of the table's files in it, dead ones included.
  uint64_t row_count = 0;
};

/// What a build measured about one wanted recall, with rows of the table as queries, each apart
/// from itself; means over the queries.
struct RecallMeasurement {
  double asked = 0;
  /// Share of the k true nearest that lie in the clusters that a search looks into.
  double routed = 0;
  /// Share of the k places that a search fills with rows as near as the k-th true nearest.
  double achieved = 0;
  /// Clusters, and rows in them, that a search looks into.
  double probed_clusters = 0;
  double scanned_rows = 0;

  /// Above 0 where more was found than asked for.
  double calibration_error() const { return achieved - asked; }
};

/// How well an index predicts, measured at the end of a build on rows drawn at random; the truth
/// comes from comparing with every row.
struct IndexAccuracy {
  Timestamp measured_at;
  /// Rows in the index then.
  uint64_t rows = 0;
  /// Of so many rows, the share whose cluster is the one with the nearest centroid.
  uint64_t assignment_rows = 0;
  double assignment_agreement = 0;
  /// Queries that `recalls` were measured with: rows that neither centroids nor probe curves were
  /// fitted to by the same build. Their k.
  uint64_t queries = 0;
  uint64_t k = 0;
  std::vector<RecallMeasurement> recalls;
};

/// What was found about real queries (EngineOptions::audit_share) since the collection was opened.
struct RecallAuditReport {
  /// Of one wanted recall.
  struct OfRecall {
    double asked = 0;
    uint64_t audited = 0;
    double mean_recall = 0;
    /// Share of the queries that had at least the recall that they asked for.
    double met_share = 0;
  };

  /// Queries that were asked again exactly; that were left out because too many waited; and for
  /// which that failed.
  uint64_t audited = 0;
  uint64_t dropped = 0;
  uint64_t failed = 0;
  /// Over all of them; absent until one was audited. Recall is the share of the k places filled
  /// with records as near as the k-th of the truth.
  std::optional<double> mean_recall;
  std::optional<double> met_share;
  /// The mean of at least 100 queries is below what they asked for by more than 0.01: the next
  /// build makes searches more cautious.
  bool is_short = false;
  /// By wanted recall, rising; of many the first 32.
  std::vector<OfRecall> by_recall;
};

/// What there is to know about a collection's index (Collection::IndexReport).
struct IndexReport {
  /// The model: see ClusterId::model. `version` counts the models that the collection has had, one
  /// after the other.
  uint64_t model = 0;
  uint64_t version = 0;
  Timestamp trained_at;
  /// Rows that the table had then; those that the model was trained on, and those that it would
  /// have been trained on had EngineOptions::index_memory_bytes allowed.
  uint64_t trained_rows = 0;
  uint64_t sampled_rows = 0;
  uint64_t wanted_rows = 0;
  /// Rows coded since that were in no segment before.
  uint64_t added_rows = 0;

  /// Clusters, and rows of the files in each.
  uint64_t clusters = 0;
  uint64_t cluster_rows_min = 0;
  double cluster_rows_mean = 0;
  uint64_t cluster_rows_max = 0;
  uint64_t segments = 0;
  /// Bytes of the model's and the segments' files.
  uint64_t bytes = 0;
  /// Rows of the table's files that are found through the index, and all of them.
  uint64_t indexed_rows = 0;
  uint64_t table_rows = 0;

  /// How much farther (in the square) than at training rows lie from their centroids, and how much
  /// more uneven the clusters are: 1 = as then.
  double distance_growth = 1;
  double imbalance_growth = 1;
  /// Why the next build trains a new model; absent if it does not.
  std::optional<std::string> retrain_reason;

  /// Absent until measured, which the build that trains a model does.
  std::optional<IndexAccuracy> accuracy;
  /// Searches aim at missing this times what their recall allows: below 1 after audits found too
  /// little.
  double caution = 1;
  RecallAuditReport audit;
  /// Files of the index that were found damaged since the collection was opened, and are not used.
  std::vector<std::string> damaged_files;
};

}  // namespace viper
