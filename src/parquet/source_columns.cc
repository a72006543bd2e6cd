#include "parquet/source_columns.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <string_view>

#include <arrow/type.h>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "columnar/predicate.h"
#include "parquet/arrow_value.h"
#include "parquet/arrow_vectors.h"

namespace viper::parquet {
namespace {

using ::arrow::Schema;

Result<int> FindWanted(const Schema& schema, std::string_view name) {
  const std::vector<int> found = schema.GetAllFieldIndices(std::string(name));
  if (found.size() == 1) return found[0];
  return Status::InvalidArgument(
      fmt::format("{} column of this name: name={} columns={}",
                  found.empty() ? "there is no" : "there is more than one", name,
                  fmt::join(schema.field_names(), ", ")));
}

std::optional<int> FindAny(const Schema& schema, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const int found = schema.GetFieldIndex(std::string(name));
    if (found >= 0) return found;
  }
  return std::nullopt;
}

Result<std::optional<int>> ChooseId(const Schema& schema, const std::string& wanted) {
  if (wanted.empty()) return FindAny(schema, {columnar::kIdColumn, "id"});
  VIPER_ASSIGN_OR_RETURN(const int found, FindWanted(schema, wanted));
  return std::optional<int>(found);
}

Result<int> ChooseVector(const Schema& schema, const std::string& wanted) {
  if (!wanted.empty()) return FindWanted(schema, wanted);
  if (const auto known = FindAny(schema, {columnar::kVectorColumn, "vector", "embedding"})) {
    return *known;
  }
  std::vector<int> candidates;
  for (int i = 0; i < schema.num_fields(); ++i) {
    const ::arrow::DataType& type = *schema.field(i)->type();
    if (IsListOfNumbers(type) || IsSparseVector(type)) candidates.push_back(i);
  }
  if (candidates.size() == 1) return candidates[0];
  return Status::InvalidArgument(
      fmt::format("cannot tell which column holds the vectors, name it: lists_of_numbers={} "
                  "columns={}",
                  candidates.size(), fmt::join(schema.field_names(), ", ")));
}

bool IsTextOrTime(const ::arrow::DataType& type) {
  const auto declared = DeclaredTypeOf(type);
  return declared == FieldType::kString || declared == FieldType::kTimestamp;
}

Status CheckRole(const ::arrow::DataType& type, ColumnRole role) {
  switch (role) {
    case ColumnRole::kId:
      return CheckHasId(type);
    case ColumnRole::kVector:
      return CheckHasVector(type);
    case ColumnRole::kTimestamp:
    case ColumnRole::kExpiresAt:
      if (IsTextOrTime(type)) return Status::Ok();
      return Status::InvalidArgument(
          fmt::format("times are timestamps or ISO 8601 text: actual={}", type.ToString()));
    case ColumnRole::kPayload:
    case ColumnRole::kSparse:
    case ColumnRole::kPassedOver:
      return Status::Ok();
    case ColumnRole::kMetadata:
      break;
  }
  return CheckHasValue(type);
}

bool MayNameField(std::string_view name) {
  const auto is_word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && name.size() <= kFieldNameBytesMax && name[0] != '_' &&
         std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), is_word);
}

std::string LowerCase(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

std::vector<Field> DeclarableFields(const Schema& schema, const std::vector<ColumnRole>& roles) {
  std::vector<Field> fields;
  std::set<std::string> names;
  for (size_t i = 0; i < roles.size() && fields.size() < kFieldsMax; ++i) {
    if (roles[i] != ColumnRole::kMetadata) continue;
    const ::arrow::Field& column = *schema.field(static_cast<int>(i));
    const auto type = DeclaredTypeOf(*column.type());
    if (!type || !MayNameField(column.name())) continue;
    if (names.insert(LowerCase(column.name())).second) fields.push_back({column.name(), *type});
  }
  return fields;
}

/// A file of FileLayout::kLegacy: these columns and no others, metadata as text.
bool IsLegacyFile(const Schema& schema) {
  if (schema.num_fields() != 4) return false;
  for (const char* name : {"id", "vector", "metadata", "created_at"}) {
    if (schema.GetAllFieldIndices(name).size() != 1) return false;
  }
  return DeclaredTypeOf(*schema.GetFieldByName("metadata")->type()) == FieldType::kString &&
         DeclaredTypeOf(*schema.GetFieldByName("created_at")->type()) == FieldType::kTimestamp;
}

/// A column with a name of ours, unless it is metadata of the same name.
ColumnRole RoleByName(const Schema& schema, const std::string& name) {
  if (IsLegacyFile(schema)) {
    if (name == "metadata") return ColumnRole::kPayload;
    if (name == "created_at") return ColumnRole::kTimestamp;
  }
  if (name == columnar::kTimestampColumn) return ColumnRole::kTimestamp;
  if (name == columnar::kExpiresAtColumn) return ColumnRole::kExpiresAt;
  if (name == columnar::kIngestedAtColumn) return ColumnRole::kPassedOver;
  const bool is_part = schema.GetFieldIndex(std::string(columnar::kIdColumn)) >= 0 &&
                       schema.GetFieldIndex(std::string(columnar::kVectorColumn)) >= 0;
  const int payload = schema.GetFieldIndex(std::string(columnar::kPayloadColumn));
  if (name == columnar::kPayloadColumn && is_part && payload >= 0 &&
      DeclaredTypeOf(*schema.field(payload)->type()) == FieldType::kString) {
    return ColumnRole::kPayload;
  }
  if (name == columnar::kSparseColumn && is_part &&
      IsSparseVector(*schema.GetFieldByName(name)->type())) {
    return ColumnRole::kSparse;
  }
  return ColumnRole::kMetadata;
}

}  // namespace

Result<SourceColumns> ChooseColumns(const Schema& schema, const RecordSourceOptions& options) {
  SourceColumns columns;
  VIPER_ASSIGN_OR_RETURN(const std::optional<int> id, ChooseId(schema, options.id_column));
  VIPER_ASSIGN_OR_RETURN(columns.vector, ChooseVector(schema, options.vector_column));
  if (id == columns.vector) {
    return Status::InvalidArgument(
        fmt::format("one column cannot be both id and vector: name={}", schema.field(*id)->name()));
  }
  for (int i = 0; i < schema.num_fields(); ++i) {
    const ::arrow::Field& column = *schema.field(i);
    ColumnRole role = RoleByName(schema, column.name());
    if (i == id) role = ColumnRole::kId;
    if (i == columns.vector) role = ColumnRole::kVector;
    // It stands in for `_vector` alone.
    const bool is_ours = schema.field(columns.vector)->name() == columnar::kVectorColumn;
    if (role == ColumnRole::kSparse && !is_ours) role = ColumnRole::kMetadata;
    if (role == ColumnRole::kSparse) columns.sparse = i;
    const Status fits = CheckRole(*column.type(), role);
    if (!fits.ok()) return fits.WithContext(fmt::format("column {}", column.name()));
    columns.roles.push_back(role);
  }
  columns.fields = DeclarableFields(schema, columns.roles);
  return columns;
}

}  // namespace viper::parquet
