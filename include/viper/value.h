#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "viper/export.h"
#include "viper/result.h"

namespace viper {

/// A point in time: microseconds since 1970-01-01T00:00:00 UTC.
struct VIPER_EXPORT Timestamp {
  int64_t micros = 0;

  /// Parse ISO 8601: "2026-11-22", "2026-11-22T08:30:00", with optional fraction (up to 6 digits)
  /// and optional zone ("Z", "+02:00"); without a zone it is UTC. Years 0001 to 9999. A space or
  /// 't' may stand for the 'T'.
  static Result<Timestamp> Parse(std::string_view text);
  /// Later than every time that can be written: for Record::expires_at alone.
  static constexpr Timestamp Never() { return Timestamp{std::numeric_limits<int64_t>::max()}; }
  /// Print as "2026-11-22T08:30:00Z", with a fraction (3 or 6 digits) only when there is one.
  std::string ToString() const;

  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

/// One metadata value: what JSON can say, with integers and floating-point numbers kept apart, and
/// timestamps. Equality is exact (1 and 1.0 differ). Object keys are sorted, so that printing is
/// canonical. Strings are UTF-8.
class VIPER_EXPORT Value {
 public:
  enum class Kind : uint8_t { kNull, kBool, kInt64, kFloat64, kString, kTimestamp, kList, kObject };
  using List = std::vector<Value>;
  using Object = std::map<std::string, Value, std::less<>>;

  Value() = default;
  Value(std::nullptr_t) {}                                      // NOLINT: literals convert
  Value(bool value) : data_(value) {}                           // NOLINT
  Value(int value) : data_(int64_t{value}) {}                   // NOLINT
  Value(int64_t value) : data_(value) {}                        // NOLINT
  Value(double value) : data_(value) {}                         // NOLINT
  Value(const char* value) : data_(std::string(value)) {}       // NOLINT
  Value(std::string value) : data_(std::move(value)) {}         // NOLINT
  Value(std::string_view value) : data_(std::string(value)) {}  // NOLINT
  Value(Timestamp value) : data_(value) {}                      // NOLINT
  Value(List value) : data_(std::move(value)) {}                // NOLINT
  Value(Object value) : data_(std::move(value)) {}              // NOLINT

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_null() const { return kind() == Kind::kNull; }

  /// Access the content; the kind must match (null pointer when it does not).
  const bool* as_bool() const { return std::get_if<bool>(&data_); }
  const int64_t* as_int64() const { return std::get_if<int64_t>(&data_); }
  const double* as_float64() const { return std::get_if<double>(&data_); }
  const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  const Timestamp* as_timestamp() const { return std::get_if<Timestamp>(&data_); }
  const List* as_list() const { return std::get_if<List>(&data_); }
  List* as_list() { return std::get_if<List>(&data_); }
  const Object* as_object() const { return std::get_if<Object>(&data_); }
  Object* as_object() { return std::get_if<Object>(&data_); }

  /// Print as canonical JSON: sorted keys, no spaces, shortest digits that read back the same, and
  /// a floating-point number always with a point or an exponent. A timestamp prints as its ISO
  /// string. NaN and infinities print as null: no record may hold them.
  std::string ToJson() const;
  /// Parse one JSON document. Fails with InvalidArgument, naming the problem, on malformed text,
  /// invalid UTF-8, integers outside 64 bits signed, and nesting deeper than 64 levels. The last of
  /// several equal keys wins.
  static Result<Value> FromJson(std::string_view json);

  friend bool operator==(const Value&, const Value&) = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Timestamp, List, Object> data_;
};

/// Return "null", "bool", "int64", "float64", "string", "timestamp", "list" or "object".
VIPER_EXPORT std::string_view KindName(Value::Kind kind);

}  // namespace viper
