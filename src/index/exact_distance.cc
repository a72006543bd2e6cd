#include "index/exact_distance.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace viper::index {
namespace {

double Component(const std::byte* row, size_t i) {
  float component = 0;
  std::memcpy(&component, row + i * sizeof(float), sizeof(float));
  return component;
}

/// term(0) + ... + term(dim - 1) in four sums, so that no addition waits for the one before it.
template <typename Term>
double SumOf(size_t dim, Term term) {
  std::array<double, 4> sums = {};
  size_t i = 0;
  for (; i + sums.size() <= dim; i += sums.size()) {
    for (size_t j = 0; j < sums.size(); ++j) sums[j] += term(i + j);
  }
  for (; i < dim; ++i) sums[0] += term(i);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

double DotOf(const std::byte* row, const float* query, size_t dim) {
  return SumOf(dim, [=](size_t i) { return Component(row, i) * query[i]; });
}

double L2Of(const std::byte* row, const float* query, size_t dim) {
  return std::sqrt(SumOf(dim, [=](size_t i) {
    const double difference = Component(row, i) - query[i];
    return difference * difference;
  }));
}

double CosineOf(const std::byte* row, const float* query, size_t dim, double squared_query_norm) {
  const double squared_norm =
      SumOf(dim, [=](size_t i) { return Component(row, i) * Component(row, i); });
  // Floats have squared norms of 1e-90 to 1e82, so that the product is in range; and its root is
  // exact for a row that equals the query, whose cosine is then 1.
  const double product = squared_norm * squared_query_norm;
  if (product == 0) return 0;
  const double cosine = DotOf(row, query, dim) / std::sqrt(product);
  return std::isfinite(product) ? std::clamp(cosine, -1.0, 1.0) : product;
}

}  // namespace

double ExactDistance(Metric metric, const std::byte* row, const float* query, size_t dim,
                     double squared_query_norm) {
  double distance = 0;
  switch (metric) {
    case Metric::kCosine:
      distance = 1 - CosineOf(row, query, dim, squared_query_norm);
      break;
    case Metric::kL2:
      distance = L2Of(row, query, dim);
      break;
    case Metric::kDot:
      distance = 0 - DotOf(row, query, dim);
      break;
  }
  return std::isfinite(distance) ? distance : std::numeric_limits<double>::infinity();
}

double ExactDistance(Metric metric, const std::byte* row, const float* query, size_t dim) {
  return ExactDistance(metric, row, query, dim,
                       metric == Metric::kCosine ? SquaredNormOf(query, dim) : 0);
}

double SquaredNormOf(const float* query, size_t dim) {
  return SumOf(dim, [=](size_t i) { return double{query[i]} * query[i]; });
}

double ScoreOf(Metric metric, double distance) {
  return metric == Metric::kCosine ? 1 - distance : 0 - distance;
}

}  // namespace viper::index
