#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/model.h"
#include "index/segment.h"

namespace viper::index {

/// The second stage: rows of one byte a component (ByteRows), compared with a query of whole
/// numbers by exact integer arithmetic. Between the 1-bit codes, whose error is about a twelfth of
/// a distance, and the floats, of which only the last few rows are then read.

/// Whether every component is a whole number of 0 to 255.
bool IsWhole(std::span<const float> floats);

/// Write the bytes and factors of a row (ByteRowBytes): `row` as it is (dim floats, kWhole) or
/// rotated (code_dim floats, kScaled).
void EncodeByteRow(ByteRows kind, std::span<const float> row, std::byte* out);

/// A query against byte rows of one kind. Against scaled rows it is rounded to a byte a component
/// too: half the work of two, for an error of 1.4 times that of the rows alone. Against whole rows,
/// which are exact, its rounding would be the only one: it takes two bytes where it is not whole
/// itself. Distances are those of the prepared space: squared for l2 and cosine, minus the inner
/// product for dot.
class ByteQuery {
 public:
  /// `query` as it is, `rotated` as Model::PrepareQuery and its rotation give it.
  void Prepare(ByteRows kind, const Model& model, std::span<const float> query,
               std::span<const float> rotated);

  /// Estimates of `count` rows, and how far off each may be (three standard deviations of the
  /// rounding of rows and query; 0 where both are whole).
  void Estimate(const std::byte* const* rows, size_t count, float* estimates, float* errors) const;
  /// Whether estimates have no error: rows and query are whole. Then ExactDistances gives what
  /// index::ExactDistance does, to the last bit: sums of whole numbers are exact in any order.
  bool is_exact() const { return kind_ == ByteRows::kWhole && parts_ == 1; }
  void ExactDistances(const std::byte* const* rows, size_t count, double* distances) const;

 private:
  void TakeSteps(std::span<const float> source, float shift);
  void EstimateScaled(const std::byte* const* rows, size_t count, float* estimates,
                      float* errors) const;
  void EstimateWhole(const std::byte* const* rows, size_t count, float* estimates,
                     float* errors) const;
  /// Squared distances in plain units, of at most 64 rows.
  void CompareWhole(const std::byte* const* rows, size_t count, double* squared) const;

  ByteRows kind_ = ByteRows::kNone;
  Metric metric_ = Metric::kL2;
  size_t dim_ = 0;
  size_t parts_ = 1;
  /// parts_ x dim_: the high and, if there are two, the low part; query = step (128 high + low), or
  /// step high.
  std::vector<int8_t> query_;
  float step_ = 1;
  /// With one part 128 times the sum of the query's components, in steps.
  int32_t centre_ = 0;
  double squared_norm_ = 0;
  float norm_ = 0;
  /// Error of the inner product for each unit of a row's step, and of its norm.
  float error_per_step_ = 0;
  float error_per_norm_ = 0;
  /// Prepared over plain units, squared.
  double squared_scale_ = 1;
};

}  // namespace viper::index
