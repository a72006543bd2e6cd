#pragma once

#include <nanobind/nanobind.h>

#include <optional>

#include "reads.h"
#include "viper/engine.h"

namespace viper::python {

/// A state of a collection as Python holds it; it stays readable when the collection is closed.
struct PythonSnapshot {
  Readable readable;
};

/// The newest state, or the one of a version, or of a time (a datetime).
PythonSnapshot TakeSnapshot(const Collection& collection, std::optional<int64_t> version,
                            nanobind::handle time);
/// The versions that can be read, a dict for each.
nanobind::list ListVersions(const Collection& collection);

void BindSnapshot(nanobind::module_& module);

}  // namespace viper::python
