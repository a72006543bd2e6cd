#include "viper/sparse_vector.h"

#include <algorithm>
#include <cmath>
#include <optional>

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

/// The second place of an index that comes twice, if one does.
std::optional<size_t> FindRepeated(const std::vector<uint32_t>& indices) {
  std::vector<uint32_t> sorted = indices;
  std::sort(sorted.begin(), sorted.end());
  const auto repeated = std::adjacent_find(sorted.begin(), sorted.end());
  if (repeated == sorted.end()) return std::nullopt;
  const auto first = std::find(indices.begin(), indices.end(), *repeated);
  return static_cast<size_t>(std::find(first + 1, indices.end(), *repeated) - indices.begin());
}

}  // namespace

Status SparseVector::Validate(size_t dim) const {
  if (indices.size() != values.size()) {
    return Status::InvalidArgument(
        fmt::format("sparse vector has another number of values than of indices: indices={} "
                    "values={}",
                    indices.size(), values.size()));
  }
  for (size_t i = 0; i < indices.size(); ++i) {
    Status status = CheckComponent(i, indices[i], values[i], dim);
    if (!status.ok()) return status;
  }
  if (const auto place = FindRepeated(indices)) {
    return Status::InvalidArgument(fmt::format(
        "sparse vector has an index twice: index={} place={}", indices[*place], *place));
  }
  return Status::Ok();
}

Result<std::vector<float>> SparseVector::ToDense(size_t dim) const {
  if (Status status = Validate(dim); !status.ok()) return status;
  std::vector<float> dense(dim);
  for (size_t i = 0; i < indices.size(); ++i) dense[indices[i]] = values[i];
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
