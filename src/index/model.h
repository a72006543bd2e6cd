#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "index/model_record.h"
#include "index/probe_curve.h"
#include "index/rotation.h"
#include "viper/result.h"
#include "viper/schema.h"

namespace viper::index {

/// The bits of a code for rows of `dim` components: a multiple of 8, and at least 64, since few
/// dimensions say too little.
size_t CodeDimFor(size_t dim);

/// What a model is made of; a function of the rows it was trained on and a seed.
struct ModelContent {
  Metric metric = Metric::kL2;
  size_t dim = 0;
  /// Bits of a code, a multiple of 8, at least dim and at most CodeDimFor(dim).
  size_t code_dim = 0;
  uint64_t rotation_seed = 0;
  /// Brings the residuals of rows to lengths of about one, so that factors fit half precision.
  float scale = 1;
  /// Mean of the (for cosine, normalised) rows; dim floats.
  std::vector<float> mean;
  /// cluster_count x dim, in the prepared space.
  std::vector<float> centroids;
  /// How many clusters a query has to see.
  std::vector<ProbeCurve> probes;
  ModelRecord record;
};

/// What rows and queries are compared through: the mean, the rotation and the centroids. Immutable,
/// thread-safe. Rows of all metrics are *prepared*: for cosine normalised (a zero row stays zero),
/// then the mean subtracted and multiplied by `scale`. For l2 and cosine the squared distance of
/// prepared vectors orders rows as the metric does; for dot <q, o> / scale does, up to a constant
/// of the query, where q is the query as it is.
class Model {
 public:
  /// InvalidArgument if the content contradicts itself.
  static Result<std::shared_ptr<const Model>> Make(ModelContent content);
  /// The stored form, checksummed (docs/format/index.md). Corruption, or FailedPrecondition for
  /// another format version.
  static Result<std::shared_ptr<const Model>> Decode(std::span<const std::byte> bytes);
  std::vector<std::byte> Encode() const;
  /// The same model, of which this is known.
  std::shared_ptr<const Model> WithRecord(ModelRecord record) const;

  const ModelContent& content() const { return content_; }
  const ModelRecord& record() const { return content_.record; }
  Metric metric() const { return content_.metric; }
  size_t dim() const { return content_.dim; }
  size_t code_dim() const { return content_.code_dim; }
  /// Bytes of a code.
  size_t planes() const { return content_.code_dim / 8; }
  size_t cluster_count() const { return content_.centroids.size() / content_.dim; }
  /// Names this model: a hash of everything that codes depend on.
  uint64_t id() const { return id_; }

  const float* centroid(size_t cluster) const {
    return content_.centroids.data() + cluster * content_.dim;
  }
  /// code_dim floats.
  const float* rotated_centroid(size_t cluster) const {
    return rotated_centroids_.data() + cluster * content_.code_dim;
  }
  /// Of the prepared centroids.
  double max_centroid_norm() const { return max_centroid_norm_; }
  const Rotation& rotation() const { return rotation_; }
  /// Codes of the centroids relative to the mean, in blocks (kernels::BlockBytes).
  std::span<const std::byte> centroid_blocks() const { return centroid_blocks_; }
  /// The rotated centroid as a byte row (ByteRows::kScaled): a quarter of its floats to read.
  const std::byte* byte_centroid(size_t cluster) const {
    return byte_centroids_.data() + cluster * (byte_centroids_.size() / cluster_count());
  }

  /// Prepared vectors are not longer: so that squares, and sums of them, are finite.
  static constexpr float kReach = 1e15F;
  /// Prepare `count` rows of dim floats at any byte address. One that is longer than kReach is
  /// shortened to it: far from everything all the same, and no bound on its distance becomes too
  /// large.
  void PrepareRows(const std::byte* rows, size_t count, float* prepared) const;
  /// Whether codes tell rows apart for a query: not if it is shortened, or of no length under dot.
  bool Reaches(const float* query) const;
  /// Prepare a query: as a row, but for dot left as it is, or shortened.
  void PrepareQuery(const float* query, float* prepared) const;

 private:
  explicit Model(ModelContent content);
  void PrepareInDouble(const std::byte* row, double factor, std::span<float> prepared) const;
  /// All that codes depend on: the probe model may be fitted anew without coding anew.
  std::vector<std::byte> EncodeGeometry() const;

  ModelContent content_;
  uint64_t id_ = 0;
  Rotation rotation_;
  double max_centroid_norm_ = 0;
  double mean_norm_ = 0;
  std::vector<float> rotated_centroids_;
  std::vector<std::byte> centroid_blocks_;
  std::vector<std::byte> byte_centroids_;
};

}  // namespace viper::index
