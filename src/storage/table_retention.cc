// The interval is that of Spark (CalendarInterval, read by IntervalUtils.stringToInterval), of
// which Delta takes what has neither months nor years and is not negative. What we write is the one
// form that delta-rs reads too: `interval`, one number, one unit.

#include "storage/table_retention.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/core.h>

#include "base/limits.h"

namespace viper::storage {
namespace {

constexpr std::string_view kFilesProperty = "delta.deletedFileRetentionDuration";
constexpr std::string_view kLogProperty = "delta.logRetentionDuration";

struct IntervalUnit {
  std::string_view name;
  int64_t nanoseconds;
};

constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;
constexpr int64_t kNanosecondsPerSecond = 1000 * kNanosecondsPerMillisecond;
constexpr std::array<IntervalUnit, 8> kIntervalUnits = {
    {{"nanosecond", 1},
     {"microsecond", 1000},
     {"millisecond", kNanosecondsPerMillisecond},
     {"second", kNanosecondsPerSecond},
     {"minute", 60 * kNanosecondsPerSecond},
     {"hour", 3600 * kNanosecondsPerSecond},
     {"day", int64_t{24} * 3600 * kNanosecondsPerSecond},
     {"week", int64_t{7} * 24 * 3600 * kNanosecondsPerSecond}}};
/// 3.2e18, twice which still fits: sums are cut to it at each step.
constexpr int64_t kNanosecondsMax = kRetentionMsMax * kNanosecondsPerMillisecond;

/// The next word, and `text` what follows it; empty at the end.
std::string_view TakeWord(std::string_view& text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

const IntervalUnit* FindUnit(std::string_view name) {
  const auto found =
      std::find_if(kIntervalUnits.begin(), kIntervalUnits.end(), [&](const IntervalUnit& unit) {
        return name == unit.name ||
               (name.ends_with('s') && name.substr(0, name.size() - 1) == unit.name);
      });
  return found == kIntervalUnits.end() ? nullptr : &*found;
}

/// Such as `-2` `hours`, in nanoseconds, cut to the most.
std::optional<int64_t> ParseTerm(std::string_view number, std::string_view unit_name) {
  const IntervalUnit* unit = FindUnit(unit_name);
  if (number.starts_with('+')) number.remove_prefix(1);
  int64_t count = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), count);
  const bool is_whole = parsed.ec == std::errc() && parsed.ptr == number.data() + number.size();
  if (unit == nullptr || !is_whole) return std::nullopt;
  const int64_t most = kNanosecondsMax / unit->nanoseconds;
  if (count > most) return kNanosecondsMax;
  if (count < -most) return -kNanosecondsMax;
  return count * unit->nanoseconds;
}

/// Of one property; absent if there is none.
std::optional<int64_t> ReadInterval(const TableMetadata& metadata, std::string_view name,
                                    std::vector<std::string>& unreadable) {
  const auto found = metadata.configuration.find(std::string(name));
  if (found == metadata.configuration.end()) return std::nullopt;
  const auto parsed = ParseInterval(found->second);
  if (!parsed) unreadable.push_back(fmt::format("{}='{}'", name, found->second));
  return parsed.value_or(kRetentionMsMax);
}

}  // namespace

std::optional<int64_t> ParseInterval(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  std::string_view rest = lower;
  std::string_view word = TakeWord(rest);
  if (word == "interval") word = TakeWord(rest);
  if (word.empty()) return std::nullopt;
  int64_t nanoseconds = 0;
  for (; !word.empty(); word = TakeWord(rest)) {
    const auto term = ParseTerm(word, TakeWord(rest));
    if (!term) return std::nullopt;
    nanoseconds = std::clamp(nanoseconds + *term, -kNanosecondsMax, kNanosecondsMax);
  }
  if (nanoseconds < 0) return std::nullopt;
  return nanoseconds / kNanosecondsPerMillisecond +
         (nanoseconds % kNanosecondsPerMillisecond == 0 ? 0 : 1);
}

TableRetention ReadRetention(const TableMetadata& metadata) {
  TableRetention retention;
  retention.files_ms = ReadInterval(metadata, kFilesProperty, retention.unreadable);
  retention.log_ms = ReadInterval(metadata, kLogProperty, retention.unreadable);
  return retention;
}

void WriteRetention(std::optional<int64_t> retention_ms, TableMetadata& metadata) {
  if (ReadRetention(metadata).files_ms == retention_ms) return;
  for (const std::string_view name : {kFilesProperty, kLogProperty}) {
    metadata.configuration.erase(std::string(name));
    if (!retention_ms) continue;
    metadata.configuration[std::string(name)] =
        fmt::format("interval {} milliseconds", *retention_ms);
  }
}

int64_t TombstonesExpireBefore(const TableRetention& retention, const TableLogOptions& options,
                               int64_t now_ms) {
  return now_ms - std::max(options.tombstone_retention_ms, retention.files_ms.value_or(0));
}

LogRetention KeptLog(const TableRetention& retention, const TableLogOptions& options,
                     int64_t version, int64_t now_ms) {
  if (!retention.files_ms && !retention.log_ms) {
    return {.expired_before_ms = now_ms - options.log_retention_ms,
            .oldest_kept_version = version - options.retained_versions + 1};
  }
  const int64_t kept_ms = std::max({retention.files_ms.value_or(options.log_retention_ms),
                                    retention.log_ms.value_or(0), kLogRetentionMsMin});
  return {.expired_before_ms = now_ms - kept_ms};
}

}  // namespace viper::storage
