#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <vector>

#include "viper/snapshot.h"

namespace viper::python {

/// The answer to one search as Python sees it, a sequence: its parts become Python objects when
/// they are asked for, since most callers want the ids alone.
struct HitSequence {
  Hits hits;
  bool has_metadata = false;
  bool has_vector = false;
};

/// One of its hits, which keeps the whole answer alive.
struct PythonHit {
  std::shared_ptr<const HitSequence> answer;
  size_t index = 0;

  const Hit& hit() const { return answer->hits[index]; }
};

/// What `search` returns.
struct PythonHits {
  std::shared_ptr<const HitSequence> answer;
};

PythonHits ToPythonHits(Hits hits, const Projection& projection);
/// (ids as a list of lists, distances as an array of `count x k` float32 with NaN where short).
nanobind::object ToBatchAnswer(const std::vector<Hits>& answers, size_t k);

void BindHits(nanobind::module_& module);

}  // namespace viper::python
