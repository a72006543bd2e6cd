#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <span>
#include <vector>

namespace viper::python {

/// Rows of float32 that a Python object holds, row-major and contiguous: a view of the object
/// where it is so already (which costs a tenth of a microsecond), else of a converted copy.
/// Converts whatever numpy.asarray takes, if its elements are numbers, and spreads sparse vectors
/// (sparse.h). Holds the memory while it
/// lives, so it may be read with the interpreter lock released; made and destroyed with it.
class FloatMatrix {
 public:
  /// Raises InvalidArgument unless `object` has `dimensions` dimensions (1 or 2) and rows of `dim`
  /// components. `what` names it in messages.
  FloatMatrix(nanobind::handle object, int dimensions, size_t dim, const char* what);
  ~FloatMatrix();
  FloatMatrix(const FloatMatrix&) = delete;
  FloatMatrix& operator=(const FloatMatrix&) = delete;

  size_t rows() const { return rows_; }
  /// `rows x dim`.
  std::span<const float> floats() const { return floats_; }

 private:
  bool Acquire(nanobind::handle object);

  Py_buffer buffer_ = {};
  size_t rows_ = 0;
  /// Only of sparse vectors.
  std::vector<float> spread_;
  std::span<const float> floats_;
};

/// A new NumPy array of float32 with the values of `floats`.
nanobind::object ToNumPy(std::span<const float> floats);
/// A new NumPy array of `rows x columns` float32 and its memory, to be filled.
nanobind::object MakeNumPyMatrix(size_t rows, size_t columns, float*& floats);

}  // namespace viper::python
