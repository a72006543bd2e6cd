#pragma once

#include <string_view>

#include "base/status_macros.h"
#include "viper/value.h"

namespace viper {

/// What says in an input that a record never expires, whatever the default of its collection is.
inline constexpr std::string_view kNeverText = "never";

/// Read an expiry: kNeverText, or what Timestamp::Parse reads.
inline Result<Timestamp> ParseExpiry(std::string_view text) {
  if (text == kNeverText) return Timestamp::Never();
  return Timestamp::Parse(text);
}

}  // namespace viper
