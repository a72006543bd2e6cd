#include "parquet/scalar_column_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <arrow/io/memory.h>
#include <fmt/core.h>
#include <parquet/column_reader.h>
#include <parquet/properties.h>
#include <parquet/statistics.h>

#include "base/assert.h"
#include "base/status_macros.h"
#include "parquet/arrow_bridge.h"
#include "parquet/page_decoder.h"

namespace viper::parquet {
namespace {

using columnar::Column;
using columnar::ColumnBounds;

::parquet::ReaderProperties CheckingProperties() {
  ::parquet::ReaderProperties properties;
  properties.set_page_checksum_verification(true);
  return properties;
}

Column NullColumn(FieldType type, uint64_t row_count) {
  Column column(type);
  for (uint64_t row = 0; row < row_count; ++row) column.AppendNull();
  return column;
}

/// Statistics of other writers leave NaN out or not; only ours say when there is none.
bool TrustsFloatBounds(const ::parquet::FileMetaData& metadata) {
  return metadata.created_by().starts_with("viper version ");
}

template <typename DType, typename ToValue>
void SetBounds(const ::parquet::Statistics& statistics, const ToValue& to_value,
               ColumnBounds& bounds) {
  const auto& typed = static_cast<const ::parquet::TypedStatistics<DType>&>(statistics);
  bounds.min = to_value(typed.min());
  bounds.max = to_value(typed.max());
}

void SetMinMax(const ::parquet::Statistics& statistics, FieldType type, bool trusts_floats,
               ColumnBounds& bounds) {
  const ::parquet::Type::type physical = statistics.physical_type();
  switch (type) {
    case FieldType::kBool:
      SetBounds<::parquet::BooleanType>(statistics, [](bool v) { return Value(v); }, bounds);
      return;
    case FieldType::kInt64: {
      const auto to_value = [](int64_t v) { return Value(v); };
      if (physical == ::parquet::Type::INT32) {
        SetBounds<::parquet::Int32Type>(statistics, to_value, bounds);
      } else {
        SetBounds<::parquet::Int64Type>(statistics, to_value, bounds);
      }
      return;
    }
    case FieldType::kFloat64:
      if (!trusts_floats || physical != ::parquet::Type::DOUBLE) return;
      SetBounds<::parquet::DoubleType>(statistics, [](double v) { return Value(v); }, bounds);
      return;
    case FieldType::kString:
      SetBounds<::parquet::ByteArrayType>(
          statistics,
          [](const ::parquet::ByteArray& v) {
            return Value(std::string_view(reinterpret_cast<const char*>(v.ptr), v.len));
          },
          bounds);
      return;
    case FieldType::kTimestamp:
      if (physical != ::parquet::Type::INT64) return;
      SetBounds<::parquet::Int64Type>(
          statistics, [](int64_t v) { return Value(Timestamp{v}); }, bounds);
      return;
    case FieldType::kStringList:
      return;
  }
}

/// Whether the statistics of a leaf are in the order and the unit of the field.
bool HasUsableMinMax(const ::parquet::ColumnDescriptor& leaf, FieldType type) {
  const auto& logical = *leaf.logical_type();
  if (type == FieldType::kTimestamp) {
    return logical.is_timestamp() &&
           static_cast<const ::parquet::TimestampLogicalType&>(logical).time_unit() ==
               ::parquet::LogicalType::TimeUnit::MICROS;
  }
  if (type == FieldType::kInt64) {
    return logical.is_none() || static_cast<const ::parquet::IntLogicalType&>(logical).is_signed();
  }
  return true;
}

}  // namespace

Result<ScalarColumnReader> ScalarColumnReader::Open(const PartFooter& footer,
                                                    const PartColumn& column,
                                                    ::parquet::PageIndexReader* page_index) {
  const auto open = [&]() -> Result<ScalarColumnReader> {
    ScalarColumnReader reader(footer, column);
    VIPER_ASSIGN_OR_RETURN(const std::optional<int> leaf, footer.FindLeaf(column.name));
    if (!leaf) {
      for (const RowRange& rows : footer.row_groups()) {
        if (rows.count > 0) reader.pages_.push_back({.rows = rows, .place = {}});
      }
      return reader;
    }
    reader.leaf_ = *leaf;
    reader.descriptor_ = footer.metadata().schema()->Column(*leaf);
    VIPER_RETURN_IF_ERROR(CheckReadable(*reader.descriptor_, column.type));
    for (size_t group = 0; group < footer.row_groups().size(); ++group) {
      VIPER_RETURN_IF_ERROR(reader.AddRowGroup(group, page_index));
    }
    return reader;
  };
  auto reader = CatchParquet(open);
  if (!reader.ok()) return reader.status().WithContext(fmt::format("column {}", column.name));
  return reader;
}

Status ScalarColumnReader::AddRowGroup(size_t row_group, ::parquet::PageIndexReader* page_index) {
  const RowRange rows = footer_->row_groups()[row_group];
  VIPER_ASSIGN_OR_RETURN(const FileRange range, footer_->ChunkRange(row_group, leaf_));
  const auto group_metadata = footer_->metadata().RowGroup(static_cast<int>(row_group));
  const auto chunk_metadata = group_metadata->ColumnChunk(leaf_);
  Chunk chunk{.dictionary = {range.offset, 0},
              .value_count = chunk_metadata->num_values(),
              .codec = chunk_metadata->compression()};
  VIPER_ASSIGN_OR_RETURN(const auto indexed, footer_->IndexedPages(row_group, leaf_, page_index));
  if (!indexed.empty()) {
    chunk.dictionary.size = indexed.front().place.offset - range.offset;
    pages_.insert(pages_.end(), indexed.begin(), indexed.end());
  } else if (rows.count > 0) {
    pages_.push_back({rows, range, static_cast<uint32_t>(row_group)});
  }
  chunks_.push_back(chunk);
  return Status::Ok();
}

std::optional<FieldType> ScalarColumnReader::StoredType() const {
  if (leaf_ < 0) return std::nullopt;
  return IsWidened(*descriptor_, column_.type) ? FieldType::kInt64 : column_.type;
}

size_t ScalarColumnReader::PageOfRow(uint64_t row) const {
  VIPER_ASSERT(row < footer_->row_count());
  const auto after = std::upper_bound(
      pages_.begin(), pages_.end(), row,
      [](uint64_t value, const EncodedPage& page) { return value < page.rows.first; });
  return static_cast<size_t>(after - pages_.begin()) - 1;
}

Result<Column> ScalarColumnReader::ReadPage(size_t page) const {
  VIPER_ASSERT(page < pages_.size());
  if (leaf_ < 0) return NullColumn(column_.type, pages_[page].rows.count);
  auto column = CatchParquet([&] { return Decode(pages_[page]); });
  if (!column.ok()) {
    return column.status().WithContext(fmt::format("column {}: page at byte {} (rows from {})",
                                                   column_.name, pages_[page].place.offset,
                                                   pages_[page].rows.first));
  }
  return column;
}

Result<Column> ScalarColumnReader::Decode(const EncodedPage& page) const {
  const Chunk& chunk = chunks_[page.row_group];
  std::shared_ptr<::arrow::Buffer> bytes = footer_->Slice(page.place);
  if (chunk.dictionary.size > 0) {
    VIPER_ASSIGN_OR_RETURN_ARROW(
        bytes, ::arrow::ConcatenateBuffers({footer_->Slice(chunk.dictionary), bytes}));
  }
  return DecodeRows(*descriptor_,
                    ::parquet::PageReader::Open(std::make_shared<::arrow::io::BufferReader>(bytes),
                                                chunk.value_count, chunk.codec,
                                                CheckingProperties(), *descriptor_),
                    column_.type, page.rows.count);
}

std::vector<ColumnBounds> ScalarColumnReader::RowGroupBounds() const {
  auto bounds = CatchParquet([&] { return ReadBounds(); });
  return bounds.ok() ? std::move(bounds).value() : std::vector<ColumnBounds>();
}

Result<std::vector<ColumnBounds>> ScalarColumnReader::ReadBounds() const {
  std::vector<ColumnBounds> result;
  const bool trusts_floats = TrustsFloatBounds(footer_->metadata());
  for (size_t group = 0; group < footer_->row_groups().size(); ++group) {
    const uint64_t rows = footer_->row_groups()[group].count;
    ColumnBounds bounds{.min = {}, .max = {}, .null_count = rows, .row_count = rows};
    if (leaf_ >= 0) {
      const auto group_metadata = footer_->metadata().RowGroup(static_cast<int>(group));
      const auto statistics = group_metadata->ColumnChunk(leaf_)->statistics();
      const bool required = descriptor_->max_definition_level() == 0;
      if (column_.type == FieldType::kStringList || statistics == nullptr ||
          !(required || statistics->HasNullCount())) {
        return std::vector<ColumnBounds>();
      }
      bounds.null_count = required ? 0 : static_cast<uint64_t>(statistics->null_count());
      if (bounds.null_count > rows) return std::vector<ColumnBounds>();
      if (statistics->HasMinMax() && HasUsableMinMax(*descriptor_, column_.type)) {
        SetMinMax(*statistics, column_.type, trusts_floats, bounds);
      }
    }
    result.push_back(std::move(bounds));
  }
  return result;
}

}  // namespace viper::parquet
