#include "python_error.h"

#include <nanobind/stl/string.h>

#include <utility>

#include <fmt/format.h>

namespace viper::python {
namespace {

namespace nb = nanobind;

[[noreturn]] void RaiseClass(const std::string& name, std::string_view text) {
  const nb::module_ errors = nb::module_::import_("viper.errors");
  const nb::object type = errors.attr(nb::hasattr(errors, name.c_str()) ? name.c_str() : "Error");
  // What a message quotes from a damaged file need not be UTF-8.
  const nb::object message = nb::steal(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
  PyErr_SetObject(type.ptr(), message.ptr());
  nb::raise_python_error();
}

}  // namespace

// The classes are named like the codes.
void Raise(const Status& status) {
  RaiseClass(std::string(StatusCodeName(status.code())), status.message());
}

void RaiseInvalidArgument(std::string message) {
  Raise(Status::InvalidArgument(std::move(message)));
}

void RaiseWrongType(std::string_view message) { RaiseClass("WrongType", message); }

void RaiseWrongType(const char* what, std::string_view expected, nb::handle actual) {
  RaiseWrongType(fmt::format("{}: {} expected, not {}", what, expected, TypeName(actual)));
}

std::string TypeName(nb::handle object) {
  return nb::cast<std::string>(nb::type_name(object.type()));
}

bool HasNoSignal() {
  const nanobind::gil_scoped_acquire acquire;
  return PyErr_CheckSignals() == 0;
}

bool Listener::Hears(double share) {
  const nanobind::gil_scoped_acquire acquire;
  if (raised_ != nullptr || PyErr_CheckSignals() != 0) return false;
  if (function_.is_none()) return true;
  try {
    return !function_(share).is(nanobind::bool_(false));
  } catch (const nanobind::python_error&) {
    raised_ = std::current_exception();
    return false;
  }
}

}  // namespace viper::python
