#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <arrow/array/array_base.h>
#include <arrow/type.h>

#include "viper/result.h"

namespace viper::parquet {

/// True for a list (of any kind) of floating-point numbers or integers.
bool IsListOfNumbers(const ::arrow::DataType& type);
/// OK if cells of `type` can be vectors: lists of numbers, or binary (little-endian 32-bit floats).
Status CheckHasVector(const ::arrow::DataType& type);
/// Components of the vector in a cell. InvalidArgument for a null cell, or binary that is no whole
/// number of floats.
Result<size_t> VectorLength(const ::arrow::Array& array, int64_t row);

/// Append the vector of a cell to `floats`, each component rounded to the nearest float.
/// InvalidArgument for a null, another length than `dim`, a null component, one that is not finite
/// or does not fit.
Status AppendVector(const ::arrow::Array& array, int64_t row, size_t dim,
                    std::vector<float>& floats);

}  // namespace viper::parquet
