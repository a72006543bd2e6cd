#pragma once

#include <memory>

#include "pipeline/input_file.h"
#include "viper/record_source.h"
#include "viper/result.h"

namespace viper::pipeline {

/// Give the rows of `vectors`, in order, what the lines of a JSON Lines file say: line i belongs to
/// row i, and every line is a JSON object as in OpenJsonlSource, without a vector. Ids come from
/// the lines too if the first one has an id (RecordSourceOptions::id_column), else they stay those
/// of `vectors`. InvalidArgument if there are more or fewer lines than rows (unless there is a
/// limit on the rows).
Result<std::unique_ptr<RecordSource>> JoinMetadata(std::unique_ptr<RecordSource> vectors,
                                                   InputFile metadata,
                                                   const RecordSourceOptions& options);

}  // namespace viper::pipeline
