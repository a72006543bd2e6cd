#include <utility>

#include "viper/inspect.h"

namespace viper {
namespace {

Value NumberValue(uint64_t count) { return static_cast<int64_t>(count); }

Value TextList(const std::vector<std::string>& texts) {
  return Value::List(texts.begin(), texts.end());
}

Value ValueOf(const ColumnInspection& column) {
  Value::List trials;
  for (const ColumnTrial& trial : column.trials) {
    trials.push_back(Value::Object{{"way", trial.way}, {"bytes", NumberValue(trial.bytes)}});
  }
  return Value::Object{
      {"path", column.path},
      {"physical_type", column.physical_type},
      {"logical_type", column.logical_type},
      {"encodings", TextList(column.encodings)},
      {"compressions", TextList(column.compressions)},
      {"compressed_bytes", NumberValue(column.compressed_bytes)},
      {"uncompressed_bytes", NumberValue(column.uncompressed_bytes)},
      {"null_count", column.null_count ? NumberValue(*column.null_count) : Value()},
      {"min", column.min ? *column.min : Value()},
      {"max", column.max ? *column.max : Value()},
      {"has_bloom_filter", column.has_bloom_filter},
      {"chosen", column.chosen},
      {"reason", column.reason},
      {"trials", std::move(trials)}};
}

Value ValueOf(const RowGroupInspection& group) {
  return Value::Object{{"rows", NumberValue(group.rows)},
                       {"sparse_rows", NumberValue(group.sparse_rows)},
                       {"layout", std::string(VectorLayoutName(group.layout))}};
}

Value ValueOf(const PartInspection& part) {
  Value::List columns;
  for (const ColumnInspection& column : part.columns) columns.push_back(ValueOf(column));
  Value::List groups;
  for (const RowGroupInspection& group : part.groups) groups.push_back(ValueOf(group));
  return Value::Object{{"file", part.file},
                       {"problem", part.problem},
                       {"bytes", NumberValue(part.bytes)},
                       {"rows", NumberValue(part.rows)},
                       {"dead_rows", NumberValue(part.dead_rows)},
                       {"deletion_vector", part.deletion_vector},
                       {"row_groups", NumberValue(part.row_groups)},
                       {"footer_bytes", NumberValue(part.footer_bytes)},
                       {"created_by", part.created_by},
                       {"modified_at", part.modified_at},
                       {"is_foreign", part.is_foreign},
                       {"unread_columns", TextList(part.unread_columns)},
                       {"compression", part.compression},
                       {"columns", std::move(columns)},
                       {"groups", std::move(groups)}};
}

Value ValueOf(const SidecarInspection& sidecar) {
  return Value::Object{{"file", sidecar.file},
                       {"problem", sidecar.problem},
                       {"part", sidecar.part},
                       {"bytes", NumberValue(sidecar.bytes)},
                       {"rows", NumberValue(sidecar.rows)},
                       {"pages", NumberValue(sidecar.pages)},
                       {"max_norm", sidecar.max_norm}};
}

Value ValueOf(const TableVersionInspection& version) {
  return Value::Object{
      {"version", version.version},
      {"committed_at", version.committed_at ? Value(*version.committed_at) : Value()},
      {"operation", version.operation},
      {"files_added", NumberValue(version.files_added)},
      {"files_removed", NumberValue(version.files_removed)},
      {"bytes", NumberValue(version.bytes)},
      {"has_commit", version.has_commit},
      {"has_checkpoint", version.has_checkpoint}};
}

Value ValueOf(const LogSegmentInspection& segment) {
  return Value::Object{{"file", segment.file},
                       {"problem", segment.problem},
                       {"first_sequence", NumberValue(segment.first_sequence)},
                       {"last_sequence", NumberValue(segment.last_sequence)},
                       {"records", NumberValue(segment.records)},
                       {"bytes", NumberValue(segment.bytes)},
                       {"used_bytes", NumberValue(segment.used_bytes)}};
}

Value ValueOf(const IndexModelInspection& model) {
  return Value::Object{{"file", model.file},
                       {"problem", model.problem},
                       {"bytes", NumberValue(model.bytes)},
                       {"model", model.model},
                       {"version", NumberValue(model.version)},
                       {"trained_at", model.trained_at},
                       {"trained_rows", NumberValue(model.trained_rows)},
                       {"clusters", NumberValue(model.clusters)},
                       {"dim", NumberValue(model.dim)},
                       {"code_dim", NumberValue(model.code_dim)}};
}

Value ValueOf(const IndexSegmentInspection& segment) {
  return Value::Object{{"file", segment.file},
                       {"problem", segment.problem},
                       {"bytes", NumberValue(segment.bytes)},
                       {"model", segment.model},
                       {"rows", NumberValue(segment.rows)},
                       {"parts", TextList(segment.parts)},
                       {"clusters", NumberValue(segment.clusters)},
                       {"largest_cluster_rows", NumberValue(segment.largest_cluster_rows)}};
}

Value SchemaValue(const CollectionSchema& schema) {
  Value::List fields;
  for (const Field& field : schema.fields) {
    fields.push_back(Value::Object{{"name", field.name}, {"type", FieldTypeName(field.type)}});
  }
  return Value::Object{{"dim", NumberValue(schema.dim)},
                       {"metric", MetricName(schema.metric)},
                       {"fields", std::move(fields)}};
}

template <typename Item>
Value ListOf(const std::vector<Item>& items) {
  Value::List list;
  for (const Item& item : items) list.push_back(ValueOf(item));
  return list;
}

}  // namespace

Value ToValue(const CollectionInspection& inspection) {
  return Value::Object{{"collection", inspection.collection},
                       {"table_version", inspection.table_version},
                       {"schema", inspection.schema ? SchemaValue(*inspection.schema) : Value()},
                       {"flushed_sequence", NumberValue(inspection.flushed_sequence)},
                       {"versions", ListOf(inspection.versions)},
                       {"parts", ListOf(inspection.parts)},
                       {"sidecars", ListOf(inspection.sidecars)},
                       {"log_segments", ListOf(inspection.log_segments)},
                       {"index_models", ListOf(inspection.index_models)},
                       {"index_segments", ListOf(inspection.index_segments)}};
}

}  // namespace viper
