#include "parquet/part_schema.h"

#include "columnar/predicate.h"

namespace viper::parquet {
namespace {

using ::parquet::LogicalType;
using ::parquet::Repetition;
using ::parquet::Type;
using ::parquet::schema::GroupNode;
using ::parquet::schema::NodePtr;
using ::parquet::schema::PrimitiveNode;

/// A three-level list with required elements, the one layout that every reader takes.
NodePtr MakeList(const std::string& name, Repetition::type repetition,
                 const std::shared_ptr<const LogicalType>& element_logical, Type::type element) {
  const NodePtr leaf =
      PrimitiveNode::Make("element", Repetition::REQUIRED, element_logical, element);
  const NodePtr repeated = GroupNode::Make("list", Repetition::REPEATED, {leaf});
  return GroupNode::Make(name, repetition, {repeated}, LogicalType::List());
}

LogicalType::TimeUnit::unit ParquetUnit(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMillis:
      return LogicalType::TimeUnit::MILLIS;
    case TimeUnit::kNanos:
      return LogicalType::TimeUnit::NANOS;
    case TimeUnit::kMicros:
      break;
  }
  return LogicalType::TimeUnit::MICROS;
}

NodePtr MakeScalar(const PartColumn& column, TimeUnit time_unit) {
  const Repetition::type repetition = column.required ? Repetition::REQUIRED : Repetition::OPTIONAL;
  switch (column.type) {
    case FieldType::kBool:
      return PrimitiveNode::Make(column.name, repetition, LogicalType::None(), Type::BOOLEAN);
    case FieldType::kInt64:
      return PrimitiveNode::Make(column.name, repetition, LogicalType::None(), Type::INT64);
    case FieldType::kFloat64:
      return PrimitiveNode::Make(column.name, repetition, LogicalType::None(), Type::DOUBLE);
    case FieldType::kTimestamp:
      return PrimitiveNode::Make(column.name, repetition,
                                 LogicalType::Timestamp(true, ParquetUnit(time_unit)), Type::INT64);
    case FieldType::kStringList:
      return MakeList(column.name, repetition, LogicalType::String(), Type::BYTE_ARRAY);
    case FieldType::kString:
      break;
  }
  return PrimitiveNode::Make(column.name, repetition, LogicalType::String(), Type::BYTE_ARRAY);
}

NodePtr MakeSparse() {
  return GroupNode::Make(std::string(columnar::kSparseColumn), Repetition::OPTIONAL,
                         {MakeList(std::string(kSparseIndices), Repetition::REQUIRED,
                                   LogicalType::None(), Type::INT32),
                          MakeList(std::string(kSparseValues), Repetition::REQUIRED,
                                   LogicalType::None(), Type::FLOAT)});
}

}  // namespace

std::vector<PartColumn> ScalarColumns(const CollectionSchema& schema, const PartShape& shape) {
  using Kind = PartColumnKind;
  if (shape.is_legacy) {
    return {{"id", FieldType::kString, true, Kind::kId},
            {"created_at", FieldType::kTimestamp, true, Kind::kTimestamp},
            {"metadata", FieldType::kString, false, Kind::kPayload}};
  }
  std::vector<PartColumn> columns = {
      {std::string(columnar::kIdColumn), FieldType::kString, true, Kind::kId},
      {std::string(columnar::kTimestampColumn), FieldType::kTimestamp, true, Kind::kTimestamp},
      {std::string(columnar::kIngestedAtColumn), FieldType::kTimestamp, true, Kind::kIngestedAt},
  };
  if (shape.has_expires_at) {
    columns.push_back(
        {std::string(columnar::kExpiresAtColumn), FieldType::kTimestamp, false, Kind::kExpiresAt});
  }
  for (const Field& field : schema.fields) {
    columns.push_back({field.name, field.type, false, Kind::kField});
  }
  if (shape.has_payload) {
    columns.push_back(
        {std::string(columnar::kPayloadColumn), FieldType::kString, false, Kind::kPayload});
  }
  return columns;
}

std::string_view VectorColumnName(const PartShape& shape) {
  return shape.is_legacy ? "vector" : columnar::kVectorColumn;
}

std::shared_ptr<GroupNode> MakePartSchema(const CollectionSchema& schema, SparseColumn sparse,
                                          const PartShape& shape) {
  ::parquet::schema::NodeVector nodes;
  for (const PartColumn& column : ScalarColumns(schema, shape)) {
    const bool is_time = column.kind == PartColumnKind::kTimestamp;
    nodes.push_back(MakeScalar(column, is_time ? shape.time_unit : TimeUnit::kMicros));
  }
  if (sparse == SparseColumn::kPresent) nodes.push_back(MakeSparse());
  nodes.push_back(MakeList(std::string(VectorColumnName(shape)), Repetition::REQUIRED,
                           LogicalType::None(), Type::FLOAT));
  return std::static_pointer_cast<GroupNode>(
      GroupNode::Make("schema", Repetition::REQUIRED, nodes));
}

}  // namespace viper::parquet
