#pragma once

#include <cstdint>
#include <cstdlib>

namespace viper {

/// A count that an environment variable sets, such as how often a test does something.
inline uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace viper
