#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/coding.h"
#include "base/held_floats.h"
#include "index/model.h"
#include "platform/cut_guard.h"
#include "platform/thread_pool.h"
#include "viper/result.h"

namespace viper::index {

/// The codes of the rows of one or several parts under one model, cluster after cluster: what a
/// query scans. An immutable, checksummed file that is mapped; docs/format/index.md has the bytes.
/// It can be lost at any time and is made again from the parts.

/// A part whose rows a segment holds. Rows of a segment are numbered through its parts in order.
struct SegmentPart {
  std::string path;
  uint64_t file_bytes = 0;
  uint64_t row_count = 0;
  friend bool operator==(const SegmentPart&, const SegmentPart&) = default;
};

/// How the second stage keeps rows: one byte a component, and factors.
enum class ByteRows : uint8_t {
  kNone = 0,
  /// The rotated row in whole steps of a size of its own.
  kScaled = 1,
  /// The row itself, for l2, where every component of every row is a whole number of 0 to 255: then
  /// distances to such queries come out exact.
  kWhole = 2,
};

/// Bytes of a row of the second stage, its factors included.
size_t ByteRowBytes(ByteRows kind, const Model& model);

/// The rows of a cluster in a segment.
struct ClusterView {
  uint32_t row_count = 0;
  /// Blocks of 64 codes, kernels::BlockBytes each; the last is padded.
  const std::byte* blocks = nullptr;
  size_t block_count = 0;
  /// Row i of the cluster: its number in the segment, 4 bytes each, little-endian.
  const std::byte* numbers = nullptr;
  /// Row i of the cluster: its byte row, row_bytes each; null if there are none.
  const std::byte* byte_rows = nullptr;
};

/// Reads a segment from bytes that outlive it. Thread-safe. If they are a file that is cut
/// meanwhile, what it has lost reads as zeros: whoever has read from it asks is_cut() before the
/// result is used.
class Segment {
 public:
  /// Corruption; FailedPrecondition for another format version or model. Checks everything but the
  /// clusters' own bytes, which CheckCluster does.
  static Result<std::unique_ptr<const Segment>> Open(std::span<const std::byte> bytes,
                                                     const Model& model);
  /// The model that the bytes name, to find it by; as Open.
  static Result<uint64_t> ModelIdOf(std::span<const std::byte> bytes);

  uint64_t model_id() const { return model_id_; }
  const std::vector<SegmentPart>& parts() const { return parts_; }
  uint64_t row_count() const { return row_count_; }
  /// Of its rows to the centroids of their clusters, in the prepared space.
  double mean_squared_distance() const { return mean_squared_distance_; }
  ByteRows byte_rows() const { return byte_rows_; }
  size_t cluster_count() const { return clusters_.size(); }
  const ClusterView& cluster(size_t i) const { return clusters_[i]; }
  /// Blocks of all clusters.
  uint64_t block_count() const { return block_count_; }
  /// Rows whose vectors are all zero, under cosine: in no cluster, as they are equally far from
  /// every query.
  std::span<const uint32_t> zero_rows() const { return zero_rows_; }
  /// Compare a cluster's bytes with their checksum, when first asked. Corruption names it. Whoever
  /// scans a cluster asks first.
  Status CheckCluster(size_t i) const {
    if (cluster_is_good_[i].load(std::memory_order_relaxed)) return {};
    return CheckClusterAgain(i);
  }
  /// The same, whether asked before or not: the file may have been overwritten since.
  Status CheckClusterAgain(size_t i) const;
  /// Check, when first asked, that the rows of all clusters are each of the segment's rows once:
  /// without reading the rest of the clusters this finds damaged numbers. Whoever follows the
  /// numbers of a cluster that CheckCluster has not seen asks first. Corruption.
  Status CheckNumbers() const {
    if (numbers_are_good_.load(std::memory_order_relaxed)) return {};
    return CompareNumbers();
  }
  size_t file_bytes() const { return bytes_.size(); }
  /// Whether the file has lost something since it was opened.
  bool is_cut() const { return guard_.is_cut(); }

 private:
  explicit Segment(std::span<const std::byte> bytes) : bytes_(bytes), guard_(bytes) {}
  Status ReadFooter(std::span<const std::byte> footer, const Model& model);
  Status ReadClusters(ByteReader& reader, const Model& model);
  Status CompareCluster(size_t i) const;
  Status CompareNumbers() const;

  const std::span<const std::byte> bytes_;
  const CutGuard guard_;
  uint64_t model_id_ = 0;
  uint64_t row_count_ = 0;
  double mean_squared_distance_ = 0;
  uint64_t block_count_ = 0;
  ByteRows byte_rows_ = ByteRows::kNone;
  std::vector<SegmentPart> parts_;
  std::vector<ClusterView> clusters_;
  std::vector<std::span<const std::byte>> cluster_bytes_;
  std::vector<uint32_t> cluster_crcs_;
  std::vector<uint32_t> zero_rows_;
  mutable std::vector<std::atomic<bool>> cluster_is_good_;
  mutable std::atomic<bool> numbers_are_good_ = false;
};

/// Where a row has a code already; null segment: it has none.
struct KnownCode {
  const Segment* segment = nullptr;
  /// In its cluster.
  uint32_t position = 0;
};

/// Where a segment's rows come from and its bytes go.
struct SegmentInput {
  std::shared_ptr<const Model> model;
  std::vector<SegmentPart> parts;
  ByteRows byte_rows = ByteRows::kScaled;
  /// The floats of a row of the segment; fails for a damaged page.
  std::function<Result<HeldFloats>(uint64_t row)> floats;
  /// The cluster of each row of the segment. Not owned.
  std::span<const uint32_t> clusters;
  /// The code of a row in that cluster of another segment of the same model, which CheckCluster has
  /// seen: it is copied, and the row's floats are not asked for, if the byte rows of both are of
  /// one kind. Such a row is not zero. Empty: all rows are coded.
  std::function<KnownCode(uint64_t row)> known = {};
  double mean_squared_distance = 0;
  /// Takes the next bytes of the file.
  std::function<Status(std::span<const std::byte>)> append;
  ThreadPool* pool = nullptr;
  /// Share done, 0 to 1; false cancels.
  std::function<bool(double)> progress;
};

/// Write a segment. Cancelled; else fails as `floats` and `append` do.
Status WriteSegment(const SegmentInput& input);

}  // namespace viper::index
