#include "base/stop_signal.h"

#include <algorithm>
#include <limits>

#include <fmt/core.h>

namespace viper {
namespace {

int64_t DeadlineAfter(int64_t now, uint64_t timeout_ms) {
  const auto room =
      static_cast<uint64_t>(std::numeric_limits<int64_t>::max() - std::max<int64_t>(now, 0));
  return now + static_cast<int64_t>(std::min(timeout_ms, room / 1000) * 1000);
}

}  // namespace

StopSignal::StopSignal(std::stop_token token, const Clock& clock, uint64_t timeout_ms)
    : is_armed_(timeout_ms != 0 || token.stop_possible()),
      token_(std::move(token)),
      clock_(timeout_ms == 0 ? nullptr : &clock),
      timeout_ms_(timeout_ms),
      deadline_(timeout_ms == 0 ? 0 : DeadlineAfter(clock.Now().micros, timeout_ms)) {}

Status StopSignal::CheckArmed(const std::function<std::string()>& progress) const {
  if (token_.stop_requested()) {
    return Status::Cancelled(fmt::format("stopped by the caller {}", progress()));
  }
  if (clock_ == nullptr || clock_->Now().micros < deadline_) return {};
  return Status::DeadlineExceeded(
      fmt::format("out of time {}: timeout_ms={}", progress(), timeout_ms_));
}

}  // namespace viper
