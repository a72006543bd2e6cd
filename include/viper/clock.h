#pragma once

#include "viper/export.h"
#include "viper/value.h"

namespace viper {

/// Where the engine takes "now" from. Injectable, so that expiry can be tested in no time.
/// Implementations must be safe to call from many threads.
class VIPER_EXPORT Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp Now() const = 0;

  /// The machine's wall clock. Lives for ever.
  static const Clock& System();
};

}  // namespace viper
