#include "parquet/arrow_value.h"

#include <cmath>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/scalar.h>
#include <arrow/util/float16.h>
#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "columnar/field_conversion.h"
#include "parquet/arrow_bridge.h"

namespace viper::parquet {
namespace {

using ::arrow::Array;
using ::arrow::DataType;
using TypeId = ::arrow::Type::type;

constexpr int kUuidBytes = 16;

bool IsText(TypeId id) {
  return id == TypeId::STRING || id == TypeId::LARGE_STRING || id == TypeId::STRING_VIEW;
}

bool IsUuid(const DataType& type) {
  return type.id() == TypeId::EXTENSION &&
         static_cast<const ::arrow::ExtensionType&>(type).extension_name() == "arrow.uuid";
}

std::string FormatUuid(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned>(static_cast<unsigned char>(bytes[i])));
  }
  return text;
}

Result<Value> TextValue(std::string_view text) {
  if (!IsValidUtf8(text)) return Status::InvalidArgument("text is not UTF-8");
  return Value(text);
}

/// Arrow does not check what a file says.
Result<int64_t> DictionaryIndex(const Array& array, int64_t row) {
  const auto& coded = As<::arrow::DictionaryArray>(array);
  const int64_t index = coded.GetValueIndex(row);
  if (index >= 0 && index < coded.dictionary()->length()) return index;
  return Status::Corruption(fmt::format("a value is not in its dictionary: index={} entries={}",
                                        index, coded.dictionary()->length()));
}

Result<Value> FloatValue(double number) {
  if (std::isnan(number)) return Value();
  if (std::isinf(number)) return Status::InvalidArgument("number is infinite");
  return Value(number);
}

Result<Value> MicrosValue(int64_t count, int64_t multiplier, int64_t divisor) {
  int64_t micros = 0;
  const bool overflow = __builtin_mul_overflow(count, multiplier, &micros);
  if (!overflow) micros = micros / divisor - (micros % divisor < 0 ? 1 : 0);
  if (overflow || micros < columnar::kTextTimeMin || micros > columnar::kTextTimeMax) {
    return Status::InvalidArgument("time is outside of the years 1 to 9999");
  }
  return Value(Timestamp{micros});
}

Result<Value> TimestampValue(int64_t count, ::arrow::TimeUnit::type unit) {
  switch (unit) {
    case ::arrow::TimeUnit::SECOND:
      return MicrosValue(count, 1'000'000, 1);
    case ::arrow::TimeUnit::MILLI:
      return MicrosValue(count, 1000, 1);
    case ::arrow::TimeUnit::NANO:
      return MicrosValue(count, 1, 1000);
    case ::arrow::TimeUnit::MICRO:
      break;
  }
  return MicrosValue(count, 1, 1);
}

Result<Value> UInt64Value(uint64_t number) {
  if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Status::InvalidArgument(
        fmt::format("integer is beyond 64 bits with sign: actual={}", number));
  }
  return Value(static_cast<int64_t>(number));
}

Result<Value> ListValue(const Array& elements, int64_t first, int64_t count) {
  Value::List list;
  list.reserve(static_cast<size_t>(count));
  for (int64_t i = first; i < first + count; ++i) {
    VIPER_ASSIGN_OR_RETURN(Value value, ValueOfCell(elements, i));
    list.push_back(std::move(value));
  }
  return Result<Value>(std::move(list));
}

Result<Value> StructValue(const ::arrow::StructArray& array, int64_t row) {
  Value::Object object;
  for (int i = 0; i < array.num_fields(); ++i) {
    VIPER_ASSIGN_OR_RETURN(Value value, ValueOfCell(*array.field(i), row));
    if (!value.is_null()) object[array.struct_type()->field(i)->name()] = std::move(value);
  }
  return Result<Value>(std::move(object));
}

Result<Value> MapValue(const ::arrow::MapArray& array, int64_t row) {
  Value::Object object;
  for (int64_t i = array.value_offset(row); i < array.value_offset(row + 1); ++i) {
    VIPER_ASSIGN_OR_RETURN(const Value key, ValueOfCell(*array.keys(), i));
    VIPER_ASSIGN_OR_RETURN(Value value, ValueOfCell(*array.items(), i));
    const std::string* text = key.as_string();
    if (text == nullptr) return Status::InvalidArgument("map has a null key");
    object[*text] = std::move(value);
  }
  return Result<Value>(std::move(object));
}

/// Decimals and times of day print themselves.
Result<Value> PrintedValue(const Array& array, int64_t row) {
  VIPER_ASSIGN_OR_RETURN_ARROW(const auto scalar, array.GetScalar(row));
  return Value(scalar->ToString());
}

Result<Value> NumberOfCell(const Array& array, int64_t row) {
  switch (array.type_id()) {
    case TypeId::INT8:
      return Value(int64_t{As<::arrow::Int8Array>(array).Value(row)});
    case TypeId::INT16:
      return Value(int64_t{As<::arrow::Int16Array>(array).Value(row)});
    case TypeId::INT32:
      return Value(int64_t{As<::arrow::Int32Array>(array).Value(row)});
    case TypeId::INT64:
      return Value(As<::arrow::Int64Array>(array).Value(row));
    case TypeId::UINT8:
      return Value(int64_t{As<::arrow::UInt8Array>(array).Value(row)});
    case TypeId::UINT16:
      return Value(int64_t{As<::arrow::UInt16Array>(array).Value(row)});
    case TypeId::UINT32:
      return Value(int64_t{As<::arrow::UInt32Array>(array).Value(row)});
    case TypeId::UINT64:
      return UInt64Value(As<::arrow::UInt64Array>(array).Value(row));
    case TypeId::HALF_FLOAT:
      return FloatValue(
          ::arrow::util::Float16::FromBits(As<::arrow::HalfFloatArray>(array).Value(row))
              .ToDouble());
    case TypeId::FLOAT:
      return FloatValue(double{As<::arrow::FloatArray>(array).Value(row)});
    default:
      return FloatValue(As<::arrow::DoubleArray>(array).Value(row));
  }
}

bool IsInteger(TypeId id) { return ::arrow::is_integer(id); }

bool IsNumber(TypeId id) { return ::arrow::is_integer(id) || ::arrow::is_floating(id); }

Status CheckNested(const DataType& type, size_t depth);

Status CheckChildren(const DataType& type, size_t depth) {
  for (const auto& field : type.fields()) {
    VIPER_RETURN_IF_ERROR(CheckNested(*field->type(), depth + 1));
  }
  return Status::Ok();
}

Status CheckNested(const DataType& type, size_t depth) {
  if (depth > kJsonDepthMax) {
    return Status::InvalidArgument(
        fmt::format("type is nested too deep: maximum={}", kJsonDepthMax));
  }
  if (IsUuid(type)) return Status::Ok();
  const DataType& storage = StorageType(type);
  const TypeId id = storage.id();
  if (IsText(id) || IsNumber(id) || ::arrow::is_decimal(id) || ::arrow::is_time(id)) {
    return Status::Ok();
  }
  switch (id) {
    case TypeId::NA:
    case TypeId::BOOL:
    case TypeId::DATE32:
    case TypeId::DATE64:
    case TypeId::TIMESTAMP:
      return Status::Ok();
    case TypeId::DICTIONARY:
      return CheckNested(*static_cast<const ::arrow::DictionaryType&>(storage).value_type(), depth);
    case TypeId::LIST:
    case TypeId::LARGE_LIST:
    case TypeId::FIXED_SIZE_LIST:
    case TypeId::STRUCT:
      return CheckChildren(storage, depth);
    case TypeId::MAP: {
      const auto& map = static_cast<const ::arrow::MapType&>(storage);
      if (!IsText(map.key_type()->id())) break;
      return CheckNested(*map.item_type(), depth + 1);
    }
    default:
      break;
  }
  return Status::InvalidArgument(
      fmt::format("type has no place in metadata: actual={}", type.ToString()));
}

}  // namespace

const DataType& StorageType(const DataType& type) {
  return type.id() == TypeId::EXTENSION
             ? *static_cast<const ::arrow::ExtensionType&>(type).storage_type()
             : type;
}

Status CheckHasValue(const DataType& type) { return CheckNested(type, 1); }

std::optional<FieldType> DeclaredTypeOf(const DataType& type) {
  if (IsUuid(type)) return FieldType::kString;
  const DataType& storage = StorageType(type);
  const TypeId id = storage.id();
  if (id == TypeId::BOOL) return FieldType::kBool;
  if (IsInteger(id)) return FieldType::kInt64;
  if (::arrow::is_floating(id)) return FieldType::kFloat64;
  if (IsText(id) || ::arrow::is_decimal(id) || ::arrow::is_time(id)) return FieldType::kString;
  switch (id) {
    case TypeId::DATE32:
    case TypeId::DATE64:
    case TypeId::TIMESTAMP:
      return FieldType::kTimestamp;
    case TypeId::DICTIONARY:
      return DeclaredTypeOf(*static_cast<const ::arrow::DictionaryType&>(storage).value_type());
    case TypeId::LIST:
    case TypeId::LARGE_LIST:
    case TypeId::FIXED_SIZE_LIST:
      if (DeclaredTypeOf(*storage.field(0)->type()) == FieldType::kString) {
        return FieldType::kStringList;
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

Result<Value> ValueOfCell(const Array& array, int64_t row) {
  if (array.IsNull(row)) return Value();
  if (IsNumber(array.type_id())) return NumberOfCell(array, row);
  switch (array.type_id()) {
    case TypeId::BOOL:
      return Value(As<::arrow::BooleanArray>(array).Value(row));
    case TypeId::STRING:
      return TextValue(As<::arrow::StringArray>(array).GetView(row));
    case TypeId::LARGE_STRING:
      return TextValue(As<::arrow::LargeStringArray>(array).GetView(row));
    case TypeId::STRING_VIEW:
      return TextValue(As<::arrow::StringViewArray>(array).GetView(row));
    case TypeId::DATE32:
      return MicrosValue(As<::arrow::Date32Array>(array).Value(row), 86'400'000'000, 1);
    case TypeId::DATE64:
      return MicrosValue(As<::arrow::Date64Array>(array).Value(row), 1000, 1);
    case TypeId::TIMESTAMP:
      return TimestampValue(As<::arrow::TimestampArray>(array).Value(row),
                            static_cast<const ::arrow::TimestampType&>(*array.type()).unit());
    case TypeId::EXTENSION: {
      const auto& storage = *As<::arrow::ExtensionArray>(array).storage();
      if (!IsUuid(*array.type())) return ValueOfCell(storage, row);
      return Value(FormatUuid(As<::arrow::FixedSizeBinaryArray>(storage).GetView(row)));
    }
    case TypeId::DICTIONARY: {
      VIPER_ASSIGN_OR_RETURN(const int64_t index, DictionaryIndex(array, row));
      return ValueOfCell(*As<::arrow::DictionaryArray>(array).dictionary(), index);
    }
    case TypeId::LIST: {
      const auto& list = As<::arrow::ListArray>(array);
      return ListValue(*list.values(), list.value_offset(row), list.value_length(row));
    }
    case TypeId::LARGE_LIST: {
      const auto& list = As<::arrow::LargeListArray>(array);
      return ListValue(*list.values(), list.value_offset(row), list.value_length(row));
    }
    case TypeId::FIXED_SIZE_LIST: {
      const auto& list = As<::arrow::FixedSizeListArray>(array);
      return ListValue(*list.values(), list.value_offset(row), list.value_length(row));
    }
    case TypeId::STRUCT:
      return StructValue(As<::arrow::StructArray>(array), row);
    case TypeId::MAP:
      return MapValue(As<::arrow::MapArray>(array), row);
    default:
      return PrintedValue(array, row);
  }
}

Status CheckHasId(const DataType& type) {
  const DataType& storage = StorageType(type);
  if (storage.id() == TypeId::DICTIONARY) {
    return CheckHasId(*static_cast<const ::arrow::DictionaryType&>(storage).value_type());
  }
  const bool is_uuid =
      storage.id() == TypeId::FIXED_SIZE_BINARY &&
      static_cast<const ::arrow::FixedSizeBinaryType&>(storage).byte_width() == kUuidBytes;
  if (is_uuid || IsText(storage.id()) || IsInteger(storage.id())) return Status::Ok();
  return Status::InvalidArgument(
      fmt::format("ids are text, integers or UUIDs: actual={}", type.ToString()));
}

Result<std::optional<std::string>> IdOfCell(const Array& array, int64_t row) {
  using Id = std::optional<std::string>;
  if (array.IsNull(row)) return Id();
  switch (array.type_id()) {
    case TypeId::EXTENSION:
      return IdOfCell(*As<::arrow::ExtensionArray>(array).storage(), row);
    case TypeId::DICTIONARY: {
      VIPER_ASSIGN_OR_RETURN(const int64_t index, DictionaryIndex(array, row));
      return IdOfCell(*As<::arrow::DictionaryArray>(array).dictionary(), index);
    }
    case TypeId::FIXED_SIZE_BINARY:
      return Id(FormatUuid(As<::arrow::FixedSizeBinaryArray>(array).GetView(row)));
    case TypeId::UINT64:
      return Id(std::to_string(As<::arrow::UInt64Array>(array).Value(row)));
    default:
      break;
  }
  VIPER_ASSIGN_OR_RETURN(const Value value, ValueOfCell(array, row));
  if (const int64_t* number = value.as_int64()) return Id(std::to_string(*number));
  return Id(*value.as_string());
}

}  // namespace viper::parquet
