#pragma once

#include <memory>

#include "pipeline/input_file.h"
#include "viper/record_source.h"
#include "viper/result.h"

namespace viper::pipeline {

/// Open a .npy file with a matrix: one row per vector, numbers converted to the nearest float. Ids
/// are the prefix and the row's number. Corruption if the header says another size than the file
/// has.
Result<std::unique_ptr<RecordSource>> OpenNpySource(InputFile input,
                                                    const RecordSourceOptions& options);

}  // namespace viper::pipeline
