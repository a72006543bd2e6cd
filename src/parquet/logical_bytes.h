#pragma once

#include <cstdint>
#include <string_view>

#include "parquet/part_file.h"

namespace viper::parquet {

/// Footer key: LogicalBytes of all rows of a part, in decimal digits.
inline constexpr std::string_view kLogicalBytesKey = "viper.logical_bytes";

/// Bytes of rows as they are thought of before anything is encoded, whatever the file makes of
/// them: 4 for each component of a vector, those of the id, those of the metadata as canonical JSON
/// (none if there are none), and 8 for each of `_timestamp`, `_ingested_at` and, where there is
/// one,
/// `_expires_at`. Ratios of compression are relative to it.
uint64_t LogicalBytes(const PartRows& rows, const CollectionSchema& schema);

}  // namespace viper::parquet
