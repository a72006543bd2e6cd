#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace viper {

/// XXH3 of 64 bits: stable over versions and machines, so it may be stored. Not for adversaries.
uint64_t Hash64(std::span<const std::byte> bytes, uint64_t seed = 0);
uint64_t Hash64(std::string_view text, uint64_t seed = 0);

/// Hash with which, beside std::equal_to<>, a map keyed by std::string can be asked with a
/// string_view.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return static_cast<size_t>(Hash64(text)); }
};

}  // namespace viper
