#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "viper/value.h"

namespace viper {

/// The metadata of a record: any JSON object. Comes back exactly as it went in: absent is not null,
/// integers are not floats, nested values stay.
using Metadata = Value::Object;

/// The unit of storage.
struct Record {
  /// 1 to 1,024 bytes of UTF-8. A collection holds one record of an id: writing it again replaces
  /// it.
  std::string id = {};
  /// As many finite floats as the collection's dimension. Comes back bit for bit.
  std::vector<float> vector = {};
  Metadata metadata = {};
  /// The user's own time of the record; the time of ingestion when absent. Kept beside that one.
  std::optional<Timestamp> timestamp = {};
  /// From this moment on the record is invisible. A past time is accepted and never visible.
  std::optional<Timestamp> expires_at = {};

  friend bool operator==(const Record&, const Record&) = default;
};

}  // namespace viper
