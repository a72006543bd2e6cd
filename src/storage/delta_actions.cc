#include "storage/delta_actions.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/status_macros.h"
#include "storage/data_path.h"
#include "storage/json_fields.h"
#include "storage/table_rules.h"
#include "viper/value.h"
#include "viper/version.h"

namespace viper::storage {
namespace {

// -- Encoding -------------------------------------------------------------------------------------

Value ToValue(const std::map<std::string, std::string>& strings) {
  Value::Object object;
  for (const auto& [key, value] : strings) object[key] = value;
  return object;
}

Value ToValue(const std::vector<std::string>& strings) {
  return Value::List(strings.begin(), strings.end());
}

// Of the lines behind the first, which has it.
constexpr std::string_view kActionsCrcKey = "viperActionsCrc32c";

std::string ActionsCrc(std::string_view actions) {
  return fmt::format("{:08x}", crc32c::Value(AsBytes(actions)));
}

Value ToValue(const TableCommit& commit, const CommitStamp& stamp, std::string_view actions) {
  Value::Object object{{"timestamp", stamp.timestamp_ms},
                       {"operation", commit.operation},
                       {"operationParameters", ToValue(commit.operation_parameters)},
                       {"isBlindAppend", commit.removed.empty()},
                       {"engineInfo", fmt::format("VIPER/{}", kVersionString)},
                       {"txnId", stamp.transaction_id},
                       {std::string(kActionsCrcKey), ActionsCrc(actions)}};
  if (!commit.operation_metrics.empty()) {
    object["operationMetrics"] = ToValue(commit.operation_metrics);
  }
  return object;
}

Value ToValue(const TableProtocol& protocol) {
  Value::Object object{{"minReaderVersion", protocol.min_reader_version},
                       {"minWriterVersion", protocol.min_writer_version}};
  if (protocol.min_reader_version >= kReaderFeaturesVersion) {
    object["readerFeatures"] = ToValue(protocol.reader_features);
  }
  if (protocol.min_writer_version >= kWriterFeaturesVersion) {
    object["writerFeatures"] = ToValue(protocol.writer_features);
  }
  return object;
}

Value ToValue(const TableMetadata& metadata) {
  Value::Object object{
      {"id", metadata.id},
      {"format", Value::Object{{"provider", "parquet"}, {"options", Value::Object()}}},
      {"schemaString", metadata.schema_json},
      {"partitionColumns", ToValue(metadata.partition_columns)},
      {"configuration", ToValue(metadata.configuration)},
      {"createdTime", metadata.created_time_ms}};
  if (metadata.name) object["name"] = *metadata.name;
  if (metadata.description) object["description"] = *metadata.description;
  return object;
}

Value ToValue(const DeletionVectorDescriptor& vector) {
  Value::Object object{{"storageType", vector.storage_type},
                       {"pathOrInlineDv", vector.path_or_inline},
                       {"sizeInBytes", int64_t{vector.size_bytes}},
                       {"cardinality", vector.cardinality}};
  if (vector.offset) object["offset"] = int64_t{*vector.offset};
  return object;
}

Value ToValue(const AddedFile& file) {
  Value::Object object{{"path", EncodeDataPath(file.path)},
                       {"partitionValues", Value::Object()},
                       {"size", static_cast<int64_t>(file.size)},
                       {"modificationTime", file.modification_time_ms},
                       {"dataChange", file.data_change}};
  if (!file.stats_json.empty()) object["stats"] = file.stats_json;
  if (!file.tags.empty()) object["tags"] = ToValue(file.tags);
  if (file.deletion_vector) object["deletionVector"] = ToValue(*file.deletion_vector);
  return object;
}

Value ToValue(const RemovedFile& file) {
  Value::Object object{{"path", EncodeDataPath(file.path)},
                       {"deletionTimestamp", file.deletion_timestamp_ms},
                       {"dataChange", file.data_change}};
  if (file.size > 0) {
    object["extendedFileMetadata"] = true;
    object["partitionValues"] = Value::Object();
    object["size"] = static_cast<int64_t>(file.size);
  }
  if (file.deletion_vector) object["deletionVector"] = ToValue(*file.deletion_vector);
  return object;
}

void AppendLine(std::string_view action, Value fields, std::string& text) {
  text += Value(Value::Object{{std::string(action), std::move(fields)}}).ToJson();
  text += '\n';
}

// -- Decoding -------------------------------------------------------------------------------------

Result<uint64_t> ToSize(std::string_view field, int64_t size) {
  if (size < 0) {
    return Status::Corruption(fmt::format("{} is negative: actual={}", field, size));
  }
  return static_cast<uint64_t>(size);
}

/// The members of an object as texts; none if there is no such object.
Result<std::map<std::string, std::string>> DecodeTexts(const JsonFields& fields, const char* name) {
  std::map<std::string, std::string> texts;
  VIPER_ASSIGN_OR_RETURN(const auto* object, fields.FindObject(name));
  if (object == nullptr) return texts;
  for (const auto& [key, value] : *object) {
    const std::string* text = value.as_string();
    texts[key] = text != nullptr ? *text : value.ToJson();
  }
  return texts;
}

Status DecodeCommitInfo(const Value::Object& object, CommitFile& file) {
  const JsonFields fields("commitInfo", object);
  VIPER_ASSIGN_OR_RETURN(auto operation, fields.FindString("operation"));
  VIPER_ASSIGN_OR_RETURN(const auto timestamp, fields.FindInt("timestamp"));
  VIPER_ASSIGN_OR_RETURN(auto transaction_id, fields.FindString("txnId"));
  VIPER_ASSIGN_OR_RETURN(auto actions_crc, fields.FindString(kActionsCrcKey));
  VIPER_ASSIGN_OR_RETURN(file.commit.operation_parameters,
                         DecodeTexts(fields, "operationParameters"));
  VIPER_ASSIGN_OR_RETURN(file.commit.operation_metrics, DecodeTexts(fields, "operationMetrics"));
  file.commit.operation = std::move(operation).value_or("");
  file.actions_crc = std::move(actions_crc).value_or("");
  file.stamp = {.timestamp_ms = timestamp.value_or(0),
                .transaction_id = std::move(transaction_id).value_or("")};
  return Status::Ok();
}

Status DecodeProtocol(const Value::Object& object, CommitFile& file) {
  const JsonFields fields("protocol", object);
  TableProtocol protocol;
  VIPER_ASSIGN_OR_RETURN(const int64_t reader, fields.Int("minReaderVersion"));
  VIPER_ASSIGN_OR_RETURN(const int64_t writer, fields.Int("minWriterVersion"));
  constexpr int64_t kVersionMax = 1'000'000;
  if (reader < 1 || reader > kVersionMax || writer < 1 || writer > kVersionMax) {
    return Status::Corruption(
        fmt::format("protocol has impossible versions: reader={} writer={}", reader, writer));
  }
  protocol.min_reader_version = static_cast<int>(reader);
  protocol.min_writer_version = static_cast<int>(writer);
  VIPER_ASSIGN_OR_RETURN(protocol.reader_features, fields.StringList("readerFeatures"));
  VIPER_ASSIGN_OR_RETURN(protocol.writer_features, fields.StringList("writerFeatures"));
  file.commit.protocol = std::move(protocol);
  return Status::Ok();
}

Status DecodeMetadata(const Value::Object& object, CommitFile& file) {
  const JsonFields fields("metaData", object);
  TableMetadata metadata;
  VIPER_ASSIGN_OR_RETURN(const auto* format, fields.FindObject("format"));
  if (format != nullptr) {
    VIPER_ASSIGN_OR_RETURN(const auto provider,
                           JsonFields("metaData.format", *format).FindString("provider"));
    if (provider && *provider != "parquet") {
      return Status::Unsupported(fmt::format("table of another file format: actual={}", *provider));
    }
  }
  VIPER_ASSIGN_OR_RETURN(metadata.id, fields.String("id"));
  VIPER_ASSIGN_OR_RETURN(metadata.name, fields.FindString("name"));
  VIPER_ASSIGN_OR_RETURN(metadata.description, fields.FindString("description"));
  VIPER_ASSIGN_OR_RETURN(metadata.schema_json, fields.String("schemaString"));
  VIPER_ASSIGN_OR_RETURN(metadata.partition_columns, fields.StringList("partitionColumns"));
  VIPER_ASSIGN_OR_RETURN(metadata.configuration, fields.StringMap("configuration"));
  VIPER_ASSIGN_OR_RETURN(const auto created, fields.FindInt("createdTime"));
  metadata.created_time_ms = created.value_or(0);
  file.commit.metadata = std::move(metadata);
  return Status::Ok();
}

Status DecodeTransaction(const Value::Object& object, CommitFile& file) {
  const JsonFields fields("txn", object);
  VIPER_ASSIGN_OR_RETURN(const std::string application, fields.String("appId"));
  VIPER_ASSIGN_OR_RETURN(file.commit.transactions[application], fields.Int("version"));
  return Status::Ok();
}

Result<int32_t> ToInt32(std::string_view field, int64_t value) {
  if (value < 0 || value > std::numeric_limits<int32_t>::max()) {
    return Status::Corruption(fmt::format("{} is out of range: actual={}", field, value));
  }
  return static_cast<int32_t>(value);
}

/// Of an add or a remove; absent where there is none.
Result<std::optional<DeletionVectorDescriptor>> DecodeDeletionVectorField(
    const JsonFields& action) {
  VIPER_ASSIGN_OR_RETURN(const auto* object, action.FindObject("deletionVector"));
  if (object == nullptr) return std::optional<DeletionVectorDescriptor>();
  const JsonFields fields("deletionVector", *object);
  DeletionVectorDescriptor vector;
  VIPER_ASSIGN_OR_RETURN(vector.storage_type, fields.String("storageType"));
  VIPER_ASSIGN_OR_RETURN(vector.path_or_inline, fields.String("pathOrInlineDv"));
  VIPER_ASSIGN_OR_RETURN(const auto offset, fields.FindInt("offset"));
  if (offset) {
    VIPER_ASSIGN_OR_RETURN(vector.offset, ToInt32("deletionVector.offset", *offset));
  }
  VIPER_ASSIGN_OR_RETURN(const int64_t size, fields.Int("sizeInBytes"));
  VIPER_ASSIGN_OR_RETURN(vector.size_bytes, ToInt32("deletionVector.sizeInBytes", size));
  VIPER_ASSIGN_OR_RETURN(vector.cardinality, fields.Int("cardinality"));
  return std::optional(std::move(vector));
}

Status DecodeAdd(const Value::Object& object, CommitFile& file) {
  const JsonFields fields("add", object);
  AddedFile added;
  VIPER_ASSIGN_OR_RETURN(const std::string path, fields.String("path"));
  VIPER_ASSIGN_OR_RETURN(added.path, DecodeDataPath(path));
  VIPER_ASSIGN_OR_RETURN(const int64_t size, fields.Int("size"));
  VIPER_ASSIGN_OR_RETURN(added.size, ToSize("add.size", size));
  VIPER_ASSIGN_OR_RETURN(added.modification_time_ms, fields.Int("modificationTime"));
  VIPER_ASSIGN_OR_RETURN(added.data_change, fields.Bool("dataChange"));
  VIPER_ASSIGN_OR_RETURN(auto stats, fields.FindString("stats"));
  added.stats_json = std::move(stats).value_or("");
  VIPER_ASSIGN_OR_RETURN(added.tags, fields.StringMap("tags"));
  VIPER_ASSIGN_OR_RETURN(added.deletion_vector, DecodeDeletionVectorField(fields));
  file.commit.added.push_back(std::move(added));
  return Status::Ok();
}

Status DecodeRemove(const Value::Object& object, CommitFile& file) {
  const JsonFields fields("remove", object);
  RemovedFile removed;
  VIPER_ASSIGN_OR_RETURN(const std::string path, fields.String("path"));
  VIPER_ASSIGN_OR_RETURN(removed.path, DecodeDataPath(path));
  VIPER_ASSIGN_OR_RETURN(const auto timestamp, fields.FindInt("deletionTimestamp"));
  removed.deletion_timestamp_ms = timestamp.value_or(0);
  VIPER_ASSIGN_OR_RETURN(const auto data_change, fields.FindBool("dataChange"));
  removed.data_change = data_change.value_or(true);
  VIPER_ASSIGN_OR_RETURN(const auto size, fields.FindInt("size"));
  VIPER_ASSIGN_OR_RETURN(removed.size, ToSize("remove.size", size.value_or(0)));
  VIPER_ASSIGN_OR_RETURN(removed.deletion_vector, DecodeDeletionVectorField(fields));
  file.commit.removed.push_back(std::move(removed));
  return Status::Ok();
}

struct ActionDecoder {
  std::string_view name;
  Status (*decode)(const Value::Object& object, CommitFile& file);
};

constexpr ActionDecoder kActionDecoders[] = {
    {"commitInfo", DecodeCommitInfo}, {"protocol", DecodeProtocol}, {"metaData", DecodeMetadata},
    {"txn", DecodeTransaction},       {"add", DecodeAdd},           {"remove", DecodeRemove}};

Status DecodeLine(std::string_view line, CommitFile& file) {
  auto json = Value::FromJson(line);
  if (!json.ok()) return Status::Corruption(json.status().message());
  const Value::Object* object = json->as_object();
  if (object == nullptr) {
    return Status::Corruption(fmt::format("not a JSON object: actual={}", KindName(json->kind())));
  }
  for (const ActionDecoder& decoder : kActionDecoders) {
    VIPER_ASSIGN_OR_RETURN(const Value::Object* fields,
                           JsonFields("line", *object).FindObject(decoder.name));
    if (fields != nullptr) VIPER_RETURN_IF_ERROR(decoder.decode(*fields, file));
  }
  return Status::Ok();
}

}  // namespace

std::string EncodeCommit(const TableCommit& commit, const CommitStamp& stamp) {
  std::string text;
  if (commit.protocol) AppendLine("protocol", ToValue(*commit.protocol), text);
  if (commit.metadata) AppendLine("metaData", ToValue(*commit.metadata), text);
  for (const auto& [application, version] : commit.transactions) {
    AppendLine(
        "txn",
        Value::Object{
            {"appId", application}, {"version", version}, {"lastUpdated", stamp.timestamp_ms}},
        text);
  }
  for (const RemovedFile& file : commit.removed) AppendLine("remove", ToValue(file), text);
  for (const AddedFile& file : commit.added) AppendLine("add", ToValue(file), text);
  std::string first_line;
  AppendLine("commitInfo", ToValue(commit, stamp, text), first_line);
  return first_line + text;
}

Result<CommitFile> DecodeCommit(std::string_view text, const std::string& path) {
  CommitFile file;
  size_t line_number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++line_number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (const Status status = DecodeLine(line, file); !status.ok()) {
      return status.WithContext(fmt::format("{} line {}", path, line_number));
    }
  }
  const size_t first_end = std::min(text.find('\n'), text.size());
  const std::string actual = ActionsCrc(text.substr(std::min(first_end + 1, text.size())));
  if (!file.actions_crc.empty() && file.actions_crc != actual) {
    return Status::Corruption(fmt::format("{}: checksum of its actions: expected={} actual={}",
                                          path, file.actions_crc, actual));
  }
  return file;
}

}  // namespace viper::storage
