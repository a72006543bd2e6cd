#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bitmap.h"
#include "viper/schema.h"
#include "viper/value.h"

namespace viper::columnar {

/// Strings back to back: string i is bytes [offsets[i], offsets[i + 1]).
class StringArray {
 public:
  size_t size() const { return offsets_.size() - 1; }
  std::string_view operator[](size_t i) const {
    return std::string_view(bytes_).substr(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }
  /// Ask for the memory that tells where string i is; and then for where it begins.
  void PrefetchPlace(size_t i) const { __builtin_prefetch(offsets_.data() + i); }
  void PrefetchBytes(size_t i) const { __builtin_prefetch(bytes_.data() + offsets_[i]); }
  void Append(std::string_view text) {
    bytes_.append(text);
    offsets_.push_back(bytes_.size());
  }
  /// Append strings [first, first + count) of another array.
  void AppendRange(const StringArray& other, size_t first, size_t count);
  void Reserve(size_t strings, size_t bytes) {
    offsets_.reserve(strings + 1);
    bytes_.reserve(bytes);
  }
  size_t memory_bytes() const { return bytes_.capacity() + offsets_.capacity() * sizeof(uint64_t); }
  friend bool operator==(const StringArray&, const StringArray&) = default;

 private:
  std::vector<uint64_t> offsets_{0};
  std::string bytes_;
};

/// Lists of strings: list i is elements [offsets[i], offsets[i + 1]).
struct StringListArray {
  std::vector<uint64_t> offsets{0};
  StringArray elements;

  size_t size() const { return offsets.size() - 1; }
  void Append(std::span<const std::string_view> list);
  /// Append lists [first, first + count) of another array.
  void AppendRange(const StringListArray& other, size_t first, size_t count);
  friend bool operator==(const StringListArray&, const StringListArray&) = default;
};

/// One column: a type, which rows are present, and the values (of absent rows: zero or empty).
/// Built by appending, then treated as immutable.
class Column {
 public:
  explicit Column(FieldType type = FieldType::kString);

  FieldType type() const { return type_; }
  size_t row_count() const { return row_count_; }
  size_t null_count() const { return null_count_; }
  bool IsPresent(size_t row) const { return null_count_ == 0 || validity_.Test(row); }
  /// 1 = present; as many bits as rows.
  const Bitmap& validity() const { return validity_; }

  /// Typed access; the type must fit (asserted).
  const std::vector<uint8_t>& bools() const { return std::get<std::vector<uint8_t>>(values_); }
  /// kInt64, and kTimestamp in microseconds.
  const std::vector<int64_t>& int64s() const { return std::get<std::vector<int64_t>>(values_); }
  const std::vector<double>& float64s() const { return std::get<std::vector<double>>(values_); }
  const StringArray& strings() const { return std::get<StringArray>(values_); }
  const StringListArray& string_lists() const { return std::get<StringListArray>(values_); }

  void AppendNull();
  void AppendBool(bool value);
  void AppendInt64(int64_t value);
  void AppendFloat64(double value);
  void AppendString(std::string_view value);
  void AppendStringList(std::span<const std::string_view> value);
  /// Append a value whose kind fits the type exactly (asserted), or null.
  void AppendValue(const Value& value);
  /// Append rows [first, first + count) of another column of the same type.
  void AppendRows(const Column& other, size_t first, size_t count);

  /// The value of a row, Value() when absent.
  Value ValueAt(size_t row) const;
  /// Heap memory held, capacity included.
  size_t memory_bytes() const;

  /// Equal type, presence and values, however the columns were built.
  friend bool operator==(const Column&, const Column&) = default;

 private:
  template <typename Values>
  Values& Mutable();
  void AppendValidity(bool present);

  FieldType type_;
  size_t row_count_ = 0;
  size_t null_count_ = 0;
  Bitmap validity_;
  std::variant<std::vector<uint8_t>, std::vector<int64_t>, std::vector<double>, StringArray,
               StringListArray>
      values_;
};

}  // namespace viper::columnar
