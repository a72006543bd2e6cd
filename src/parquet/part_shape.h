#pragma once

#include <cstdint>

namespace viper::parquet {

/// Unit of `_timestamp` in a file.
enum class TimeUnit : uint8_t { kMillis, kMicros, kNanos };

/// Which columns a file has. The default is that of the parts of a table.
struct PartShape {
  /// `id`, `created_at`, `metadata` and `vector`, and no other column.
  bool is_legacy = false;
  /// The optional columns of ours.
  bool has_expires_at = true;
  bool has_payload = true;
  TimeUnit time_unit = TimeUnit::kMicros;
};

}  // namespace viper::parquet
