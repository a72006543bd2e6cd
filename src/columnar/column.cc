#include "columnar/column.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bitmap.h"
#include "viper/schema.h"
#include "viper/value.h"

namespace viper::columnar {
namespace {

/// Append elements [first, first + count) of `from`, whose entry i spans [offsets[i], offsets[i +
/// 1]), to offsets that so far end at `end`.
void AppendOffsets(const std::vector<uint64_t>& from, size_t first, size_t count, uint64_t end,
                   std::vector<uint64_t>& offsets) {
  const uint64_t base = from[first];
  for (size_t i = first + 1; i <= first + count; ++i) offsets.push_back(from[i] - base + end);
}

template <typename T>
void AppendSlice(const std::vector<T>& from, size_t first, size_t count, std::vector<T>& to) {
  const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first);
  to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
}

template <typename T>
size_t VectorBytes(const std::vector<T>& values) {
  return values.capacity() * sizeof(T);
}

}  // namespace

void StringArray::AppendRange(const StringArray& other, size_t first, size_t count) {
  VIPER_ASSERT(this != &other);
  VIPER_ASSERT(first + count <= other.size());
  const uint64_t begin = other.offsets_[first];
  AppendOffsets(other.offsets_, first, count, bytes_.size(), offsets_);
  bytes_.append(other.bytes_, begin, other.offsets_[first + count] - begin);
}

void StringListArray::Append(std::span<const std::string_view> list) {
  for (const std::string_view element : list) elements.Append(element);
  offsets.push_back(elements.size());
}

void StringListArray::AppendRange(const StringListArray& other, size_t first, size_t count) {
  VIPER_ASSERT(this != &other);
  VIPER_ASSERT(first + count <= other.size());
  const uint64_t begin = other.offsets[first];
  AppendOffsets(other.offsets, first, count, elements.size(), offsets);
  elements.AppendRange(other.elements, begin, other.offsets[first + count] - begin);
}

Column::Column(FieldType type) : type_(type) {
  switch (type) {
    case FieldType::kBool:
      values_.emplace<std::vector<uint8_t>>();
      return;
    case FieldType::kInt64:
    case FieldType::kTimestamp:
      values_.emplace<std::vector<int64_t>>();
      return;
    case FieldType::kFloat64:
      values_.emplace<std::vector<double>>();
      return;
    case FieldType::kString:
      values_.emplace<StringArray>();
      return;
    case FieldType::kStringList:
      values_.emplace<StringListArray>();
      return;
  }
}

template <typename Values>
Values& Column::Mutable() {
  Values* values = std::get_if<Values>(&values_);
  VIPER_ASSERT(values != nullptr);
  return *values;
}

void Column::AppendValidity(bool present) {
  validity_.Append(present);
  null_count_ += present ? 0 : 1;
  ++row_count_;
}

void Column::AppendNull() {
  switch (type_) {
    case FieldType::kBool:
      Mutable<std::vector<uint8_t>>().push_back(0);
      break;
    case FieldType::kInt64:
    case FieldType::kTimestamp:
      Mutable<std::vector<int64_t>>().push_back(0);
      break;
    case FieldType::kFloat64:
      Mutable<std::vector<double>>().push_back(0);
      break;
    case FieldType::kString:
      Mutable<StringArray>().Append({});
      break;
    case FieldType::kStringList:
      Mutable<StringListArray>().Append({});
      break;
  }
  AppendValidity(false);
}

void Column::AppendBool(bool value) {
  Mutable<std::vector<uint8_t>>().push_back(value ? 1 : 0);
  AppendValidity(true);
}

void Column::AppendInt64(int64_t value) {
  Mutable<std::vector<int64_t>>().push_back(value);
  AppendValidity(true);
}

void Column::AppendFloat64(double value) {
  Mutable<std::vector<double>>().push_back(value);
  AppendValidity(true);
}

void Column::AppendString(std::string_view value) {
  Mutable<StringArray>().Append(value);
  AppendValidity(true);
}

void Column::AppendStringList(std::span<const std::string_view> value) {
  Mutable<StringListArray>().Append(value);
  AppendValidity(true);
}

void Column::AppendValue(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      return AppendNull();
    case Value::Kind::kBool:
      return AppendBool(*value.as_bool());
    case Value::Kind::kInt64:
      VIPER_ASSERT(type_ == FieldType::kInt64);
      return AppendInt64(*value.as_int64());
    case Value::Kind::kFloat64:
      return AppendFloat64(*value.as_float64());
    case Value::Kind::kString:
      return AppendString(*value.as_string());
    case Value::Kind::kTimestamp:
      VIPER_ASSERT(type_ == FieldType::kTimestamp);
      return AppendInt64(value.as_timestamp()->micros);
    case Value::Kind::kList: {
      std::vector<std::string_view> elements;
      elements.reserve(value.as_list()->size());
      for (const Value& element : *value.as_list()) {
        VIPER_ASSERT(element.as_string() != nullptr);
        elements.push_back(*element.as_string());
      }
      return AppendStringList(elements);
    }
    case Value::Kind::kObject:
      VIPER_ASSERT(value.kind() != Value::Kind::kObject);
  }
}

void Column::AppendRows(const Column& other, size_t first, size_t count) {
  VIPER_ASSERT(this != &other);
  VIPER_ASSERT(type_ == other.type_);
  VIPER_ASSERT(first <= other.row_count_ && count <= other.row_count_ - first);
  switch (type_) {
    case FieldType::kBool:
      AppendSlice(other.bools(), first, count, Mutable<std::vector<uint8_t>>());
      break;
    case FieldType::kInt64:
    case FieldType::kTimestamp:
      AppendSlice(other.int64s(), first, count, Mutable<std::vector<int64_t>>());
      break;
    case FieldType::kFloat64:
      AppendSlice(other.float64s(), first, count, Mutable<std::vector<double>>());
      break;
    case FieldType::kString:
      Mutable<StringArray>().AppendRange(other.strings(), first, count);
      break;
    case FieldType::kStringList:
      Mutable<StringListArray>().AppendRange(other.string_lists(), first, count);
      break;
  }
  for (size_t i = first; i < first + count; ++i) AppendValidity(other.validity_.Test(i));
}

Value Column::ValueAt(size_t row) const {
  VIPER_ASSERT(row < row_count_);
  if (!IsPresent(row)) return {};
  switch (type_) {
    case FieldType::kBool:
      return bools()[row] != 0;
    case FieldType::kInt64:
      return int64s()[row];
    case FieldType::kFloat64:
      return float64s()[row];
    case FieldType::kString:
      return strings()[row];
    case FieldType::kTimestamp:
      return Timestamp{int64s()[row]};
    case FieldType::kStringList:
      break;
  }
  const StringListArray& lists = string_lists();
  Value::List elements;
  elements.reserve(lists.offsets[row + 1] - lists.offsets[row]);
  for (uint64_t i = lists.offsets[row]; i < lists.offsets[row + 1]; ++i) {
    elements.emplace_back(lists.elements[i]);
  }
  return elements;
}

size_t Column::memory_bytes() const {
  const size_t validity_bytes = VectorBytes(validity_.words());
  switch (type_) {
    case FieldType::kBool:
      return validity_bytes + VectorBytes(bools());
    case FieldType::kInt64:
    case FieldType::kTimestamp:
      return validity_bytes + VectorBytes(int64s());
    case FieldType::kFloat64:
      return validity_bytes + VectorBytes(float64s());
    case FieldType::kString:
      return validity_bytes + strings().memory_bytes();
    case FieldType::kStringList:
      break;
  }
  return validity_bytes + VectorBytes(string_lists().offsets) +
         string_lists().elements.memory_bytes();
}

}  // namespace viper::columnar
