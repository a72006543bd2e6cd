#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

#include <fmt/core.h>

#include "viper/value.h"

namespace viper {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kMicrosPerDay = kSecondsPerDay * kMicrosPerSecond;
constexpr size_t kFractionDigitsMax = 6;

int64_t DaysSinceEpoch(const std::chrono::year_month_day& date) {
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// The calendar's first moment, and the first moment after it.
const int64_t kMicrosMin =
    DaysSinceEpoch({std::chrono::year(1), std::chrono::month(1), std::chrono::day(1)}) *
    kMicrosPerDay;
const int64_t kMicrosEnd =
    DaysSinceEpoch({std::chrono::year(10'000), std::chrono::month(1), std::chrono::day(1)}) *
    kMicrosPerDay;

// Takes pieces off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }

  bool TakeAny(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Exactly `digits` digits whose value is in [min, max].
  std::optional<int64_t> TakeNumber(size_t digits, int64_t min, int64_t max) {
    const std::string_view taken = TakeDigits(digits);
    if (taken.size() != digits) return std::nullopt;
    const int64_t value = ToNumber(taken);
    return value >= min && value <= max ? std::optional(value) : std::nullopt;
  }

  // As many digits as there are, up to `max`.
  std::string_view TakeDigits(size_t max) {
    size_t count = 0;
    while (count < max && count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') {
      ++count;
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  static int64_t ToNumber(std::string_view digits) {
    int64_t value = 0;
    for (char digit : digits) value = value * 10 + (digit - '0');
    return value;
  }

 private:
  std::string_view rest_;
};

// "2026-11-22" as microseconds.
std::optional<int64_t> TakeDate(Scanner& scanner) {
  const auto year = scanner.TakeNumber(4, 1, 9999);
  if (!year || !scanner.TakeAny("-")) return std::nullopt;
  const auto month = scanner.TakeNumber(2, 1, 12);
  if (!month || !scanner.TakeAny("-")) return std::nullopt;
  const auto day = scanner.TakeNumber(2, 1, 31);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return DaysSinceEpoch(date) * kMicrosPerDay;
}

// "08:30:00" with an optional fraction, as microseconds.
std::optional<int64_t> TakeTimeOfDay(Scanner& scanner) {
  const auto hour = scanner.TakeNumber(2, 0, 23);
  if (!hour || !scanner.TakeAny(":")) return std::nullopt;
  const auto minute = scanner.TakeNumber(2, 0, 59);
  if (!minute || !scanner.TakeAny(":")) return std::nullopt;
  const auto second = scanner.TakeNumber(2, 0, 59);
  if (!second) return std::nullopt;
  int64_t micros = ((*hour * 60 + *minute) * 60 + *second) * kMicrosPerSecond;
  if (scanner.TakeAny(".")) {
    std::string digits(scanner.TakeDigits(kFractionDigitsMax));
    if (digits.empty()) return std::nullopt;
    digits.resize(kFractionDigitsMax, '0');
    micros += Scanner::ToNumber(digits);
  }
  return micros;
}

// "Z", "+02:00" or nothing, as microseconds to take off.
std::optional<int64_t> TakeZone(Scanner& scanner) {
  if (scanner.done() || scanner.TakeAny("Zz")) return 0;
  const bool west = scanner.TakeAny("-");
  if (!west && !scanner.TakeAny("+")) return std::nullopt;
  const auto hours = scanner.TakeNumber(2, 0, 23);
  if (!hours || !scanner.TakeAny(":")) return std::nullopt;
  const auto minutes = scanner.TakeNumber(2, 0, 59);
  if (!minutes) return std::nullopt;
  const int64_t micros = (*hours * 60 + *minutes) * 60 * kMicrosPerSecond;
  return west ? -micros : micros;
}

std::optional<int64_t> ParseMicros(std::string_view text) {
  Scanner scanner(text);
  const auto date = TakeDate(scanner);
  if (!date || scanner.done()) return date;
  if (!scanner.TakeAny("Tt ")) return std::nullopt;
  const auto time = TakeTimeOfDay(scanner);
  if (!time) return std::nullopt;
  const auto zone = TakeZone(scanner);
  if (!zone || !scanner.done()) return std::nullopt;
  const int64_t micros = *date + *time - *zone;
  if (micros < kMicrosMin || micros >= kMicrosEnd) return std::nullopt;
  return micros;
}

}  // namespace

Result<Timestamp> Timestamp::Parse(std::string_view text) {
  if (const auto micros = ParseMicros(text)) return Timestamp{*micros};
  constexpr size_t kShownBytesMax = 64;
  return Status::InvalidArgument(
      fmt::format("not an ISO 8601 time of the years 0001 to 9999: "
                  "expected=YYYY-MM-DD[Thh:mm:ss[.ffffff][Z|+hh:mm]] actual='{}'",
                  text.substr(0, kShownBytesMax)));
}

std::string Timestamp::ToString() const {
  int64_t days = micros / kMicrosPerDay;
  int64_t rest = micros % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --days;
  }
  // The calendar repeats every 400 years of 146,097 days; <chrono> counts years in 16 bits.
  constexpr int64_t kCycleDays = 146'097;
  int64_t cycles = days / kCycleDays;
  int64_t cycle_days = days % kCycleDays;
  if (cycle_days < 0) {
    cycle_days += kCycleDays;
    --cycles;
  }
  const std::chrono::year_month_day date(
      std::chrono::sys_days(std::chrono::days(static_cast<int>(cycle_days))));
  const int64_t year = static_cast<int>(date.year()) + cycles * 400;
  const int64_t seconds = rest / kMicrosPerSecond;
  const int64_t fraction = rest % kMicrosPerSecond;
  std::string text = fmt::format(
      "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", year, static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), seconds / 3600, seconds / 60 % 60, seconds % 60);
  // Three digits or six: what every parser of such times accepts.
  if (fraction % 1000 != 0) {
    text += fmt::format(".{:06}", fraction);
  } else if (fraction != 0) {
    text += fmt::format(".{:03}", fraction / 1000);
  }
  return text + "Z";
}

}  // namespace viper
