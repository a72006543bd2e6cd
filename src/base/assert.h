#pragma once

#include <string_view>

namespace viper {

/// Print the broken promise and abort.
[[noreturn]] void FailAssertion(std::string_view expression, std::string_view file, int line);

}  // namespace viper

/// Stop the process if a promise inside our own code is broken. Stays on in release builds. Nothing
/// that a user or a file contains may ever reach it: bad input is a Status.
#define VIPER_ASSERT(condition) \
  (static_cast<bool>(condition) ? void() : ::viper::FailAssertion(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define VIPER_DCHECK(condition) static_cast<void>(0)
#else
/// A check that is too expensive for release builds.
#define VIPER_DCHECK(condition) VIPER_ASSERT(condition)
#endif
