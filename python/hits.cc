#include "hits.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "float_matrix.h"
#include "python_value.h"
#include "text.h"

namespace viper::python {

namespace nb = nanobind;

nb::object ToHitList(Hits hits, const Projection& projection) {
  nb::object list = nb::steal(PyList_New(static_cast<Py_ssize_t>(hits.size())));
  if (!list.is_valid()) nb::raise_python_error();
  for (size_t index = 0; index < hits.size(); ++index) {
    PythonHit hit{std::move(hits[index]), projection.metadata, projection.vector};
    // Steals the reference; the list is new, so there is no earlier element to release.
    PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(index),
                    nb::cast(std::move(hit)).release().ptr());
  }
  return list;
}

nb::object ToBatchAnswer(const std::vector<Hits>& answers, size_t k) {
  float* distances = nullptr;
  const nb::object matrix = MakeNumPyMatrix(answers.size(), k, distances);
  nb::list ids;
  for (const Hits& hits : answers) {
    nb::list row;
    for (size_t rank = 0; rank < k; ++rank, ++distances) {
      const bool is_present = rank < hits.size();
      *distances = is_present ? static_cast<float>(hits[rank].distance)
                              : std::numeric_limits<float>::quiet_NaN();
      if (is_present) row.append(ToText(hits[rank].id));
    }
    ids.append(row);
  }
  return nb::make_tuple(ids, matrix);
}

void BindHit(nb::module_& module) {
  nb::class_<PythonHit>(module, "Hit", "One answer of a search.")
      .def_prop_ro("id", [](const PythonHit& self) { return ToText(self.hit.id); })
      .def_prop_ro(
          "score", [](const PythonHit& self) { return self.hit.score; },
          "Bigger is better, for every metric.")
      .def_prop_ro(
          "distance", [](const PythonHit& self) { return self.hit.distance; },
          "The metric's own distance, smaller is better; the root, not its square, for l2.")
      .def_prop_ro(
          "metadata",
          [](const PythonHit& self) {
            return self.has_metadata ? FromMetadata(self.hit.metadata) : nb::none();
          },
          "A new dict at each access; None if the search left metadata out.")
      .def_prop_ro(
          "vector",
          [](const PythonHit& self) {
            return self.has_vector ? ToNumPy(self.hit.vector) : nb::none();
          },
          "The stored vector; None unless the search had with_vectors=True.")
      .def("__repr__", [](const PythonHit& self) {
        return ToText(fmt::format("Hit(id='{}', score={:.6g}, distance={:.6g})", self.hit.id,
                                  self.hit.score, self.hit.distance));
      });
}

}  // namespace viper::python
