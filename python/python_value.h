#pragma once

#include <nanobind/nanobind.h>

#include <optional>

#include "viper/record.h"
#include "viper/value.h"

namespace viper::python {

/// The dict itself, or a new one with the content of another mapping. Raises InvalidArgument for
/// anything else, naming `where`.
nanobind::dict ToDict(nanobind::handle mapping, const char* where);

/// Convert what JSON can say, datetimes, and NumPy's scalars and arrays. A datetime without a zone
/// is UTC. Raises InvalidArgument for anything else, naming `where`.
Value ToValue(nanobind::handle object, const char* where);
/// Convert a mapping with text keys; None is empty.
Metadata ToMetadata(nanobind::handle object);
/// Convert a datetime or None.
std::optional<Timestamp> ToTimestamp(nanobind::handle object);

nanobind::object FromValue(const Value& value);
nanobind::object FromMetadata(const Metadata& metadata);
/// A datetime in UTC, or None.
nanobind::object FromTimestamp(const std::optional<Timestamp>& timestamp);

}  // namespace viper::python
