#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "index/byte_row.h"
#include "index/model.h"
#include "index/segment.h"
#include "kernels/code_block.h"

namespace viper::index {

/// A query in the forms that the stages of a search compare rows with. Keeps its memory from one
/// query to the next. Not thread-safe.
class PreparedQuery {
 public:
  /// `query`: dim finite floats; both outlive the use.
  void Prepare(const Model& model, std::span<const float> query);

  const Model& model() const { return *model_; }
  /// As it was given.
  std::span<const float> plain() const { return plain_; }
  double squared_plain_norm() const { return squared_plain_norm_; }
  /// As Model::PrepareQuery leaves it.
  const float* prepared() const { return prepared_.data(); }
  float squared_norm() const { return squared_norm_; }

  /// Look-up tables against 1-bit codes.
  const kernels::CodeTable& table() const { return table_; }
  /// <x, q> - sum q_i / 2 of a code x whose look-ups sum to 0.
  float centre() const { return centre_; }
  /// Against byte rows of a kind, made when first asked for.
  const ByteQuery& bytes(ByteRows kind);

  /// A distance in the metric's own sense, as it is in the prepared space: what bounds of codes
  /// and bytes are compared with.
  float PreparedValue(double distance) const;

 private:
  void BuildTable();

  const Model* model_ = nullptr;
  std::span<const float> plain_;
  double squared_plain_norm_ = 0;
  /// Of dot only: the inner product with the mean of the rows.
  double dot_with_mean_ = 0;
  std::vector<float> prepared_;
  std::vector<float> rotated_;
  float squared_norm_ = 0;
  std::vector<uint8_t> entries_;
  kernels::CodeTable table_;
  float centre_ = 0;
  std::array<ByteQuery, 3> byte_queries_;
  std::array<bool, 3> byte_query_is_ready_ = {};
};

}  // namespace viper::index
