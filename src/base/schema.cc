#include "viper/schema.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"

namespace viper {
namespace {

// Names are ASCII by definition: the C library's functions would follow the locale.
constexpr char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool IsLetter(char c) { return ToLower(c) >= 'a' && ToLower(c) <= 'z'; }
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string ToLower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = ToLower(c);
  return result;
}

template <typename T>
Result<T> FindByName(std::string_view what, std::string_view name, std::string_view expected,
                     std::initializer_list<std::pair<std::string_view, T>> names) {
  const std::string wanted = ToLower(name);
  for (const auto& [candidate, value] : names) {
    if (candidate == wanted) return value;
  }
  return Status::InvalidArgument(
      fmt::format("unknown {}: expected={} actual='{}'", what, expected, name));
}

}  // namespace

std::string_view MetricName(Metric metric) {
  switch (metric) {
    case Metric::kCosine:
      return "cosine";
    case Metric::kL2:
      return "l2";
    case Metric::kDot:
      return "dot";
  }
  return "unknown";
}

Result<Metric> ParseMetric(std::string_view name) {
  return FindByName<Metric>("metric", name, "cosine|l2|dot",
                            {{"cosine", Metric::kCosine},
                             {"cos", Metric::kCosine},
                             {"angular", Metric::kCosine},
                             {"l2", Metric::kL2},
                             {"euclid", Metric::kL2},
                             {"euclidean", Metric::kL2},
                             {"dot", Metric::kDot},
                             {"ip", Metric::kDot},
                             {"inner_product", Metric::kDot}});
}

std::string_view FieldTypeName(FieldType type) {
  switch (type) {
    case FieldType::kBool:
      return "bool";
    case FieldType::kInt64:
      return "int64";
    case FieldType::kFloat64:
      return "float64";
    case FieldType::kString:
      return "string";
    case FieldType::kTimestamp:
      return "timestamp";
    case FieldType::kStringList:
      return "list<string>";
  }
  return "unknown";
}

Result<FieldType> ParseFieldType(std::string_view name) {
  return FindByName<FieldType>("field type", name,
                               "bool|int64|float64|string|timestamp|list<string>",
                               {{"bool", FieldType::kBool},
                                {"boolean", FieldType::kBool},
                                {"int64", FieldType::kInt64},
                                {"int", FieldType::kInt64},
                                {"long", FieldType::kInt64},
                                {"float64", FieldType::kFloat64},
                                {"float", FieldType::kFloat64},
                                {"double", FieldType::kFloat64},
                                {"string", FieldType::kString},
                                {"text", FieldType::kString},
                                {"str", FieldType::kString},
                                {"timestamp", FieldType::kTimestamp},
                                {"datetime", FieldType::kTimestamp},
                                {"list<string>", FieldType::kStringList},
                                {"tags", FieldType::kStringList},
                                {"string[]", FieldType::kStringList}});
}

std::string_view UndeclaredKeysName(UndeclaredKeys undeclared) {
  return undeclared == UndeclaredKeys::kRefuse ? "refuse" : "keep";
}

Result<UndeclaredKeys> ParseUndeclaredKeys(std::string_view name) {
  return FindByName<UndeclaredKeys>(
      "rule for undeclared keys", name, "keep|refuse",
      {{"keep", UndeclaredKeys::kKeep}, {"refuse", UndeclaredKeys::kRefuse}});
}

Status CollectionSchema::Validate() const {
  if (dim < 1 || dim > kDimMax) {
    return Status::InvalidArgument(
        fmt::format("dim is out of range: min=1 max={} actual={}", kDimMax, dim));
  }
  if (metric > Metric::kDot) {
    return Status::InvalidArgument(
        fmt::format("metric is unknown: actual={}", static_cast<int>(metric)));
  }
  if (fields.size() > kFieldsMax) {
    return Status::InvalidArgument(
        fmt::format("too many declared fields: max={} actual={}", kFieldsMax, fields.size()));
  }
  std::set<std::string> names;
  for (const Field& field : fields) {
    VIPER_RETURN_IF_ERROR(ValidateFieldName(field.name));
    if (field.type > FieldType::kStringList) {
      return Status::InvalidArgument(fmt::format("type of field '{}' is unknown: actual={}",
                                                 field.name, static_cast<int>(field.type)));
    }
    if (!names.insert(ToLower(field.name)).second) {
      return Status::InvalidArgument(
          fmt::format("two fields have the same name, ignoring case: name='{}'", field.name));
    }
  }
  return Status::Ok();
}

const Field* CollectionSchema::FindField(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [name](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

Status CollectionProperties::Validate() const {
  if (undeclared_keys > UndeclaredKeys::kRefuse) {
    return Status::InvalidArgument(
        fmt::format("CollectionProperties::undeclared_keys is unknown: actual={}",
                    static_cast<int>(undeclared_keys)));
  }
  if (default_ttl_ms < 0 || default_ttl_ms > kTtlMsMax) {
    return Status::InvalidArgument(
        fmt::format("CollectionProperties::default_ttl_ms is out of range: min=0 max={} actual={}",
                    kTtlMsMax, default_ttl_ms));
  }
  const int64_t retention = retention_ms.value_or(0);
  if (retention >= 0 && retention <= kRetentionMsMax) return Status::Ok();
  return Status::InvalidArgument(
      fmt::format("CollectionProperties::retention_ms is out of range: min=0 max={} actual={}",
                  kRetentionMsMax, retention));
}

Status ValidateFieldName(std::string_view name) {
  if (name.empty() || name.size() > kFieldNameBytesMax) {
    return Status::InvalidArgument(
        fmt::format("field name has a bad length: min=1 max={} actual={} name='{}'",
                    kFieldNameBytesMax, name.size(), name.substr(0, kFieldNameBytesMax)));
  }
  if (!IsLetter(name.front())) {
    return Status::InvalidArgument(
        fmt::format("field name must start with a letter: actual='{}'", name));
  }
  const auto allowed = [](char c) { return IsLetter(c) || IsDigit(c) || c == '_'; };
  if (!std::all_of(name.begin(), name.end(), allowed)) {
    return Status::InvalidArgument(
        fmt::format("field name has a character outside [A-Za-z0-9_]: actual='{}'", name));
  }
  return Status::Ok();
}

Status ValidateCollectionName(std::string_view name) {
  if (name.empty() || name.size() > kCollectionNameBytesMax) {
    return Status::InvalidArgument(
        fmt::format("collection name has a bad length: min=1 max={} actual={} name='{}'",
                    kCollectionNameBytesMax, name.size(), name.substr(0, kCollectionNameBytesMax)));
  }
  if (!IsLetter(name.front()) && !IsDigit(name.front())) {
    return Status::InvalidArgument(
        fmt::format("collection name must start with a letter or a digit: actual='{}'", name));
  }
  const auto allowed = [](char c) { return IsLetter(c) || IsDigit(c) || c == '_' || c == '-'; };
  if (!std::all_of(name.begin(), name.end(), allowed)) {
    return Status::InvalidArgument(
        fmt::format("collection name has a character outside [A-Za-z0-9_-]: actual='{}'", name));
  }
  return Status::Ok();
}

}  // namespace viper
