#pragma once

#include <memory>

#include "pipeline/input_file.h"
#include "viper/record_source.h"
#include "viper/result.h"

namespace viper::pipeline {

/// Open a file of kFvecs, kBvecs or kIvecs: each row is its dimension (4 bytes, little-endian) and
/// then as many float32, uint8 or int32 (http://corpus-texmex.irisa.fr). Integers become the
/// nearest float. Ids are the prefix and the row's number. Corruption if the size is not one of
/// whole rows. REQUIRES: `format` is one of the three.
Result<std::unique_ptr<RecordSource>> OpenVecsSource(InputFile input, FileFormat format,
                                                     const RecordSourceOptions& options);

}  // namespace viper::pipeline
