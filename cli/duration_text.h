#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "viper/result.h"

namespace viper::cli {

/// Milliseconds of "90s", "15m", "12h", "7d" or "250ms", whole numbers; 0 for "never".
Result<int64_t> ParseDuration(std::string_view option, std::string_view text);
/// The same in the largest unit that divides it.
std::string DurationText(int64_t milliseconds);

}  // namespace viper::cli
