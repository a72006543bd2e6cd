#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <arrow/array/array_base.h>
#include <arrow/type.h>

#include "viper/schema.h"
#include "viper/value.h"

namespace viper::parquet {

/// See an array as what its type id says it is; another type is undefined behaviour.
template <typename ArrayType>
const ArrayType& As(const ::arrow::Array& array) {
  return static_cast<const ArrayType&>(array);
}

/// OK if cells of `type` have a Value. InvalidArgument naming the type (binary, durations,
/// intervals, unions, maps whose keys are not text), also when nested too deep.
Status CheckHasValue(const ::arrow::DataType& type);

/// The declared field type that all cells of `type` fit, if there is one.
std::optional<FieldType> DeclaredTypeOf(const ::arrow::DataType& type);

/// The content of a cell of a type for which CheckHasValue held; null for a null. A NaN is a null
/// too: metadata are JSON. InvalidArgument for text that is no UTF-8, numbers beyond 64 bits,
/// infinities.
Result<Value> ValueOfCell(const ::arrow::Array& array, int64_t row);

/// The id in a cell: text, integers, 16-byte UUIDs. Absent for a null.
Result<std::optional<std::string>> IdOfCell(const ::arrow::Array& array, int64_t row);
/// OK if cells of `type` can be ids.
Status CheckHasId(const ::arrow::DataType& type);

/// The storage of an extension type, else the type itself.
const ::arrow::DataType& StorageType(const ::arrow::DataType& type);

}  // namespace viper::parquet
