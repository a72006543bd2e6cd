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
    std::memcpy(&first, bytes.data() + page.float_offset, sizeof(first));
    EXPECT_EQ(first, static_cast<float>(page.rows.first * 3));
  }
  EXPECT_OK(reader.CheckPages(*pages));
}

TEST(VectorColumnReader, MappingAndDecodingAgree) {
  const auto bytes = ForeignVectors(ManyVectors(500), Plain());
  const auto footer = PartFooter::Open(bytes).value();
  const auto decoded = VectorColumnReader::Open(*footer, 3).value().Decode(1 << 20).value();
  ASSERT_EQ(decoded.floats.size(), 1500U);
  for (size_t i = 0; i < decoded.floats.size(); ++i) {
    ASSERT_EQ(decoded.floats[i], static_cast<float>(i));
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
  const auto footer = PartFooter::Open(bytes).value();
  EXPECT_STATUS(kCorruption, "row=1: vector has another length: expected=3 actual>=4",
                VectorColumnReader::Open(*footer, 3).value().Decode(1 << 20));
}

}  // namespace
}  // namespace viper::parquet
