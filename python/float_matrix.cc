#include "float_matrix.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "python_error.h"
#include "sparse.h"
#include "text.h"

namespace viper::python {
namespace {

namespace nb = nanobind;

constexpr std::string_view kNumericKinds = "fiubV";  // V: bfloat16 and other added types

// A contiguous array of float32 with the content of `object`.
nb::object Convert(nb::handle object, const char* what) {
  const nb::module_ numpy = nb::module_::import_("numpy");
  const nb::object array = numpy.attr("asarray")(object);
  const std::string kind = nb::cast<std::string>(array.attr("dtype").attr("kind"));
  if (kNumericKinds.find(kind) == std::string_view::npos) {
    RaiseInvalidArgument(
        fmt::format("{}: elements are no numbers: dtype={}", what, Print(array.attr("dtype"))));
  }
  // Contiguous and aligned. Unlike ascontiguousarray this leaves a lone number without dimensions.
  return numpy.attr("require")(array, numpy.attr("float32"), "CA");
}

}  // namespace

FloatMatrix::FloatMatrix(nb::handle object, int dimensions, size_t dim, const char* what) {
  nb::object converted;  // the buffer keeps it alive
  if (!Acquire(object)) {
    if (auto spread = SpreadSparse(object, dimensions, dim, what)) {
      rows_ = spread->rows;
      spread_ = std::move(spread->floats);
      floats_ = spread_;
      return;
    }
    converted = Convert(object, what);
    if (!Acquire(converted)) RaiseInvalidArgument(fmt::format("{}: no array of floats", what));
  }
  const int actual_dimensions = buffer_.ndim;
  const auto extent = [&](int axis) { return static_cast<size_t>(buffer_.shape[axis]); };
  // A destructor does not run for an object whose constructor raises.
  const auto fail = [&](const std::string& message) {
    PyBuffer_Release(&buffer_);
    RaiseInvalidArgument(message);
  };
  if (actual_dimensions != dimensions) {
    fail(fmt::format("{}: {} dimensions expected, not {}", what, dimensions, actual_dimensions));
  }
  const size_t columns = extent(dimensions - 1);
  rows_ = dimensions == 2 ? extent(0) : 1;
  if (columns != dim) {
    fail(fmt::format("{}: dimension mismatch: expected={} actual={}", what, dim, columns));
  }
  floats_ = std::span(static_cast<const float*>(buffer_.buf), rows_ * columns);
}

FloatMatrix::~FloatMatrix() { PyBuffer_Release(&buffer_); }

// Whether the object shows contiguous, aligned float32.
bool FloatMatrix::Acquire(nb::handle object) {
  if (PyObject_CheckBuffer(object.ptr()) == 0) return false;
  if (PyObject_GetBuffer(object.ptr(), &buffer_, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) != 0) {
    PyErr_Clear();
    return false;
  }
  const bool is_float32 = buffer_.format != nullptr && std::strcmp(buffer_.format, "f") == 0;
  const bool is_aligned = reinterpret_cast<uintptr_t>(buffer_.buf) % alignof(float) == 0;
  if (is_float32 && is_aligned) return true;
  PyBuffer_Release(&buffer_);
  return false;
}

nb::object ToNumPy(std::span<const float> floats) {
  float* copy = nullptr;
  const nb::object matrix = MakeNumPyMatrix(1, floats.size(), copy);
  std::copy(floats.begin(), floats.end(), copy);
  return matrix[0];
}

nb::object MakeNumPyMatrix(size_t rows, size_t columns, float*& floats) {
  auto memory = std::make_unique<std::vector<float>>(rows * columns);
  floats = memory->data();
  const nb::capsule owner(memory.get(), [](void* pointer) noexcept {
    std::unique_ptr<std::vector<float>>(static_cast<std::vector<float>*>(pointer)).reset();
  });
  memory.release();  // NOLINT(bugprone-unused-return-value): the capsule owns it now
  const nb::ndarray<nb::numpy, float, nb::ndim<2>> array(floats, {rows, columns}, owner);
  return nb::cast(array);
}

}  // namespace viper::python
