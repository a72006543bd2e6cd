#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "viper/record.h"
#include "viper/record_source.h"
#include "viper/result.h"

namespace viper::pipeline {

/// The keys of a JSON record that are not metadata; empty = there is none.
struct JsonRecordKeys {
  std::string id;
  std::string vector;
};

/// Reads records from JSON objects, one by one:
///   {"id": "a", "vector": [0.1, 0.2], "title": "A title", "year": 2020}
/// - The id is a string, or an integer whose digits become the id.
/// - The vector is a list of numbers, or an object of `indices` and `values`
/// (Record::sparse_vector).
/// - `_timestamp` and `_expires_at` hold ISO 8601 strings or null; `_ingested_at` is passed over,
/// since
///   the engine sets it.
/// - `_metadata` and `metadata`, when they hold an object, are metadata as a whole; every other key
/// is a
///   metadata key of its own. A key given in both ways takes the value inside the object.
/// Not thread-safe.
class JsonRecordParser {
 public:
  JsonRecordParser();

  /// Find the keys by the first record of a file. `with_vector` off: the records are metadata
  /// alone.
  Result<JsonRecordKeys> InferKeys(std::string_view line, const RecordSourceOptions& options,
                                   bool with_vector);
  /// Read one record. `line` is followed by kLinePadding readable bytes. The id stays empty if no
  /// key names it. InvalidArgument, naming key and value, if anything is not as it should be.
  Result<Record> Parse(std::string_view line, const JsonRecordKeys& keys);

 private:
  struct Parts;
  static Status ReadField(std::string_view key, const simdjson::dom::element& value,
                          const JsonRecordKeys& keys, Parts& parts);
  Result<simdjson::dom::object> ParseObject(std::string_view line);

  simdjson::dom::parser parser_;
};

}  // namespace viper::pipeline
