#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace viper::core {

/// Gives each write a time of its own: that of the clock, or one microsecond more than the last.
/// Rows keep it as `_ingested_at`, and so it tells apart the versions of a record, also where the
/// clock stands still or goes back. Thread-safe.
class WriteStamps {
 public:
  /// Microseconds; never the same twice, nor one that was observed.
  int64_t Next(int64_t now) {
    int64_t last = last_.load();
    while (!last_.compare_exchange_weak(last, std::max(now, last + 1))) {
    }
    return std::max(now, last + 1);
  }
  /// A row has this stamp.
  void Observe(int64_t stamp) {
    int64_t last = last_.load();
    while (last < stamp && !last_.compare_exchange_weak(last, stamp)) {
    }
  }

 private:
  std::atomic<int64_t> last_{0};
};

}  // namespace viper::core
