#pragma once

#include <cstdint>
#include <string_view>

#include <fmt/core.h>

#include "base/limits.h"
#include "viper/status.h"

namespace viper::utilities {

/// Of a sample that something is tried on, as Collection::TryStorage allows them.
inline constexpr uint64_t kSampleRowsMax = 1'000'000;

/// A time in milliseconds is at least `min`, and at most 100 years.
inline Status CheckMilliseconds(std::string_view member, uint64_t actual, uint64_t min = 1) {
  constexpr auto kMax = static_cast<uint64_t>(kTtlMsMax);
  if (actual >= min && actual <= kMax) return {};
  return Status::InvalidArgument(
      fmt::format("{} is out of range: min={} max={} actual={} ms", member, min, kMax, actual));
}

}  // namespace viper::utilities
