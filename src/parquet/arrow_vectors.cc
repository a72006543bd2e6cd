#include "parquet/arrow_vectors.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/util/float16.h>
#include <fmt/core.h>

#include "base/status_macros.h"
#include "parquet/arrow_value.h"
#include "viper/sparse_vector.h"

namespace viper::parquet {
namespace {

using ::arrow::Array;
using ::arrow::DataType;
using TypeId = ::arrow::Type::type;

constexpr std::string_view kIndicesField = "indices";
constexpr std::string_view kValuesField = "values";

static_assert(std::endian::native == std::endian::little, "binary vectors are little-endian");

bool IsList(TypeId id) {
  return id == TypeId::LIST || id == TypeId::LARGE_LIST || id == TypeId::FIXED_SIZE_LIST;
}

bool IsBinary(TypeId id) {
  return id == TypeId::BINARY || id == TypeId::LARGE_BINARY || id == TypeId::FIXED_SIZE_BINARY;
}

/// Elements [first, first + count) of an array.
struct ListSlice {
  const Array* elements = nullptr;
  int64_t first = 0;
  int64_t count = 0;
};

ListSlice SliceOf(const Array& array, int64_t row) {
  switch (array.type_id()) {
    case TypeId::LIST: {
      const auto& list = As<::arrow::ListArray>(array);
      return {list.values().get(), list.value_offset(row), list.value_length(row)};
    }
    case TypeId::LARGE_LIST: {
      const auto& list = As<::arrow::LargeListArray>(array);
      return {list.values().get(), list.value_offset(row), list.value_length(row)};
    }
    default: {
      const auto& list = As<::arrow::FixedSizeListArray>(array);
      return {list.values().get(), list.value_offset(row), list.value_length(row)};
    }
  }
}

std::string_view BytesOf(const Array& array, int64_t row) {
  switch (array.type_id()) {
    case TypeId::BINARY:
      return As<::arrow::BinaryArray>(array).GetView(row);
    case TypeId::LARGE_BINARY:
      return As<::arrow::LargeBinaryArray>(array).GetView(row);
    default:
      return As<::arrow::FixedSizeBinaryArray>(array).GetView(row);
  }
}

template <typename ArrayType>
void AppendNumbers(const ListSlice& slice, std::vector<float>& floats) {
  const auto& numbers = As<ArrayType>(*slice.elements);
  for (int64_t i = slice.first; i < slice.first + slice.count; ++i) {
    floats.push_back(static_cast<float>(numbers.Value(i)));
  }
}

void AppendElements(const ListSlice& slice, std::vector<float>& floats) {
  switch (slice.elements->type_id()) {
    case TypeId::FLOAT: {
      const float* first = As<::arrow::FloatArray>(*slice.elements).raw_values() + slice.first;
      floats.insert(floats.end(), first, first + slice.count);
      return;
    }
    case TypeId::DOUBLE:
      return AppendNumbers<::arrow::DoubleArray>(slice, floats);
    case TypeId::HALF_FLOAT:
      for (int64_t i = slice.first; i < slice.first + slice.count; ++i) {
        floats.push_back(
            ::arrow::util::Float16::FromBits(As<::arrow::HalfFloatArray>(*slice.elements).Value(i))
                .ToFloat());
      }
      return;
    case TypeId::INT8:
      return AppendNumbers<::arrow::Int8Array>(slice, floats);
    case TypeId::INT16:
      return AppendNumbers<::arrow::Int16Array>(slice, floats);
    case TypeId::INT32:
      return AppendNumbers<::arrow::Int32Array>(slice, floats);
    case TypeId::INT64:
      return AppendNumbers<::arrow::Int64Array>(slice, floats);
    case TypeId::UINT8:
      return AppendNumbers<::arrow::UInt8Array>(slice, floats);
    case TypeId::UINT16:
      return AppendNumbers<::arrow::UInt16Array>(slice, floats);
    case TypeId::UINT32:
      return AppendNumbers<::arrow::UInt32Array>(slice, floats);
    default:
      return AppendNumbers<::arrow::UInt64Array>(slice, floats);
  }
}

template <typename ArrayType>
Status AppendIntegers(const ListSlice& slice, std::vector<uint32_t>& indices) {
  const auto& numbers = As<ArrayType>(*slice.elements);
  for (int64_t i = slice.first; i < slice.first + slice.count; ++i) {
    const auto index = numbers.Value(i);
    if (!std::in_range<uint32_t>(index)) {
      return Status::InvalidArgument(fmt::format(
          "sparse vector holds what is no index: place={} value={}", i - slice.first, index));
    }
    indices.push_back(static_cast<uint32_t>(index));
  }
  return Status::Ok();
}

Status AppendIndices(const ListSlice& slice, std::vector<uint32_t>& indices) {
  switch (slice.elements->type_id()) {
    case TypeId::INT8:
      return AppendIntegers<::arrow::Int8Array>(slice, indices);
    case TypeId::INT16:
      return AppendIntegers<::arrow::Int16Array>(slice, indices);
    case TypeId::INT32:
      return AppendIntegers<::arrow::Int32Array>(slice, indices);
    case TypeId::INT64:
      return AppendIntegers<::arrow::Int64Array>(slice, indices);
    case TypeId::UINT8:
      return AppendIntegers<::arrow::UInt8Array>(slice, indices);
    case TypeId::UINT16:
      return AppendIntegers<::arrow::UInt16Array>(slice, indices);
    case TypeId::UINT32:
      return AppendIntegers<::arrow::UInt32Array>(slice, indices);
    default:
      return AppendIntegers<::arrow::UInt64Array>(slice, indices);
  }
}

Status CheckElementsPresent(const ListSlice& slice) {
  if (slice.elements->null_count() == 0) return Status::Ok();
  for (int64_t i = 0; i < slice.count; ++i) {
    if (slice.elements->IsNull(slice.first + i)) {
      return Status::InvalidArgument(fmt::format("vector holds a null: component={}", i));
    }
  }
  return Status::Ok();
}

/// Append a sparse vector, the cell of a structure.
Status AppendSparse(const ::arrow::StructArray& array, int64_t row, size_t dim,
                    std::vector<float>& floats) {
  if (array.IsNull(row)) return Status::InvalidArgument("vector is null");
  SparseVector sparse;
  const auto indices = array.GetFieldByName(std::string(kIndicesField));
  const auto values = array.GetFieldByName(std::string(kValuesField));
  for (const auto& field : {indices, values}) {
    if (field->IsNull(row)) return Status::InvalidArgument("a list of a sparse vector is null");
    VIPER_RETURN_IF_ERROR(CheckElementsPresent(SliceOf(*field, row)));
  }
  AppendElements(SliceOf(*values, row), sparse.values);
  VIPER_RETURN_IF_ERROR(AppendIndices(SliceOf(*indices, row), sparse.indices));
  VIPER_ASSIGN_OR_RETURN(const auto dense, sparse.ToDense(dim));
  floats.insert(floats.end(), dense.begin(), dense.end());
  return Status::Ok();
}

}  // namespace

bool IsListOfNumbers(const DataType& type) {
  const DataType& storage = StorageType(type);
  if (!IsList(storage.id())) return false;
  const TypeId element = storage.field(0)->type()->id();
  return ::arrow::is_integer(element) || ::arrow::is_floating(element);
}

bool IsSparseVector(const DataType& type) {
  if (type.id() != TypeId::STRUCT) return false;
  const auto& fields = static_cast<const ::arrow::StructType&>(type);
  const auto indices = fields.GetFieldByName(std::string(kIndicesField));
  const auto values = fields.GetFieldByName(std::string(kValuesField));
  return indices != nullptr && values != nullptr && IsList(indices->type()->id()) &&
         ::arrow::is_integer(indices->type()->field(0)->type()->id()) &&
         IsListOfNumbers(*values->type());
}

Status CheckHasVector(const DataType& type) {
  if (IsListOfNumbers(type) || IsBinary(StorageType(type).id()) || IsSparseVector(type)) {
    return Status::Ok();
  }
  return Status::InvalidArgument(
      fmt::format("vectors are lists of numbers, binary of 32-bit floats, or structures of indices "
                  "and values: actual={}",
                  type.ToString()));
}

Result<size_t> VectorLength(const Array& array, int64_t row) {
  if (array.IsNull(row)) return Status::InvalidArgument("vector is null");
  if (array.type_id() == TypeId::EXTENSION) {
    return VectorLength(*As<::arrow::ExtensionArray>(array).storage(), row);
  }
  if (!IsBinary(array.type_id())) return static_cast<size_t>(SliceOf(array, row).count);
  const size_t bytes = BytesOf(array, row).size();
  if (bytes % sizeof(float) == 0) return bytes / sizeof(float);
  return Status::InvalidArgument(
      fmt::format("binary vector is no whole number of 32-bit floats: bytes={}", bytes));
}

Status AppendVector(const Array& array, int64_t row, size_t dim, std::vector<float>& floats) {
  if (array.type_id() == TypeId::EXTENSION) {
    return AppendVector(*As<::arrow::ExtensionArray>(array).storage(), row, dim, floats);
  }
  if (array.type_id() == TypeId::STRUCT) {
    return AppendSparse(As<::arrow::StructArray>(array), row, dim, floats);
  }
  VIPER_ASSIGN_OR_RETURN(const size_t length, VectorLength(array, row));
  if (length != dim) {
    return Status::InvalidArgument(
        fmt::format("vector has another length: expected={} actual={}", dim, length));
  }
  const size_t start = floats.size();
  if (IsBinary(array.type_id())) {
    floats.resize(start + dim);
    std::memcpy(floats.data() + start, BytesOf(array, row).data(), dim * sizeof(float));
  } else {
    const ListSlice slice = SliceOf(array, row);
    VIPER_RETURN_IF_ERROR(CheckElementsPresent(slice));
    AppendElements(slice, floats);
  }
  for (size_t i = 0; i < dim; ++i) {
    if (!std::isfinite(floats[start + i])) {
      return Status::InvalidArgument(
          fmt::format("vector holds a component that is no finite 32-bit float: component={}", i));
    }
  }
  return Status::Ok();
}

}  // namespace viper::parquet
