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
/// True for a structure of `indices`, a list of integers, and `values`, a list of numbers: sparse
/// vectors.
bool IsSparseVector(const ::arrow::DataType& type);
/// OK if cells of `type` can be vectors: lists of numbers, binary (little-endian 32-bit floats), or
/// sparse vectors.
Status CheckHasVector(const ::arrow::DataType& type);
/// Components of the vector in a cell that is no sparse one. InvalidArgument for a null cell, or
/// binary that is no whole number of floats.
Result<size_t> VectorLength(const ::arrow::Array& array, int64_t row);

/// Append the vector of a cell to `floats`, each component rounded to the nearest float; a sparse
/// one spread out. InvalidArgument for a null, another length than `dim`, a null component, one
/// that is not finite or does not fit; and as SparseVector::ToDense.
Status AppendVector(const ::arrow::Array& array, int64_t row, size_t dim,
                    std::vector<float>& floats);

}  // namespace viper::parquet
