#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/bitmap.h"
#include "base/random.h"
#include "index/exact_distance.h"
#include "index/model.h"
#include "index/model_training.h"
#include "index/segment.h"
#include "index/top_rows.h"

namespace viper::index {

/// A model that leaves rows as they are: code_dim = dim, mean 0, scale 1, one centroid at 0.
inline std::shared_ptr<const Model> MakePlainModel(Metric metric, size_t dim) {
  ModelContent content;
  content.metric = metric;
  content.dim = dim;
  content.code_dim = (dim + 7) / 8 * 8;
  content.mean.assign(dim, 0);
  content.centroids.assign(dim, 0);
  return Model::Make(std::move(content)).value();
}

/// Components of about the normal distribution.
inline std::vector<float> NormalVector(size_t dim, Random& random) {
  std::vector<float> vector(dim);
  for (float& x : vector) {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random.Uniform(1 << 20)) / (1 << 20);
    x = static_cast<float>(sum - 6);
  }
  return vector;
}

/// Rows around random centres, as data with neighbours worth finding has them.
inline std::vector<float> ClusteredRows(size_t count, size_t dim, size_t centres, Random& random) {
  std::vector<float> middles;
  for (size_t i = 0; i < centres; ++i) {
    for (const float x : NormalVector(dim, random)) middles.push_back(3 * x);
  }
  std::vector<float> rows;
  rows.reserve(count * dim);
  for (size_t i = 0; i < count; ++i) {
    const size_t centre = random.Uniform(centres);
    const std::vector<float> noise = NormalVector(dim, random);
    for (size_t j = 0; j < dim; ++j) rows.push_back(middles[centre * dim + j] + noise[j]);
  }
  return rows;
}

/// Rows in memory with a model and a segment over them.
struct BuiltIndex {
  std::vector<float> rows;
  size_t dim = 0;
  std::shared_ptr<const Model> model;
  std::vector<uint32_t> clusters;
  std::vector<std::byte> bytes;
  std::unique_ptr<const Segment> segment;

  size_t count() const { return rows.size() / dim; }
  const std::byte* Row(uint64_t row) const {
    return reinterpret_cast<const std::byte*>(rows.data() + row * dim);
  }
  /// Ids in the order of ExactDistance, then number.
  std::vector<ScoredRow> Nearest(std::span<const float> query, size_t k,
                                 const Bitmap* selection = nullptr) const {
    std::vector<ScoredRow> all;
    for (uint64_t i = 0; i < count(); ++i) {
      if (selection != nullptr && !selection->Test(i)) continue;
      all.push_back({i, ExactDistance(model->metric(), Row(i), query.data(), dim)});
    }
    std::sort(all.begin(), all.end(), [](const ScoredRow& a, const ScoredRow& b) {
      return std::pair(a.distance, a.row) < std::pair(b.distance, b.row);
    });
    all.resize(std::min(all.size(), k));
    return all;
  }
};

inline std::vector<std::byte> WriteSegmentBytes(const BuiltIndex& built, ByteRows kind) {
  std::vector<std::byte> bytes;
  SegmentInput input;
  input.model = built.model;
  input.parts = {{"part-a.parquet", 1234, built.count()}};
  input.byte_rows = kind;
  input.clusters = built.clusters;
  input.floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
  input.append = [&bytes](std::span<const std::byte> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return Status::Ok();
  };
  const Status written = WriteSegment(input);
  EXPECT_TRUE(written.ok()) << written.ToString();
  return bytes;
}

inline BuiltIndex BuildIndex(std::vector<float> rows, size_t dim, Metric metric,
                             size_t cluster_count, ByteRows kind) {
  BuiltIndex built;
  built.rows = std::move(rows);
  built.dim = dim;
  TrainingOptions options;
  options.metric = metric;
  options.dim = dim;
  options.cluster_count = cluster_count;
  options.row_count = built.count();
  built.model = TrainModel(built.rows, options).value();
  built.clusters.resize(built.count());
  ClusterAssigner(built.model).Assign(built.Row(0), built.count(), built.clusters.data(), nullptr);
  built.bytes = WriteSegmentBytes(built, kind);
  built.segment = Segment::Open(built.bytes, *built.model).value();
  return built;
}

}  // namespace viper::index
