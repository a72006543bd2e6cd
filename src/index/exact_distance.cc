#include "index/exact_distance.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

const std::byte* BytesOf(const float* query) { return reinterpret_cast<const std::byte*>(query); }

double DotOf(const std::byte* row, const float* query, size_t dim) {
  return kernels::Active().exact_dot(row, BytesOf(query), dim);
}

double L2Of(const std::byte* row, const float* query, size_t dim) {
  return std::sqrt(kernels::Active().exact_squared_l2(row, BytesOf(query), dim));
}

double CosineOf(const std::byte* row, const float* query, size_t dim, double squared_query_norm) {
  const double squared_norm = kernels::Active().exact_dot(row, row, dim);
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

double SquaredNormOf(const float* query, size_t dim) { return DotOf(BytesOf(query), query, dim); }

double ScoreOf(Metric metric, double distance) {
  return metric == Metric::kCosine ? 1 - distance : 0 - distance;
}

}  // namespace viper::index
