#include "viper/sparse_vector.h"

#include <cmath>

#include <fmt/core.h>

#include "base/zero_count.h"

namespace viper {
namespace {

Status CheckComponent(size_t place, uint32_t index, float value, size_t dim) {
  if (index >= dim) {
    return Status::InvalidArgument(
        fmt::format("sparse vector has an index beyond the dimension: dim={} index={} place={}",
                    dim, index, place));
  }
  if (!std::isfinite(value)) {
    return Status::InvalidArgument(fmt::format(
        "sparse vector holds a component that is not finite: index={} place={}", index, place));
  }
  return Status::Ok();
}

}  // namespace

Result<std::vector<float>> SparseVector::ToDense(size_t dim) const {
  if (indices.size() != values.size()) {
    return Status::InvalidArgument(
        fmt::format("sparse vector has another number of values than of indices: indices={} "
                    "values={}",
                    indices.size(), values.size()));
  }
  std::vector<float> dense(dim);
  std::vector<bool> is_given(dim);
  for (size_t i = 0; i < indices.size(); ++i) {
    if (Status status = CheckComponent(i, indices[i], values[i], dim); !status.ok()) return status;
    if (is_given[indices[i]]) {
      return Status::InvalidArgument(
          fmt::format("sparse vector has an index twice: index={} place={}", indices[i], i));
    }
    is_given[indices[i]] = true;
    dense[indices[i]] = values[i];
  }
  return dense;
}

SparseVector SparseVector::FromDense(std::span<const float> vector) {
  SparseVector sparse;
  for (size_t i = 0; i < vector.size(); ++i) {
    if (IsZero(vector[i])) continue;
    sparse.indices.push_back(static_cast<uint32_t>(i));
    sparse.values.push_back(vector[i]);
  }
  return sparse;
}

std::string_view VectorLayoutName(VectorLayout layout) {
  switch (layout) {
    case VectorLayout::kDense:
      return "dense";
    case VectorLayout::kSparse:
      return "sparse";
    case VectorLayout::kHybrid:
      return "hybrid";
  }
  return "unknown";
}

VectorLayout DetermineStorageFormat(std::span<const float> vector, double threshold) {
  const size_t zeros = CountZeros(std::as_bytes(vector));
  return IsSparse(zeros, vector.size(), threshold) ? VectorLayout::kSparse : VectorLayout::kDense;
}

}  // namespace viper
