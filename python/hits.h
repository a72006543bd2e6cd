#pragma once

#include <nanobind/nanobind.h>

#include <vector>

#include "viper/snapshot.h"

namespace viper::python {

/// A hit as Python sees it: its parts become Python objects when they are asked for.
struct PythonHit {
  Hit hit;
  bool has_metadata = false;
  bool has_vector = false;
};

/// A list of hits.
nanobind::object ToHitList(Hits hits, const Projection& projection);
/// (ids as a list of lists, distances as an array of `count x k` float32 with NaN where short).
nanobind::object ToBatchAnswer(const std::vector<Hits>& answers, size_t k);

void BindHit(nanobind::module_& module);

}  // namespace viper::python
