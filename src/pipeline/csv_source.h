#pragma once

#include <memory>

#include "pipeline/input_file.h"
#include "viper/record_source.h"
#include "viper/result.h"

namespace viper::pipeline {

/// Open a CSV file with a header line (CsvReader says how it is split, InferCsvLayout what columns
/// are, TypeCsvCell what cells are). Empty cells are absent. `_timestamp` and `_expires_at` hold
/// ISO 8601 times, `_metadata` a JSON object whose keys win over columns of the same name.
Result<std::unique_ptr<RecordSource>> OpenCsvSource(InputFile input,
                                                    const RecordSourceOptions& options);

}  // namespace viper::pipeline
