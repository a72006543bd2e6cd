#include "index/centroid_list.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "base/assert.h"

namespace viper::index {
namespace {

using kernels::kPanelLanes;
using kernels::NearestSlot;
using kernels::PanelLine;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Rows that go over the panels together: a multiple of every kernel's tile, enough that panels
/// which come from memory are read at a fraction of its speed, and few enough for the cache.
constexpr size_t kRowsAtOnceMax = 96;
constexpr size_t kRowsAtOnceMin = 12;
constexpr size_t kGatheredBytesMax = size_t{256} * 1024;
/// Panels that rows visit tile after tile: they stay in an L2 cache meanwhile.
constexpr size_t kPanelBytesMax = size_t{512} * 1024;

size_t RowsAtOnce(size_t dim) {
  const size_t fitting = kGatheredBytesMax / (dim * sizeof(float));
  return std::clamp(fitting / kRowsAtOnceMin * kRowsAtOnceMin, kRowsAtOnceMin, kRowsAtOnceMax);
}

size_t PanelsAtOnce(size_t dim) {
  return std::max(kPanelBytesMax / ((dim + 1) * sizeof(PanelLine)), size_t{2});
}

/// The mean of `count` vectors, summed in double precision; dim zeros of none.
std::vector<float> MeanOf(const std::vector<float>& vectors, size_t count, size_t dim) {
  std::vector<double> sums(dim);
  for (size_t v = 0; v < count; ++v) {
    for (size_t i = 0; i < dim; ++i) sums[i] += vectors[v * dim + i];
  }
  std::vector<float> mean(dim);
  for (size_t i = 0; i < dim && count > 0; ++i) {
    mean[i] = static_cast<float>(sums[i] / static_cast<double>(count));
  }
  return mean;
}

/// -|vector - origin|^2 / 2.
float BiasOf(const float* vector, const float* origin, size_t dim) {
  double squared_norm = 0;
  for (size_t i = 0; i < dim; ++i) {
    const double component = vector[i] - origin[i];
    squared_norm += component * component;
  }
  return static_cast<float>(-squared_norm / 2);
}

/// Put up to kPanelLanes vectors less the origin into a panel.
void PackPanel(std::span<const float* const> vectors, std::span<const float> biases,
               std::span<const float> origin, PanelLine* panel) {
  // Lanes without a vector repeat the first one, less work than asking each; the bias rules them
  // out.
  std::array<const float*, kPanelLanes> lane_vectors;
  for (size_t lane = 0; lane < kPanelLanes; ++lane) {
    lane_vectors[lane] = vectors[lane < vectors.size() ? lane : 0];
    panel[0].lanes[lane] = lane < vectors.size() ? biases[lane] : -kInfinity;
  }
  for (size_t i = 0; i < origin.size(); ++i) {
    for (size_t lane = 0; lane < kPanelLanes; ++lane) {
      panel[1 + i].lanes[lane] = lane_vectors[lane][i] - origin[i];
    }
  }
}

size_t PanelCount(size_t vector_count) { return (vector_count + kPanelLanes - 1) / kPanelLanes; }

}  // namespace

CentroidList::CentroidList(std::vector<float> vectors, size_t dim)
    : dim_(dim), vectors_(std::move(vectors)) {
  VIPER_ASSERT(dim > 0 && vectors_.size() % dim == 0);
  const size_t count = vectors_.size() / dim;
  origin_ = MeanOf(vectors_, count, dim);
  biases_.reserve(count);
  for (size_t v = 0; v < count; ++v) biases_.push_back(BiasOf(vector(v), origin_.data(), dim));
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

NearestSearch::NearestSearch(std::span<const float> origin)
    : kernel_(kernels::Active()),
      origin_(origin),
      rows_at_once_(RowsAtOnce(origin.size())),
      panels_at_once_(PanelsAtOnce(origin.size())),
      gathered_(rows_at_once_ * origin.size()),
      partial_(rows_at_once_) {}

void NearestSearch::Gather(const float* row, size_t place) {
  float* gathered = gathered_.data() + place * origin_.size();
  for (size_t i = 0; i < origin_.size(); ++i) gathered[i] = row[i] - origin_[i];
}

void NearestSearch::Find(const float* rows, std::span<const uint32_t> numbers,
                         std::span<const PanelLine> panels, NearestSlot* nearest) {
  for (size_t first = 0; first < numbers.size(); first += rows_at_once_) {
    const size_t count = std::min(rows_at_once_, numbers.size() - first);
    for (size_t i = 0; i < count; ++i) Gather(rows + numbers[first + i] * origin_.size(), i);
    FindForGathered(count, panels, nearest + first);
  }
}

void NearestSearch::Find(const float* rows, size_t count, std::span<const PanelLine> panels,
                         NearestSlot* nearest) {
  for (size_t first = 0; first < count; first += rows_at_once_) {
    const size_t block = std::min(rows_at_once_, count - first);
    for (size_t i = 0; i < block; ++i) Gather(rows + (first + i) * origin_.size(), i);
    FindForGathered(block, panels, nearest + first);
  }
}

void NearestSearch::FindForGathered(size_t count, std::span<const PanelLine> panels,
                                    NearestSlot* nearest) {
  const size_t dim = origin_.size();
  const size_t panel_count = panels.size() / (dim + 1);
  kernel_.nearest(gathered_.data(), count, dim, panels.data(),
                  std::min(panel_count, panels_at_once_), nearest);
  for (size_t first = panels_at_once_; first < panel_count; first += panels_at_once_) {
    kernel_.nearest(gathered_.data(), count, dim, panels.data() + first * (dim + 1),
                    std::min(panel_count - first, panels_at_once_), partial_.data());
    for (size_t i = 0; i < count; ++i) {
      if (!(partial_[i].score > nearest[i].score)) continue;
      nearest[i] = {partial_[i].score,
                    partial_[i].slot + static_cast<uint32_t>(first * kPanelLanes)};
    }
  }
}

void PackVectors(const float* vectors, size_t count, size_t dim, std::vector<PanelLine>& panels) {
  const std::vector<float> zero(dim);
  panels.resize(PanelCount(count) * (dim + 1));
  std::array<const float*, kPanelLanes> lane_vectors;
  std::array<float, kPanelLanes> biases;
  for (size_t first = 0; first < count; first += kPanelLanes) {
    const size_t lanes = std::min(kPanelLanes, count - first);
    for (size_t lane = 0; lane < lanes; ++lane) {
      lane_vectors[lane] = vectors + (first + lane) * dim;
      biases[lane] = BiasOf(lane_vectors[lane], zero.data(), dim);
    }
    PackPanel({lane_vectors.data(), lanes}, {biases.data(), lanes}, zero,
              panels.data() + first / kPanelLanes * (dim + 1));
  }
}

std::vector<uint32_t> NumbersTo(size_t count) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  return numbers;
}

}  // namespace viper::index
