#include "parquet/data_page_writer.h"

#include <utility>

#include <parquet/column_page.h>
#include <parquet/exception.h>

#include "parquet/parquet_codec.h"

namespace viper::parquet {

DataPageWriter::DataPageWriter(const ChunkPlace& place, const ColumnCoding& coding)
    : coding_(coding),
      pages_(::parquet::PageWriter::Open(
          place.sink, ParquetCodec(coding.compression), place.metadata, /*row_group_ordinal=*/-1,
          /*column_chunk_ordinal=*/-1, ::arrow::default_memory_pool(),
          /*buffered_row_group=*/false, nullptr, nullptr, /*page_write_checksum_enabled=*/true,
          nullptr, place.offset_index, ParquetCodecOptions(coding.compression))) {}

int64_t DataPageWriter::WriteDictionary(const std::vector<uint32_t>& values) {
  return pages_->WriteDictionaryPage(::parquet::DictionaryPage(
      std::make_shared<::arrow::Buffer>(reinterpret_cast<const uint8_t*>(values.data()),
                                        static_cast<int64_t>(values.size() * sizeof(uint32_t))),
      static_cast<int32_t>(values.size()), ::parquet::Encoding::PLAIN));
}

int64_t DataPageWriter::Write(const std::shared_ptr<::arrow::Buffer>& body, size_t level_count,
                              uint64_t first_row) {
  std::shared_ptr<::arrow::Buffer> bytes = body;
  if (pages_->has_compressor()) {
    PARQUET_ASSIGN_OR_THROW(std::shared_ptr<::arrow::ResizableBuffer> compressed,
                            ::arrow::AllocateResizableBuffer(0));
    pages_->Compress(*body, compressed.get());
    bytes = std::move(compressed);
  }
  return pages_->WriteDataPage(::parquet::DataPageV1(
      bytes, static_cast<int32_t>(level_count), ParquetEncoding(coding_.encoding),
      ::parquet::Encoding::RLE, ::parquet::Encoding::RLE, body->size(),
      ::parquet::EncodedStatistics(), static_cast<int64_t>(first_row)));
}

void DataPageWriter::Close() { pages_->Close(coding_.has_dictionary(), /*fallback=*/false); }

}  // namespace viper::parquet
