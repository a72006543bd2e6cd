#include "python_value.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "python_error.h"
#include "text.h"

namespace viper::python {
namespace {

namespace nb = nanobind;
using nb::literals::operator""_a;

// The limit of Value::FromJson.
constexpr int kDepthMax = 64;
constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = 86'400;

nb::object DateTimeAttribute(const char* name) {
  return nb::module_::import_("datetime").attr(name);
}

nb::object Epoch() {
  return DateTimeAttribute("datetime")(1970, 1, 1, 0, 0, 0, 0,
                                       DateTimeAttribute("timezone").attr("utc"));
}

Timestamp ToTimestampChecked(nb::handle object) {
  nb::object moment = nb::borrow(object);
  if (moment.attr("tzinfo").is_none()) {
    moment = moment.attr("replace")(nb::arg("tzinfo") = DateTimeAttribute("timezone").attr("utc"));
  }
  const nb::object delta = moment - Epoch();
  const auto part = [&](const char* name) { return nb::cast<int64_t>(delta.attr(name)); };
  const int64_t seconds = part("days") * kSecondsPerDay + part("seconds");
  return Timestamp{seconds * kMicrosPerSecond + part("microseconds")};
}

[[noreturn]] void RaiseUnconvertible(nb::handle object, const char* where) {
  RaiseWrongType(fmt::format("{}: a value of type {} cannot be stored", where, TypeName(object)));
}

// 'M' for an array or scalar of NumPy that holds times, 'm' for one of time spans, else 0.
char NumPyTimeKind(nb::handle object) {
  const nb::module_ numpy = nb::module_::import_("numpy");
  if (!nb::isinstance(object, numpy.attr("generic")) &&
      !nb::isinstance(object, numpy.attr("ndarray"))) {
    return 0;
  }
  const char kind = Print(object.attr("dtype").attr("kind")).front();
  return kind == 'M' || kind == 'm' ? kind : '\0';
}

bool IsScalar(nb::handle numpy_object) { return nb::cast<size_t>(numpy_object.attr("ndim")) == 0; }

// The datetime that an object is, also one of pandas or NumPy; None for a NaT. Not valid for what
// is no time at all.
nb::object ToDateTime(nb::handle object, const char* where) {
  if (nb::isinstance(object, DateTimeAttribute("datetime"))) {
    // The NaT of pandas is a datetime that does not equal itself, and has no parts.
    const nb::object is_time = nb::steal(PyObject_RichCompare(object.ptr(), object.ptr(), Py_EQ));
    if (!is_time.is_valid()) nb::raise_python_error();
    return nb::bool_(is_time) ? nb::borrow(object) : nb::none();
  }
  if (NumPyTimeKind(object) != 'M' || !IsScalar(object)) return {};
  nb::object time = object.attr("astype")("datetime64[us]").attr("tolist")();
  // NumPy makes integers of those that Python cannot say.
  if (!PyLong_Check(time.ptr())) return time;
  RaiseInvalidArgument(
      fmt::format("{}: a time is outside the years 1 to 9999: {}", where, Print(object)));
}

class Converter {
 public:
  explicit Converter(const char* where) : where_(where) {}

  Value Convert(nb::handle object, int depth) const {
    PyObject* const pointer = object.ptr();
    if (object.is_none()) return {};
    if (PyBool_Check(pointer)) return pointer == Py_True;
    if (PyUnicode_Check(pointer)) return std::string(TextOf(object));
    if (PyLong_Check(pointer)) return ToInteger(object, where_);
    if (PyFloat_Check(pointer)) return PyFloat_AS_DOUBLE(pointer);
    if (depth == kDepthMax) {
      RaiseInvalidArgument(fmt::format("{}: nested deeper than {} levels", where_, kDepthMax));
    }
    if (PyDict_Check(pointer)) return ConvertDict(nb::borrow<nb::dict>(object), depth + 1);
    if (PyList_Check(pointer) || PyTuple_Check(pointer)) return ConvertSequence(object, depth + 1);
    if (const nb::object time = ToDateTime(object, where_); time.is_valid()) {
      return time.is_none() ? Value() : Value(ToTimestampChecked(time));
    }
    // Scalars and arrays of NumPy become Python's; of time spans, and of times finer than Python's,
    // it would make integers.
    const char time_kind = NumPyTimeKind(object);
    if (time_kind == 'M') return ConvertSequence(object, depth + 1);
    if (time_kind == 0 && nb::hasattr(object, "tolist")) {
      return Convert(object.attr("tolist")(), depth + 1);
    }
    RaiseUnconvertible(object, where_);
  }

  Value::Object ConvertDict(const nb::dict& dict, int depth) const {
    Value::Object converted;
    for (const auto& [key, value] : dict) {
      if (!PyUnicode_Check(key.ptr())) {
        RaiseInvalidArgument(fmt::format("{}: keys must be text", where_));
      }
      converted.insert_or_assign(std::string(TextOf(key)), Convert(value, depth));
    }
    return converted;
  }

 private:
  Value ConvertSequence(nb::handle object, int depth) const {
    Value::List list;
    list.reserve(nb::len(object));
    for (const nb::handle element : object) list.push_back(Convert(element, depth));
    return list;
  }

  const char* where_;
};

nb::object FromTimestampChecked(Timestamp timestamp) {
  return Epoch() + DateTimeAttribute("timedelta")(0, 0, timestamp.micros);
}

}  // namespace

int64_t ToInteger(nb::handle object, const char* where) {
  const nb::object number = IntOf(object);
  if (!number.is_valid()) RaiseWrongType(where, "an integer", object);
  int overflow = 0;
  const int64_t value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0) RaiseInvalidArgument(fmt::format("{}: integer outside 64 bits", where));
  return value;
}

Value ToValue(nb::handle object, const char* where) { return Converter(where).Convert(object, 0); }

nb::dict ToDict(nb::handle mapping, const char* where) {
  if (PyDict_Check(mapping.ptr())) return nb::borrow<nb::dict>(mapping);
  if (!nb::hasattr(mapping, "keys")) RaiseUnconvertible(mapping, where);
  const nb::object copy = nb::module_::import_("builtins").attr("dict")(mapping);
  return nb::borrow<nb::dict>(copy);
}

Metadata ToMetadata(nb::handle object) {
  if (object.is_none()) return {};
  return Converter("metadata").ConvertDict(ToDict(object, "metadata"), 1);
}

std::optional<Timestamp> ToTimestamp(nb::handle object) {
  if (object.is_none()) return std::nullopt;
  const nb::object time = ToDateTime(object, "time");
  if (!time.is_valid()) RaiseUnconvertible(object, "time");
  if (time.is_none()) return std::nullopt;
  return ToTimestampChecked(time);
}

std::optional<Timestamp> ToExpiry(nb::handle object) {
  if (!PyUnicode_Check(object.ptr())) return ToTimestamp(object);
  if (TextOf(object) == "never") return Timestamp::Never();
  RaiseInvalidArgument(fmt::format(
      "expires_at: a datetime, \"never\" or None expected: actual='{}'", TextOf(object)));
}

int64_t ToMilliseconds(nb::handle object, const char* where) {
  if (object.is_none()) return 0;
  const bool is_delta = nb::isinstance(object, DateTimeAttribute("timedelta"));
  const nb::object seconds = is_delta ? object.attr("total_seconds")() : nb::borrow(object);
  const bool is_float = PyFloat_Check(seconds.ptr()) != 0;
  const double milliseconds = 1000 * (is_float ? PyFloat_AS_DOUBLE(seconds.ptr())
                                               : static_cast<double>(ToInteger(seconds, where)));
  constexpr double kMax = 9e18;
  if (!(milliseconds >= 1 && milliseconds <= kMax)) {
    RaiseInvalidArgument(
        fmt::format("{}: a millisecond or more expected: actual={} s", where, milliseconds / 1000));
  }
  return std::llround(milliseconds);
}

nb::object FromValue(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      break;
    case Value::Kind::kBool:
      return nb::bool_(*value.as_bool());
    case Value::Kind::kInt64:
      return nb::int_(*value.as_int64());
    case Value::Kind::kFloat64:
      return nb::float_(*value.as_float64());
    case Value::Kind::kString:
      return ToText(*value.as_string());
    case Value::Kind::kTimestamp:
      return FromTimestampChecked(*value.as_timestamp());
    case Value::Kind::kList: {
      nb::list list;
      for (const Value& element : *value.as_list()) list.append(FromValue(element));
      return list;
    }
    case Value::Kind::kObject:
      return FromMetadata(*value.as_object());
  }
  return nb::none();
}

nb::object FromMetadata(const Metadata& metadata) {
  nb::dict dict;
  for (const auto& [key, value] : metadata) dict[ToText(key)] = FromValue(value);
  return dict;
}

nb::object FromMilliseconds(int64_t milliseconds) {
  if (milliseconds == 0) return nb::none();
  return DateTimeAttribute("timedelta")("milliseconds"_a = milliseconds);
}

nb::object FromTimestamp(const std::optional<Timestamp>& timestamp) {
  return timestamp.has_value() ? FromTimestampChecked(*timestamp) : nb::none();
}

}  // namespace viper::python
