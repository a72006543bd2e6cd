#pragma once

#include "viper/schema.h"
#include "viper/value.h"

namespace viper::columnar {

/// Convert `value` to the kind that a declared field of that type holds (Field's rules in
/// viper/schema.h): int64 -> float64 when exact, ISO string -> timestamp, list of strings. Null
/// stays null. InvalidArgument naming the field, its type and the value's kind otherwise.
Result<Value> ConvertToField(const Field& field, const Value& value);

}  // namespace viper::columnar
