#pragma once

#include <chrono>
#include <cstdint>

#include "platform/mutex.h"
#include "viper/maintenance.h"
#include "viper/result.h"

namespace viper::core {

/// Keeps what the workers of a compaction copy together below a rate, tells its caller how far it
/// is, and asks whether to go on: one thread at a time. Thread-safe.
class CompactionPacer {
 public:
  /// `options` outlives it. `bytes_per_second`: 0 = as fast as it can.
  CompactionPacer(const CompactOptions& options, uint64_t bytes_per_second)
      : options_(options), bytes_per_second_(bytes_per_second) {}

  /// So much is to be copied in all, as far as is known now.
  void Expect(uint64_t bytes) VIPER_EXCLUDES(mutex_);
  /// So many bytes more were copied: wait until that is not too fast. Returns the seconds waited;
  /// Cancelled if it is to stop, which it can be at any time, however slow it is to be.
  Result<double> Advance(uint64_t bytes) VIPER_EXCLUDES(mutex_);
  /// Have every worker stop.
  void Stop() VIPER_EXCLUDES(mutex_);

 private:
  /// When as many bytes may have been copied as were.
  Result<std::chrono::steady_clock::time_point> Due(uint64_t bytes) VIPER_EXCLUDES(mutex_);

  const CompactOptions& options_;
  const uint64_t bytes_per_second_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();

  Mutex mutex_;
  bool stopped_ VIPER_GUARDED_BY(mutex_) = false;
  uint64_t expected_bytes_ VIPER_GUARDED_BY(mutex_) = 0;
  uint64_t copied_bytes_ VIPER_GUARDED_BY(mutex_) = 0;
};

}  // namespace viper::core
