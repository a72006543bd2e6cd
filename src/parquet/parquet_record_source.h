#pragma once

#include <memory>
#include <string>

#include "viper/file_system.h"
#include "viper/record_source.h"

namespace viper {

/// Read any Parquet file as records, row group by row group.
///
/// - The vector: a list of floats or integers of any width, or binary of little-endian 32-bit
/// floats.
///   Doubles are rounded to the nearest float; one that does not fit is an error.
/// - The id: strings, integers, UUIDs; without an id column ids are made (RecordSourceOptions).
/// - `_timestamp` and `_expires_at` are the record's times (timestamps, dates or ISO 8601 text),
///   `_ingested_at` is passed over, and `_payload` (beside `_id` and `_vector`: a part of a
///   collection) is metadata as JSON text.
/// - Every other column is metadata under its name. Nulls and NaN are absent. Timestamps of any
/// unit are
///   cut to microseconds; dates are midnight UTC; decimals and times of day are text; lists,
///   structures and maps with text keys are lists and objects. Binary columns, durations, intervals
///   and unions are refused by name.
///
/// - A file of just `id`, `vector`, `metadata` (text) and `created_at` (a time) is of the legacy
///   layout: its metadata are JSON objects, and `created_at` is the record's time.
///
/// InvalidArgument names the file, the row (1-based) and the column. Damaged bytes are Corruption.
Result<std::unique_ptr<RecordSource>> OpenParquetSource(
    const std::string& path, const RecordSourceOptions& options,
    FileSystem& file_system = FileSystem::Local());

}  // namespace viper
