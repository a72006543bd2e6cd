// The specification of the kernels, written for reading: one sum in double precision per pair,
// rounded once. The other levels are tested against it.

#include <cstring>

#include "kernels/level_functions.h"

namespace viper::kernels::scalar {
namespace {

double LoadComponent(const std::byte* row, size_t i) {
  float component = 0;
  std::memcpy(&component, row + i * sizeof(float), sizeof(float));
  return component;
}

}  // namespace

void Dot(const std::byte* rows, size_t row_count, size_t dim, const float* query, float* out) {
  for (size_t r = 0; r < row_count; ++r) {
    const std::byte* row = rows + r * dim * sizeof(float);
    double sum = 0;
    for (size_t i = 0; i < dim; ++i) sum += LoadComponent(row, i) * query[i];
    out[r] = static_cast<float>(sum);
  }
}

void SquaredL2(const std::byte* rows, size_t row_count, size_t dim, const float* query,
               float* out) {
  for (size_t r = 0; r < row_count; ++r) {
    const std::byte* row = rows + r * dim * sizeof(float);
    double sum = 0;
    for (size_t i = 0; i < dim; ++i) {
      const double difference = LoadComponent(row, i) - query[i];
      sum += difference * difference;
    }
    out[r] = static_cast<float>(sum);
  }
}

void SquaredNorm(const std::byte* rows, size_t row_count, size_t dim, float* out) {
  for (size_t r = 0; r < row_count; ++r) {
    const std::byte* row = rows + r * dim * sizeof(float);
    double sum = 0;
    for (size_t i = 0; i < dim; ++i) sum += LoadComponent(row, i) * LoadComponent(row, i);
    out[r] = static_cast<float>(sum);
  }
}

void DotAndSquaredNorm(const std::byte* rows, size_t row_count, size_t dim, const float* query,
                       float* dots, float* squared_norms) {
  Dot(rows, row_count, dim, query, dots);
  SquaredNorm(rows, row_count, dim, squared_norms);
}

}  // namespace viper::kernels::scalar
