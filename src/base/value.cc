#include "viper/value.h"

#include <array>
#include <charconv>
#include <cmath>
#include <memory>

#include <fmt/core.h>
#include <simdjson.h>

#include "base/json_dom.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace viper {
namespace {

namespace dom = simdjson::dom;

// A parser of each thread keeps its buffers between documents up to this size.
constexpr size_t kKeptParserBytesMax = size_t{1} << 20;

// -- Printing
// ---------------------------------------------------------------------------------------

void PrintString(std::string_view text, std::string& out) {
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

template <typename Number>
std::string_view PrintNumber(Number number, std::array<char, 32>& buffer) {
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), static_cast<size_t>(end.ptr - buffer.data())};
}

void PrintFloat64(double number, std::string& out) {
  if (!std::isfinite(number)) {
    out += "null";  // as JavaScript prints it: JSON has no word for it
    return;
  }
  std::array<char, 32> buffer;
  const std::string_view text = PrintNumber(number, buffer);
  out += text;
  // Without a point or an exponent it would be read back as an integer.
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void Print(const Value& value, std::string& out) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      out += "null";
      break;
    case Value::Kind::kBool:
      out += *value.as_bool() ? "true" : "false";
      break;
    case Value::Kind::kInt64: {
      std::array<char, 32> buffer;
      out += PrintNumber(*value.as_int64(), buffer);
      break;
    }
    case Value::Kind::kFloat64:
      PrintFloat64(*value.as_float64(), out);
      break;
    case Value::Kind::kString:
      PrintString(*value.as_string(), out);
      break;
    case Value::Kind::kTimestamp:
      PrintString(value.as_timestamp()->ToString(), out);
      break;
    case Value::Kind::kList: {
      char separator = '[';
      for (const Value& element : *value.as_list()) {
        out += separator;
        Print(element, out);
        separator = ',';
      }
      out += value.as_list()->empty() ? "[]" : "]";
      break;
    }
    case Value::Kind::kObject: {
      char separator = '{';
      for (const auto& [key, member] : *value.as_object()) {
        out += separator;
        PrintString(key, out);
        out += ':';
        Print(member, out);
        separator = ',';
      }
      out += value.as_object()->empty() ? "{}" : "}";
      break;
    }
  }
}

// -- Parsing
// ----------------------------------------------------------------------------------------

Status TooDeep() {
  return Status::InvalidArgument(fmt::format("JSON is nested too deep: max={}", kJsonDepthMax));
}

Result<Value> Convert(const dom::element& element, size_t depth);

Result<Value> ConvertList(const dom::array& array, size_t depth) {
  if (depth >= kJsonDepthMax) return TooDeep();
  Value::List list;
  list.reserve(array.size());
  for (const dom::element element : array) {
    VIPER_ASSIGN_OR_RETURN(Value value, Convert(element, depth + 1));
    list.push_back(std::move(value));
  }
  return Value(std::move(list));
}

Result<Value> ConvertObject(const dom::object& object, size_t depth) {
  if (depth >= kJsonDepthMax) return TooDeep();
  Value::Object members;
  for (const auto field : object) {
    VIPER_ASSIGN_OR_RETURN(Value value, Convert(field.value, depth + 1));
    members.insert_or_assign(std::string(field.key), std::move(value));
  }
  return Value(std::move(members));
}

// The unsafe getters only trust the type that was just looked at.
Result<Value> Convert(const dom::element& element, size_t depth) {
  switch (element.type()) {
    case dom::element_type::NULL_VALUE:
      return Value();
    case dom::element_type::BOOL:
      return Value(element.get_bool().value_unsafe());
    case dom::element_type::INT64:
      return Value(element.get_int64().value_unsafe());
    case dom::element_type::UINT64:
      return Status::InvalidArgument(
          fmt::format("JSON integer is outside 64 bits signed: actual={}",
                      element.get_uint64().value_unsafe()));
    case dom::element_type::DOUBLE:
      return Value(element.get_double().value_unsafe());
    case dom::element_type::STRING:
      return Value(element.get_string().value_unsafe());
    case dom::element_type::ARRAY:
      return ConvertList(element.get_array().value_unsafe(), depth);
    case dom::element_type::OBJECT:
      return ConvertObject(element.get_object().value_unsafe(), depth);
  }
  return Status::InvalidArgument("JSON holds a value of an unknown type");
}

Result<Value> ParseWith(dom::parser& parser, std::string_view json) {
  dom::element root;
  const simdjson::error_code error = parser.parse(json.data(), json.size()).get(root);
  switch (error) {
    case simdjson::SUCCESS:
      return Convert(root, 0);
    case simdjson::DEPTH_ERROR:
      return TooDeep();
    default:
      return Status::InvalidArgument(
          fmt::format("bad JSON: {} bytes={}", simdjson::error_message(error), json.size()));
  }
}

}  // namespace

Result<Value> ValueFromDom(const dom::element& element, size_t depth) {
  return Convert(element, depth);
}

std::string Value::ToJson() const {
  std::string out;
  Print(*this, out);
  return out;
}

Result<Value> Value::FromJson(std::string_view json) {
  // An empty text may have no address, which the parser would copy from.
  if (json.empty()) return Status::InvalidArgument("bad JSON: no text bytes=0");
  thread_local std::unique_ptr<dom::parser> parser;
  if (parser == nullptr) parser = std::make_unique<dom::parser>();
  Result<Value> result = ParseWith(*parser, json);
  if (json.size() > kKeptParserBytesMax) parser.reset();
  return result;
}

std::string_view KindName(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kBool:
      return "bool";
    case Value::Kind::kInt64:
      return "int64";
    case Value::Kind::kFloat64:
      return "float64";
    case Value::Kind::kString:
      return "string";
    case Value::Kind::kTimestamp:
      return "timestamp";
    case Value::Kind::kList:
      return "list";
    case Value::Kind::kObject:
      return "object";
  }
  return "unknown";
}

}  // namespace viper
