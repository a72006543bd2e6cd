#include "parquet/part_footer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <arrow/io/memory.h>
#include <fmt/core.h>
#include <parquet/page_index.h>
#include <parquet/schema.h>

#include "base/status_macros.h"
#include "parquet/arrow_bridge.h"

namespace viper::parquet {

Result<std::unique_ptr<PartFooter>> PartFooter::Open(std::span<const std::byte> bytes) {
  return CatchParquet([&]() -> Result<std::unique_ptr<PartFooter>> {
    std::unique_ptr<PartFooter> footer(new PartFooter);
    footer->bytes_ = bytes;
    footer->reader_ = ::parquet::ParquetFileReader::Open(
        std::make_shared<::arrow::io::BufferReader>(WrapBytes(bytes)));
    footer->metadata_ = footer->reader_->metadata();
    VIPER_RETURN_IF_ERROR(footer->CheckRowCounts());
    return footer;
  });
}

Status PartFooter::CheckRowCounts() {
  const int64_t declared = metadata_->num_rows();
  const int group_count = metadata_->num_row_groups();
  row_groups_.reserve(static_cast<size_t>(group_count));
  for (int group = 0; group < group_count; ++group) {
    const int64_t rows = metadata_->RowGroup(group)->num_rows();
    if (rows < 0 || rows > std::numeric_limits<int64_t>::max() - static_cast<int64_t>(row_count_)) {
      return Status::Corruption(
          fmt::format("impossible number of rows: row_group={} rows={}", group, rows));
    }
    row_groups_.push_back({row_count_, static_cast<uint64_t>(rows)});
    row_count_ += static_cast<uint64_t>(rows);
  }
  if (declared != static_cast<int64_t>(row_count_)) {
    return Status::Corruption(
        fmt::format("row groups do not add up to the rows of the file: expected={} actual={}",
                    declared, row_count_));
  }
  return Status::Ok();
}

Result<std::optional<int>> PartFooter::FindLeaf(std::string_view name) const {
  const ::parquet::SchemaDescriptor& schema = *metadata_->schema();
  const int field = schema.group_node()->FieldIndex(std::string(name));
  if (field < 0) return std::optional<int>();
  const ::parquet::schema::Node* root = schema.group_node()->field(field).get();
  std::optional<int> leaf;
  for (int column = 0; column < schema.num_columns(); ++column) {
    if (schema.GetColumnRoot(column) != root) continue;
    if (leaf) {
      return Status::Unsupported(fmt::format("column {} is a structure of several columns", name));
    }
    leaf = column;
  }
  return leaf;
}

Result<FileRange> PartFooter::ChunkRange(size_t row_group, int leaf) const {
  const auto group = metadata_->RowGroup(static_cast<int>(row_group));
  const auto chunk = group->ColumnChunk(leaf);
  int64_t offset = chunk->data_page_offset();
  if (chunk->has_dictionary_page() && chunk->dictionary_page_offset() > 0) {
    offset = std::min(offset, chunk->dictionary_page_offset());
  }
  const int64_t size = chunk->total_compressed_size();
  const auto file_bytes = static_cast<int64_t>(bytes_.size());
  if (offset < 0 || size < 0 || offset > file_bytes || size > file_bytes - offset) {
    return Status::Corruption(
        fmt::format("pages lie outside of the file: row_group={} offset={} size={} file_bytes={}",
                    row_group, offset, size, file_bytes));
  }
  return FileRange{static_cast<uint64_t>(offset), static_cast<uint64_t>(size)};
}

Result<std::vector<EncodedPage>> PartFooter::IndexedPages(
    size_t row_group, int leaf, ::parquet::PageIndexReader* page_index) const {
  std::vector<EncodedPage> pages;
  if (page_index == nullptr) return pages;
  const auto group_index = page_index->RowGroup(static_cast<int>(row_group));
  if (group_index == nullptr) return pages;
  const auto index = group_index->GetOffsetIndex(leaf);
  if (index == nullptr) return pages;
  const RowRange rows = row_groups_[row_group];
  VIPER_ASSIGN_OR_RETURN(const FileRange range, ChunkRange(row_group, leaf));
  const auto& locations = index->page_locations();
  uint64_t end = range.offset;
  for (size_t page = 0; page < locations.size(); ++page) {
    const ::parquet::PageLocation& location = locations[page];
    const uint64_t next_row = page + 1 < locations.size()
                                  ? static_cast<uint64_t>(locations[page + 1].first_row_index)
                                  : rows.count;
    const auto first_row = static_cast<uint64_t>(location.first_row_index);
    const auto offset = static_cast<uint64_t>(location.offset);
    const auto size = static_cast<uint64_t>(location.compressed_page_size);
    if (location.offset < 0 || location.compressed_page_size < 0 || offset < end ||
        offset > range.end() || size > range.end() - offset || next_row < first_row ||
        next_row > rows.count || (page == 0 && first_row != 0)) {
      return Status::Corruption(fmt::format(
          "page index points outside of the column's pages: row_group={} page={} offset={} "
          "size={} first_row={}",
          row_group, page, location.offset, location.compressed_page_size,
          location.first_row_index));
    }
    end = offset + size;
    if (next_row == first_row) continue;  // some writers leave pages without rows behind
    pages.push_back({{rows.first + first_row, next_row - first_row},
                     {offset, size},
                     static_cast<uint32_t>(row_group)});
  }
  return pages;
}

std::shared_ptr<::arrow::Buffer> PartFooter::Slice(const FileRange& range) const {
  return WrapBytes(bytes_.subspan(range.offset, range.size));
}

std::shared_ptr<::parquet::PageIndexReader> PartFooter::MakePageIndexReader() const {
  return reader_->GetPageIndexReader();
}

}  // namespace viper::parquet
