#include "python_error.h"

#include <utility>

namespace viper::python {
namespace {

namespace nb = nanobind;

// The classes are named like the codes.
nb::object ErrorClass(StatusCode code) {
  const nb::module_ errors = nb::module_::import_("viper.errors");
  const std::string name(StatusCodeName(code));
  return nb::hasattr(errors, name.c_str()) ? errors.attr(name.c_str()) : errors.attr("Error");
}

}  // namespace

void Raise(const Status& status) {
  const nb::object type = ErrorClass(status.code());
  const std::string& text = status.message();
  // What a message quotes from a damaged file need not be UTF-8.
  const nb::object message = nb::steal(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
  PyErr_SetObject(type.ptr(), message.ptr());
  nb::raise_python_error();
}

void RaiseInvalidArgument(std::string message) {
  Raise(Status::InvalidArgument(std::move(message)));
}

bool HasNoSignal() {
  const nanobind::gil_scoped_acquire acquire;
  return PyErr_CheckSignals() == 0;
}

}  // namespace viper::python
