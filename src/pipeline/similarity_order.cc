#include "pipeline/similarity_order.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <numeric>
#include <tuple>

#include <fmt/core.h>

#include "base/hash.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "index/clustering.h"

namespace viper::pipeline {
namespace {

constexpr uint64_t kOrderSeed = 0x51A1;
constexpr size_t kCentroidsMax = 1024;
/// Of the sample, for each centroid.
constexpr size_t kRowsPerCentroid = 64;
/// Rows that are assigned at once.
constexpr size_t kAssignedRows = 1024;
/// Rows that should share their sides, about; sides at most.
constexpr size_t kRowsPerCode = 8;
constexpr int kPlanesMax = 24;

/// Copy a row, under cosine brought to length one.
void CopyRow(const std::byte* row, size_t dim, Metric metric, float* out) {
  std::memcpy(out, row, dim * sizeof(float));
  if (metric != Metric::kCosine) return;
  double squared = 0;
  for (size_t i = 0; i < dim; ++i) squared += static_cast<double>(out[i]) * out[i];
  if (squared == 0) return;
  const double scale = 1 / std::sqrt(squared);
  for (size_t i = 0; i < dim; ++i) out[i] = static_cast<float>(out[i] * scale);
}

double SquaredDistance(const float* a, const float* b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return sum;
}

/// The place of each centroid in a chain: the first, then always the nearest that is left.
std::vector<uint32_t> ChainPlaces(const index::Clustering& clustering) {
  const size_t count = clustering.cluster_count();
  const size_t dim = clustering.dim();
  const float* centroids = clustering.centroids().data();
  std::vector<uint32_t> places(count, std::numeric_limits<uint32_t>::max());
  size_t current = 0;
  for (uint32_t place = 0; place < count; ++place) {
    places[current] = place;
    size_t nearest = current;
    double nearest_distance = std::numeric_limits<double>::infinity();
    for (size_t other = 0; other < count; ++other) {
      if (places[other] != std::numeric_limits<uint32_t>::max()) continue;
      const double distance =
          SquaredDistance(centroids + current * dim, centroids + other * dim, dim);
      if (distance < nearest_distance) {
        nearest_distance = distance;
        nearest = other;
      }
    }
    current = nearest;
  }
  return places;
}

std::vector<float> SampleFloats(std::span<const std::byte* const> rows, size_t dim, Metric metric,
                                size_t wanted) {
  const size_t count = std::min(wanted, rows.size());
  std::vector<float> sample(count * dim);
  for (size_t i = 0; i < count; ++i) {
    CopyRow(rows[i * rows.size() / count], dim, metric, sample.data() + i * dim);
  }
  return sample;
}

/// Normally distributed (Box and Muller).
double NextNormal(Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.UniformDouble()));
  return radius * std::cos(2 * std::numbers::pi * random.UniformDouble());
}

/// The number whose Gray code this is.
uint32_t GrayRank(uint32_t code) {
  for (int shift = 1; shift < 32; shift *= 2) code ^= code >> shift;
  return code;
}

}  // namespace

Result<SimilarityOrder> OrderByClusters(std::span<const std::byte* const> rows, size_t dim,
                                        Metric metric) {
  SimilarityOrder result;
  result.order.resize(rows.size());
  std::iota(result.order.begin(), result.order.end(), 0U);
  if (rows.empty()) return result;
  const size_t centroids = std::clamp<size_t>(
      static_cast<size_t>(std::sqrt(static_cast<double>(rows.size()))), 1, kCentroidsMax);
  const std::vector<float> sample = SampleFloats(rows, dim, metric, centroids * kRowsPerCentroid);
  VIPER_ASSIGN_OR_RETURN(const index::Clustering clustering,
                         index::TrainClustering(sample.data(), sample.size() / dim, dim,
                                                {.cluster_count = centroids, .seed = kOrderSeed}));
  const std::vector<uint32_t> places = ChainPlaces(clustering);
  std::vector<uint32_t> clusters(rows.size());
  std::vector<float> distances(rows.size());
  std::vector<float> block(std::min(rows.size(), kAssignedRows) * dim);
  for (size_t first = 0; first < rows.size(); first += kAssignedRows) {
    const size_t count = std::min(kAssignedRows, rows.size() - first);
    for (size_t i = 0; i < count; ++i) {
      CopyRow(rows[first + i], dim, metric, block.data() + i * dim);
    }
    clustering.Assign(block.data(), count, clusters.data() + first, distances.data() + first);
  }
  std::sort(result.order.begin(), result.order.end(), [&](uint32_t a, uint32_t b) {
    return std::tuple(places[clusters[a]], distances[a], a) <
           std::tuple(places[clusters[b]], distances[b], b);
  });
  result.model = fmt::format("{:016x}", Hash64(std::as_bytes(clustering.centroids())));
  return result;
}

std::vector<uint32_t> OrderByHyperplanes(std::span<const std::byte* const> rows, size_t dim,
                                         Metric metric) {
  std::vector<uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0U);
  if (rows.size() < 2) return order;
  const auto planes = static_cast<size_t>(
      std::clamp(static_cast<int>(std::bit_width(rows.size() / kRowsPerCode)), 1, kPlanesMax));
  Random random(kOrderSeed);
  std::vector<double> normals(planes * dim);
  for (double& component : normals) component = NextNormal(random);
  std::vector<double> mean(dim);
  std::vector<float> row(dim);
  for (const std::byte* bytes : rows) {
    CopyRow(bytes, dim, metric, row.data());
    for (size_t i = 0; i < dim; ++i) mean[i] += row[i] / static_cast<double>(rows.size());
  }
  struct Key {
    uint32_t rank = 0;
    double side = 0;
  };
  std::vector<Key> keys(rows.size());
  for (size_t r = 0; r < rows.size(); ++r) {
    CopyRow(rows[r], dim, metric, row.data());
    uint32_t code = 0;
    for (size_t plane = 0; plane < planes; ++plane) {
      double side = 0;
      for (size_t i = 0; i < dim; ++i) side += normals[plane * dim + i] * (row[i] - mean[i]);
      code = 2 * code + (side > 0 ? 1 : 0);
      keys[r].side = side;
    }
    keys[r].rank = GrayRank(code);
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::tuple(keys[a].rank, keys[a].side, a) < std::tuple(keys[b].rank, keys[b].side, b);
  });
  return order;
}

}  // namespace viper::pipeline
