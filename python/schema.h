#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>
#include <vector>

#include "viper/engine.h"

namespace viper::python {

/// Fields from a dict of name to type, and back. Raises InvalidArgument.
std::vector<Field> ToFields(nanobind::handle fields);
nanobind::dict FromFields(const std::vector<Field>& fields);

/// The reports as dicts.
nanobind::object AddFields(Collection& collection, nanobind::handle fields);
nanobind::object WidenField(Collection& collection, const std::string& name,
                            const std::string& type);
nanobind::object ReportSchema(const Collection& collection, uint64_t sample_rows);

}  // namespace viper::python
