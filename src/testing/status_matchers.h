#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "base/status_macros.h"
#include "viper/result.h"
#include "viper/status.h"

namespace viper {

/// Let GoogleTest print these.
inline void PrintTo(const Status& status, std::ostream* out) { *out << status.ToString(); }
inline void PrintTo(StatusCode code, std::ostream* out) { *out << StatusCodeName(code); }

namespace testing_internal {

inline Status ToStatus(const Status& status) { return status; }
template <typename T>
Status ToStatus(const Result<T>& result) {
  return result.status();
}

template <typename T>
::testing::AssertionResult IsOk(const char* expression, const T& outcome) {
  const Status status = ToStatus(outcome);
  if (status.ok()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << expression << " failed: " << status.ToString();
}

template <typename T>
::testing::AssertionResult HasStatus(StatusCode code, std::string_view message_part,
                                     const char* expression, const T& outcome) {
  const Status status = ToStatus(outcome);
  if (status.code() == code && status.message().find(message_part) != std::string::npos) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << expression << "\n  expected: " << StatusCodeName(code) << " with '" << message_part
         << "' in its message\n    actual: " << status.ToString();
}

}  // namespace testing_internal
}  // namespace viper

/// The expression is a Status or a Result that must be OK.
#define EXPECT_OK(expression) \
  EXPECT_TRUE(::viper::testing_internal::IsOk(#expression, (expression)))
#define ASSERT_OK(expression) \
  ASSERT_TRUE(::viper::testing_internal::IsOk(#expression, (expression)))

/// The expression is a Status or a Result that must have failed with that code (without its class:
/// `kNotFound`) and with `message_part` in its message.
#define EXPECT_STATUS(code, message_part, expression)                                         \
  EXPECT_TRUE(::viper::testing_internal::HasStatus(::viper::StatusCode::code, (message_part), \
                                                   #expression, (expression)))

/// `ASSERT_OK_AND_ASSIGN(auto file, file_system.CreateFile(path));`
#define ASSERT_OK_AND_ASSIGN(declaration, expression) \
  ASSERT_OK_AND_ASSIGN_IMPL(VIPER_CONCAT(viper_test_result_, __LINE__), declaration, expression)
#define ASSERT_OK_AND_ASSIGN_IMPL(result, declaration, expression)   \
  auto result = (expression);                                        \
  ASSERT_TRUE(::viper::testing_internal::IsOk(#expression, result)); \
  declaration = std::move(result).value()
