#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <utility>

#include "held.h"
#include "viper/engine.h"

namespace viper::python {

/// A collection as Python holds it. A call takes its own reference first, so that `close` in
/// another thread does not pull the collection away from under it.
class PythonCollection {
 public:
  explicit PythonCollection(std::shared_ptr<Collection> collection)
      : collection_(std::move(collection)) {}

  /// Raises FailedPrecondition once closed.
  Held<Collection> Get() const;
  /// Give up the reference. The files are closed when all calls and all objects have done so.
  void Close() { collection_.Reset(); }

 private:
  Held<Collection> collection_;
};

void BindCollection(nanobind::module_& module);

}  // namespace viper::python
