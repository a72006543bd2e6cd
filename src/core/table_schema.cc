#include "core/table_schema.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "columnar/field_conversion.h"
#include "storage/table_retention.h"

namespace viper::core {
namespace {

using columnar::ColumnBounds;

constexpr std::string_view kFormatProperty = "viper.format";
constexpr std::string_view kDimProperty = "viper.dim";
constexpr std::string_view kMetricProperty = "viper.metric";
constexpr std::string_view kDefaultTtlProperty = "viper.default_ttl_ms";
constexpr std::string_view kUndeclaredProperty = "viper.undeclared_keys";
/// Version of what the properties and columns mean. A higher one is refused.
constexpr int64_t kFormat = 1;
/// Strings in statistics are cut to this many code points (as Spark and delta-rs do).
constexpr size_t kStatisticsPrefix = 32;

Value ColumnOf(std::string_view name, Value type, bool nullable, Value::Object metadata = {}) {
  return Value::Object{{"name", name},
                       {"type", std::move(type)},
                       {"nullable", nullable},
                       {"metadata", std::move(metadata)}};
}

Value ArrayOf(std::string_view element) {
  return Value::Object{{"type", "array"}, {"elementType", element}, {"containsNull", false}};
}

/// The type of `_sparse`.
Value SparseType() {
  return Value::Object{{"type", "struct"},
                       {"fields", Value::List{ColumnOf("indices", ArrayOf("integer"), false),
                                              ColumnOf("values", ArrayOf("float"), false)}}};
}

Value DeltaType(FieldType type) {
  switch (type) {
    case FieldType::kBool:
      return "boolean";
    case FieldType::kInt64:
      return "long";
    case FieldType::kFloat64:
      return "double";
    case FieldType::kString:
      return "string";
    case FieldType::kTimestamp:
      return "timestamp";
    case FieldType::kStringList:
      return ArrayOf("string");
  }
  return nullptr;
}

std::optional<FieldType> FieldTypeOf(const Value& type) {
  for (FieldType candidate : {FieldType::kBool, FieldType::kInt64, FieldType::kFloat64,
                              FieldType::kString, FieldType::kTimestamp}) {
    if (type == DeltaType(candidate)) return candidate;
  }
  const Value::Object* array = type.as_object();
  if (array == nullptr) return std::nullopt;
  auto kind = array->find("type");
  auto element = array->find("elementType");
  if (kind == array->end() || element == array->end()) return std::nullopt;
  if (kind->second == Value("array") && element->second == Value("string")) {
    return FieldType::kStringList;
  }
  return std::nullopt;
}

std::string SchemaString(const CollectionSchema& schema) {
  Value::List columns;
  columns.push_back(ColumnOf(columnar::kIdColumn, "string", false));
  columns.push_back(ColumnOf(columnar::kTimestampColumn, "timestamp", false));
  columns.push_back(ColumnOf(columnar::kIngestedAtColumn, "timestamp", false));
  columns.push_back(ColumnOf(columnar::kExpiresAtColumn, "timestamp", true));
  for (const Field& field : schema.fields) {
    columns.push_back(ColumnOf(field.name, DeltaType(field.type), true));
  }
  columns.push_back(ColumnOf(columnar::kPayloadColumn, "string", true));
  columns.push_back(ColumnOf(columnar::kVectorColumn, ArrayOf("float"), false,
                             {{"viper.dim", static_cast<int64_t>(schema.dim)}}));
  return Value(Value::Object{{"type", "struct"}, {"fields", std::move(columns)}}).ToJson();
}

Result<std::string> Property(const storage::TableMetadata& metadata, std::string_view name) {
  auto found = metadata.configuration.find(std::string(name));
  if (found == metadata.configuration.end()) {
    return Status::Unsupported(
        fmt::format("the table is not a VIPER collection: it has no property '{}'", name));
  }
  return found->second;
}

Result<int64_t> IntegerProperty(const storage::TableMetadata& metadata, std::string_view name) {
  VIPER_ASSIGN_OR_RETURN(std::string text, Property(metadata, name));
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return Status::Corruption(
        fmt::format("the table property '{}' is not a number: '{}'", name, text));
  }
  return value;
}

/// As Delta and SQL compare names of columns.
bool HasSameName(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

const Value* FindMember(const Value::Object& object, std::string_view key) {
  auto found = object.find(key);
  return found == object.end() ? nullptr : &found->second;
}

/// The columns of a table, if its schemaString has any.
Value::List* ColumnsOf(Value& document) {
  if (document.as_object() == nullptr) return nullptr;
  const auto fields = document.as_object()->find("fields");
  return fields == document.as_object()->end() ? nullptr : fields->second.as_list();
}

std::string_view NameOf(const Value& column) {
  const Value* name =
      column.as_object() == nullptr ? nullptr : FindMember(*column.as_object(), "name");
  return name == nullptr || name->as_string() == nullptr ? std::string_view() : *name->as_string();
}

Value::List::iterator FindColumn(Value::List& columns, std::string_view name) {
  return std::find_if(columns.begin(), columns.end(),
                      [&](const Value& column) { return HasSameName(NameOf(column), name); });
}

/// Whether a field of a structure is an array of that type, whether or not it may have nulls.
bool IsArrayOf(const Value& field, std::string_view name, std::string_view element) {
  if (NameOf(field) != name) return false;
  const Value* type = FindMember(*field.as_object(), "type");
  if (type == nullptr || type->as_object() == nullptr) return false;
  const Value* kind = FindMember(*type->as_object(), "type");
  const Value* of = FindMember(*type->as_object(), "elementType");
  return kind != nullptr && *kind == Value("array") && of != nullptr && *of == Value(element);
}

bool IsSparseColumn(Value& column) {
  if (NameOf(column) != columnar::kSparseColumn) return false;
  const auto type = column.as_object()->find("type");
  if (type == column.as_object()->end()) return false;
  const Value::List* fields = ColumnsOf(type->second);
  return fields != nullptr && fields->size() == 2 &&
         IsArrayOf((*fields)[0], "indices", "integer") &&
         IsArrayOf((*fields)[1], "values", "float");
}

Status ReadFields(const std::string& schema_json, CollectionSchema& schema) {
  VIPER_ASSIGN_OR_RETURN(Value document, Value::FromJson(schema_json));
  const Value::Object* root = document.as_object();
  const auto fields = root == nullptr ? nullptr : FindMember(*root, "fields");
  const Value::List* columns = fields == nullptr ? nullptr : fields->as_list();
  if (columns == nullptr) return Status::Corruption("the table's schemaString has no fields");
  bool has_vector = false;
  for (const Value& column : *columns) {
    const Value::Object* object = column.as_object();
    const bool named = object != nullptr && object->contains("name") && object->contains("type") &&
                       object->at("name").as_string() != nullptr;
    if (!named) return Status::Corruption("the table's schemaString has a column without a name");
    const std::string& name = *object->at("name").as_string();
    has_vector |= name == columnar::kVectorColumn;
    if (name.starts_with('_')) continue;
    // Columns that cannot be fields are another writer's own: they are left alone
    // (Part::unread_columns).
    const auto type = FieldTypeOf(object->at("type"));
    const bool is_field = type && ValidateFieldName(name).ok() && schema.fields.size() < kFieldsMax;
    if (is_field) schema.fields.push_back({name, *type});
  }
  if (!has_vector) return Status::Corruption("the table's schemaString has no column '_vector'");
  return {};
}

/// Cut after `kStatisticsPrefix` code points; a cut maximum gets U+10FFFF appended, which sorts
/// above everything that begins with the prefix.
std::string CutString(const std::string& text, bool is_max) {
  size_t end = 0;
  for (size_t points = 0; end < text.size(); ++end) {
    const bool starts_point = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (starts_point && ++points > kStatisticsPrefix) break;
  }
  if (end == text.size()) return text;
  return text.substr(0, end) + (is_max ? "\xf4\x8f\xbf\xbf" : "");
}

int64_t RoundToMillisecond(Timestamp time, bool up) {
  const int64_t millis = time.micros / 1000;
  const int64_t rest = time.micros % 1000;
  if (up && rest > 0) return millis + 1;
  return !up && rest < 0 ? millis - 1 : millis;
}

/// Absent = not known: what has no text that all readers take.
std::optional<Value> BoundForDelta(const Value& bound, bool is_max) {
  if (const std::string* text = bound.as_string()) {
    // A file of another writer may have any bytes; the log is JSON.
    if (!IsValidUtf8(*text)) return std::nullopt;
    return CutString(*text, is_max);
  }
  if (const Timestamp* time = bound.as_timestamp()) {
    const int64_t millis = RoundToMillisecond(*time, is_max);
    if (millis < columnar::kTextTimeMin / 1000 || millis > columnar::kTextTimeMax / 1000) {
      return std::nullopt;
    }
    // Delta wants exactly three digits of fraction.
    const std::string seconds = Timestamp{millis * 1000}.ToString().substr(0, 19);
    return fmt::format("{}.{:03}Z", seconds, (millis % 1000 + 1000) % 1000);
  }
  return bound;
}

bool HasBounds(FieldType type) {
  return type != FieldType::kStringList && type != FieldType::kBool;
}

}  // namespace

storage::TableMetadata MakeTableMetadata(const CollectionSchema& schema, int64_t now_ms) {
  storage::TableMetadata metadata;
  metadata.id = MakeUuid();
  metadata.schema_json = SchemaString(schema);
  metadata.configuration = {{std::string(kFormatProperty), std::to_string(kFormat)},
                            {std::string(kDimProperty), std::to_string(schema.dim)},
                            {std::string(kMetricProperty), std::string(MetricName(schema.metric))}};
  metadata.created_time_ms = now_ms;
  return metadata;
}

Result<storage::TableMetadata> ChangeTableMetadata(const storage::TableMetadata& metadata,
                                                   const CollectionSchema& schema) {
  VIPER_ASSIGN_OR_RETURN(const CollectionSchema before, ReadTableSchema(metadata));
  VIPER_ASSIGN_OR_RETURN(Value document, Value::FromJson(metadata.schema_json));
  // ReadTableSchema has seen that they are there.
  Value::List& columns = *document.as_object()->at("fields").as_list();
  for (const Field& field : schema.fields) {
    const auto same_name = [&](const Value& column) {
      return HasSameName(*column.as_object()->at("name").as_string(), field.name);
    };
    const auto column = std::find_if(columns.begin(), columns.end(), same_name);
    if (column == columns.end()) {
      // Where they would be if they had been declared when the table was created.
      const auto place = std::find_if(columns.begin(), columns.end(), [](const Value& other) {
        return other.as_object()->at("name") == Value(columnar::kPayloadColumn);
      });
      columns.insert(place, ColumnOf(field.name, DeltaType(field.type), true));
    } else if (before.FindField(field.name) == nullptr) {
      return Status::InvalidArgument(fmt::format(
          "the table has a column '{}' already, of a type that VIPER does not read: type={}",
          *column->as_object()->at("name").as_string(), column->as_object()->at("type").ToJson()));
    } else {
      (*column->as_object())["type"] = DeltaType(field.type);
    }
  }
  storage::TableMetadata changed = metadata;
  changed.schema_json = document.ToJson();
  return changed;
}

bool HasSparseColumn(const storage::TableMetadata& metadata) {
  return AllowsSparseColumn(metadata) && WithSparseColumn(metadata) == metadata;
}

bool AllowsSparseColumn(const storage::TableMetadata& metadata) {
  auto document = Value::FromJson(metadata.schema_json);
  Value::List* columns = document.ok() ? ColumnsOf(*document) : nullptr;
  if (columns == nullptr) return false;
  const auto column = FindColumn(*columns, columnar::kSparseColumn);
  return column == columns->end() || IsSparseColumn(*column);
}

storage::TableMetadata WithSparseColumn(const storage::TableMetadata& metadata) {
  auto document = Value::FromJson(metadata.schema_json);
  Value::List* columns = document.ok() ? ColumnsOf(*document) : nullptr;
  const bool has_it =
      columns == nullptr || FindColumn(*columns, columnar::kSparseColumn) != columns->end();
  if (has_it) return metadata;
  columns->insert(FindColumn(*columns, columnar::kVectorColumn),
                  ColumnOf(columnar::kSparseColumn, SparseType(), true));
  storage::TableMetadata changed = metadata;
  changed.schema_json = document->ToJson();
  return changed;
}

Result<CollectionSchema> ReadTableSchema(const storage::TableMetadata& metadata) {
  VIPER_ASSIGN_OR_RETURN(int64_t format, IntegerProperty(metadata, kFormatProperty));
  if (format > kFormat || format < 1) {
    return Status::Unsupported(fmt::format(
        "the collection was written in a newer format: supported={} actual={}", kFormat, format));
  }
  if (!metadata.partition_columns.empty()) {
    return Status::Unsupported("the table is partitioned; collections are not");
  }
  CollectionSchema schema;
  VIPER_ASSIGN_OR_RETURN(int64_t dim, IntegerProperty(metadata, kDimProperty));
  schema.dim = dim < 0 ? 0 : static_cast<size_t>(dim);
  VIPER_ASSIGN_OR_RETURN(std::string metric, Property(metadata, kMetricProperty));
  VIPER_ASSIGN_OR_RETURN(schema.metric, ParseMetric(metric));
  VIPER_RETURN_IF_ERROR(ReadFields(metadata.schema_json, schema));
  Status valid = schema.Validate();
  if (!valid.ok()) return Status::Corruption("the table's schema: " + valid.message());
  return schema;
}

void WriteTableProperties(const CollectionProperties& properties,
                          storage::TableMetadata& metadata) {
  const auto set = [&](std::string_view name, bool is_default, std::string value) {
    metadata.configuration.erase(std::string(name));
    if (!is_default) metadata.configuration[std::string(name)] = std::move(value);
  };
  const CollectionProperties defaults;
  set(kDefaultTtlProperty, properties.default_ttl_ms == defaults.default_ttl_ms,
      std::to_string(properties.default_ttl_ms));
  set(kUndeclaredProperty, properties.undeclared_keys == defaults.undeclared_keys,
      std::string(UndeclaredKeysName(properties.undeclared_keys)));
  storage::WriteRetention(properties.retention_ms, metadata);
}

Result<CollectionProperties> ReadTableProperties(const storage::TableMetadata& metadata) {
  CollectionProperties properties;
  if (metadata.configuration.contains(std::string(kDefaultTtlProperty))) {
    VIPER_ASSIGN_OR_RETURN(properties.default_ttl_ms,
                           IntegerProperty(metadata, kDefaultTtlProperty));
  }
  if (const auto found = metadata.configuration.find(std::string(kUndeclaredProperty));
      found != metadata.configuration.end()) {
    const auto undeclared = ParseUndeclaredKeys(found->second);
    if (!undeclared.ok()) {
      return Status::Corruption(fmt::format("the table property '{}': {}", kUndeclaredProperty,
                                            undeclared.status().message()));
    }
    properties.undeclared_keys = *undeclared;
  }
  properties.retention_ms = storage::ReadRetention(metadata).files_ms;
  if (Status valid = properties.Validate(); !valid.ok()) {
    return Status::Corruption(
        fmt::format("the table property '{}': {}", kDefaultTtlProperty, valid.message()));
  }
  return properties;
}

std::string MakeStatistics(const parquet::PartSummary& summary, const CollectionSchema& schema) {
  Value::Object min_values;
  Value::Object max_values;
  Value::Object null_counts;
  const auto add = [&](const std::string& name, FieldType type) {
    auto found = summary.bounds.find(name);
    if (found == summary.bounds.end()) return;
    const ColumnBounds& bounds = found->second;
    null_counts[name] = static_cast<int64_t>(bounds.null_count);
    if (!HasBounds(type)) return;
    const auto min = bounds.min ? BoundForDelta(*bounds.min, false) : std::nullopt;
    const auto max = bounds.max ? BoundForDelta(*bounds.max, true) : std::nullopt;
    if (min) min_values[name] = *min;
    if (max) max_values[name] = *max;
  };
  add(std::string(columnar::kIdColumn), FieldType::kString);
  for (std::string_view name :
       {columnar::kTimestampColumn, columnar::kIngestedAtColumn, columnar::kExpiresAtColumn}) {
    add(std::string(name), FieldType::kTimestamp);
  }
  for (const Field& field : schema.fields) add(field.name, field.type);
  return Value(Value::Object{{"numRecords", static_cast<int64_t>(summary.row_count)},
                             {"tightBounds", true},
                             {"minValues", std::move(min_values)},
                             {"maxValues", std::move(max_values)},
                             {"nullCount", std::move(null_counts)}})
      .ToJson();
}

}  // namespace viper::core
