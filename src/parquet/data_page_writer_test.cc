#include "parquet/data_page_writer.h"

#include <cstring>

#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/column_page.h>
#include <parquet/column_reader.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include "parquet/parquet_codec.h"

namespace viper::parquet {
namespace {

TEST(DataPageWriter, PagesComeBackWithTheirBytesAndChecksums) {
  const auto node = ::parquet::schema::PrimitiveNode::Make(
      "values", ::parquet::Repetition::REQUIRED, ::parquet::LogicalType::None(),
      ::parquet::Type::FLOAT);
  const ::parquet::ColumnDescriptor leaf(node, 0, 0);
  for (const Codec codec : {Codec::kNone, Codec::kZstd}) {
    const ColumnCoding coding{Encoding::kPlain, {.codec = codec}};
    const auto sink = ::arrow::io::BufferOutputStream::Create().ValueOrDie();
    const auto metadata = ::parquet::ColumnChunkMetaDataBuilder::Make(
        ::parquet::WriterProperties::Builder()
            .compression(ParquetCodec(coding.compression))
            ->build(),
        &leaf);
    DataPageWriter writer({.sink = sink, .metadata = metadata.get()}, coding);
    std::vector<uint8_t> body(400, 7);
    const auto buffer = std::make_shared<::arrow::Buffer>(body.data(), 400);
    EXPECT_GT(writer.Write(buffer, 100, 0), 400);
    writer.Close();
    ::parquet::ReaderProperties properties;
    properties.set_page_checksum_verification(true);
    const auto reader = ::parquet::PageReader::Open(
        std::make_shared<::arrow::io::BufferReader>(sink->Finish().ValueOrDie()), 100,
        ParquetCodec(coding.compression), properties, leaf);
    const auto page = reader->NextPage();
    ASSERT_EQ(page->type(), ::parquet::PageType::DATA_PAGE);
    EXPECT_EQ(static_cast<const ::parquet::DataPage&>(*page).num_values(), 100);
    ASSERT_EQ(page->size(), 400);
    EXPECT_EQ(std::memcmp(page->data(), body.data(), body.size()), 0);
    EXPECT_EQ(reader->NextPage(), nullptr);
  }
}

}  // namespace
}  // namespace viper::parquet
