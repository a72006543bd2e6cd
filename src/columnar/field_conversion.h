#pragma once

#include <cstdint>
#include <optional>

#include "columnar/column.h"
#include "viper/schema.h"
#include "viper/value.h"

namespace viper::columnar {

/// Times that have a text, in microseconds: the years 0001 to 9999.
inline constexpr int64_t kTextTimeMin = -62'135'596'800'000'000;
inline constexpr int64_t kTextTimeMax = 253'402'300'799'999'999;

/// Convert `value` to the kind that a declared field of that type holds (Field's rules in
/// viper/schema.h): int64 -> float64 when exact, ISO string -> timestamp, list of strings. Null
/// stays null. InvalidArgument naming the field, its type and the value's kind otherwise, and for
/// what a file or the log could not give back: text that is not UTF-8, a time without a text.
Result<Value> ConvertToField(const Field& field, const Value& value);

/// The same for values that were written before the field was declared: absent if the value is null
/// or does not fit.
std::optional<Value> FitToField(const Field& field, const Value& value);
/// Append a value to the field's column if it fits, else null. Whether it did.
bool AppendFitting(const Field& field, const Value& value, Column& column);
/// The type of field that holds the value as it is; absent for nulls, objects, and lists of
/// anything but strings.
std::optional<FieldType> FieldTypeOf(const Value& value);
/// Whether a column of that type holds the value without converting it.
bool IsHeldAsIs(FieldType type, const Value& value);

}  // namespace viper::columnar
