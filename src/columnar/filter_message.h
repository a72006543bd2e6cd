#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "viper/status.h"
#include "viper/value.h"

namespace viper::columnar {

/// " at position 12", or nothing for a position of 0 (a filter that was built, not parsed).
std::string AtPosition(size_t position);

/// At most 64 bytes of `text`, cut at a character and marked with "..." if it is longer.
std::string Shortened(std::string_view text);

/// A path as messages show it: steps joined by dots, shortened.
std::string PathName(const std::vector<std::string>& path);

/// A value with its kind, as in "string 'abc'" or "int64 5"; long ones are shortened.
std::string Described(const Value& value);

/// InvalidArgument "filter: " + message.
Status FilterError(std::string_view message);

}  // namespace viper::columnar
