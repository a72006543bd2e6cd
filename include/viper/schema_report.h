#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "viper/export.h"
#include "viper/schema.h"
#include "viper/value.h"

namespace viper {

/// What the records of a collection have under a declared field. Each record that was read is
/// counted once.
struct FieldReport {
  Field field;
  /// Records with a value of the field's type.
  uint64_t values = 0;
  /// Records with another value, written before the field was declared ("parked"): they give it
  /// back as it was written; to filters and to other readers of the table the field is null there.
  uint64_t parked = 0;
  /// Records whose value is null, and records without the key.
  uint64_t nulls = 0;
  uint64_t absent = 0;
  /// One of the parked values, as JSON of at most 80 bytes, and the id of its record; else empty.
  std::string parked_example;
  std::string parked_id;
};

/// What the records have under a metadata key that is not declared, and whether it is worth
/// declaring.
struct KeyReport {
  std::string key;
  /// Records that have it.
  uint64_t rows = 0;
  /// Of them, by the kind of the value. A list of strings is not among the other lists; `times` are
  /// those of the strings that a timestamp field would take.
  uint64_t nulls = 0;
  uint64_t bools = 0;
  uint64_t integers = 0;
  uint64_t floats = 0;
  uint64_t strings = 0;
  uint64_t times = 0;
  uint64_t string_lists = 0;
  uint64_t other_lists = 0;
  uint64_t objects = 0;
  /// Different values: exact below 256, else estimated, mostly within 15 %.
  uint64_t distinct_values = 0;
  bool distinct_is_exact = true;
  /// Bytes of its values as JSON.
  uint64_t json_bytes = 0;
  /// The narrowest type that takes most of the values, and how many of them it takes; the others,
  /// nulls apart, would be parked. Absent if no type takes any.
  std::optional<FieldType> type;
  uint64_t fitting = 0;
  /// Whether declaring it as that type is worth while, and why or why not.
  bool is_worth_declaring = false;
  std::string reason;
};

struct SchemaReportOptions {
  /// Read about so many records, evenly chosen over the collection; 0 = all.
  uint64_t sample_rows = 0;
};

/// What Collection::ReportSchema finds.
struct SchemaReport {
  int64_t table_version = 0;
  /// Records of the collection, and how many of them were read: all counts are of these.
  uint64_t rows = 0;
  uint64_t rows_read = 0;
  /// In the order of the schema.
  std::vector<FieldReport> fields;
  /// What is worth declaring first, then by rows. At most 4,096 keys are told apart.
  std::vector<KeyReport> keys;
  bool has_more_keys = false;
  /// Bytes of JSON that were parsed for it, as a filter on an undeclared key does, and how long the
  /// whole reading took.
  uint64_t json_bytes = 0;
  double seconds = 0;
};

/// What Collection::AddFields and WidenField did.
struct SchemaChangeReport {
  /// The first version of the table that has the new schema, or the newest if nothing had to
  /// change.
  int64_t table_version = 0;
  /// The fields that were named.
  std::vector<FieldReport> fields;
};

/// The same as one JSON object each.
VIPER_EXPORT Value ToValue(const SchemaReport& report);
VIPER_EXPORT Value ToValue(const SchemaChangeReport& report);

}  // namespace viper
