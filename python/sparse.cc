#include "sparse.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/vector.h>

#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "float_matrix.h"
#include "python_error.h"
#include "text.h"

namespace viper::python {
namespace {

namespace nb = nanobind;
using nb::literals::operator""_a;

template <typename T>
using Numbers = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// A contiguous array of that type with the content of `object`.
template <typename T>
Numbers<T> ToNumbers(nb::handle object, const char* type, const char* what) {
  const nb::module_ numpy = nb::module_::import_("numpy");
  const nb::object array = numpy.attr("asarray")(object);
  const auto kind = nb::cast<nb::str>(array.attr("dtype").attr("kind"));
  const bool is_empty = nb::cast<size_t>(array.attr("size")) == 0;
  const std::string_view kinds = std::numeric_limits<T>::is_integer ? "iu" : "fiubV";
  if (!is_empty && kinds.find(TextOf(kind)) == std::string_view::npos) {
    RaiseInvalidArgument(fmt::format("{}: {} expected: dtype={}", what,
                                     std::numeric_limits<T>::is_integer ? "integers" : "numbers",
                                     Print(array.attr("dtype"))));
  }
  if (nb::cast<size_t>(array.attr("ndim")) != 1) {
    RaiseInvalidArgument(fmt::format("{}: one dimension expected", what));
  }
  return nb::cast<Numbers<T>>(numpy.attr("require")(array, numpy.attr(type), "CA"));
}

std::vector<uint32_t> ToIndices(nb::handle object, const char* what) {
  const auto numbers = ToNumbers<int64_t>(object, "int64", what);
  std::vector<uint32_t> indices;
  indices.reserve(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    const int64_t index = numbers.data()[i];
    if (index < 0 || index > std::numeric_limits<uint32_t>::max()) {
      RaiseInvalidArgument(
          fmt::format("{}: an index is out of range: place={} index={}", what, i, index));
    }
    indices.push_back(static_cast<uint32_t>(index));
  }
  return indices;
}

SparseVector MakeSparse(nb::handle indices, nb::handle values, const char* what) {
  SparseVector sparse;
  sparse.indices = ToIndices(indices, what);
  const auto numbers = ToNumbers<float>(values, "float32", what);
  sparse.values.assign(numbers.data(), numbers.data() + numbers.size());
  return sparse;
}

bool IsPair(nb::handle object) {
  if (!PyDict_Check(object.ptr())) return false;
  const nb::dict dict = nb::borrow<nb::dict>(object);
  return dict.contains("indices") && dict.contains("values");
}

bool IsMatrix(nb::handle object) { return nb::hasattr(object, "tocsr"); }

bool IsSparseObject(nb::handle object) {
  return nb::isinstance<SparseVector>(object) || IsPair(object) || IsMatrix(object);
}

void Append(const SparseVector& sparse, size_t dim, const char* what, SpreadRows& spread) {
  const auto dense = sparse.ToDense(dim);
  if (!dense.ok()) RaiseInvalidArgument(fmt::format("{}: {}", what, dense.status().message()));
  spread.floats.insert(spread.floats.end(), dense->begin(), dense->end());
  ++spread.rows;
}

void AppendMatrix(nb::handle matrix, size_t dim, const char* what, SpreadRows& spread) {
  nb::object rows = matrix.attr("tocsr")();
  if (!nb::cast<bool>(rows.attr("has_canonical_format"))) {
    rows = rows.attr("copy")();
    rows.attr("sum_duplicates")();
  }
  const nb::object shape = rows.attr("shape");
  const auto columns = nb::cast<size_t>(shape[nb::len(shape) - 1]);
  if (columns != dim) {
    RaiseInvalidArgument(
        fmt::format("{}: dimension mismatch: expected={} actual={}", what, dim, columns));
  }
  const auto ends = ToNumbers<int64_t>(rows.attr("indptr"), "int64", what);
  const auto indices = ToIndices(rows.attr("indices"), what);
  const auto values = ToNumbers<float>(rows.attr("data"), "float32", what);
  for (size_t row = 0; row + 1 < ends.size(); ++row) {
    const int64_t begin = ends.data()[row];
    const int64_t end = ends.data()[row + 1];
    const bool is_sound = begin >= 0 && begin <= end &&
                          end <= static_cast<int64_t>(std::min(indices.size(), values.size()));
    if (!is_sound) RaiseInvalidArgument(fmt::format("{}: rows lie outside of their matrix", what));
    Append({.indices = {indices.begin() + begin, indices.begin() + end},
            .values = {values.data() + begin, values.data() + end}},
           dim, what, spread);
  }
}

void AppendObject(nb::handle object, size_t dim, const char* what, SpreadRows& spread) {
  if (nb::isinstance<SparseVector>(object)) {
    return Append(nb::cast<const SparseVector&>(object), dim, what, spread);
  }
  if (IsMatrix(object)) return AppendMatrix(object, dim, what, spread);
  if (IsPair(object)) {
    return Append(MakeSparse(object["indices"], object["values"], what), dim, what, spread);
  }
  const FloatMatrix dense(object, 1, dim, what);
  spread.floats.insert(spread.floats.end(), dense.floats().begin(), dense.floats().end());
  ++spread.rows;
}

// A list of which some elements are sparse vectors.
bool IsSparseList(nb::handle object) {
  if (!PyList_Check(object.ptr()) && !PyTuple_Check(object.ptr())) return false;
  for (const nb::handle element : nb::borrow<nb::sequence>(object)) {
    if (IsSparseObject(element)) return true;
  }
  return false;
}

template <typename T>
nb::object NumPyOf(const std::vector<T>& numbers) {
  const nb::ndarray<nb::numpy, const T, nb::ndim<1>> array(numbers.data(), {numbers.size()});
  return nb::cast(array, nb::rv_policy::copy);
}

// Equal vectors have equal ones, as 0.0 and -0.0 do.
Py_ssize_t HashOf(const SparseVector& sparse) {
  const auto part = [](const auto& numbers) { return nb::tuple(nb::cast(numbers)); };
  return nb::hash(nb::make_tuple(part(sparse.indices), part(sparse.values)));
}

std::string Describe(const SparseVector& sparse) {
  return fmt::format("SparseVector({} components)", sparse.indices.size());
}

}  // namespace

std::optional<SpreadRows> SpreadSparse(nb::handle object, int dimensions, size_t dim,
                                       const char* what) {
  SpreadRows spread;
  if (dimensions == 2 && IsSparseList(object)) {
    for (const nb::handle element : nb::borrow<nb::sequence>(object)) {
      const size_t before = spread.rows;
      AppendObject(element, dim, what, spread);
      if (spread.rows != before + 1) {
        RaiseInvalidArgument(
            fmt::format("{}: an element of the list has {} rows", what, spread.rows - before));
      }
    }
    return spread;
  }
  if (!IsSparseObject(object) || (dimensions == 2 && !IsMatrix(object))) return std::nullopt;
  AppendObject(object, dim, what, spread);
  if (dimensions == 1 && spread.rows != 1) {
    RaiseInvalidArgument(fmt::format("{}: one row expected, not {}", what, spread.rows));
  }
  return spread;
}

void BindSparse(nb::module_& module) {
  nb::class_<SparseVector>(module, "SparseVector",
                           "A vector by those of its components that are not zero.")
      .def(
          "__init__",
          [](SparseVector* self, nb::handle indices, nb::handle values) {
            new (self) SparseVector(MakeSparse(indices, values, "SparseVector"));
          },
          "indices"_a, "values"_a, "Positions from 0, each once, in any order; and their values.")
      .def_static(
          "from_dense",
          [](nb::handle vector) {
            const auto floats = ToNumbers<float>(vector, "float32", "vector");
            return SparseVector::FromDense({floats.data(), floats.size()});
          },
          "vector"_a, "The components that are not 0.0; a negative zero stays.")
      .def(
          "to_dense",
          [](const SparseVector& self, size_t dim) {
            return ToNumPy(ValueOrRaise(self.ToDense(dim)));
          },
          "dim"_a, "A NumPy array of float32, zeros included.")
      .def_prop_ro("indices", [](const SparseVector& self) { return NumPyOf(self.indices); })
      .def_prop_ro("values", [](const SparseVector& self) { return NumPyOf(self.values); })
      .def(
          "__eq__",
          [](const SparseVector& self, const SparseVector& other) { return self == other; },
          nb::is_operator())
      .def("__hash__", &HashOf)
      .def("__repr__", [](const SparseVector& self) { return ToText(Describe(self)); });
  module.def(
      "determine_storage_format",
      [](nb::handle vector, double threshold) {
        const auto floats = ToNumbers<float>(vector, "float32", "vector");
        return ToText(
            VectorLayoutName(DetermineStorageFormat({floats.data(), floats.size()}, threshold)));
      },
      "vector"_a, "threshold"_a = 0.5,
      "'sparse' if more than the share `threshold` of the components is 0.0, else 'dense'.");
}

}  // namespace viper::python
