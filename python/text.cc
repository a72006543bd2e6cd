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

nb::object IntOf(nb::handle object) {
  if (PyBool_Check(object.ptr())) return {};
  nb::object number = nb::steal(PyNumber_Index(object.ptr()));
  if (number.is_valid()) return number;
  // Arrays say that they can be an index, of which only some are.
  if (PyErr_ExceptionMatches(PyExc_TypeError) == 0) nb::raise_python_error();
  PyErr_Clear();
  return {};
}

std::string Print(nb::handle object) {
  PyObject* const text = PyObject_Str(object.ptr());
  if (text == nullptr) nb::raise_python_error();
  return std::string(TextOf(nb::steal(text)));
}

nb::iterable ListOf(nb::handle objects, const char* what) {
  PyObject* const object = objects.ptr();
  const bool is_text = PyUnicode_Check(object) || PyBytes_Check(object) ||
                       PyByteArray_Check(object) || PyMemoryView_Check(object);
  if (is_text) RaiseWrongType(what, "a list", objects);
  // To see whether there is one.
  if (!nb::steal(PyObject_GetIter(object)).is_valid()) {
    PyErr_Clear();
    RaiseWrongType(what, "a list", objects);
  }
  return nb::borrow<nb::iterable>(objects);
}

std::vector<std::string> TextsOf(nb::handle texts, const char* what) {
  std::vector<std::string> converted;
  for (const nb::handle text : ListOf(texts, what)) {
    if (!PyUnicode_Check(text.ptr())) RaiseWrongType(what, "texts", text);
    converted.emplace_back(TextOf(text));
  }
  return converted;
}

std::string PathOf(nb::handle path, const char* what) {
  const bool is_path =
      PyUnicode_Check(path.ptr()) || PyBytes_Check(path.ptr()) || nb::hasattr(path, "__fspath__");
  if (!is_path) RaiseWrongType(what, "a text or a path", path);
  PyObject* bytes = nullptr;
  if (PyUnicode_FSConverter(path.ptr(), &bytes) == 0) nb::raise_python_error();
  const nb::bytes encoded = nb::steal<nb::bytes>(bytes);
  return {encoded.c_str(), encoded.size()};
}

nb::object FromPath(std::string_view path) {
  PyObject* const text =
      PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size()));
  if (text == nullptr) nb::raise_python_error();
  return nb::steal(text);
}

std::string IdOf(nb::handle id) {
  if (PyUnicode_Check(id.ptr())) return std::string(TextOf(id));
  const nb::object integer = IntOf(id);
  if (!integer.is_valid()) {
    RaiseWrongType(fmt::format("ids are text or integers, not {}", TypeName(id)));
  }
  return Print(integer);
}

std::vector<std::string> IdsOf(nb::handle ids) {
  const nb::iterable list = ListOf(ids, "ids");
  std::vector<std::string> texts;
  const Py_ssize_t hint = PyObject_LengthHint(ids.ptr(), 0);
  if (hint > 0) texts.reserve(static_cast<size_t>(hint));
  PyErr_Clear();
  for (const nb::handle id : list) texts.push_back(IdOf(id));
  return texts;
}

}  // namespace viper::python
