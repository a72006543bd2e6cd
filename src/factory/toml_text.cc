#include "factory/toml_text.h"

#include <sstream>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace viper::factory {
namespace {

toml::table TableOf(const Value::Object& object);

/// Call `use` with the value as a node of TOML.
template <typename Use>
void AsTomlNode(const Value& value, const Use& use);

toml::array ArrayOf(const Value::List& list) {
  toml::array array;
  for (const Value& element : list) {
    AsTomlNode(element, [&](auto&& node) { array.push_back(std::forward<decltype(node)>(node)); });
  }
  return array;
}

template <typename Use>
void AsTomlNode(const Value& value, const Use& use) {
  switch (value.kind()) {
    case Value::Kind::kBool:
      return use(*value.as_bool());
    case Value::Kind::kInt64:
      return use(*value.as_int64());
    case Value::Kind::kFloat64:
      return use(*value.as_float64());
    case Value::Kind::kString:
      return use(*value.as_string());
    case Value::Kind::kTimestamp:
      return use(value.as_timestamp()->ToString());
    case Value::Kind::kList:
      return use(ArrayOf(*value.as_list()));
    case Value::Kind::kObject:
      return use(TableOf(*value.as_object()));
    case Value::Kind::kNull:
      return;  // TOML has no null: an absent key says as much
  }
}

toml::table TableOf(const Value::Object& object) {
  toml::table table;
  for (const auto& [key, value] : object) {
    const std::string& name = key;
    AsTomlNode(value, [&](auto&& node) {
      table.insert_or_assign(name, std::forward<decltype(node)>(node));
    });
  }
  return table;
}

Status NoSuchKind(const toml::node& node) {
  const toml::source_position at = node.source().begin;
  return Status::InvalidArgument(fmt::format(
      "TOML line {} column {}: a local date or time stands for no moment: write it with "
      "its zone",
      at.line, at.column));
}

Result<Value> ValueOfNode(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    Value::Object object;
    for (const auto& [key, member] : *table) {
      VIPER_ASSIGN_OR_RETURN(object[std::string(key.str())], ValueOfNode(member));
    }
    return Value(std::move(object));
  }
  if (const auto* array = node.as_array()) {
    Value::List list;
    for (const toml::node& element : *array) {
      VIPER_ASSIGN_OR_RETURN(Value value, ValueOfNode(element));
      list.push_back(std::move(value));
    }
    return Value(std::move(list));
  }
  if (const auto* text = node.as_string()) return Value(text->get());
  if (const auto* number = node.as_integer()) return Value(number->get());
  if (const auto* number = node.as_floating_point()) return Value(number->get());
  if (const auto* boolean = node.as_boolean()) return Value(boolean->get());
  if (const auto* moment = node.as_date_time(); moment != nullptr && moment->get().offset) {
    std::ostringstream text;
    text << moment->get();
    VIPER_ASSIGN_OR_RETURN(const Timestamp time, Timestamp::Parse(text.str()));
    return Value(time);
  }
  return NoSuchKind(node);
}

}  // namespace

std::string TomlOf(const Value& object) {
  std::ostringstream out;
  out << TableOf(*object.as_object()) << "\n";
  return out.str();
}

Result<Value> ParseToml(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::source_position at = parsed.error().source().begin;
    return Status::InvalidArgument(fmt::format("TOML line {} column {}: {}", at.line, at.column,
                                               parsed.error().description()));
  }
  return ValueOfNode(parsed.table());
}

}  // namespace viper::factory
