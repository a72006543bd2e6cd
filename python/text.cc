#include "text.h"

#include <string_view>

#include <fmt/format.h>

#include "python_error.h"

namespace viper::python {

namespace nb = nanobind;

std::string_view TextOf(nb::handle text) {
  Py_ssize_t size = 0;
  const char* const bytes = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (bytes == nullptr) nb::raise_python_error();
  return {bytes, static_cast<size_t>(size)};
}

nb::object ToText(std::string_view text) {
  PyObject* const object =
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr);
  if (object == nullptr) nb::raise_python_error();
  return nb::steal(object);
}

std::string Print(nb::handle object) {
  PyObject* const text = PyObject_Str(object.ptr());
  if (text == nullptr) nb::raise_python_error();
  return std::string(TextOf(nb::steal(text)));
}

std::string IdOf(nb::handle id) {
  if (PyUnicode_Check(id.ptr())) return std::string(TextOf(id));
  if (!PyIndex_Check(id.ptr()) || PyBool_Check(id.ptr())) {
    const std::string type = nb::cast<std::string>(nb::type_name(id.type()));
    RaiseInvalidArgument(fmt::format("ids are text or integers, not {}", type));
  }
  PyObject* const integer = PyNumber_Index(id.ptr());
  if (integer == nullptr) nb::raise_python_error();
  return Print(nb::steal(integer));
}

std::vector<std::string> IdsOf(nb::handle ids) {
  if (PyUnicode_Check(ids.ptr())) RaiseInvalidArgument("ids: a list of ids expected, not one text");
  std::vector<std::string> texts;
  const Py_ssize_t hint = PyObject_LengthHint(ids.ptr(), 0);
  if (hint > 0) texts.reserve(static_cast<size_t>(hint));
  PyErr_Clear();
  for (const nb::handle id : nb::borrow<nb::iterable>(ids)) texts.push_back(IdOf(id));
  return texts;
}

}  // namespace viper::python
