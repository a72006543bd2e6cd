#pragma once

#include <atomic>
#include <cstdint>

#include "viper/clock.h"

namespace viper {

/// A clock that stands still until told otherwise. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp now = {}) : micros_(now.micros) {}

  Timestamp Now() const override { return {micros_.load()}; }
  void Set(Timestamp now) { micros_.store(now.micros); }
  void AdvanceMicros(int64_t micros) { micros_.fetch_add(micros); }
  void AdvanceSeconds(int64_t seconds) { AdvanceMicros(seconds * 1'000'000); }

 private:
  std::atomic<int64_t> micros_;
};

}  // namespace viper
