#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "viper/export.h"
#include "viper/value.h"

namespace viper {

/// What a background service is at.
enum class ServiceState : uint8_t { kStopped = 0, kWaiting = 1, kRunning = 2 };

/// Return "stopped", "waiting" or "running".
VIPER_EXPORT std::string_view ServiceStateName(ServiceState state);

/// How a background service is doing. Counted since it was made; stopping and starting again keeps
/// it.
struct ServiceHealth {
  std::string name;
  ServiceState state = ServiceState::kStopped;
  /// Runs that ended, those that failed among them.
  uint64_t runs = 0;
  uint64_t failures = 0;
  /// When the last run began; absent before the first.
  std::optional<Timestamp> last_run;
  /// When the next one is due; absent while it is stopped.
  std::optional<Timestamp> next_run;
  /// What the last failed run said; stays when later runs succeed.
  std::optional<std::string> last_error;
  /// The last run that ended failed.
  bool is_failing = false;
};

}  // namespace viper
