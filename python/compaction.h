#pragma once

#include <nanobind/nanobind.h>

#include "viper/engine.h"

namespace viper::python {

nanobind::dict Compact(Collection& collection, const CompactOptions& options);
nanobind::dict Vacuum(Collection& collection, const VacuumOptions& options);

}  // namespace viper::python
