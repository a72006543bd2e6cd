#include "pipeline/schema_inference.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/limits.h"

namespace viper::pipeline {
namespace {

std::optional<FieldType> TypeOf(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kBool:
      return FieldType::kBool;
    case Value::Kind::kInt64:
      return FieldType::kInt64;
    case Value::Kind::kFloat64:
      return FieldType::kFloat64;
    case Value::Kind::kString:
      return FieldType::kString;
    case Value::Kind::kTimestamp:
      return FieldType::kTimestamp;
    case Value::Kind::kList: {
      const Value::List& list = *value.as_list();
      const bool all_text = std::all_of(list.begin(), list.end(), [](const Value& element) {
        return element.as_string() != nullptr;
      });
      return all_text ? std::optional(FieldType::kStringList) : std::nullopt;
    }
    case Value::Kind::kObject:
    case Value::Kind::kNull:
      break;
  }
  return std::nullopt;
}

/// What is known of the values of a key.
struct Seen {
  std::optional<FieldType> type;
  bool is_mixed = false;
};

std::string InLowerCase(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

Result<CollectionSchema> InferSchema(std::span<const Record> records) {
  CollectionSchema schema;
  std::map<std::string, Seen, std::less<>> keys;
  for (const Record& record : records) {
    if (schema.dim == 0) schema.dim = record.vector.size();
    for (const auto& [key, value] : record.metadata) {
      if (value.is_null()) continue;
      Seen& seen = keys[key];
      const auto type = TypeOf(value);
      seen.is_mixed |= !type || (seen.type && seen.type != type);
      seen.type = type;
    }
  }
  if (schema.dim == 0) {
    return Status::InvalidArgument(
        "no record has a dense vector to tell the dimension by: give a schema");
  }
  std::set<std::string> names;
  for (const auto& [key, seen] : keys) {
    if (seen.is_mixed || schema.fields.size() == kFieldsMax) continue;
    const CollectionSchema probe{.dim = schema.dim, .fields = {{key, *seen.type}}};
    if (!probe.Validate().ok() || !names.insert(InLowerCase(key)).second) continue;
    schema.fields.push_back({key, *seen.type});
  }
  return schema;
}

}  // namespace viper::pipeline
