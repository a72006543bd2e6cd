#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>
#include <string>

#include "hits.h"
#include "viper/filter.h"
#include "viper/snapshot.h"

namespace viper::python {

/// What Python reads of a state of a collection, the newest one or an older one (both have the same
/// methods). All raise what the engine says.

/// Text, a Filter or None.
Filter ToFilter(nanobind::handle filter);

/// A state, and the dimension of its vectors.
struct Readable {
  Snapshot snapshot;
  size_t dim = 0;
};

/// Which rows a search looks for, and how well.
struct SearchKnobs {
  size_t k = 10;
  double recall = 0.95;
  nanobind::handle filter;
  bool exact = false;
  std::optional<size_t> nprobe;
  std::optional<size_t> rerank;
  std::optional<double> timeout;
};

/// What of each hit is read.
struct HitKnobs {
  bool with_metadata = true;
  bool with_vectors = false;
  nanobind::handle select;
};

PythonHits Search(const Readable& readable, nanobind::handle query, const SearchKnobs& knobs,
                  const HitKnobs& hit_knobs);
nanobind::object SearchBatch(const Readable& readable, nanobind::handle queries,
                             const SearchKnobs& knobs);
nanobind::dict Explain(const Readable& readable, nanobind::handle query, const SearchKnobs& knobs);
Record GetRecord(const Readable& readable, nanobind::handle id);
uint64_t Count(const Readable& readable, nanobind::handle filter);

/// What of a page of records is read.
struct ScrollKnobs {
  nanobind::handle filter;
  std::string after;
  size_t limit = 100;
  bool with_vectors = true;
};
/// (list of Record, the id to go on after or None).
nanobind::object Scroll(const Readable& readable, const ScrollKnobs& knobs);

}  // namespace viper::python
