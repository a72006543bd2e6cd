#include "parquet/page_decoder.h"

#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/file_reader.h>

#include "parquet/arrow_bridge.h"
#include "parquet/arrow_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

/// Write one column, then decode it as if it had `row_count` rows.
Result<columnar::Column> Decode(const JsonColumn& column, FieldType type, uint64_t row_count,
                                const ForeignFile& file = {}) {
  const auto bytes = WriteForeign(*TableFromJson({column}), file);
  return CatchParquet([&]() -> Result<columnar::Column> {
    const auto reader = ::parquet::ParquetFileReader::Open(
        std::make_shared<::arrow::io::BufferReader>(WrapBytes(bytes)));
    const ::parquet::ColumnDescriptor& leaf = *reader->metadata()->schema()->Column(0);
    VIPER_RETURN_IF_ERROR(CheckReadable(leaf, type));
    return DecodeRows(leaf, reader->RowGroup(0)->GetColumnPageReader(0), type, row_count);
  });
}

TEST(PageDecoder, AnotherNumberOfRowsIsCorruption) {
  const JsonColumn numbers = {::arrow::field("n", ::arrow::int64()), "[1, null, 3]"};
  EXPECT_OK(Decode(numbers, FieldType::kInt64, 3));
  EXPECT_STATUS(kCorruption, "expected=2 actual>=3", Decode(numbers, FieldType::kInt64, 2));
  EXPECT_STATUS(kCorruption, "expected=4 actual=3", Decode(numbers, FieldType::kInt64, 4));
  const JsonColumn lists = {::arrow::field("l", ::arrow::list(::arrow::utf8())),
                            R"([["a", "b"], [], null])"};
  EXPECT_OK(Decode(lists, FieldType::kStringList, 3));
  EXPECT_STATUS(kCorruption, "expected=2 actual>=3", Decode(lists, FieldType::kStringList, 2));
  EXPECT_STATUS(kCorruption, "expected=4 actual=3", Decode(lists, FieldType::kStringList, 4));
}

TEST(PageDecoder, PagesWithoutValuesAreNotTheEnd) {
  std::string json = "[";
  for (int i = 0; i < 100; ++i) {
    json += i % 2 == 0 ? fmt::format(R"({}["a{}", "b"])", i == 0 ? "" : ", ", i % 3) : ", null";
  }
  // These sizes make libparquet write one before the last row.
  const ForeignFile small_pages{
      .properties =
          ::parquet::WriterProperties::Builder().data_pagesize(64)->write_batch_size(16)->build()};
  ASSERT_OK_AND_ASSIGN(const auto column,
                       Decode({::arrow::field("l", ::arrow::list(::arrow::utf8())), json + "]"},
                              FieldType::kStringList, 100, small_pages));
  EXPECT_EQ(column.null_count(), 50U);
}

TEST(PageDecoder, UnsignedIntegersKeepTheirValueOrAreRefused) {
  const auto small =
      Decode({::arrow::field("n", ::arrow::uint32()), "[4294967295]"}, FieldType::kInt64, 1);
  EXPECT_EQ(small.value().ValueAt(0), Value(int64_t{4'294'967'295}));
  EXPECT_STATUS(kCorruption, "64 bits",
                Decode({::arrow::field("n", ::arrow::uint64()), "[18446744073709551615]"},
                       FieldType::kInt64, 1));
}

TEST(PageDecoder, IntegersAreReadAsFloatsWhereThatIsExact) {
  const auto decode = [](const std::shared_ptr<::arrow::DataType>& type, const char* json) {
    return Decode({::arrow::field("n", type), json}, FieldType::kFloat64, 3);
  };
  for (const auto& type : {::arrow::int32(), ::arrow::int64(), ::arrow::uint32()}) {
    ASSERT_OK_AND_ASSIGN(const auto column, decode(type, "[1, null, 7]"));
    EXPECT_EQ(column.type(), FieldType::kFloat64);
    EXPECT_EQ(column.ValueAt(0), Value(1.0));
    EXPECT_FALSE(column.IsPresent(1));
    EXPECT_EQ(column.ValueAt(2), Value(7.0));
  }
  EXPECT_OK(decode(::arrow::int64(), "[9007199254740992, null, -9007199254740992]"));
  EXPECT_STATUS(kCorruption, "row_in_page=2 actual=9007199254740993",
                decode(::arrow::int64(), "[1, null, 9007199254740993]"));
}

TEST(PageDecoder, TypesOfAnotherMeaningAreRefused) {
  const auto decode = [](const std::shared_ptr<::arrow::DataType>& type, const char* json,
                         FieldType as) { return Decode({::arrow::field("c", type), json}, as, 1); };
  EXPECT_STATUS(kUnsupported, "declared=int64",
                decode(::arrow::date32(), "[1]", FieldType::kInt64));
  EXPECT_STATUS(kUnsupported, "declared=timestamp",
                decode(::arrow::int64(), "[1]", FieldType::kTimestamp));
  EXPECT_STATUS(kUnsupported, "declared=int64",
                decode(::arrow::timestamp(::arrow::TimeUnit::MICRO), "[1]", FieldType::kInt64));
  EXPECT_STATUS(kUnsupported, "declared=float64",
                decode(::arrow::date32(), "[1]", FieldType::kFloat64));
  EXPECT_STATUS(kUnsupported, "declared=bool", decode(::arrow::int8(), "[1]", FieldType::kBool));
  EXPECT_STATUS(kUnsupported, "declared=string",
                decode(::arrow::list(::arrow::utf8()), R"([["a"]])", FieldType::kString));
  EXPECT_STATUS(kUnsupported, "declared=list<string>",
                decode(::arrow::utf8(), R"(["a"])", FieldType::kStringList));
  EXPECT_STATUS(kUnsupported, "declared=list<string>",
                decode(::arrow::list(::arrow::list(::arrow::utf8())), R"([[["a"]]])",
                       FieldType::kStringList));
}

TEST(PageDecoder, LongColumnsComeOverManyBatches) {
  std::string json = "[0";
  for (int i = 1; i < 5000; ++i) json += i % 3 == 0 ? ", null" : fmt::format(", {}", i);
  const auto column =
      Decode({::arrow::field("n", ::arrow::int32()), json + "]"}, FieldType::kInt64, 5000).value();
  for (size_t row = 0; row < 5000; ++row) {
    ASSERT_EQ(column.ValueAt(row),
              row % 3 == 0 && row > 0 ? Value() : Value(static_cast<int64_t>(row)));
  }
}

}  // namespace
}  // namespace viper::parquet
