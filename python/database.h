#pragma once

#include <nanobind/nanobind.h>

namespace viper::python {

void BindDatabase(nanobind::module_& module);

}  // namespace viper::python
