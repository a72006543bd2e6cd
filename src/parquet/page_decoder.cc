#include "parquet/page_decoder.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <parquet/column_page.h>
#include <parquet/schema.h>

#include "base/status_macros.h"
#include "columnar/value_compare.h"

namespace viper::parquet {
namespace {

using columnar::Column;
using ::parquet::ColumnDescriptor;
using ::parquet::LogicalType;
using ::parquet::Type;

/// Rows decoded at a time.
constexpr size_t kBatch = 1024;
/// A few damaged bytes can claim any number of repeated strings.
constexpr uint64_t kDecodedBytesMax = uint64_t{2} << 30;

enum class TimeUnit : uint8_t { kMillis, kMicros, kNanos };

TimeUnit UnitOf(const LogicalType& logical) {
  const auto& timestamp = static_cast<const ::parquet::TimestampLogicalType&>(logical);
  switch (timestamp.time_unit()) {
    case LogicalType::TimeUnit::MILLIS:
      return TimeUnit::kMillis;
    case LogicalType::TimeUnit::NANOS:
      return TimeUnit::kNanos;
    default:
      return TimeUnit::kMicros;
  }
}

bool IsPlainInteger(const ColumnDescriptor& leaf) {
  const auto& logical = *leaf.logical_type();
  return logical.is_none() || logical.is_int();
}

bool IsUnsigned(const ColumnDescriptor& leaf) {
  const auto& logical = *leaf.logical_type();
  return logical.is_int() && !static_cast<const ::parquet::IntLogicalType&>(logical).is_signed();
}

bool IsReadable(const ColumnDescriptor& leaf, FieldType type) {
  const Type::type physical = leaf.physical_type();
  const bool flat = leaf.max_repetition_level() == 0;
  switch (type) {
    case FieldType::kBool:
      return flat && physical == Type::BOOLEAN;
    case FieldType::kInt64:
      return flat && (physical == Type::INT32 || physical == Type::INT64) && IsPlainInteger(leaf);
    case FieldType::kFloat64:
      return flat && (physical == Type::DOUBLE || physical == Type::FLOAT ||
                      IsReadable(leaf, FieldType::kInt64));
    case FieldType::kTimestamp:
      return flat && (physical == Type::INT96 ||
                      (physical == Type::INT64 && leaf.logical_type()->is_timestamp()));
    case FieldType::kString:
      return flat && physical == Type::BYTE_ARRAY;
    case FieldType::kStringList:
      break;
  }
  return leaf.max_repetition_level() == 1 && physical == Type::BYTE_ARRAY;
}

Status OutOfRange() { return Status::Corruption("a value does not fit 64 bits"); }

Result<int64_t> ToMicros(int64_t value, TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMicros:
      return value;
    case TimeUnit::kNanos:
      return value / 1000 - (value % 1000 < 0 ? 1 : 0);
    case TimeUnit::kMillis:
      break;
  }
  int64_t micros = 0;
  if (__builtin_mul_overflow(value, int64_t{1000}, &micros)) return OutOfRange();
  return micros;
}

/// The legacy timestamp of Impala and Spark: nanoseconds of the day, then the Julian day.
Result<int64_t> Int96ToMicros(const ::parquet::Int96& value) {
  constexpr int64_t kJulianDayOfEpoch = 2440588;
  constexpr int64_t kMicrosPerDay = int64_t{86'400} * 1'000'000;
  const int64_t days = int64_t{value.value[2]} - kJulianDayOfEpoch;
  const auto nanos = static_cast<int64_t>(uint64_t{value.value[1]} << 32 | value.value[0]);
  int64_t micros = 0;
  if (__builtin_mul_overflow(days, kMicrosPerDay, &micros) ||
      __builtin_add_overflow(micros, nanos / 1000, &micros)) {
    return OutOfRange();
  }
  return micros;
}

Status WrongRowCount(uint64_t expected, uint64_t actual) {
  return Status::Corruption(
      fmt::format("pages hold another number of rows: expected={} actual{}={}", expected,
                  actual > expected ? ">" : "", actual));
}

/// Decode a flat column: `append(value)` for the present, AppendNull for the others.
template <typename DType, typename Append>
Status DecodeFlat(::parquet::ColumnReader& untyped, const ColumnDescriptor& leaf,
                  uint64_t row_count, Column& column, const Append& append) {
  auto& reader = static_cast<::parquet::TypedColumnReader<DType>&>(untyped);
  const int16_t max_definition = leaf.max_definition_level();
  std::vector<int16_t> definition(kBatch, max_definition);
  const auto values = std::make_unique<typename DType::c_type[]>(kBatch);
  uint64_t rows = 0;
  while (rows < row_count) {
    const auto wanted = static_cast<int64_t>(std::min<uint64_t>(kBatch, row_count - rows));
    int64_t value_count = 0;
    const int64_t level_count =
        reader.ReadBatch(wanted, max_definition > 0 ? definition.data() : nullptr, nullptr,
                         values.get(), &value_count);
    if (level_count <= 0) return WrongRowCount(row_count, rows);
    int64_t next = 0;
    for (int64_t i = 0; i < level_count; ++i) {
      if (max_definition > 0 && definition[static_cast<size_t>(i)] != max_definition) {
        column.AppendNull();
        continue;
      }
      if (next == value_count) return Status::Corruption("a page holds fewer values than it says");
      VIPER_RETURN_IF_ERROR(append(values[static_cast<size_t>(next++)]));
    }
    if (column.memory_bytes() > kDecodedBytesMax) {
      return Status::ResourceExhausted(
          fmt::format("a page decodes to more than the limit: maximum={}", kDecodedBytesMax));
    }
    rows += static_cast<uint64_t>(level_count);
  }
  return reader.HasNext() ? WrongRowCount(row_count, row_count + 1) : Status::Ok();
}

std::string_view ToText(const ::parquet::ByteArray& bytes) {
  return {reinterpret_cast<const char*>(bytes.ptr), bytes.len};
}

/// What a definition level says about a list column. `repeated` is the level at which an element
/// exists, perhaps null.
enum class ListState : uint8_t { kAbsent, kEmpty, kNullElement, kElement };

ListState StateOf(int16_t level, int16_t repeated, int16_t max_definition) {
  if (level == max_definition) return ListState::kElement;
  if (level >= repeated) return ListState::kNullElement;
  return level == repeated - 1 ? ListState::kEmpty : ListState::kAbsent;
}

/// Collects the elements of one list after the other.
class StringListBuilder {
 public:
  explicit StringListBuilder(Column& column) : column_(&column) {}

  void StartRow() {
    FinishRow();
    open_ = true;
    absent_ = false;
  }
  void SetAbsent() { absent_ = true; }
  void AddElement(std::string_view text) {
    bytes_.append(text);
    lengths_.push_back(text.size());
  }
  void FinishRow() {
    if (!open_) return;
    open_ = false;
    if (absent_) {
      column_->AppendNull();
    } else {
      std::vector<std::string_view> elements;
      elements.reserve(lengths_.size());
      size_t position = 0;
      for (const size_t length : lengths_) {
        elements.push_back(std::string_view(bytes_).substr(position, length));
        position += length;
      }
      column_->AppendStringList(elements);
    }
    bytes_.clear();
    lengths_.clear();
  }
  bool open() const { return open_; }
  size_t memory_bytes() const { return bytes_.size() + lengths_.size() * sizeof(size_t); }

 private:
  Column* column_;
  bool open_ = false;
  bool absent_ = false;
  std::string bytes_;
  std::vector<size_t> lengths_;
};

Status DecodeStringLists(::parquet::ColumnReader& untyped, const ColumnDescriptor& leaf,
                         uint64_t row_count, Column& column) {
  auto& reader = static_cast<::parquet::ByteArrayReader&>(untyped);
  const int16_t max_definition = leaf.max_definition_level();
  const int16_t repeated = ElementDefinitionLevel(leaf);
  std::vector<int16_t> definition(kBatch);
  std::vector<int16_t> repetition(kBatch);
  std::vector<::parquet::ByteArray> values(kBatch);
  StringListBuilder builder(column);
  uint64_t rows = 0;
  while (reader.HasNext()) {
    int64_t value_count = 0;
    const int64_t level_count = reader.ReadBatch(static_cast<int64_t>(kBatch), definition.data(),
                                                 repetition.data(), values.data(), &value_count);
    if (level_count <= 0) break;
    int64_t next = 0;
    for (size_t i = 0; i < static_cast<size_t>(level_count); ++i) {
      if (repetition[i] == 0) {
        if (++rows > row_count) return WrongRowCount(row_count, rows);
        builder.StartRow();
      } else if (!builder.open()) {
        return Status::Corruption("a page starts in the middle of a list");
      }
      switch (StateOf(definition[i], repeated, max_definition)) {
        case ListState::kAbsent:
          builder.SetAbsent();
          break;
        case ListState::kEmpty:
          break;
        case ListState::kNullElement:
          return Status::Corruption(
              fmt::format("a list of strings holds a null: row_in_page={}", rows - 1));
        case ListState::kElement:
          if (next == value_count) {
            return Status::Corruption("a page holds fewer values than it says");
          }
          builder.AddElement(ToText(values[static_cast<size_t>(next++)]));
          break;
      }
    }
    if (column.memory_bytes() + builder.memory_bytes() > kDecodedBytesMax) {
      return Status::ResourceExhausted(
          fmt::format("a page decodes to more than the limit: maximum={}", kDecodedBytesMax));
    }
  }
  builder.FinishRow();
  return rows == row_count ? Status::Ok() : WrongRowCount(row_count, rows);
}

Status DecodeInt64s(::parquet::ColumnReader& reader, const ColumnDescriptor& leaf,
                    uint64_t row_count, Column& column) {
  const bool is_unsigned = IsUnsigned(leaf);
  if (leaf.physical_type() == Type::INT32) {
    return DecodeFlat<::parquet::Int32Type>(reader, leaf, row_count, column, [&](int32_t value) {
      column.AppendInt64(is_unsigned ? int64_t{static_cast<uint32_t>(value)} : value);
      return Status::Ok();
    });
  }
  return DecodeFlat<::parquet::Int64Type>(reader, leaf, row_count, column, [&](int64_t value) {
    if (is_unsigned && value < 0) return OutOfRange();
    column.AppendInt64(value);
    return Status::Ok();
  });
}

Status DecodeTimestamps(::parquet::ColumnReader& reader, const ColumnDescriptor& leaf,
                        uint64_t row_count, Column& column) {
  const auto append = [&](const Result<int64_t>& micros) {
    if (micros.ok()) column.AppendInt64(*micros);
    return micros.status();
  };
  if (leaf.physical_type() == Type::INT96) {
    return DecodeFlat<::parquet::Int96Type>(
        reader, leaf, row_count, column,
        [&](const ::parquet::Int96& value) { return append(Int96ToMicros(value)); });
  }
  const TimeUnit unit = UnitOf(*leaf.logical_type());
  return DecodeFlat<::parquet::Int64Type>(reader, leaf, row_count, column, [&](int64_t value) {
    return append(ToMicros(value, unit));
  });
}

/// Integers that were written before their field was widened.
Status DecodeWidened(::parquet::ColumnReader& reader, const ColumnDescriptor& leaf,
                     uint64_t row_count, Column& column) {
  Column integers(FieldType::kInt64);
  VIPER_RETURN_IF_ERROR(DecodeInt64s(reader, leaf, row_count, integers));
  for (size_t row = 0; row < integers.row_count(); ++row) {
    const int64_t value = integers.int64s()[row];
    if (!integers.IsPresent(row)) {
      column.AppendNull();
    } else if (columnar::IsExactFloat64(value)) {
      column.AppendFloat64(static_cast<double>(value));
    } else {
      return Status::Corruption(
          fmt::format("an integer is not exact as a float: row_in_page={} actual={}", row, value));
    }
  }
  return Status::Ok();
}

Status DecodeFloat64s(::parquet::ColumnReader& reader, const ColumnDescriptor& leaf,
                      uint64_t row_count, Column& column) {
  if (IsWidened(leaf, FieldType::kFloat64)) return DecodeWidened(reader, leaf, row_count, column);
  const auto append = [&](double value) {
    column.AppendFloat64(value);
    return Status::Ok();
  };
  return leaf.physical_type() == Type::FLOAT
             ? DecodeFlat<::parquet::FloatType>(reader, leaf, row_count, column, append)
             : DecodeFlat<::parquet::DoubleType>(reader, leaf, row_count, column, append);
}

Status Decode(::parquet::ColumnReader& reader, const ColumnDescriptor& leaf, uint64_t row_count,
              Column& column) {
  switch (column.type()) {
    case FieldType::kBool:
      return DecodeFlat<::parquet::BooleanType>(reader, leaf, row_count, column, [&](bool value) {
        column.AppendBool(value);
        return Status::Ok();
      });
    case FieldType::kInt64:
      return DecodeInt64s(reader, leaf, row_count, column);
    case FieldType::kFloat64:
      return DecodeFloat64s(reader, leaf, row_count, column);
    case FieldType::kTimestamp:
      return DecodeTimestamps(reader, leaf, row_count, column);
    case FieldType::kString:
      return DecodeFlat<::parquet::ByteArrayType>(reader, leaf, row_count, column,
                                                  [&](const ::parquet::ByteArray& value) {
                                                    column.AppendString(ToText(value));
                                                    return Status::Ok();
                                                  });
    case FieldType::kStringList:
      break;
  }
  return DecodeStringLists(reader, leaf, row_count, column);
}

class NonEmptyPages : public ::parquet::PageReader {
 public:
  explicit NonEmptyPages(std::unique_ptr<::parquet::PageReader> pages) : pages_(std::move(pages)) {}

  std::shared_ptr<::parquet::Page> NextPage() override {
    while (true) {
      std::shared_ptr<::parquet::Page> page = pages_->NextPage();
      if (page == nullptr || page->type() == ::parquet::PageType::DICTIONARY_PAGE) return page;
      if (static_cast<const ::parquet::DataPage&>(*page).num_values() > 0) return page;
    }
  }
  void set_max_page_header_size(uint32_t size) override { pages_->set_max_page_header_size(size); }

 private:
  const std::unique_ptr<::parquet::PageReader> pages_;
};

}  // namespace

int16_t ElementDefinitionLevel(const ColumnDescriptor& leaf) {
  int16_t below = 0;
  const ::parquet::schema::Node* node = leaf.schema_node().get();
  for (; node != nullptr && !node->is_repeated(); node = node->parent()) {
    below = static_cast<int16_t>(below + (node->is_optional() ? 1 : 0));
  }
  return static_cast<int16_t>(leaf.max_definition_level() - below);
}

bool IsWidened(const ColumnDescriptor& leaf, FieldType type) {
  return type == FieldType::kFloat64 && IsReadable(leaf, FieldType::kInt64);
}

Status CheckReadable(const ColumnDescriptor& leaf, FieldType type) {
  if (IsReadable(leaf, type)) return Status::Ok();
  return Status::Unsupported(fmt::format(
      "Parquet type cannot be read as the declared type: declared={} physical={} logical={}",
      FieldTypeName(type), ::parquet::TypeToString(leaf.physical_type()),
      leaf.logical_type()->ToString()));
}

std::unique_ptr<::parquet::PageReader> WithoutEmptyPages(
    std::unique_ptr<::parquet::PageReader> pages) {
  return std::make_unique<NonEmptyPages>(std::move(pages));
}

Result<Column> DecodeRows(const ColumnDescriptor& leaf,
                          std::unique_ptr<::parquet::PageReader> pages, FieldType type,
                          uint64_t row_count) {
  const std::shared_ptr<::parquet::ColumnReader> reader =
      ::parquet::ColumnReader::Make(&leaf, WithoutEmptyPages(std::move(pages)));
  Column column(type);
  VIPER_RETURN_IF_ERROR(Decode(*reader, leaf, row_count, column));
  return column;
}

}  // namespace viper::parquet
