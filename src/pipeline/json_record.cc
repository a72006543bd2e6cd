#include "pipeline/json_record.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/expiry_text.h"
#include "base/json_dom.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "pipeline/column_choice.h"
#include "pipeline/line_reader.h"
#include "pipeline/row_checks.h"
#include "pipeline/source_limits.h"

namespace viper::pipeline {
namespace {

namespace dom = simdjson::dom;

static_assert(kLinePadding >= simdjson::SIMDJSON_PADDING);
// Long enough to recognise a value, short enough for a line of a terminal.
constexpr size_t kShownElementBytesMax = 60;

std::string Shown(const dom::element& element) {
  std::string text = simdjson::minify(element);
  if (text.size() <= kShownElementBytesMax) return text;
  size_t length = kShownElementBytesMax;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  return text.substr(0, length) + "...";
}

bool IsNumber(const dom::element& element) {
  return element.is_int64() || element.is_uint64() || element.is_double();
}

bool IsNumberList(const dom::element& element) {
  dom::array array;
  if (element.get_array().get(array) != simdjson::SUCCESS || array.begin() == array.end()) {
    return false;
  }
  for (const dom::element item : array) {
    if (!IsNumber(item)) return false;
  }
  return true;
}

Result<std::vector<float>> ReadVector(const dom::element& element, std::string_view key) {
  dom::array array;
  if (element.get_array().get(array) != simdjson::SUCCESS) {
    return Status::InvalidArgument(
        fmt::format("vector is not a list of numbers: key={} value={}", key, Shown(element)));
  }
  std::vector<float> vector;
  vector.reserve(array.size());
  for (const dom::element component : array) {
    double number = 0;
    if (component.get_double().get(number) != simdjson::SUCCESS) {
      return Status::InvalidArgument(
          fmt::format("vector holds what is not a number: component={} value={}", vector.size(),
                      Shown(component)));
    }
    const std::optional<float> narrowed = NarrowToFloat(number);
    if (!narrowed.has_value()) {
      return Status::InvalidArgument(
          fmt::format("vector holds a number beyond the range of float: component={} value={}",
                      vector.size(), number));
    }
    vector.push_back(*narrowed);
  }
  return vector;
}

bool IsSparsePair(const dom::element& element) {
  dom::object object;
  if (element.get_object().get(object) != simdjson::SUCCESS) return false;
  return object["indices"].is_array() && object["values"].is_array();
}

Result<SparseVector> ReadSparse(const dom::element& element, std::string_view key) {
  SparseVector sparse;
  if (!IsSparsePair(element)) {
    return Status::InvalidArgument(fmt::format(
        "sparse vector has no lists indices and values: key={} value={}", key, Shown(element)));
  }
  for (const dom::element item : element["indices"].get_array()) {
    uint64_t index = 0;
    if (item.get_uint64().get(index) != simdjson::SUCCESS ||
        index > std::numeric_limits<uint32_t>::max()) {
      return Status::InvalidArgument(
          fmt::format("sparse vector holds what is no index: place={} value={}",
                      sparse.indices.size(), Shown(item)));
    }
    sparse.indices.push_back(static_cast<uint32_t>(index));
  }
  VIPER_ASSIGN_OR_RETURN(sparse.values, ReadVector(element["values"], key));
  return sparse;
}

Result<std::string> ReadId(const dom::element& element, std::string_view key) {
  if (element.is_string()) {
    VIPER_ASSIGN_OR_RETURN(Value value, ValueFromDom(element, 1));
    return std::move(*value.as_string());
  }
  if (element.is_int64() || element.is_uint64()) return Shown(element);
  return Status::InvalidArgument(
      fmt::format("id is neither a string nor an integer: key={} value={}", key, Shown(element)));
}

using TimeParser = Result<Timestamp> (*)(std::string_view text);

Result<std::optional<Timestamp>> ReadTime(const dom::element& element, std::string_view key,
                                          TimeParser parse) {
  if (element.is_null()) return std::optional<Timestamp>();
  std::string_view text;
  if (element.get_string().get(text) != simdjson::SUCCESS) {
    return Status::InvalidArgument(
        fmt::format("time is not an ISO 8601 string: key={} value={}", key, Shown(element)));
  }
  Result<Timestamp> time = parse(text);
  if (!time.ok()) return time.status().WithContext(key);
  return std::optional(*time);
}

Status AddMetadata(std::string_view key, const dom::element& element, size_t depth,
                   Metadata& metadata) {
  if (!IsValidUtf8(key)) return Status::InvalidArgument("a key holds a lone surrogate");
  Result<Value> value = ValueFromDom(element, depth);
  if (!value.ok()) return value.status().WithContext(fmt::format("key {}", key));
  metadata.insert_or_assign(std::string(key), std::move(*value));
  return Status::Ok();
}

Status MissingKey(std::string_view what, std::string_view key) {
  return Status::InvalidArgument(fmt::format("record has no {}: key={}", what, key));
}

}  // namespace

// What one line holds, while it is being read.
struct JsonRecordParser::Parts {
  Record record;
  bool has_id = false;
  bool has_vector = false;
  // Members of `_metadata` and `metadata`.
  Metadata whole;
};

JsonRecordParser::JsonRecordParser() : parser_(kLineBytesMax + kLinePadding) {}

Result<dom::object> JsonRecordParser::ParseObject(std::string_view line) {
  dom::element root;
  const simdjson::error_code error =
      parser_.parse(line.data(), line.size(), /*realloc_if_needed=*/false).get(root);
  if (error != simdjson::SUCCESS) {
    return Status::InvalidArgument(fmt::format("bad JSON: {}", simdjson::error_message(error)));
  }
  dom::object object;
  if (root.get_object().get(object) != simdjson::SUCCESS) {
    return Status::InvalidArgument(
        fmt::format("record is not a JSON object: value={}", Shown(root)));
  }
  return object;
}

Result<JsonRecordKeys> JsonRecordParser::InferKeys(std::string_view line,
                                                   const RecordSourceOptions& options,
                                                   bool with_vector) {
  VIPER_ASSIGN_OR_RETURN(const dom::object object, ParseObject(line));
  std::vector<Column> columns;
  for (const auto field : object) {
    const bool is_vector = IsNumberList(field.value) || IsSparsePair(field.value);
    columns.push_back({std::string(field.key), with_vector && is_vector});
  }
  JsonRecordKeys keys;
  VIPER_ASSIGN_OR_RETURN(keys.id, ChooseIdColumn(columns, options.id_column));
  if (with_vector) {
    VIPER_ASSIGN_OR_RETURN(keys.vector, ChooseVectorColumn(columns, options.vector_column));
  }
  return keys;
}

Status JsonRecordParser::ReadField(std::string_view key, const dom::element& value,
                                   const JsonRecordKeys& keys, Parts& parts) {
  if (!keys.id.empty() && key == keys.id) {
    VIPER_ASSIGN_OR_RETURN(parts.record.id, ReadId(value, key));
    parts.has_id = true;
    return Status::Ok();
  }
  if (!keys.vector.empty() && key == keys.vector) {
    if (value.is_object()) {
      VIPER_ASSIGN_OR_RETURN(parts.record.sparse_vector, ReadSparse(value, key));
    } else {
      VIPER_ASSIGN_OR_RETURN(parts.record.vector, ReadVector(value, key));
    }
    parts.has_vector = true;
    return Status::Ok();
  }
  if (key == kTimestampColumn) {
    VIPER_ASSIGN_OR_RETURN(parts.record.timestamp, ReadTime(value, key, Timestamp::Parse));
    return Status::Ok();
  }
  if (key == kExpiresAtColumn) {
    VIPER_ASSIGN_OR_RETURN(parts.record.expires_at, ReadTime(value, key, ParseExpiry));
    return Status::Ok();
  }
  if (key == kIngestedAtColumn) return Status::Ok();
  dom::object members;
  if ((key == kMetadataColumn || key == "metadata") &&
      value.get_object().get(members) == simdjson::SUCCESS) {
    for (const auto member : members) {
      VIPER_RETURN_IF_ERROR(AddMetadata(member.key, member.value, 2, parts.whole));
    }
    return Status::Ok();
  }
  return AddMetadata(key, value, 1, parts.record.metadata);
}

Result<Record> JsonRecordParser::Parse(std::string_view line, const JsonRecordKeys& keys) {
  VIPER_ASSIGN_OR_RETURN(const dom::object object, ParseObject(line));
  Parts parts;
  for (const auto field : object) {
    VIPER_RETURN_IF_ERROR(ReadField(field.key, field.value, keys, parts));
  }
  if (!keys.id.empty() && !parts.has_id) return MissingKey("id", keys.id);
  if (!keys.vector.empty() && !parts.has_vector) return MissingKey("vector", keys.vector);
  for (auto& [key, value] : parts.whole) {
    parts.record.metadata.insert_or_assign(key, std::move(value));
  }
  return std::move(parts.record);
}

}  // namespace viper::pipeline
