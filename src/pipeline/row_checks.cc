#include "pipeline/row_checks.h"

#include <bit>
#include <cmath>
#include <cstdint>

#include <fmt/core.h>

#include "base/limits.h"

namespace viper::pipeline {
namespace {

// An exponent of all ones says NaN or infinity (IEEE 754).
constexpr uint32_t kExponent = 0x7f800000;

bool IsNotFinite(float value) { return (std::bit_cast<uint32_t>(value) & kExponent) == kExponent; }

// Place of the first value that is not finite.
std::optional<size_t> FindNotFinite(std::span<const float> values) {
  // First without a branch, which the compiler turns into SIMD: nearly all input is fine.
  uint32_t any = 0;
  for (const float value : values) any |= static_cast<uint32_t>(IsNotFinite(value));
  if (any == 0) return std::nullopt;
  size_t i = 0;
  while (!IsNotFinite(values[i])) ++i;
  return i;
}

}  // namespace

std::optional<float> NarrowToFloat(double value) {
  // The largest float and half a step more, 2^128 - 2^103: from here on rounding gives infinity.
  constexpr double kBound = 0x1.ffffffp127;
  if (!(std::abs(value) < kBound)) return std::nullopt;
  return static_cast<float>(value);
}

Status CheckFinite(std::span<const float> vector) {
  const auto place = FindNotFinite(vector);
  if (!place.has_value()) return Status::Ok();
  return Status::InvalidArgument(fmt::format(
      "vector holds a value that is not finite: component={} value={}", *place, vector[*place]));
}

Status CheckRowsFinite(std::span<const float> vectors, size_t dim, uint64_t first_row) {
  const auto place = FindNotFinite(vectors);
  if (!place.has_value()) return Status::Ok();
  return Status::InvalidArgument(
      fmt::format("row {} holds a value that is not finite: component={} value={}",
                  first_row + *place / dim + 1, *place % dim, vectors[*place]));
}

Status CheckDim(uint64_t dim) {
  if (dim >= 1 && dim <= kDimMax) return Status::Ok();
  return Status::InvalidArgument(
      fmt::format("dimension is out of range: min=1 max={} actual={}", kDimMax, dim));
}

Status CheckId(std::string_view id) {
  if (id.empty()) return Status::InvalidArgument("id is empty");
  if (id.size() <= kIdBytesMax) return Status::Ok();
  return Status::InvalidArgument(
      fmt::format("id is too long: max_bytes={} actual={}", kIdBytesMax, id.size()));
}

Status SkippedTooFar(std::string_view file, uint64_t wanted, uint64_t skipped) {
  return Status::InvalidArgument(
      fmt::format("{}: cannot skip as many rows, the input has ended: wanted={} skipped={}", file,
                  wanted, skipped));
}

}  // namespace viper::pipeline
