#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "viper/record.h"

namespace viper::core {

/// expires_at of a row that never does.
inline constexpr int64_t kNeverExpires = std::numeric_limits<int64_t>::max();
/// As the time of a read: nothing has expired.
inline constexpr int64_t kBeforeEveryExpiry = std::numeric_limits<int64_t>::min();

/// A validated row on its way into memory: declared fields converted, times filled in.
struct Row {
  std::string id;
  uint64_t id_hash = 0;
  Metadata metadata;
  /// Bytes of the metadata as JSON, for memory accounting.
  size_t metadata_bytes = 0;
  int64_t timestamp = 0;    // microseconds
  int64_t ingested_at = 0;  // microseconds
  int64_t expires_at = kNeverExpires;
  /// `dim` floats at any byte address; not owned, unless `vector_holder` is set, which does.
  const std::byte* vector = nullptr;
  std::shared_ptr<const void> vector_holder = nullptr;
  /// What `vector` is still to be made of, and then null (SpreadVectors); the caller's, and valid.
  const SparseVector* sparse = nullptr;
};

}  // namespace viper::core
