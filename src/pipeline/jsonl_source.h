#pragma once

#include <memory>

#include "pipeline/input_file.h"
#include "viper/record_source.h"
#include "viper/result.h"

namespace viper::pipeline {

/// Open a JSON Lines file: one JSON object on each line (JsonRecordParser says what it holds),
/// blank lines passed over. The first record decides keys and dimension.
Result<std::unique_ptr<RecordSource>> OpenJsonlSource(InputFile input,
                                                      const RecordSourceOptions& options);

}  // namespace viper::pipeline
