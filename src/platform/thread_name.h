#pragma once

#include <string_view>

namespace viper {

/// Name the calling thread for debuggers and `top -H`. Linux keeps the first 15 bytes.
void SetThreadName(std::string_view name);

/// Let every other thread go before the calling one, for good. Does nothing where the system has no
/// priorities of threads.
void LowerThreadPriority();

}  // namespace viper
