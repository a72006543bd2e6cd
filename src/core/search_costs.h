#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "platform/mutex.h"

namespace viper::core {

/// What searches through the index cost, and in which files their answers lie, by a sample of them:
/// measured beside the work itself. What is older counts less. Thread-safe.
class SearchCosts {
 public:
  /// Two looks at the clock and a lock are nothing beside so many searches.
  static constexpr uint64_t kMeasuredOneIn = 16;
  /// Fewer measurements tell nothing.
  static constexpr uint64_t kMeasurementsMin = 32;

  /// Count a search. True: measure this one.
  bool CountAndChoose() {
    return searches_.fetch_add(1, std::memory_order_relaxed) % kMeasuredOneIn == 0;
  }
  /// A search scanned the codes of so many rows, dead ones among them, and took so long. `files`
  /// are the paths of those that its answers lie in, one for each answer.
  void Note(uint64_t scanned_rows, double seconds, std::span<const std::string_view> files)
      VIPER_EXCLUDES(mutex_);

  struct Summary {
    /// Counted so far.
    uint64_t searches = 0;
    /// What a search spends on the rows that it scans, on average: the slope of its time over its
    /// rows, by least squares, times the rows. What it spends whatever it scans is not in it.
    /// Absent as long as too few were measured, or all scanned as many rows.
    std::optional<double> scan_seconds = {};
    /// Of the answers in files, the share of each, by path; empty as long as there are too few.
    std::map<std::string, double, std::less<>> answer_shares = {};
  };
  Summary Summarize() const VIPER_EXCLUDES(mutex_);

 private:
  /// Sums over measurements, the older of which have faded.
  struct Sums {
    double count = 0, rows = 0, seconds = 0, rows_rows = 0, rows_seconds = 0;
  };

  std::atomic<uint64_t> searches_{0};
  mutable Mutex mutex_;
  uint64_t measurements_ VIPER_GUARDED_BY(mutex_) = 0;
  Sums sums_ VIPER_GUARDED_BY(mutex_);
  std::map<std::string, double, std::less<>> answers_ VIPER_GUARDED_BY(mutex_);
  double answer_count_ VIPER_GUARDED_BY(mutex_) = 0;
};

}  // namespace viper::core
