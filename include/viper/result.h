#pragma once

#include <cstdlib>
#include <type_traits>
#include <utility>
#include <variant>

#include "viper/export.h"
#include "viper/status.h"

namespace viper {

/// Print `status` to standard error and abort: somebody took the value of a failed Result.
[[noreturn]] VIPER_EXPORT void AbortOnBadResult(const Status& status);

/// A value, or the Status that says why there is none. Never holds an OK status.
/// Reading the value of a failed result is a programming error and stops the process.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<1>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Status status)
      : state_(std::in_place_index<0>, std::move(status)) {  // NOLINT: implicit on purpose
    if (std::get<0>(state_).ok()) {
      AbortOnBadResult(std::get<0>(state_));
    }
  }
  template <typename U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Status> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result>)
  Result(U&& value)  // NOLINT: implicit on purpose
      : state_(std::in_place_index<1>, std::forward<U>(value)) {}

  bool ok() const { return state_.index() == 1; }
  /// OK when there is a value.
  Status status() const { return ok() ? Status() : std::get<0>(state_); }

  T& value() & {
    CheckValue();
    return std::get<1>(state_);
  }
  const T& value() const& {
    CheckValue();
    return std::get<1>(state_);
  }
  T&& value() && {
    CheckValue();
    return std::get<1>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  void CheckValue() const {
    if (!ok()) {
      AbortOnBadResult(std::get<0>(state_));
    }
  }
  std::variant<Status, T> state_;
};

}  // namespace viper
