#pragma once

#include <cstdint>
#include <string_view>

#include <fmt/core.h>

namespace viper {

/// Print how often a test did something, as `counted WHAT: COUNT`: tools/reliability adds up the
/// lines of all tests.
inline void PrintCount(std::string_view what, uint64_t count) {
  fmt::print("counted {}: {}\n", what, count);
}

}  // namespace viper
