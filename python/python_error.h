#pragma once

#include <nanobind/nanobind.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "viper/result.h"
#include "viper/status.h"

namespace viper::python {

/// Raise the class of viper.errors that belongs to the code of a failed status. Needs the
/// interpreter lock.
[[noreturn]] void Raise(const Status& status);
[[noreturn]] void RaiseInvalidArgument(std::string message);
/// Raise viper.WrongType, an InvalidArgument that is a TypeError too.
[[noreturn]] void RaiseWrongType(std::string_view message);
/// The same: `what` is not `expected` but of the type of `actual`.
[[noreturn]] void RaiseWrongType(const char* what, std::string_view expected,
                                 nanobind::handle actual);
/// The name of the type of an object, for messages.
std::string TypeName(nanobind::handle object);

inline void RaiseUnlessOk(const Status& status) {
  if (!status.ok()) Raise(status);
}

/// Return the value of a result, or raise.
template <typename T>
T ValueOrRaise(Result<T> result) {
  if (!result.ok()) Raise(result.status());
  return std::move(*result);
}

/// Whether the program may go on: false once the handler of a signal (Ctrl-C) has raised, with that
/// exception set. For callbacks of the engine, which come without the interpreter lock.
bool HasNoSignal();

/// Raise the exception of the signal that stopped the work, if one did.
inline void RaiseSignal() {
  if (PyErr_Occurred() != nullptr) nanobind::raise_python_error();
}

/// A function of the program, or None, that is told how far something has come.
class Listener {
 public:
  explicit Listener(nanobind::object function) : function_(std::move(function)) {}

  /// As HasNoSignal; also false if the function returns False or raises. Comes without the
  /// interpreter lock, from any thread.
  bool Hears(double share);
  /// With the interpreter lock, once nobody tells it any more.
  void RaiseWhatItRaised() const {
    if (raised_ != nullptr) std::rethrow_exception(raised_);
  }

 private:
  nanobind::object function_;
  /// Guarded by the interpreter lock.
  std::exception_ptr raised_;
};

/// Run `work` with the interpreter lock released.
template <typename Work>
auto Unlocked(const Work& work) {
  const nanobind::gil_scoped_release release;
  return work();
}

}  // namespace viper::python
