#include "hits.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "float_matrix.h"
#include "python_error.h"
#include "python_value.h"
#include "text.h"

namespace viper::python {

namespace nb = nanobind;

namespace {

nb::object MakeHit(const PythonHits& self, size_t index) {
  return nb::cast(PythonHit{self.answer, index});
}

/// A list of `count` objects, made by `make(index)`.
template <typename Make>
nb::object MakeList(size_t count, const Make& make) {
  nb::object list = nb::steal(PyList_New(static_cast<Py_ssize_t>(count)));
  if (!list.is_valid()) nb::raise_python_error();
  for (size_t index = 0; index < count; ++index) {
    // Steals the reference; the list is new, so there is no earlier element to release.
    PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(index), make(index).release().ptr());
  }
  return list;
}

nb::object ToList(const PythonHits& self) {
  return MakeList(self.answer->hits.size(), [&](size_t index) { return MakeHit(self, index); });
}

nb::object IdsOf(const Hits& hits) {
  return MakeList(hits.size(), [&](size_t index) { return ToText(hits[index].id); });
}

nb::object NumbersOf(const Hits& hits, double Hit::* number) {
  return MakeList(hits.size(),
                  [&](size_t index) { return nb::steal(PyFloat_FromDouble(hits[index].*number)); });
}

// Whether they say the same, vectors and metadata included.
bool AreEqual(const PythonHit& left, const PythonHit& right) {
  const Hit& a = left.hit();
  const Hit& b = right.hit();
  return left.answer->has_metadata == right.answer->has_metadata &&
         left.answer->has_vector == right.answer->has_vector && a.id == b.id &&
         a.score == b.score && a.distance == b.distance && a.metadata == b.metadata &&
         a.vector == b.vector;
}

nb::object GetItem(const PythonHits& self, nb::handle key) {
  if (PySlice_Check(key.ptr())) return ToList(self)[key];
  const Py_ssize_t index = PyNumber_AsSsize_t(key.ptr(), PyExc_IndexError);
  if (index == -1 && PyErr_Occurred() != nullptr) nb::raise_python_error();
  const auto count = static_cast<Py_ssize_t>(self.answer->hits.size());
  const Py_ssize_t place = index < 0 ? index + count : index;
  if (place < 0 || place >= count) {
    throw nb::index_error(fmt::format("hit {} of {}", index, count).c_str());
  }
  return MakeHit(self, static_cast<size_t>(place));
}

}  // namespace

PythonHits ToPythonHits(Hits hits, const Projection& projection) {
  return {
      std::make_shared<const HitSequence>(std::move(hits), projection.metadata, projection.vector)};
}

nb::object ToBatchAnswer(const std::vector<Hits>& answers, size_t k) {
  constexpr size_t kNumbersMax = std::numeric_limits<ptrdiff_t>::max() / sizeof(float);
  if (!answers.empty() && k > kNumbersMax / answers.size()) {
    RaiseInvalidArgument(
        fmt::format("k is too large for arrays: queries={} k={}", answers.size(), k));
  }
  float* distances = nullptr;
  const nb::object matrix = MakeNumPyMatrix(answers.size(), k, distances);
  for (const Hits& hits : answers) {
    for (size_t rank = 0; rank < k; ++rank, ++distances) {
      *distances = rank < hits.size() ? static_cast<float>(hits[rank].distance)
                                      : std::numeric_limits<float>::quiet_NaN();
    }
  }
  const nb::object ids =
      MakeList(answers.size(), [&](size_t query) { return IdsOf(answers[query]); });
  return nb::make_tuple(ids, matrix);
}

void BindHits(nb::module_& module) {
  nb::class_<PythonHit>(module, "Hit", "One answer of a search.")
      .def_prop_ro("id", [](const PythonHit& self) { return ToText(self.hit().id); })
      .def_prop_ro(
          "score", [](const PythonHit& self) { return self.hit().score; },
          "Bigger is better, for every metric.")
      .def_prop_ro(
          "distance", [](const PythonHit& self) { return self.hit().distance; },
          "The metric's own distance, smaller is better; the root, not its square, for l2.")
      .def_prop_ro(
          "metadata",
          [](const PythonHit& self) {
            return self.answer->has_metadata ? FromMetadata(self.hit().metadata) : nb::none();
          },
          "A new dict at each access; None if the search left metadata out.")
      .def_prop_ro(
          "vector",
          [](const PythonHit& self) {
            return self.answer->has_vector ? ToNumPy(self.hit().vector) : nb::none();
          },
          "The stored vector; None unless the search had with_vectors=True.")
      .def_prop_ro(
          "sparse_vector",
          [](const PythonHit& self) {
            return self.answer->has_vector ? nb::cast(SparseVector::FromDense(self.hit().vector))
                                           : nb::none();
          },
          "The same by its components that are not 0.0.")
      .def("__eq__", &AreEqual, nb::is_operator())
      .def("__hash__",
           [](const PythonHit& self) {
             return nb::hash(nb::make_tuple(ToText(self.hit().id), self.hit().distance));
           })
      .def("__repr__", [](const PythonHit& self) {
        const Hit& hit = self.hit();
        return ToText(fmt::format("Hit(id='{}', score={:.6g}, distance={:.6g})", hit.id, hit.score,
                                  hit.distance));
      });
  nb::class_<PythonHits> hits(module, "Hits",
                              "The hits of one search, best first: a sequence of Hit.");
  hits.def("__len__", [](const PythonHits& self) { return self.answer->hits.size(); })
      .def("__getitem__", &GetItem, "A Hit; for a slice a list of Hit.")
      .def("__iter__", [](const PythonHits& self) { return nb::iter(ToList(self)); })
      .def_prop_ro(
          "ids", [](const PythonHits& self) { return IdsOf(self.answer->hits); },
          "A new list of the ids: cheaper than asking each Hit.")
      .def_prop_ro(
          "scores",
          [](const PythonHits& self) { return NumbersOf(self.answer->hits, &Hit::score); },
          "A new list of the scores.")
      .def_prop_ro(
          "distances",
          [](const PythonHits& self) { return NumbersOf(self.answer->hits, &Hit::distance); },
          "A new list of the distances.")
      .def("__repr__", [](const PythonHits& self) {
        return ToText(fmt::format("Hits({})", Print(ToList(self))));
      });
  const nb::object sequence = nb::module_::import_("collections.abc").attr("Sequence");
  for (const char* name : {"index", "count"}) hits.attr(name) = sequence.attr(name);
  // What isinstance and pattern matching ask.
  sequence.attr("register")(hits);
}

}  // namespace viper::python
