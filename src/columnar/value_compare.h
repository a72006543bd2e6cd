#pragma once

#include <compare>
#include <cstdint>

#include "viper/value.h"

namespace viper::columnar {

/// Whether a float64 holds this integer exactly.
bool IsExactFloat64(int64_t value);

/// Order an integer against a float by their true values, also beyond 2^53; unordered for NaN.
std::partial_ordering CompareExactly(int64_t integer, double real);

/// Order two scalars: numbers by value across int64 and float64, strings bytewise, bools false
/// first, timestamps by time. Unordered when the kinds do not compare, and for null, lists and
/// objects.
std::partial_ordering CompareScalars(const Value& left, const Value& right);

}  // namespace viper::columnar
