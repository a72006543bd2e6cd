#pragma once

#include <span>

#include "viper/record.h"
#include "viper/result.h"
#include "viper/schema.h"

namespace viper::pipeline {

/// The schema that records suggest: the dimension of the first vector; cosine; and a field for each
/// top-level metadata key that may name one and whose values that are not null are all of one type
/// (of many keys the first 256). Sparse vectors do not tell the dimension. InvalidArgument if no
/// record tells it.
Result<CollectionSchema> InferSchema(std::span<const Record> records);

}  // namespace viper::pipeline
