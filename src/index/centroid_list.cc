#include "index/centroid_list.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/assert.h"

namespace viper::index {
namespace {

using kernels::kPanelLanes;
using kernels::PanelLine;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// -|vector - origin|^2 / 2, of the difference as it is rounded in a panel.
float BiasOf(const float* vector, std::span<const float> origin) {
  double squared_norm = 0;
  for (size_t i = 0; i < origin.size(); ++i) {
    const float component = vector[i] - origin[i];
    squared_norm += double{component} * component;
  }
  return static_cast<float>(-squared_norm / 2);
}

/// Put 1 to kPanelLanes vectors less the origin into a panel.
void PackPanel(std::span<const float* const> vectors, std::span<const float> biases,
               std::span<const float> origin, PanelLine* panel) {
  // Lanes without a vector repeat the first one, which is less work than asking each time; their
  // bias rules them out.
  std::array<const float*, kPanelLanes> of_lane;
  for (size_t lane = 0; lane < kPanelLanes; ++lane) {
    of_lane[lane] = vectors[lane < vectors.size() ? lane : 0];
    panel[0].lanes[lane] = lane < vectors.size() ? biases[lane] : -kInfinity;
  }
  for (size_t i = 0; i < origin.size(); ++i) {
    for (size_t lane = 0; lane < kPanelLanes; ++lane) {
      panel[1 + i].lanes[lane] = of_lane[lane][i] - origin[i];
    }
  }
}

}  // namespace

CentroidList::CentroidList(std::vector<float> vectors, size_t dim)
    : dim_(dim), vectors_(std::move(vectors)) {
  VIPER_ASSERT(dim > 0 && vectors_.size() % dim == 0);
  const size_t count = vectors_.size() / dim;
  if (count > 0) origin_ = MeanOf(vectors_.data(), count, dim);
  biases_.reserve(count);
  for (size_t v = 0; v < count; ++v) biases_.push_back(BiasOf(vector(v), origin_));
}

void CentroidList::Pack(std::span<const uint32_t> numbers, std::vector<PanelLine>& panels) const {
  panels.resize(PanelCount(numbers.size()) * (dim_ + 1));
  std::array<const float*, kPanelLanes> vectors;
  std::array<float, kPanelLanes> biases;
  for (size_t first = 0; first < numbers.size(); first += kPanelLanes) {
    const size_t count = std::min(kPanelLanes, numbers.size() - first);
    for (size_t lane = 0; lane < count; ++lane) {
      vectors[lane] = vector(numbers[first + lane]);
      biases[lane] = biases_[numbers[first + lane]];
    }
    PackPanel({vectors.data(), count}, {biases.data(), count}, origin_,
              panels.data() + first / kPanelLanes * (dim_ + 1));
  }
}

std::vector<float> MeanOf(const float* vectors, size_t count, size_t dim) {
  std::vector<double> sums(dim);
  for (size_t v = 0; v < count; ++v) {
    for (size_t i = 0; i < dim; ++i) sums[i] += vectors[v * dim + i];
  }
  std::vector<float> mean(dim);
  for (size_t i = 0; i < dim; ++i) {
    mean[i] = static_cast<float>(sums[i] / static_cast<double>(count));
  }
  return mean;
}

void SubtractOrigin(const float* vectors, size_t count, std::span<const float> origin,
                    float* centred) {
  const size_t dim = origin.size();
  for (size_t v = 0; v < count; ++v) {
    for (size_t i = 0; i < dim; ++i) centred[v * dim + i] = vectors[v * dim + i] - origin[i];
  }
}

void PackVectors(const float* vectors, size_t count, size_t dim, std::vector<PanelLine>& panels) {
  const std::vector<float> zero(dim);
  panels.resize(PanelCount(count) * (dim + 1));
  std::array<const float*, kPanelLanes> of_lane;
  std::array<float, kPanelLanes> biases;
  for (size_t first = 0; first < count; first += kPanelLanes) {
    const size_t lanes = std::min(kPanelLanes, count - first);
    for (size_t lane = 0; lane < lanes; ++lane) {
      of_lane[lane] = vectors + (first + lane) * dim;
      biases[lane] = BiasOf(of_lane[lane], zero);
    }
    PackPanel({of_lane.data(), lanes}, {biases.data(), lanes}, zero,
              panels.data() + first / kPanelLanes * (dim + 1));
  }
}

}  // namespace viper::index
