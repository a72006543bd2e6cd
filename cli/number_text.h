#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "viper/result.h"

namespace viper::cli {

/// The decimal number that `text` is, all of it: digits alone for integers. InvalidArgument, naming
/// what is allowed, for anything else. A Number is uint32_t, uint64_t or double, which is finite.
template <typename Number>
Result<Number> ParseNumber(std::string_view text);

/// "1,234,567".
std::string CountText(uint64_t count);
/// "unknown" for a number that could not be measured.
std::string CountOrUnknown(const std::optional<uint64_t>& count);
/// "3.21 s", "4.5 ms" or "2 min 5 s".
std::string SecondsText(double seconds);
/// "12.3 MiB", "17 bytes".
std::string BytesText(uint64_t bytes);
/// "311,526 rows/s"; "" if no time passed that could be measured.
std::string RateText(uint64_t rows, double seconds);

}  // namespace viper::cli
