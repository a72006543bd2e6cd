#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>

#include "viper/record.h"
#include "viper/value.h"

namespace viper::python {

/// The dict itself, or a new one with the content of another mapping. Raises InvalidArgument for
/// anything else, naming `where`.
nanobind::dict ToDict(nanobind::handle mapping, const char* where);

/// Convert what JSON can say, datetimes, and NumPy's scalars and arrays, its datetime64 of any unit
/// among them. A datetime without a zone is UTC, what is finer than a microsecond is cut off, and a
/// NaT is null. Raises InvalidArgument for anything else, naming `where`.
Value ToValue(nanobind::handle object, const char* where);
/// Convert a mapping with text keys; None is empty.
Metadata ToMetadata(nanobind::handle object);
/// Convert an integer, also one of NumPy; not a bool. Raises WrongType, or InvalidArgument outside
/// 64 bits, naming `where`.
int64_t ToInteger(nanobind::handle object, const char* where);
/// Convert a datetime, a datetime64 or None.
std::optional<Timestamp> ToTimestamp(nanobind::handle object);
/// Convert a datetime, "never" or None.
std::optional<Timestamp> ToExpiry(nanobind::handle object);
/// Convert a timedelta or a number of seconds to milliseconds; None is 0. Raises InvalidArgument
/// for anything else, for what is not above 0, and beyond 64 bits, naming `where`.
int64_t ToMilliseconds(nanobind::handle object, const char* where);

nanobind::object FromValue(const Value& value);
nanobind::object FromMetadata(const Metadata& metadata);
/// A datetime in UTC, or None.
nanobind::object FromTimestamp(const std::optional<Timestamp>& timestamp);
/// A timedelta; None for 0.
nanobind::object FromMilliseconds(int64_t milliseconds);

}  // namespace viper::python
