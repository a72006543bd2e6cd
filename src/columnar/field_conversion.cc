#include "columnar/field_conversion.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "columnar/column.h"
#include "columnar/filter_message.h"
#include "columnar/value_compare.h"
#include "viper/result.h"
#include "viper/schema.h"
#include "viper/status.h"
#include "viper/value.h"

namespace viper::columnar {
namespace {

Status Unfit(const Field& field, const Value& value, std::string_view reason) {
  return Status::InvalidArgument(fmt::format("field '{}' is {}, it cannot hold {}{}", field.name,
                                             FieldTypeName(field.type), Described(value), reason));
}

/// Without the text, which no message can have either.
Status NotUtf8(const Field& field) {
  return Status::InvalidArgument(
      fmt::format("field '{}' is {}, it cannot hold text that is not UTF-8", field.name,
                  FieldTypeName(field.type)));
}

Result<Value> ConvertToFloat64(const Field& field, const Value& value) {
  if (value.as_float64() != nullptr) {
    // JSON cannot say them, and no comparison or statistic could place them.
    if (!std::isfinite(*value.as_float64())) return Unfit(field, value, ": not finite");
    return value;
  }
  if (value.as_int64() == nullptr) return Unfit(field, value, "");
  const int64_t integer = *value.as_int64();
  if (!IsExactFloat64(integer)) return Unfit(field, value, ": not exact as a float");
  return Value(static_cast<double>(integer));
}

Result<Value> ConvertToString(const Field& field, const Value& value) {
  if (value.as_string() == nullptr) return Unfit(field, value, "");
  if (IsValidUtf8(*value.as_string())) return value;
  return NotUtf8(field);
}

Result<Value> ConvertToTimestamp(const Field& field, const Value& value) {
  if (const Timestamp* time = value.as_timestamp()) {
    if (time->micros >= kTextTimeMin && time->micros <= kTextTimeMax) return value;
    return Unfit(field, value, ": outside of the years 0001 to 9999");
  }
  if (value.as_string() == nullptr) return Unfit(field, value, "");
  const Result<Timestamp> parsed = Timestamp::Parse(*value.as_string());
  if (!parsed.ok()) return Unfit(field, value, ": " + parsed.status().message());
  return Value(*parsed);
}

Result<Value> ConvertToStringList(const Field& field, const Value& value) {
  if (value.as_list() == nullptr) return Unfit(field, value, "");
  for (const Value& element : *value.as_list()) {
    if (element.as_string() == nullptr) {
      return Unfit(field, value, fmt::format(" with the element {}", Described(element)));
    }
    if (!IsValidUtf8(*element.as_string())) {
      return NotUtf8(field);
    }
  }
  return value;
}

}  // namespace

Result<Value> ConvertToField(const Field& field, const Value& value) {
  if (value.is_null()) return value;
  switch (field.type) {
    case FieldType::kBool:
      if (value.as_bool() != nullptr) return value;
      break;
    case FieldType::kInt64:
      if (value.as_int64() != nullptr) return value;
      break;
    case FieldType::kString:
      return ConvertToString(field, value);
    case FieldType::kFloat64:
      return ConvertToFloat64(field, value);
    case FieldType::kTimestamp:
      return ConvertToTimestamp(field, value);
    case FieldType::kStringList:
      return ConvertToStringList(field, value);
  }
  return Unfit(field, value, "");
}

std::optional<Value> FitToField(const Field& field, const Value& value) {
  if (value.is_null()) return std::nullopt;
  Result<Value> converted = ConvertToField(field, value);
  if (!converted.ok()) return std::nullopt;
  return std::move(*converted);
}

bool AppendFitting(const Field& field, const Value& value, Column& column) {
  if (IsHeldAsIs(field.type, value)) {
    column.AppendValue(value);
    return true;
  }
  const std::optional<Value> converted = FitToField(field, value);
  column.AppendValue(converted ? *converted : Value());
  return converted.has_value();
}

std::optional<FieldType> FieldTypeOf(const Value& value) {
  for (const FieldType type : {FieldType::kBool, FieldType::kInt64, FieldType::kFloat64,
                               FieldType::kString, FieldType::kTimestamp, FieldType::kStringList}) {
    if (IsHeldAsIs(type, value)) return type;
  }
  return std::nullopt;
}

bool IsHeldAsIs(FieldType type, const Value& value) {
  switch (type) {
    case FieldType::kBool:
      return value.as_bool() != nullptr;
    case FieldType::kInt64:
      return value.as_int64() != nullptr;
    case FieldType::kFloat64:
      return value.as_float64() != nullptr && std::isfinite(*value.as_float64());
    case FieldType::kString:
      return value.as_string() != nullptr;
    case FieldType::kTimestamp:
      return value.as_timestamp() != nullptr;
    case FieldType::kStringList:
      break;
  }
  const Value::List* list = value.as_list();
  return list != nullptr && std::all_of(list->begin(), list->end(), [](const Value& element) {
           return element.as_string() != nullptr;
         });
}

}  // namespace viper::columnar
