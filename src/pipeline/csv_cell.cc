#include "pipeline/csv_cell.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"

namespace viper::pipeline {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kNumberEnd = " \t\r\n,;";
// Long enough to recognise a value, short enough for a line of a terminal.
constexpr size_t kShownCellBytesMax = 40;

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<int64_t> ReadInteger(std::string_view cell) {
  const std::string_view digits = cell.substr(cell.front() == '-' ? 1 : 0);
  if (digits.empty() || !std::ranges::all_of(digits, IsDigit)) return std::nullopt;
  if (digits.front() == '0' && cell != "0")
    return std::nullopt;  // 007 and -0 would lose a character
  int64_t number = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (error != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
  return number;
}

std::optional<double> ReadFloat(std::string_view cell) {
  if (cell.find_first_of(".eE") == std::string_view::npos) return std::nullopt;
  if (cell.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (error != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
  return number;
}

}  // namespace

Value TypeCsvCell(std::string_view cell) {
  if (cell == "true" || cell == "True" || cell == "TRUE") return true;
  if (cell == "false" || cell == "False" || cell == "FALSE") return false;
  if (const auto integer = ReadInteger(cell)) return *integer;
  if (const auto number = ReadFloat(cell)) return *number;
  return cell;
}

Result<float> ParseFloatCell(std::string_view cell) {
  std::string_view text = Trim(cell);
  if (text.starts_with('+')) text.remove_prefix(1);  // from_chars knows no plus
  float number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range && end == text.data() + text.size()) {
    // Too small is zero, or nearly so; too large is an error. Only double can tell which it was.
    double wide = 0;
    const auto retry = std::from_chars(text.data(), text.data() + text.size(), wide);
    if (retry.ec == std::errc() && std::abs(wide) < 1) return static_cast<float>(wide);
    return Status::InvalidArgument(fmt::format("number is beyond the range of float: value={}",
                                               text.substr(0, kShownCellBytesMax)));
  }
  if (error != std::errc() || end != text.data() + text.size()) {
    return Status::InvalidArgument(
        fmt::format("not a number: value='{}'", text.substr(0, kShownCellBytesMax)));
  }
  if (!std::isfinite(number)) {
    return Status::InvalidArgument(fmt::format("number is not finite: value={}", text));
  }
  return number;
}

Result<std::vector<float>> ParseVectorCell(std::string_view cell) {
  std::string_view rest = Trim(cell);
  if (rest.starts_with('[')) {
    if (!rest.ends_with(']')) {
      return Status::InvalidArgument(
          fmt::format("vector lacks its closing bracket: ends='{}'",
                      rest.substr(rest.size() - std::min<size_t>(rest.size(), 10))));
    }
    rest = Trim(rest.substr(1, rest.size() - 2));
  }
  std::vector<float> vector;
  vector.reserve(static_cast<size_t>(std::ranges::count(rest, ',')) + 1);
  while (!rest.empty()) {
    if (vector.size() == kDimMax) {
      return Status::InvalidArgument(
          fmt::format("vector has too many components: max={}", kDimMax));
    }
    const size_t end = std::min(rest.find_first_of(kNumberEnd), rest.size());
    Result<float> number = ParseFloatCell(rest.substr(0, end));
    if (!number.ok()) {
      return number.status().WithContext(fmt::format("component {} of the vector", vector.size()));
    }
    vector.push_back(*number);
    rest = Trim(rest.substr(end));
    if (rest.empty()) break;
    if (rest.front() == ',' || rest.front() == ';') {
      rest = Trim(rest.substr(1));
      if (rest.empty()) {
        return Status::InvalidArgument(
            fmt::format("vector ends with a separator: components={}", vector.size()));
      }
    }
  }
  return vector;
}

}  // namespace viper::pipeline
