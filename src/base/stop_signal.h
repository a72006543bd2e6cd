#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>

#include "viper/clock.h"
#include "viper/status.h"

namespace viper {

/// When work has to end before it is done: its caller asks for it, or its time is up. Thread-safe.
class StopSignal {
 public:
  /// Never.
  StopSignal() = default;
  /// When `token` says so, or `timeout_ms` after now by `clock`, which outlives it; 0 = no timeout.
  StopSignal(std::stop_token token, const Clock& clock, uint64_t timeout_ms);

  /// Cancelled or DeadlineExceeded once it is time, with what `progress` tells of how far the work
  /// has got. Reads a clock only if there is a timeout.
  template <typename Progress>
  Status Check(const Progress& progress) const {
    return is_armed_ ? CheckArmed(std::cref(progress)) : Status::Ok();
  }

 private:
  Status CheckArmed(const std::function<std::string()>& progress) const;

  bool is_armed_ = false;
  std::stop_token token_;
  const Clock* clock_ = nullptr;
  uint64_t timeout_ms_ = 0;
  /// In microseconds.
  int64_t deadline_ = 0;
};

}  // namespace viper
