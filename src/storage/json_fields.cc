#include "storage/json_fields.h"

#include <fmt/format.h>

#include "base/status_macros.h"

namespace viper::storage {

const Value* JsonFields::Find(std::string_view name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->second.is_null() ? nullptr : &found->second;
}

Status JsonFields::WrongType(std::string_view name, std::string_view expected,
                             const Value& actual) const {
  return Status::Corruption(fmt::format("{}.{} has a wrong type: expected={} actual={}", action_,
                                        name, expected, KindName(actual.kind())));
}

Status JsonFields::Missing(std::string_view name) const {
  return Status::Corruption(fmt::format("{}.{} is missing", action_, name));
}

Result<std::optional<std::string>> JsonFields::FindString(std::string_view name) const {
  const Value* value = Find(name);
  if (value == nullptr) return std::optional<std::string>();
  if (value->as_string() == nullptr) return WrongType(name, "string", *value);
  return std::optional<std::string>(*value->as_string());
}

Result<std::optional<int64_t>> JsonFields::FindInt(std::string_view name) const {
  const Value* value = Find(name);
  if (value == nullptr) return std::optional<int64_t>();
  if (value->as_int64() == nullptr) return WrongType(name, "int64", *value);
  return std::optional<int64_t>(*value->as_int64());
}

Result<std::optional<bool>> JsonFields::FindBool(std::string_view name) const {
  const Value* value = Find(name);
  if (value == nullptr) return std::optional<bool>();
  if (value->as_bool() == nullptr) return WrongType(name, "bool", *value);
  return std::optional<bool>(*value->as_bool());
}

Result<const Value::Object*> JsonFields::FindObject(std::string_view name) const {
  const Value* value = Find(name);
  if (value == nullptr) return nullptr;
  if (value->as_object() == nullptr) return WrongType(name, "object", *value);
  return value->as_object();
}

Result<std::map<std::string, std::string>> JsonFields::StringMap(std::string_view name) const {
  VIPER_ASSIGN_OR_RETURN(const Value::Object* object, FindObject(name));
  std::map<std::string, std::string> strings;
  if (object == nullptr) return strings;
  for (const auto& [key, value] : *object) {
    if (value.is_null()) continue;
    if (value.as_string() == nullptr) return WrongType(name, "map of strings", value);
    strings[key] = *value.as_string();
  }
  return strings;
}

Result<std::vector<std::string>> JsonFields::StringList(std::string_view name) const {
  std::vector<std::string> strings;
  const Value* value = Find(name);
  if (value == nullptr) return strings;
  if (value->as_list() == nullptr) return WrongType(name, "list", *value);
  for (const Value& element : *value->as_list()) {
    if (element.as_string() == nullptr) return WrongType(name, "list of strings", element);
    strings.push_back(*element.as_string());
  }
  return strings;
}

Result<std::string> JsonFields::String(std::string_view name) const {
  VIPER_ASSIGN_OR_RETURN(auto value, FindString(name));
  if (!value) return Missing(name);
  return std::move(*value);
}

Result<int64_t> JsonFields::Int(std::string_view name) const {
  VIPER_ASSIGN_OR_RETURN(const auto value, FindInt(name));
  if (!value) return Missing(name);
  return *value;
}

Result<bool> JsonFields::Bool(std::string_view name) const {
  VIPER_ASSIGN_OR_RETURN(const auto value, FindBool(name));
  if (!value) return Missing(name);
  return *value;
}

}  // namespace viper::storage
