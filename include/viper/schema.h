#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/export.h"
#include "viper/result.h"

namespace viper {

/// How near two vectors are. Persistent: never renumber, never rename.
enum class Metric : uint8_t {
  /// distance = 1 - cos(a, b), score = cos(a, b). A zero vector has cosine 0 with everything.
  kCosine = 0,
  /// distance = Euclidean distance (the root, not its square), score = -distance.
  kL2 = 1,
  /// distance = -a.b, score = a.b (inner product).
  kDot = 2,
};

/// Return "cosine", "l2" or "dot".
VIPER_EXPORT std::string_view MetricName(Metric metric);
/// Accept "cosine"/"cos"/"angular", "l2"/"euclid"/"euclidean", "dot"/"ip"/"inner_product" in any
/// case.
VIPER_EXPORT Result<Metric> ParseMetric(std::string_view name);

/// The type of a declared metadata field. Persistent: never renumber, never rename.
enum class FieldType : uint8_t {
  kBool = 0,
  kInt64 = 1,
  kFloat64 = 2,
  kString = 3,
  kTimestamp = 4,
  /// A list of strings without nulls, such as tags.
  kStringList = 5,
};

/// Return "bool", "int64", "float64", "string", "timestamp" or "list<string>".
VIPER_EXPORT std::string_view FieldTypeName(FieldType type);
/// Accept the names above and the usual aliases: boolean, int, long, float, double, text, str,
/// datetime, tags, "string[]".
VIPER_EXPORT Result<FieldType> ParseFieldType(std::string_view name);

/// A metadata key that is stored as a typed column of its own, and can be filtered fast.
/// Values of the field take the declared type: an integer given for a float64 field becomes a
/// float, an ISO 8601 string given for a timestamp field becomes a timestamp; anything else is an
/// error.
struct Field {
  /// 1 to 128 bytes of [A-Za-z0-9_], not starting with '_' or a digit; unique ignoring case.
  std::string name = {};
  FieldType type = FieldType::kString;

  friend bool operator==(const Field&, const Field&) = default;
};

/// What a collection holds. `dim` and `metric` are fixed when it is created; fields can be added
/// later.
struct VIPER_EXPORT CollectionSchema {
  /// Components of every vector, 1 to 65,536.
  size_t dim = 0;
  Metric metric = Metric::kCosine;
  /// Declared fields, at most 256. Metadata keys that are not declared are kept too (in
  /// `_payload`).
  std::vector<Field> fields = {};

  /// OK, or InvalidArgument naming the member that is wrong and its value.
  Status Validate() const;
  /// The declared field of that name, or null.
  const Field* FindField(std::string_view name) const;

  friend bool operator==(const CollectionSchema&, const CollectionSchema&) = default;
};

/// What becomes of metadata keys that no field is declared for.
enum class UndeclaredKeys : uint8_t {
  /// They are kept, with whatever values, in `_payload`. The default.
  kKeep = 0,
  /// Writes that have one are refused.
  kRefuse = 1,
};

/// Return "keep" or "refuse".
VIPER_EXPORT std::string_view UndeclaredKeysName(UndeclaredKeys undeclared);
VIPER_EXPORT Result<UndeclaredKeys> ParseUndeclaredKeys(std::string_view name);

/// What may be changed of a collection at any time (Collection::SetProperties).
struct VIPER_EXPORT CollectionProperties {
  /// Records that are written without an `expires_at` of their own expire so long after they were
  /// written; 0 = never. 0 to 100 years, in milliseconds.
  int64_t default_ttl_ms = 0;
  /// Whether writes may have metadata keys that are not declared. Records that have some already
  /// keep them, and other keys of theirs can be changed.
  UndeclaredKeys undeclared_keys = UndeclaredKeys::kKeep;
  /// Files and versions that the table has left behind are kept for at least so long, whoever opens
  /// it, and however many they are; absent: as EngineOptions::retention_ms and retained_versions of
  /// who opens it. 0 to 100 years, in milliseconds. Of what another engine wrote there and cannot
  /// be read: 100 years.
  std::optional<int64_t> retention_ms = {};

  /// OK, or InvalidArgument naming the member that is wrong and its value.
  Status Validate() const;

  friend bool operator==(const CollectionProperties&, const CollectionProperties&) = default;
};

/// OK when `name` may name a declared field: 1 to 128 characters of [A-Za-z0-9_], starting with a
/// letter.
VIPER_EXPORT Status ValidateFieldName(std::string_view name);

/// OK when `name` may name a collection: 1 to 128 characters of [A-Za-z0-9_-], starting with a
/// letter or a digit (so it can never be a path, and every reader of the lake can open it).
VIPER_EXPORT Status ValidateCollectionName(std::string_view name);

}  // namespace viper
