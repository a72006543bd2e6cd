#pragma once

#include "storage/table_log.h"

namespace viper::storage {

/// From these versions on a protocol lists its features by name.
inline constexpr int kReaderFeaturesVersion = 3;
inline constexpr int kWriterFeaturesVersion = 7;

/// Unsupported, by name, if rows of the table cannot be read right by a list of Parquet files
/// alone. CheckCanWrite (table_log.h) is its counterpart.
Status CheckCanRead(const TableProtocol& protocol, const TableMetadata& metadata);

}  // namespace viper::storage
