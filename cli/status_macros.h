#pragma once

#include "viper/result.h"
#include "viper/status.h"

/// Return from the function if `expression` (a Status) failed.
#define VIPER_RETURN_IF_ERROR(expression)          \
  do {                                             \
    ::viper::Status viper_status_ = (expression);  \
    if (!viper_status_.ok()) return viper_status_; \
  } while (false)

#define VIPER_CONCAT_INNER(a, b) a##b
#define VIPER_CONCAT(a, b) VIPER_CONCAT_INNER(a, b)

/// Evaluate `expression` (a Result), return its status if it failed, else assign its value.
#define VIPER_ASSIGN_OR_RETURN(declaration, expression) \
  VIPER_ASSIGN_OR_RETURN_IMPL(VIPER_CONCAT(viper_result_, __LINE__), declaration, expression)
#define VIPER_ASSIGN_OR_RETURN_IMPL(result, declaration, expression) \
  auto result = (expression);                                        \
  if (!result.ok()) return result.status();                          \
  declaration = std::move(result).value()
