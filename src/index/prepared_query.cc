#include "index/prepared_query.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <numeric>

#include "index/exact_distance.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

constexpr size_t kTableAlignment = 64;

/// Lanes, so that the compiler makes them vectors. `values` are whole lanes.
float SumOf(std::span<const float> values) {
  constexpr size_t kLanes = 8;
  float lanes[kLanes] = {};
  for (size_t i = 0; i < values.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane];
  }
  return std::accumulate(lanes, lanes + kLanes, 0.0F);
}

}  // namespace

void PreparedQuery::Prepare(const Model& model, std::span<const float> query) {
  model_ = &model;
  plain_ = query;
  prepared_.resize(model.dim());
  rotated_.resize(model.code_dim());
  model.PrepareQuery(query.data(), prepared_.data());
  model.rotation().Apply(prepared_.data(), rotated_.data());
  squared_plain_norm_ = SquaredNormOf(query.data(), model.dim());
  squared_norm_ = static_cast<float>(SquaredNormOf(prepared_.data(), model.dim()));
  dot_with_mean_ =
      model.metric() == Metric::kDot
          ? std::inner_product(query.begin(), query.end(), model.content().mean.begin(), 0.0)
          : 0;
  byte_query_is_ready_.fill(false);
  BuildTable();
}

void PreparedQuery::BuildTable() {
  const kernels::KernelTable& kernel = kernels::Active();
  const size_t bytes = kernel.table_bytes(model_->planes());
  entries_.resize(bytes + kTableAlignment);
  void* aligned = entries_.data();
  size_t room = entries_.size();
  table_.entries = static_cast<uint8_t*>(std::align(kTableAlignment, bytes, aligned, room));
  kernel.build_table(rotated_.data(), model_->planes(), &table_);
  centre_ = table_.offset - SumOf(rotated_) / 2;
}

const ByteQuery& PreparedQuery::bytes(ByteRows kind) {
  const auto i = static_cast<size_t>(kind);
  if (!byte_query_is_ready_[i]) {
    byte_queries_[i].Prepare(kind, *model_, plain_, rotated_);
    byte_query_is_ready_[i] = true;
  }
  return byte_queries_[i];
}

float PreparedQuery::PreparedValue(double distance) const {
  const double scale = model_->content().scale;
  double value = (distance + dot_with_mean_) * scale;
  if (model_->metric() == Metric::kL2) value = distance * distance * scale * scale;
  if (model_->metric() == Metric::kCosine) value = 2 * distance * scale * scale;
  // Infinities would make bounds that are no numbers.
  constexpr double kMost = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(value, -kMost, kMost));
}

}  // namespace viper::index
