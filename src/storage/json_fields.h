#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/value.h"

namespace viper::storage {

/// Reads the fields of a JSON object that somebody else may have written. A field that is null is
/// absent; one of another type than asked for is Corruption that names `action.field`.
class JsonFields {
 public:
  /// Both must outlive this.
  JsonFields(std::string_view action, const Value::Object& object)
      : action_(action), object_(object) {}

  Result<std::optional<std::string>> FindString(std::string_view name) const;
  Result<std::optional<int64_t>> FindInt(std::string_view name) const;
  Result<std::optional<bool>> FindBool(std::string_view name) const;
  /// nullptr if absent.
  Result<const Value::Object*> FindObject(std::string_view name) const;
  /// Absent is empty. Members that are null are left out.
  Result<std::map<std::string, std::string>> StringMap(std::string_view name) const;
  /// Absent is empty.
  Result<std::vector<std::string>> StringList(std::string_view name) const;

  /// As above; absent is Corruption.
  Result<std::string> String(std::string_view name) const;
  Result<int64_t> Int(std::string_view name) const;
  Result<bool> Bool(std::string_view name) const;

 private:
  const Value* Find(std::string_view name) const;
  Status WrongType(std::string_view name, std::string_view expected, const Value& actual) const;
  Status Missing(std::string_view name) const;

  std::string_view action_;
  const Value::Object& object_;
};

}  // namespace viper::storage
