#include "number_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <type_traits>

#include <fmt/core.h>

namespace viper::cli {
namespace {

template <typename Number>
std::string Allowed() {
  if (std::is_floating_point_v<Number>) return "a number";
  return fmt::format("a whole number from 0 to {}", std::numeric_limits<Number>::max());
}

}  // namespace

template <typename Number>
Result<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const bool is_number = error == std::errc() && stop == end;
  if (is_number && std::isfinite(static_cast<double>(number))) return number;
  return Status::InvalidArgument(fmt::format("{} expected: actual='{}'", Allowed<Number>(), text));
}
template Result<uint32_t> ParseNumber(std::string_view);
template Result<uint64_t> ParseNumber(std::string_view);
template Result<double> ParseNumber(std::string_view);

std::string CountOrUnknown(const std::optional<uint64_t>& count) {
  return count.has_value() ? CountText(*count) : "unknown";
}

std::string CountText(uint64_t count) {
  std::string text = fmt::format("{}", count);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string SecondsText(double seconds) {
  if (seconds < 1) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 120) return fmt::format("{:.2f} s", seconds);
  const auto whole = static_cast<uint64_t>(std::llround(seconds));
  return fmt::format("{} min {} s", CountText(whole / 60), whole % 60);
}

std::string BytesText(uint64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double scaled = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; scaled >= 1024 && unit + 1 < kUnits.size(); ++unit) scaled /= 1024;
  return fmt::format("{:.1f} {}", scaled, kUnits[unit]);
}

std::string RateText(uint64_t rows, double seconds) {
  if (seconds <= 0) return {};
  return CountText(static_cast<uint64_t>(static_cast<double>(rows) / seconds)) + " rows/s";
}

}  // namespace viper::cli
