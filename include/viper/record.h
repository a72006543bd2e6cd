#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "viper/sparse_vector.h"
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
  /// The collection that the record is meant for. Empty: whichever it is written to; else a write
  /// to another one refuses it. Not stored: reads leave it empty.
  std::string collection_id = {};
  /// As many finite floats as the collection's dimension. Comes back bit for bit.
  std::vector<float> vector = {};
  /// The vector by its components that are not zero, in place of `vector`, which is empty then.
  /// Reads set it where Projection::sparse_vector asks for it.
  std::optional<SparseVector> sparse_vector = {};
  Metadata metadata = {};
  /// The user's own time of the record; the time of ingestion when absent. Kept beside that one.
  std::optional<Timestamp> timestamp = {};
  /// From this moment on the record is invisible. A past time is accepted and never visible. When
  /// absent: as CollectionProperties::default_ttl_ms says; Timestamp::Never() is never, whatever
  /// that says. Absent in what is read: never.
  std::optional<Timestamp> expires_at = {};
  /// Which of the writes of this id made the record: no two have the same. Reads set it
  /// (Projection::version; else it is 0), writes pass it over. It is `_ingested_at`, the time of
  /// the write in microseconds, or later by as little as makes it the only one.
  int64_t version = 0;

  /// Compares what is stored of a write: everything but the version and the collection.
  friend bool operator==(const Record& a, const Record& b) {
    return a.id == b.id && a.vector == b.vector && a.sparse_vector == b.sparse_vector &&
           a.metadata == b.metadata && a.timestamp == b.timestamp && a.expires_at == b.expires_at;
  }
};

/// What becomes of the metadata of a record that is kept otherwise: its vector and its times stay.
struct MetadataChange {
  /// Top-level keys and their new values. A value takes the place of the old one as a whole (nested
  /// objects are not merged); null is a value.
  Metadata set = {};
  /// Top-level keys to take away; those that a record does not have are passed over. None of them
  /// may be in `set`, and with `replace_all` there may be none.
  std::vector<std::string> remove = {};
  /// `set` is all that the record has afterwards. Otherwise the keys that are not named stay.
  bool replace_all = false;
};

/// A change of the metadata of one record.
struct MetadataUpdate {
  std::string id = {};
  MetadataChange change = {};
};

}  // namespace viper
