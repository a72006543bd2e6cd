#include "index/model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/finite.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "index/byte_row.h"
#include "index/exact_distance.h"
#include "index/row_code.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

using kernels::kBlockRows;

// "VIPERMDL" in the order of the bytes.
constexpr uint64_t kMagic = 0x4C444D5245504956;
constexpr uint32_t kFormatVersion = 5;
constexpr size_t kHeaderBytes = 56;
constexpr uint64_t kCurvesMax = 100;

Status Damaged(std::string_view what) {
  return Status::Corruption(fmt::format("index model is damaged: {}", what));
}

Status CheckContent(const ModelContent& content) {
  const size_t dim = content.dim;
  const bool sizes_fit = dim >= 1 && dim <= kDimMax && content.code_dim >= dim &&
                         content.code_dim % 8 == 0 && content.code_dim <= CodeDimFor(dim) &&
                         content.mean.size() == dim && !content.centroids.empty() &&
                         content.centroids.size() % dim == 0;
  if (!sizes_fit) {
    return Status::InvalidArgument(
        fmt::format("index model contradicts itself: dim={} code_dim={} mean={} centroids={}", dim,
                    content.code_dim, content.mean.size(), content.centroids.size()));
  }
  if (!std::isfinite(content.scale) || content.scale <= 0 || !AreFinite(content.mean) ||
      !AreFinite(content.centroids)) {
    return Status::InvalidArgument("index model holds a number that is not finite");
  }
  for (const float x : content.centroids) {
    // Training scales rows so that components of centroids are of the order of one.
    if (std::fabs(x) > Model::kReach) {
      return Status::InvalidArgument(fmt::format(
          "index model holds a centroid that is too long: max={} actual={}", Model::kReach, x));
    }
  }
  return {};
}

void PutFloats(ByteWriter& writer, std::span<const float> floats) {
  writer.PutBytes(std::as_bytes(floats));
}

/// Sums of squares in single precision that neither lost much nor are near its end.
constexpr float kSquaredMin = 1e-30F;
constexpr float kSquaredMax = 1e30F;

/// The multiplier that normalises a row for cosine; 0 for a zero row.
double InverseNorm(const std::byte* row, size_t dim) {
  float squared = 0;
  kernels::Active().squared_norm(row, 1, dim, &squared);
  if (squared >= kSquaredMin && squared <= kSquaredMax) return double{1 / std::sqrt(squared)};
  double sum = 0;
  for (size_t i = 0; i < dim; ++i) {
    float x = 0;
    std::memcpy(&x, row + i * sizeof(float), sizeof(x));
    sum += double{x} * double{x};
  }
  return sum == 0 ? 0 : 1 / std::sqrt(sum);
}

}  // namespace

size_t CodeDimFor(size_t dim) {
  constexpr size_t kLeast = 64;
  return std::max(kLeast, (dim + 7) / 8 * 8);
}

Result<std::shared_ptr<const Model>> Model::Make(ModelContent content) {
  VIPER_RETURN_IF_ERROR(CheckContent(content));
  return std::shared_ptr<const Model>(new Model(std::move(content)));  // NOLINT: private
}

Model::Model(ModelContent content)
    : content_(std::move(content)),
      rotation_(content_.dim, content_.code_dim, content_.rotation_seed) {
  mean_norm_ = std::sqrt(SquaredNormOf(content_.mean.data(), content_.dim));
  const size_t count = cluster_count();
  const size_t code_dim = content_.code_dim;
  rotated_centroids_.resize(count * code_dim);
  for (size_t i = 0; i < count; ++i) {
    rotation_.Apply(centroid(i), rotated_centroids_.data() + i * code_dim);
    max_centroid_norm_ =
        std::max(max_centroid_norm_, std::sqrt(SquaredNormOf(centroid(i), content_.dim)));
  }
  const size_t block_bytes = kernels::BlockBytes(planes());
  centroid_blocks_.resize((count + kBlockRows - 1) / kBlockRows * block_bytes);
  const std::vector<float> origin(code_dim);
  std::vector<uint8_t> bits(planes());
  for (size_t i = 0; i < count; ++i) {
    const RowFactors factors =
        EncodeRow(content_.metric, rotated_centroid(i), origin.data(), planes(), bits.data());
    StoreRow(bits.data(), factors, planes(), i % kBlockRows,
             centroid_blocks_.data() + i / kBlockRows * block_bytes);
  }
  if (count % kBlockRows != 0) {
    PadBlock(planes(), count % kBlockRows,
             centroid_blocks_.data() + count / kBlockRows * block_bytes);
  }
  const size_t row_bytes = ByteRowBytes(ByteRows::kScaled, *this);
  byte_centroids_.resize(count * row_bytes);
  for (size_t i = 0; i < count; ++i) {
    EncodeByteRow(ByteRows::kScaled, {rotated_centroid(i), code_dim},
                  byte_centroids_.data() + i * row_bytes);
  }
  id_ = Hash64(EncodeGeometry());
}

std::vector<std::byte> Model::EncodeGeometry() const {
  std::vector<std::byte> bytes;
  bytes.reserve(kHeaderBytes + (content_.mean.size() + content_.centroids.size()) * sizeof(float));
  ByteWriter writer(bytes);
  writer.PutFixed64(kMagic);
  writer.PutFixed32(kFormatVersion);
  writer.PutFixed32(static_cast<uint32_t>(content_.metric));
  writer.PutFixed64(content_.dim);
  writer.PutFixed64(content_.code_dim);
  writer.PutFixed64(content_.rotation_seed);
  writer.PutFixed64(cluster_count());
  writer.PutFixed32(std::bit_cast<uint32_t>(content_.scale));
  bytes.resize(kHeaderBytes);
  PutFloats(writer, content_.mean);
  PutFloats(writer, content_.centroids);
  return bytes;
}

std::vector<std::byte> Model::Encode() const {
  std::vector<std::byte> bytes = EncodeGeometry();
  ByteWriter writer(bytes);
  content_.record.Encode(writer);
  writer.PutVarint(content_.probes.size());
  for (const ProbeCurve& curve : content_.probes) curve.Encode(writer);
  writer.PutFixed32(crc32c::Value(bytes));
  return bytes;
}

std::shared_ptr<const Model> Model::WithRecord(ModelRecord record) const {
  std::shared_ptr<Model> copy(new Model(*this));  // NOLINT: private
  copy->content_.record = std::move(record);
  return copy;
}

Result<std::shared_ptr<const Model>> Model::Decode(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderBytes + sizeof(uint32_t)) return Damaged("too short");
  const std::byte* at = bytes.data();
  if (LoadFixed<uint64_t>(at) != kMagic) return Damaged("wrong magic number");
  if (const auto version = LoadFixed<uint32_t>(at + 8); version != kFormatVersion) {
    return Status::FailedPrecondition(fmt::format(
        "index model has another format version: expected={} actual={}", kFormatVersion, version));
  }
  const size_t body = bytes.size() - sizeof(uint32_t);
  if (LoadFixed<uint32_t>(at + body) != crc32c::Value(bytes.first(body))) {
    return Damaged("checksum");
  }
  ModelContent content;
  const auto metric = LoadFixed<uint32_t>(at + 12);
  if (metric > static_cast<uint32_t>(Metric::kDot)) return Damaged("unknown metric");
  content.metric = static_cast<Metric>(metric);
  content.dim = LoadFixed<uint64_t>(at + 16);
  content.code_dim = LoadFixed<uint64_t>(at + 24);
  content.rotation_seed = LoadFixed<uint64_t>(at + 32);
  const auto clusters = LoadFixed<uint64_t>(at + 40);
  content.scale = std::bit_cast<float>(LoadFixed<uint32_t>(at + 48));
  const size_t floats = (body - kHeaderBytes) / sizeof(float);
  if (content.dim == 0 || content.dim > floats || clusters == 0 ||
      clusters > floats / content.dim - 1) {
    return Damaged("sizes");
  }
  ByteReader reader(bytes.first(body).subspan(kHeaderBytes));
  content.mean.resize(content.dim);
  content.centroids.resize(clusters * content.dim);
  for (std::vector<float>* target : {&content.mean, &content.centroids}) {
    const auto part = reader.ReadBytes(target->size() * sizeof(float));
    if (!part) return Damaged("sizes");
    std::memcpy(target->data(), part->data(), part->size());
  }
  auto record = ModelRecord::Decode(reader);
  if (!record) return Damaged("record");
  content.record = std::move(*record);
  const auto curve_count = reader.ReadVarint();
  if (!curve_count || *curve_count > kCurvesMax) return Damaged("probe curves");
  for (uint64_t i = 0; i < *curve_count; ++i) {
    auto curve = ProbeCurve::Decode(reader);
    if (!curve) return Damaged("probe curves");
    if (!content.probes.empty() && curve->k() <= content.probes.back().k()) {
      return Damaged("order of probe curves");
    }
    content.probes.push_back(std::move(*curve));
  }
  if (!reader.done()) return Damaged("probe curves");
  auto model = Make(std::move(content));
  if (!model.ok()) return Damaged(model.status().message());
  return model;
}

void Model::PrepareRows(const std::byte* rows, size_t count, float* prepared) const {
  const size_t dim = content_.dim;
  for (size_t row = 0; row < count; ++row) {
    const std::byte* from = rows + row * dim * sizeof(float);
    float* to = prepared + row * dim;
    std::memcpy(to, from, dim * sizeof(float));
    const double factor = content_.metric == Metric::kCosine ? InverseNorm(from, dim) : 1;
    // The inverse of a very short vector is beyond single precision.
    float squared = std::numeric_limits<float>::infinity();
    if (factor <= double{kSquaredMax}) {
      const auto single = static_cast<float>(factor);
      for (size_t i = 0; i < dim; ++i) {
        to[i] = (to[i] * single - content_.mean[i]) * content_.scale;
      }
      kernels::Active().squared_norm(reinterpret_cast<const std::byte*>(to), 1, dim, &squared);
    }
    if (!(squared <= kReach * kReach)) PrepareInDouble(from, factor, {to, dim});
  }
}

void Model::PrepareInDouble(const std::byte* row, double factor, std::span<float> prepared) const {
  std::vector<double> values(prepared.size());
  double squared = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    float x = 0;
    std::memcpy(&x, row + i * sizeof(float), sizeof(x));
    values[i] = (double{x} * factor - double{content_.mean[i]}) * double{content_.scale};
    squared += values[i] * values[i];
  }
  const double shorten = std::min(1.0, double{kReach} / std::sqrt(squared));
  for (size_t i = 0; i < values.size(); ++i) {
    prepared[i] = static_cast<float>(values[i] * shorten);
  }
}

bool Model::Reaches(const float* query) const {
  if (content_.metric == Metric::kCosine) return true;
  float squared = 0;
  kernels::Active().squared_norm(reinterpret_cast<const std::byte*>(query), 1, content_.dim,
                                 &squared);
  // Products with a very short query vanish.
  if (content_.metric == Metric::kDot) return squared >= kSquaredMin && squared <= kReach * kReach;
  return (std::sqrt(double{squared}) + mean_norm_) * double{content_.scale} <= double{kReach};
}

void Model::PrepareQuery(const float* query, float* prepared) const {
  if (content_.metric == Metric::kDot) {
    const double norm = std::sqrt(SquaredNormOf(query, content_.dim));
    const double shorten = norm > double{kReach} ? double{kReach} / norm : 1;
    for (size_t i = 0; i < content_.dim; ++i) {
      prepared[i] = static_cast<float>(double{query[i]} * shorten);
    }
    return;
  }
  PrepareRows(reinterpret_cast<const std::byte*>(query), 1, prepared);
}

}  // namespace viper::index
