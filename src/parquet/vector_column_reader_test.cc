#include "parquet/vector_column_reader.h"

#include <gtest/gtest.h>

#include "parquet/arrow_fixture.h"
#include "parquet/part_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

ForeignFile Plain() {
  return {.properties = ::parquet::WriterProperties::Builder()
                            .disable_dictionary()
                            ->data_pagesize(64)
                            ->write_batch_size(8)
                            ->build()};
}

std::vector<std::byte> ForeignVectors(const std::string& json, const ForeignFile& file) {
  return WriteForeign(
      *TableFromJson({{::arrow::field("_vector", ::arrow::list(::arrow::float32())), json}}), file);
}

std::string ManyVectors(size_t rows) {
  std::string json = "[[0, 1, 2]";
  for (size_t row = 1; row < rows; ++row) {
    json += fmt::format(", [{}, {}, {}]", row * 3, row * 3 + 1, row * 3 + 2);
  }
  return json + "]";
}

TEST(VectorColumnReader, SmallPagesOfOthersAreMappedOneByOne) {
  const auto bytes = ForeignVectors(ManyVectors(500), Plain());
  const auto footer = PartFooter::Open(bytes).value();
  const auto reader = VectorColumnReader::Open(*footer, 3).value();
  const auto pages = reader.FindPages(/*verify=*/true).value();
  ASSERT_TRUE(pages.has_value());
  EXPECT_GT(pages->size(), 10U);
  for (const VectorPage& page : *pages) {
    float first = 0;
    std::memcpy(&first, bytes.data() + page.offset, sizeof(first));
    EXPECT_EQ(first, static_cast<float>(page.rows.first * 3));
  }
  EXPECT_OK(reader.CheckPages(*pages));
}

/// Decode every page that is found, with the page index or by walking the pages.
Result<std::vector<float>> DecodeAll(const std::vector<std::byte>& bytes, bool uses_index,
                                     size_t* page_count = nullptr) {
  VIPER_ASSIGN_OR_RETURN(const auto footer, PartFooter::Open(bytes));
  VIPER_ASSIGN_OR_RETURN(const auto reader, VectorColumnReader::Open(*footer, 3));
  const auto index = uses_index ? footer->MakePageIndexReader() : nullptr;
  VIPER_ASSIGN_OR_RETURN(const auto pages, reader.pages().Find(index.get()));
  if (page_count != nullptr) *page_count = pages.size();
  std::vector<float> floats;
  uint64_t next_row = 0;
  for (const EncodedPage& page : pages) {
    EXPECT_EQ(page.rows.first, next_row);
    next_row = page.rows.end();
    VIPER_ASSIGN_OR_RETURN(const auto decoded, reader.DecodePage(page, 1 << 20));
    EXPECT_EQ(decoded.size(), page.rows.count * 3);
    floats.insert(floats.end(), decoded.begin(), decoded.end());
  }
  return floats;
}

TEST(VectorColumnReader, EveryPageIsDecodedAlone) {
  for (const bool has_index : {false, true}) {
    for (const bool has_dictionary : {false, true}) {
      ForeignFile file;
      ::parquet::WriterProperties::Builder builder;
      builder.compression(::parquet::Compression::SNAPPY)->data_pagesize(256)->write_batch_size(16);
      if (!has_dictionary) builder.disable_dictionary();
      if (!has_index) builder.disable_write_page_index();
      file.properties = builder.build();
      file.rows_per_group = 300;
      size_t page_count = 0;
      const auto bytes = ForeignVectors(ManyVectors(500), file);
      const auto floats = DecodeAll(bytes, has_index, &page_count).value();
      EXPECT_GT(page_count, 4U) << has_index << has_dictionary;
      ASSERT_EQ(floats.size(), 1500U);
      for (size_t i = 0; i < floats.size(); ++i) ASSERT_EQ(floats[i], static_cast<float>(i));
    }
  }
}

TEST(VectorColumnReader, PagesOfAnotherShapeAreNotMapped) {
  const auto find = [](const std::vector<std::byte>& bytes, size_t dim) {
    const auto footer = PartFooter::Open(bytes).value();
    return VectorColumnReader::Open(*footer, dim).value().FindPages(/*verify=*/false).value();
  };
  EXPECT_TRUE(find(ForeignVectors("[[1, 2], [3, 4]]", Plain()), 2).has_value());
  EXPECT_FALSE(find(ForeignVectors("[[1, 2], [3, 4]]", Plain()), 4).has_value());
  EXPECT_FALSE(find(ForeignVectors("[[1], [2, 3, 4]]", Plain()), 2).has_value());
  EXPECT_FALSE(find(ForeignVectors("[[1, 2], [3, 4]]", {}), 2).has_value()) << "a dictionary";
  ForeignFile split = Plain();
  split.properties = ::parquet::WriterProperties::Builder()
                         .disable_dictionary()
                         ->encoding(::parquet::Encoding::BYTE_STREAM_SPLIT)
                         ->build();
  EXPECT_FALSE(find(ForeignVectors("[[1, 2], [3, 4]]", split), 2).has_value());
}

TEST(VectorColumnReader, ADecodeStopsAtARowThatIsTooLong) {
  std::string json = "[[1, 2, 3], [";
  for (int i = 0; i < 100'000; ++i) json += "7, ";
  const auto bytes = ForeignVectors(json + "7]]", {});
  EXPECT_STATUS(kCorruption, "row=1: vector has another length: expected=3 actual>=4",
                DecodeAll(bytes, /*uses_index=*/true));
}

}  // namespace
}  // namespace viper::parquet
