#include "parquet/leaf_pages.h"

#include <algorithm>
#include <utility>

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <fmt/core.h>
#include <parquet/column_page.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include "base/status_macros.h"
#include "parquet/arrow_bridge.h"
#include "parquet/vector_page.h"

namespace viper::parquet {
namespace {

bool HasDictionary(const ::parquet::ColumnChunkMetaData& chunk) {
  return std::any_of(chunk.encodings().begin(), chunk.encodings().end(), [](auto encoding) {
    return encoding == ::parquet::Encoding::PLAIN_DICTIONARY ||
           encoding == ::parquet::Encoding::RLE_DICTIONARY;
  });
}

}  // namespace

const ::parquet::ColumnDescriptor& LeafPages::descriptor() const {
  return *footer_->metadata().schema()->Column(leaf_);
}

bool LeafPages::IsUncompressed() const {
  for (size_t group = 0; group < footer_->row_groups().size(); ++group) {
    const auto metadata = footer_->metadata().RowGroup(static_cast<int>(group));
    if (metadata->ColumnChunk(leaf_)->compression() != ::parquet::Compression::UNCOMPRESSED) {
      return false;
    }
  }
  return true;
}

std::unique_ptr<::parquet::PageReader> LeafPages::Open(
    size_t row_group, std::shared_ptr<::arrow::io::InputStream> bytes, bool verify) const {
  const auto group = footer_->metadata().RowGroup(static_cast<int>(row_group));
  const auto chunk = group->ColumnChunk(leaf_);
  ::parquet::ReaderProperties properties;
  properties.set_page_checksum_verification(verify);
  return ::parquet::PageReader::Open(std::move(bytes), chunk->num_values(), chunk->compression(),
                                     properties, descriptor());
}

Result<std::unique_ptr<::parquet::PageReader>> LeafPages::OpenChunk(size_t row_group,
                                                                    bool verify) const {
  VIPER_ASSIGN_OR_RETURN(const FileRange range, footer_->ChunkRange(row_group, leaf_));
  return Open(row_group, std::make_shared<::arrow::io::BufferReader>(footer_->Slice(range)),
              verify);
}

Result<std::unique_ptr<::parquet::PageReader>> LeafPages::OpenRun(size_t row_group,
                                                                  const FileRange& place) const {
  VIPER_ASSIGN_OR_RETURN(const FileRange dictionary, DictionaryOf(row_group));
  std::shared_ptr<::arrow::Buffer> bytes = footer_->Slice(place);
  if (dictionary.size > 0) {
    VIPER_ASSIGN_OR_RETURN_ARROW(bytes,
                                 ::arrow::ConcatenateBuffers({footer_->Slice(dictionary), bytes}));
  }
  return Open(row_group, std::make_shared<::arrow::io::BufferReader>(bytes), /*verify=*/true);
}

Result<FileRange> LeafPages::DictionaryOf(size_t row_group) const {
  VIPER_ASSIGN_OR_RETURN(const FileRange range, footer_->ChunkRange(row_group, leaf_));
  const auto group = footer_->metadata().RowGroup(static_cast<int>(row_group));
  const auto chunk = group->ColumnChunk(leaf_);
  // ChunkRange begins at the dictionary page, where there is one.
  const auto data = static_cast<uint64_t>(chunk->data_page_offset());
  if (data > range.offset || !HasDictionary(*chunk)) {
    return FileRange{range.offset, std::min(data, range.end()) - range.offset};
  }
  // parquet-mr before 1.12 has the data begin where the chunk does (PARQUET-816).
  return CatchParquet([&]() -> Result<FileRange> {
    const auto bytes = std::make_shared<::arrow::io::BufferReader>(footer_->Slice(range));
    const auto page = Open(row_group, bytes, /*verify=*/true)->NextPage();
    if (page == nullptr || page->type() != ::parquet::PageType::DICTIONARY_PAGE) {
      return FileRange{range.offset, 0};
    }
    VIPER_ASSIGN_OR_RETURN_ARROW(const int64_t end, bytes->Tell());
    return FileRange{range.offset, static_cast<uint64_t>(end)};
  });
}

Result<std::vector<EncodedPage>> LeafPages::Find(::parquet::PageIndexReader* page_index) const {
  return CatchParquet([&]() -> Result<std::vector<EncodedPage>> {
    std::vector<EncodedPage> pages;
    for (size_t group = 0; group < footer_->row_groups().size(); ++group) {
      VIPER_ASSIGN_OR_RETURN(const auto indexed, footer_->IndexedPages(group, leaf_, page_index));
      pages.insert(pages.end(), indexed.begin(), indexed.end());
      if (indexed.empty()) VIPER_RETURN_IF_ERROR(Walk(group, pages));
    }
    return pages;
  });
}

Status LeafPages::Walk(size_t row_group, std::vector<EncodedPage>& pages) const {
  const RowRange rows = footer_->row_groups()[row_group];
  VIPER_ASSIGN_OR_RETURN(const FileRange range, footer_->ChunkRange(row_group, leaf_));
  const auto bytes = std::make_shared<::arrow::io::BufferReader>(footer_->Slice(range));
  const auto reader = Open(row_group, bytes, /*verify=*/true);
  const size_t first_page = pages.size();
  uint64_t next_row = rows.first;
  uint64_t begin = range.offset;
  while (const std::shared_ptr<::parquet::Page> page = reader->NextPage()) {
    VIPER_ASSIGN_OR_RETURN_ARROW(const int64_t read, bytes->Tell());
    const uint64_t end = range.offset + static_cast<uint64_t>(read);
    if (page->type() != ::parquet::PageType::DICTIONARY_PAGE) {
      const auto& data = static_cast<const ::parquet::DataPage&>(*page);
      const auto parts = SplitPage(data, descriptor().max_definition_level());
      if (!parts) return Status::Corruption("levels of a page are malformed");
      const auto starts = CountRowStarts(*parts, static_cast<size_t>(data.num_values()));
      if (!starts) return Status::Corruption("a page holds fewer levels than it says");
      if (pages.size() == first_page || (starts->begins_with_row && starts->count > 0)) {
        pages.push_back({{next_row, 0}, {begin, 0}, static_cast<uint32_t>(row_group)});
      }
      EncodedPage& last = pages.back();
      last.rows.count += starts->count;
      last.place.size = end - last.place.offset;
      next_row += starts->count;
    }
    begin = end;
  }
  if (next_row == rows.end()) return Status::Ok();
  return Status::Corruption(
      fmt::format("pages hold another number of rows: row_group={} expected={} actual={}",
                  row_group, rows.count, next_row - rows.first));
}

}  // namespace viper::parquet
