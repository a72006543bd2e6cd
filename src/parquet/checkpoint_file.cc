// A checkpoint is one row per action; each action is a struct column of which one per row is
// present. Small enough (thousands of rows) to go through Arrow arrays. Delta protocol, "Checkpoint
// Schema".

#include "parquet/checkpoint_file.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <fmt/core.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_reader.h>

#include "base/assert.h"
#include "base/status_macros.h"
#include "parquet/arrow_bridge.h"

namespace viper::parquet {
namespace {

using StringMap = std::map<std::string, std::string>;

// -- Schema
// ------------------------------------------------------------------------------------------

std::shared_ptr<::arrow::DataType> StringMapType() {
  return ::arrow::map(::arrow::utf8(), ::arrow::utf8());
}
std::shared_ptr<::arrow::DataType> StringListType() { return ::arrow::list(::arrow::utf8()); }

std::shared_ptr<::arrow::Schema> CheckpointSchema() {
  const auto text = [](const char* name) { return ::arrow::field(name, ::arrow::utf8()); };
  const auto number = [](const char* name) { return ::arrow::field(name, ::arrow::int64()); };
  const auto map = [](const char* name) { return ::arrow::field(name, StringMapType()); };
  const auto flag = [](const char* name) { return ::arrow::field(name, ::arrow::boolean()); };
  const auto format = ::arrow::struct_({text("provider"), map("options")});
  const auto deletion_vector = ::arrow::field(
      "deletionVector",
      ::arrow::struct_({text("storageType"), text("pathOrInlineDv"),
                        ::arrow::field("offset", ::arrow::int32()),
                        ::arrow::field("sizeInBytes", ::arrow::int32()), number("cardinality")}));
  return ::arrow::schema({
      ::arrow::field("txn",
                     ::arrow::struct_({text("appId"), number("version"), number("lastUpdated")})),
      ::arrow::field("add", ::arrow::struct_({text("path"), map("partitionValues"), number("size"),
                                              number("modificationTime"), flag("dataChange"),
                                              text("stats"), map("tags"), deletion_vector})),
      ::arrow::field(
          "remove", ::arrow::struct_({text("path"), number("deletionTimestamp"), flag("dataChange"),
                                      flag("extendedFileMetadata"), map("partitionValues"),
                                      number("size"), deletion_vector})),
      ::arrow::field("metaData",
                     ::arrow::struct_({text("id"), text("name"), text("description"),
                                       ::arrow::field("format", format), text("schemaString"),
                                       ::arrow::field("partitionColumns", StringListType()),
                                       map("configuration"), number("createdTime")})),
      ::arrow::field("protocol",
                     ::arrow::struct_({::arrow::field("minReaderVersion", ::arrow::int32()),
                                       ::arrow::field("minWriterVersion", ::arrow::int32()),
                                       ::arrow::field("readerFeatures", StringListType()),
                                       ::arrow::field("writerFeatures", StringListType())})),
  });
}

// -- Writing
// -----------------------------------------------------------------------------------------

/// Appends values to an Arrow builder of known shape. Only wants of memory fail.
class ValueWriter {
 public:
  explicit ValueWriter(::arrow::ArrayBuilder* builder) : builder_(builder) {}

  ::arrow::Status Null() { return builder_->AppendNull(); }
  ::arrow::Status Text(std::string_view text) { return As<::arrow::StringBuilder>().Append(text); }
  ::arrow::Status Text(const std::optional<std::string>& text) {
    return text ? Text(std::string_view(*text)) : Null();
  }
  ::arrow::Status Int32(int32_t value) { return As<::arrow::Int32Builder>().Append(value); }
  ::arrow::Status Int64(int64_t value) { return As<::arrow::Int64Builder>().Append(value); }
  ::arrow::Status Int64(const std::optional<int64_t>& value) {
    return value ? Int64(*value) : Null();
  }
  ::arrow::Status Bool(bool value) { return As<::arrow::BooleanBuilder>().Append(value); }
  ::arrow::Status Map(const StringMap& map) {
    auto& builder = As<::arrow::MapBuilder>();
    ARROW_RETURN_NOT_OK(builder.Append());
    for (const auto& [key, value] : map) {
      ARROW_RETURN_NOT_OK(ValueWriter(builder.key_builder()).Text(std::string_view(key)));
      ARROW_RETURN_NOT_OK(ValueWriter(builder.item_builder()).Text(std::string_view(value)));
    }
    return ::arrow::Status::OK();
  }
  ::arrow::Status List(const std::vector<std::string>& texts) {
    auto& builder = As<::arrow::ListBuilder>();
    ARROW_RETURN_NOT_OK(builder.Append());
    for (const std::string& text : texts) {
      ARROW_RETURN_NOT_OK(ValueWriter(builder.value_builder()).Text(std::string_view(text)));
    }
    return ::arrow::Status::OK();
  }
  ::arrow::Status List(const std::optional<std::vector<std::string>>& texts) {
    return texts ? List(*texts) : Null();
  }
  /// Start a present struct; its fields follow in order.
  ::arrow::Status Struct() { return As<::arrow::StructBuilder>().Append(); }
  ValueWriter Field(int index) {
    return ValueWriter(As<::arrow::StructBuilder>().field_builder(index));
  }

 private:
  template <typename Builder>
  Builder& As() {
    return static_cast<Builder&>(*builder_);
  }
  ::arrow::ArrayBuilder* builder_;
};

/// The struct columns in the order of CheckpointSchema.
enum ActionColumn : size_t { kTxn, kAdd, kRemove, kMetaData, kProtocol, kActionCount };

class CheckpointBuilder {
 public:
  ::arrow::Status Init() {
    const auto schema = CheckpointSchema();
    for (size_t action = 0; action < kActionCount; ++action) {
      ARROW_ASSIGN_OR_RAISE(builders_[action],
                            ::arrow::MakeBuilder(schema->field(static_cast<int>(action))->type()));
    }
    return ::arrow::Status::OK();
  }

  ::arrow::Status AppendAll(const CheckpointActions& actions) {
    ARROW_RETURN_NOT_OK(Append(actions.protocol));
    ARROW_RETURN_NOT_OK(Append(actions.metadata));
    for (const auto& [app_id, version] : actions.transactions) {
      ARROW_RETURN_NOT_OK(AppendTransaction(app_id, version));
    }
    for (const CheckpointAdd& add : actions.adds) ARROW_RETURN_NOT_OK(Append(add));
    for (const CheckpointRemove& remove : actions.removes) ARROW_RETURN_NOT_OK(Append(remove));
    return ::arrow::Status::OK();
  }

  ::arrow::Result<std::shared_ptr<::arrow::Table>> Finish() {
    std::vector<std::shared_ptr<::arrow::Array>> columns(kActionCount);
    for (size_t action = 0; action < kActionCount; ++action) {
      ARROW_RETURN_NOT_OK(builders_[action]->Finish(&columns[action]));
    }
    return ::arrow::Table::Make(CheckpointSchema(), columns);
  }

 private:
  /// A row in which only `action` is present.
  ::arrow::Result<ValueWriter> StartRow(ActionColumn action) {
    for (size_t other = 0; other < kActionCount; ++other) {
      if (other != action) ARROW_RETURN_NOT_OK(builders_[other]->AppendNull());
    }
    ValueWriter row(builders_[action].get());
    ARROW_RETURN_NOT_OK(row.Struct());
    return row;
  }

  ::arrow::Status Append(const CheckpointProtocol& protocol) {
    ARROW_ASSIGN_OR_RAISE(ValueWriter row, StartRow(kProtocol));
    ARROW_RETURN_NOT_OK(row.Field(0).Int32(protocol.min_reader_version));
    ARROW_RETURN_NOT_OK(row.Field(1).Int32(protocol.min_writer_version));
    ARROW_RETURN_NOT_OK(row.Field(2).List(protocol.reader_features));
    return row.Field(3).List(protocol.writer_features);
  }

  ::arrow::Status Append(const CheckpointMetadata& metadata) {
    ARROW_ASSIGN_OR_RAISE(ValueWriter row, StartRow(kMetaData));
    ARROW_RETURN_NOT_OK(row.Field(0).Text(std::string_view(metadata.id)));
    ARROW_RETURN_NOT_OK(row.Field(1).Text(metadata.name));
    ARROW_RETURN_NOT_OK(row.Field(2).Text(metadata.description));
    ARROW_RETURN_NOT_OK(row.Field(3).Struct());
    ARROW_RETURN_NOT_OK(row.Field(3).Field(0).Text(std::string_view("parquet")));
    ARROW_RETURN_NOT_OK(row.Field(3).Field(1).Map({}));
    ARROW_RETURN_NOT_OK(row.Field(4).Text(std::string_view(metadata.schema_json)));
    ARROW_RETURN_NOT_OK(row.Field(5).List(metadata.partition_columns));
    ARROW_RETURN_NOT_OK(row.Field(6).Map(metadata.configuration));
    return row.Field(7).Int64(metadata.created_time_ms);
  }

  ::arrow::Status AppendTransaction(const std::string& app_id, int64_t version) {
    ARROW_ASSIGN_OR_RAISE(ValueWriter row, StartRow(kTxn));
    ARROW_RETURN_NOT_OK(row.Field(0).Text(std::string_view(app_id)));
    ARROW_RETURN_NOT_OK(row.Field(1).Int64(version));
    return row.Field(2).Null();
  }

  ::arrow::Status Append(const CheckpointAdd& add) {
    ARROW_ASSIGN_OR_RAISE(ValueWriter row, StartRow(kAdd));
    ARROW_RETURN_NOT_OK(row.Field(0).Text(std::string_view(add.path)));
    ARROW_RETURN_NOT_OK(row.Field(1).Map({}));
    ARROW_RETURN_NOT_OK(row.Field(2).Int64(add.size));
    ARROW_RETURN_NOT_OK(row.Field(3).Int64(add.modification_time_ms));
    ARROW_RETURN_NOT_OK(row.Field(4).Bool(add.data_change));
    ARROW_RETURN_NOT_OK(add.stats_json.empty()
                            ? row.Field(5).Null()
                            : row.Field(5).Text(std::string_view(add.stats_json)));
    ARROW_RETURN_NOT_OK(add.tags.empty() ? row.Field(6).Null() : row.Field(6).Map(add.tags));
    return Append(add.deletion_vector, row.Field(7));
  }

  ::arrow::Status Append(const CheckpointRemove& remove) {
    ARROW_ASSIGN_OR_RAISE(ValueWriter row, StartRow(kRemove));
    ARROW_RETURN_NOT_OK(row.Field(0).Text(std::string_view(remove.path)));
    ARROW_RETURN_NOT_OK(row.Field(1).Int64(remove.deletion_timestamp_ms));
    ARROW_RETURN_NOT_OK(row.Field(2).Bool(remove.data_change));
    // The protocol wants size and partition values with this flag, and neither without.
    ARROW_RETURN_NOT_OK(row.Field(3).Bool(remove.size.has_value()));
    ARROW_RETURN_NOT_OK(remove.size ? row.Field(4).Map({}) : row.Field(4).Null());
    ARROW_RETURN_NOT_OK(row.Field(5).Int64(remove.size));
    return Append(remove.deletion_vector, row.Field(6));
  }

  static ::arrow::Status Append(const std::optional<DeletionVectorDescriptor>& vector,
                                ValueWriter place) {
    if (!vector) return place.Null();
    ARROW_RETURN_NOT_OK(place.Struct());
    ARROW_RETURN_NOT_OK(place.Field(0).Text(std::string_view(vector->storage_type)));
    ARROW_RETURN_NOT_OK(place.Field(1).Text(std::string_view(vector->path_or_inline)));
    ARROW_RETURN_NOT_OK(vector->offset ? place.Field(2).Int32(*vector->offset)
                                       : place.Field(2).Null());
    ARROW_RETURN_NOT_OK(place.Field(3).Int32(vector->size_bytes));
    return place.Field(4).Int64(vector->cardinality);
  }

  std::array<std::unique_ptr<::arrow::ArrayBuilder>, kActionCount> builders_;
};

::arrow::Result<std::shared_ptr<::arrow::Buffer>> Encode(const CheckpointActions& actions) {
  CheckpointBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Init());
  ARROW_RETURN_NOT_OK(builder.AppendAll(actions));
  ARROW_ASSIGN_OR_RAISE(const auto table, builder.Finish());
  ARROW_ASSIGN_OR_RAISE(const auto sink, ::arrow::io::BufferOutputStream::Create());
  const auto properties = ::parquet::WriterProperties::Builder()
                              .compression(::parquet::Compression::SNAPPY)
                              ->disable_write_page_index()
                              ->enable_page_checksum()
                              ->build();
  constexpr int64_t kRowsPerGroup = 1'000'000;
  ARROW_RETURN_NOT_OK(::parquet::arrow::WriteTable(*table, ::arrow::default_memory_pool(), sink,
                                                   kRowsPerGroup, properties));
  return sink->Finish();
}

// -- Reading
// -----------------------------------------------------------------------------------------

/// One row of an array that came from a file; nothing about it is believed. A null, missing or
/// wrongly typed thing reads as absent; the caller says what must be there.
class ValueReader {
 public:
  ValueReader(const ::arrow::Array* array, int64_t row) : array_(array), row_(row) {}

  bool IsPresent() const { return array_ != nullptr && array_->IsValid(row_); }

  std::optional<std::string> Text() const {
    if (!IsPresent()) return std::nullopt;
    switch (array_->type_id()) {
      case ::arrow::Type::STRING:
        return As<::arrow::StringArray>().GetString(row_);
      case ::arrow::Type::LARGE_STRING:
        return As<::arrow::LargeStringArray>().GetString(row_);
      default:
        return std::nullopt;
    }
  }

  std::optional<int64_t> Int64() const {
    if (!IsPresent()) return std::nullopt;
    switch (array_->type_id()) {
      case ::arrow::Type::INT32:
        return As<::arrow::Int32Array>().Value(row_);
      case ::arrow::Type::INT64:
        return As<::arrow::Int64Array>().Value(row_);
      default:
        return std::nullopt;
    }
  }

  std::optional<bool> Bool() const {
    if (!IsPresent() || array_->type_id() != ::arrow::Type::BOOL) return std::nullopt;
    return As<::arrow::BooleanArray>().Value(row_);
  }

  std::optional<std::vector<std::string>> List() const {
    if (!IsPresent() || array_->type_id() != ::arrow::Type::LIST) return std::nullopt;
    const auto& lists = As<::arrow::ListArray>();
    std::vector<std::string> texts;
    for (int64_t i = lists.value_offset(row_); i < lists.value_offset(row_ + 1); ++i) {
      texts.push_back(ValueReader(lists.values().get(), i).Text().value_or(""));
    }
    return texts;
  }

  StringMap Map() const {
    StringMap map;
    if (!IsPresent() || array_->type_id() != ::arrow::Type::MAP) return map;
    const auto& maps = As<::arrow::MapArray>();
    for (int64_t i = maps.value_offset(row_); i < maps.value_offset(row_ + 1); ++i) {
      const auto key = ValueReader(maps.keys().get(), i).Text();
      const auto value = ValueReader(maps.items().get(), i).Text();
      if (key && value) map[*key] = *value;
    }
    return map;
  }

  ValueReader Field(const char* name) const {
    if (!IsPresent() || array_->type_id() != ::arrow::Type::STRUCT) return {nullptr, 0};
    return {As<::arrow::StructArray>().GetFieldByName(name).get(), row_};
  }

 private:
  template <typename ArrayType>
  const ArrayType& As() const {
    return static_cast<const ArrayType&>(*array_);
  }
  const ::arrow::Array* array_;
  int64_t row_;
};

Status Missing(std::string_view action, std::string_view field) {
  return Status::Corruption(fmt::format("{} lacks its {}", action, field));
}

Result<CheckpointProtocol> ReadProtocol(const ValueReader& row) {
  const auto reader_version = row.Field("minReaderVersion").Int64();
  const auto writer_version = row.Field("minWriterVersion").Int64();
  if (!reader_version || !writer_version) return Missing("protocol", "versions");
  return CheckpointProtocol{static_cast<int32_t>(*reader_version),
                            static_cast<int32_t>(*writer_version),
                            row.Field("readerFeatures").List(), row.Field("writerFeatures").List()};
}

Result<CheckpointMetadata> ReadMetadata(const ValueReader& row) {
  CheckpointMetadata metadata;
  const auto id = row.Field("id").Text();
  const auto schema_json = row.Field("schemaString").Text();
  if (!id) return Missing("metaData", "id");
  if (!schema_json) return Missing("metaData", "schemaString");
  metadata.id = *id;
  metadata.schema_json = *schema_json;
  metadata.name = row.Field("name").Text();
  metadata.description = row.Field("description").Text();
  metadata.partition_columns =
      row.Field("partitionColumns").List().value_or(std::vector<std::string>());
  metadata.configuration = row.Field("configuration").Map();
  metadata.created_time_ms = row.Field("createdTime").Int64();
  return metadata;
}

Result<std::optional<DeletionVectorDescriptor>> ReadDeletionVector(const ValueReader& row) {
  if (!row.IsPresent()) return std::optional<DeletionVectorDescriptor>();
  const auto storage_type = row.Field("storageType").Text();
  const auto path_or_inline = row.Field("pathOrInlineDv").Text();
  const auto offset = row.Field("offset").Int64();
  const auto size = row.Field("sizeInBytes").Int64();
  const auto cardinality = row.Field("cardinality").Int64();
  if (!storage_type || !path_or_inline || !size || !cardinality) {
    return Missing("deletionVector", "storageType, pathOrInlineDv, sizeInBytes or cardinality");
  }
  DeletionVectorDescriptor vector{.storage_type = *storage_type,
                                  .path_or_inline = *path_or_inline,
                                  .offset = std::nullopt,
                                  .size_bytes = static_cast<int32_t>(*size),
                                  .cardinality = *cardinality};
  if (offset) vector.offset = static_cast<int32_t>(*offset);
  return std::optional(std::move(vector));
}

Result<CheckpointAdd> ReadAdd(const ValueReader& row) {
  CheckpointAdd add;
  const auto path = row.Field("path").Text();
  const auto size = row.Field("size").Int64();
  if (!path) return Missing("add", "path");
  if (!size || *size < 0) return Missing("add", "size");
  add.path = *path;
  add.size = *size;
  add.modification_time_ms = row.Field("modificationTime").Int64().value_or(0);
  add.data_change = row.Field("dataChange").Bool().value_or(false);
  add.stats_json = row.Field("stats").Text().value_or("");
  add.tags = row.Field("tags").Map();
  VIPER_ASSIGN_OR_RETURN(add.deletion_vector, ReadDeletionVector(row.Field("deletionVector")));
  return add;
}

Result<CheckpointRemove> ReadRemove(const ValueReader& row) {
  CheckpointRemove remove;
  const auto path = row.Field("path").Text();
  if (!path) return Missing("remove", "path");
  remove.path = *path;
  remove.deletion_timestamp_ms = row.Field("deletionTimestamp").Int64().value_or(0);
  remove.data_change = row.Field("dataChange").Bool().value_or(false);
  remove.size = row.Field("size").Int64();
  VIPER_ASSIGN_OR_RETURN(remove.deletion_vector, ReadDeletionVector(row.Field("deletionVector")));
  return remove;
}

/// Takes in row after row.
class CheckpointReader {
 public:
  Status AddBatch(const ::arrow::RecordBatch& batch) {
    for (int64_t row = 0; row < batch.num_rows(); ++row, ++row_) {
      const Status status = AddRow(batch, row);
      if (!status.ok()) return status.WithContext(fmt::format("row {}", row_ + 1));
    }
    return Status::Ok();
  }

  Result<CheckpointActions> Finish() {
    if (!has_protocol_) return Status::Corruption("checkpoint has no protocol");
    if (!has_metadata_) return Status::Corruption("checkpoint has no metaData");
    return std::move(actions_);
  }

 private:
  Status AddRow(const ::arrow::RecordBatch& batch, int64_t row) {
    const auto action = [&](const char* name) {
      return ValueReader(batch.GetColumnByName(name).get(), row);
    };
    if (const auto protocol = action("protocol"); protocol.IsPresent()) {
      if (has_protocol_) return Status::Corruption("checkpoint has two protocols");
      VIPER_ASSIGN_OR_RETURN(actions_.protocol, ReadProtocol(protocol));
      has_protocol_ = true;
    }
    if (const auto metadata = action("metaData"); metadata.IsPresent()) {
      if (has_metadata_) return Status::Corruption("checkpoint has two metaData actions");
      VIPER_ASSIGN_OR_RETURN(actions_.metadata, ReadMetadata(metadata));
      has_metadata_ = true;
    }
    if (const auto add = action("add"); add.IsPresent()) {
      VIPER_ASSIGN_OR_RETURN(CheckpointAdd value, ReadAdd(add));
      actions_.adds.push_back(std::move(value));
    }
    if (const auto remove = action("remove"); remove.IsPresent()) {
      VIPER_ASSIGN_OR_RETURN(CheckpointRemove value, ReadRemove(remove));
      actions_.removes.push_back(std::move(value));
    }
    if (const auto txn = action("txn"); txn.IsPresent()) {
      const auto app_id = txn.Field("appId").Text();
      const auto version = txn.Field("version").Int64();
      if (!app_id || !version) return Missing("txn", "appId or version");
      actions_.transactions[*app_id] = *version;
    }
    if (action("sidecar").IsPresent()) {
      return Status::Unsupported("checkpoint is in several parts (sidecar actions)");
    }
    return Status::Ok();
  }

  CheckpointActions actions_;
  bool has_protocol_ = false;
  bool has_metadata_ = false;
  int64_t row_ = 0;
};

/// The leaves under the actions that we read; other writers add columns such as stats_parsed.
std::vector<int> WantedLeaves(const ::parquet::SchemaDescriptor& schema) {
  constexpr std::array<std::string_view, 6> kActions = {"txn",      "add",      "remove",
                                                        "metaData", "protocol", "sidecar"};
  constexpr std::array<std::string_view, 3> kSkipped = {"stats_parsed", "partitionValues_parsed",
                                                        "partitionValues"};
  std::vector<int> leaves;
  for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
    const std::vector<std::string> path = schema.Column(leaf)->path()->ToDotVector();
    const bool known = std::find(kActions.begin(), kActions.end(), path[0]) != kActions.end();
    const bool skipped =
        path.size() > 1 && std::find(kSkipped.begin(), kSkipped.end(), path[1]) != kSkipped.end();
    if (known && !skipped) leaves.push_back(leaf);
  }
  return leaves;
}

Result<CheckpointActions> Decode(std::span<const std::byte> bytes) {
  // Of those that have them: a flipped bit in a path or a size is as good a path or size.
  ::parquet::ReaderProperties properties = ::parquet::default_reader_properties();
  properties.set_page_checksum_verification(true);
  auto file = ::parquet::ParquetFileReader::Open(
      std::make_shared<::arrow::io::BufferReader>(WrapBytes(bytes)), properties);
  const std::vector<int> leaves = WantedLeaves(*file->metadata()->schema());
  VIPER_ASSIGN_OR_RETURN_ARROW(
      const auto reader,
      ::parquet::arrow::FileReader::Make(::arrow::default_memory_pool(), std::move(file)));
  std::vector<int> row_groups(static_cast<size_t>(reader->num_row_groups()));
  for (size_t i = 0; i < row_groups.size(); ++i) row_groups[i] = static_cast<int>(i);
  VIPER_ASSIGN_OR_RETURN_ARROW(const auto batches,
                               reader->GetRecordBatchReader(row_groups, leaves));
  CheckpointReader checkpoint;
  while (true) {
    std::shared_ptr<::arrow::RecordBatch> batch;
    VIPER_RETURN_IF_ARROW_ERROR(batches->ReadNext(&batch));
    if (batch == nullptr) break;
    // Cheap, and what keeps damaged offsets from being followed.
    VIPER_RETURN_IF_ARROW_ERROR(batch->Validate());
    VIPER_RETURN_IF_ERROR(checkpoint.AddBatch(*batch));
  }
  return checkpoint.Finish();
}

}  // namespace

Result<std::vector<std::byte>> EncodeCheckpoint(const CheckpointActions& actions) {
  if (!actions.metadata.partition_columns.empty()) {
    return Status::Unsupported(
        fmt::format("partitioned tables are not supported: first_partition_column={}",
                    actions.metadata.partition_columns[0]));
  }
  return CatchParquet([&]() -> Result<std::vector<std::byte>> {
    VIPER_ASSIGN_OR_RETURN_ARROW(const auto buffer, Encode(actions));
    const auto* data = reinterpret_cast<const std::byte*>(buffer->data());
    return std::vector<std::byte>(data, data + buffer->size());
  });
}

Result<CheckpointActions> DecodeCheckpoint(std::span<const std::byte> bytes,
                                           const std::string& path) {
  auto actions = CatchParquet([&] { return Decode(bytes); });
  if (!actions.ok()) return actions.status().WithContext(path);
  return actions;
}

}  // namespace viper::parquet
