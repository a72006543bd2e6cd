#include "duration_text.h"

#include <array>
#include <charconv>
#include <limits>

#include <fmt/core.h>

namespace viper::cli {
namespace {

struct Unit {
  std::string_view name;
  int64_t milliseconds;
};

// The largest first.
constexpr std::array<Unit, 5> kUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

}  // namespace

Result<int64_t> ParseDuration(std::string_view option, std::string_view text) {
  if (text == "never") return int64_t{0};
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view name = text.substr(static_cast<size_t>(end - text.data()));
  for (const Unit& unit : kUnits) {
    const bool fits = error == std::errc() && count > 0 &&
                      count <= std::numeric_limits<int64_t>::max() / unit.milliseconds;
    if (fits && name == unit.name) return count * unit.milliseconds;
  }
  return Status::InvalidArgument(fmt::format(
      "{}: a duration such as 90s, 15m, 12h or 7d, or never: actual='{}'", option, text));
}

std::string DurationText(int64_t milliseconds) {
  if (milliseconds == 0) return "never";
  for (const Unit& unit : kUnits) {
    if (milliseconds % unit.milliseconds == 0) {
      return fmt::format("{}{}", milliseconds / unit.milliseconds, unit.name);
    }
  }
  return fmt::format("{}ms", milliseconds);
}

}  // namespace viper::cli
