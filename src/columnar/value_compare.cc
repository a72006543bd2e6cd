#include "columnar/value_compare.h"

#include <cmath>
#include <compare>
#include <cstdint>

#include "viper/value.h"

namespace viper::columnar {
namespace {

constexpr double kTwoToThe63 = 0x1p63;

std::partial_ordering Reversed(std::partial_ordering order) { return 0 <=> order; }

}  // namespace

std::partial_ordering CompareExactly(int64_t integer, double real) {
  if (std::isnan(real)) return std::partial_ordering::unordered;
  if (real >= kTwoToThe63) return std::partial_ordering::less;
  if (real < -kTwoToThe63) return std::partial_ordering::greater;
  const double whole = std::trunc(real);
  const auto truncated = static_cast<int64_t>(whole);
  if (integer != truncated) return integer <=> truncated;
  return whole <=> real;
}

bool IsExactFloat64(int64_t value) {
  return CompareExactly(value, static_cast<double>(value)) == 0;
}

std::partial_ordering CompareScalars(const Value& left, const Value& right) {
  if (left.as_int64() != nullptr && right.as_float64() != nullptr) {
    return CompareExactly(*left.as_int64(), *right.as_float64());
  }
  if (left.as_float64() != nullptr && right.as_int64() != nullptr) {
    return Reversed(CompareExactly(*right.as_int64(), *left.as_float64()));
  }
  if (left.kind() != right.kind()) return std::partial_ordering::unordered;
  switch (left.kind()) {
    case Value::Kind::kBool:
      return *left.as_bool() <=> *right.as_bool();
    case Value::Kind::kInt64:
      return *left.as_int64() <=> *right.as_int64();
    case Value::Kind::kFloat64:
      return *left.as_float64() <=> *right.as_float64();
    case Value::Kind::kString:
      return *left.as_string() <=> *right.as_string();
    case Value::Kind::kTimestamp:
      return *left.as_timestamp() <=> *right.as_timestamp();
    case Value::Kind::kNull:
    case Value::Kind::kList:
    case Value::Kind::kObject:
      break;
  }
  return std::partial_ordering::unordered;
}

}  // namespace viper::columnar
