#pragma once

#include <string>
#include <string_view>

#include "viper/result.h"
#include "viper/value.h"

namespace viper::factory {

/// An object as TOML (v1.0). Its values are objects, lists, strings, integers, finite numbers and
/// booleans, of which TOML has all.
std::string TomlOf(const Value& object);
/// TOML as an object; dates and times become timestamps where they are those of UTC.
/// InvalidArgument names the line and the column.
Result<Value> ParseToml(std::string_view text);

}  // namespace viper::factory
