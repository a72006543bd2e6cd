#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "parquet/arrow_fixture.h"
#include "parquet/part_file.h"
#include "parquet/part_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

using columnar::Column;

constexpr uint32_t kSeed = 20261122;
constexpr size_t kDim = 3;

// -- Files of other writers
// ------------------------------------------------------------------------------

std::shared_ptr<::arrow::DataType> OptionalFloats() { return ::arrow::list(::arrow::float32()); }

JsonColumn IdColumn() { return {::arrow::field("_id", ::arrow::utf8()), R"(["a", "b", "c"])"}; }
JsonColumn VectorColumn(const std::string& json) {
  return {::arrow::field("_vector", OptionalFloats()), json};
}
const char* const kVectors = "[[1, 2, 3], [4, 5, 6], [7, 8, 9]]";

std::vector<float> AllFloats(const PartReader& reader, size_t dim) {
  std::vector<float> floats(reader.row_count() * dim);
  for (size_t i = 0; i < reader.vector_pages().size(); ++i) {
    const VectorPage& page = reader.vector_pages()[i];
    float* out = floats.data() + page.rows.first * dim;
    if (reader.maps_vectors()) {
      std::memcpy(out, reader.Floats(page), page.rows.count * dim * sizeof(float));
    } else {
      const auto decoded = reader.DecodeVectors(i).value();
      std::copy(decoded.begin(), decoded.end(), out);
    }
  }
  return floats;
}

Result<std::unique_ptr<PartReader>> OpenForeign(const std::vector<JsonColumn>& columns,
                                                const ForeignFile& file = {}) {
  return OpenPart(WriteForeign(*TableFromJson(columns), file), ExampleSchema(kDim));
}

std::string ErrorOf(const Result<std::unique_ptr<PartReader>>& result) {
  return result.ok() ? "no error" : result.status().ToString();
}

ForeignFile Snappy() {
  return {.properties = ::parquet::WriterProperties::Builder()
                            .compression(::parquet::Compression::SNAPPY)
                            ->disable_write_page_index()
                            ->build()};
}

TEST(PartReader, DecodesCompressedDictionaryVectorsOfOtherWriters) {
  const auto reader = OpenForeign({IdColumn(), VectorColumn(kVectors)}, Snappy()).value();
  EXPECT_FALSE(reader->maps_vectors());
  EXPECT_EQ(AllFloats(*reader, kDim), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_TRUE(reader->VerifyVectors().ok());
  EXPECT_EQ(ReadWholeColumn(*reader, "_id", FieldType::kString).value().strings()[2], "c");
}

TEST(PartReader, MapsPlainOptionalVectorsOfOtherWriters) {
  for (const auto version :
       {::parquet::ParquetDataPageVersion::V1, ::parquet::ParquetDataPageVersion::V2}) {
    const ForeignFile plain{.properties = ::parquet::WriterProperties::Builder()
                                              .disable_dictionary()
                                              ->data_page_version(version)
                                              ->build(),
                            .rows_per_group = 2};
    const auto reader = OpenForeign({VectorColumn(kVectors), IdColumn()}, plain).value();
    EXPECT_TRUE(reader->maps_vectors());
    EXPECT_EQ(reader->RowGroups().size(), 2U);
    EXPECT_EQ(AllFloats(*reader, kDim), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
    EXPECT_TRUE(reader->VerifyVectors().ok());
  }
}

TEST(PartReader, NamesTheRowOfABadVector) {
  for (const ForeignFile& file :
       {Snappy(),
        ForeignFile{.properties =
                        ::parquet::WriterProperties::Builder().disable_dictionary()->build()}}) {
    const auto open = [&](const std::string& vectors) {
      return OpenForeign({IdColumn(), VectorColumn(vectors)}, file).value()->VerifyVectors();
    };
    const std::string where = "(rows 0 to 2): ";
    EXPECT_STATUS(kCorruption, where + "row=1: vector is null",
                  open("[[1, 2, 3], null, [7, 8, 9]]"));
    EXPECT_STATUS(kCorruption, where + "row=2: vector holds a null: component=1",
                  open("[[1, 2, 3], [4, 5, 6], [7, null, 9]]"));
    EXPECT_STATUS(kCorruption, where + "row=1: vector has another length: expected=3 actual=2",
                  open("[[1, 2, 3], [4, 5], [7, 8, 9, 10]]"));
    EXPECT_STATUS(kCorruption, where + "row=0: vector has another length: expected=3 actual>=4",
                  open("[[1, 2, 3, 4], [4, 5], [7, 8, 9]]"));
    EXPECT_STATUS(kCorruption, where + "row=0: vector has another length: expected=3 actual=0",
                  open("[[], [4, 5, 6], [7, 8, 9]]"));
  }
  EXPECT_STATUS(
      kCorruption, "row=1: vector holds a component that is no finite 32-bit float: component=1",
      OpenForeign({IdColumn(), VectorColumn("[[1, 2, 3], [4, Inf, 6], [7, 8, 9]]")}, Snappy())
          .value()
          ->VerifyVectors());
}

TEST(PartReader, VerifyFindsFloatsThatAreNotFinite) {
  const ForeignFile plain{.properties =
                              ::parquet::WriterProperties::Builder().disable_dictionary()->build()};
  const auto reader =
      OpenForeign({IdColumn(), VectorColumn("[[1, 2, 3], [4, 5, 6], [7, NaN, 9]]")}, plain).value();
  EXPECT_EQ(
      reader->VerifyVectors().ToString(),
      "Corruption: part-test.parquet: column _vector: row=2: vector holds a component that is "
      "not finite");
}

TEST(PartReader, RefusesColumnsThatAreNoVectors) {
  EXPECT_EQ(ErrorOf(OpenForeign({IdColumn()})),
            "Corruption: part-test.parquet: column _vector: the column is missing");
  EXPECT_EQ(ErrorOf(OpenForeign(
                {{::arrow::field("_vector", ::arrow::list(::arrow::float64())), kVectors}})),
            "Unsupported: part-test.parquet: column _vector: the column is no list of 32-bit "
            "floats: physical=DOUBLE nesting=1");
  EXPECT_EQ(ErrorOf(OpenForeign({{::arrow::field("_vector", ::arrow::float32()), "[1, 2, 3]"}})),
            "Unsupported: part-test.parquet: column _vector: the column is no list of 32-bit "
            "floats: physical=FLOAT nesting=0");
}

TEST(PartReader, DecodesNoMoreThanAllowed) {
  PartOpenOptions options;
  options.page_bytes_max = 3 * kDim * sizeof(float) - 1;
  const auto bytes = WriteForeign(*TableFromJson({IdColumn(), VectorColumn(kVectors)}), Snappy());
  const auto decode = [&] {
    return OpenPart(bytes, ExampleSchema(kDim), options).value()->DecodeVectors(0);
  };
  EXPECT_STATUS(kResourceExhausted, "a page of vectors takes more memory than allowed", decode());
  ++options.page_bytes_max;
  EXPECT_OK(decode());
}

TEST(PartReader, ReadsNarrowerAndOlderTypes) {
  ForeignFile file = Snappy();
  file.arrow_properties =
      ::parquet::ArrowWriterProperties::Builder().enable_deprecated_int96_timestamps()->build();
  const auto reader =
      OpenForeign(
          {IdColumn(),
           VectorColumn(kVectors),
           {::arrow::field("year", ::arrow::int32()), "[-7, null, 2147483647]"},
           {::arrow::field("price", ::arrow::float32()), "[0.5, null, -2]"},
           {::arrow::field("seen", ::arrow::timestamp(::arrow::TimeUnit::NANO)),
            R"(["1969-12-31 23:59:59.999999500", null, "2026-11-22 08:30:00.000001"])"},
           {::arrow::field("tags", ::arrow::list(::arrow::utf8())), R"([["x", "y"], [], null])"}},
          file)
          .value();
  const Column year = ReadWholeColumn(*reader, "year", FieldType::kInt64).value();
  EXPECT_EQ(year.ValueAt(0), Value(-7));
  EXPECT_EQ(year.ValueAt(1), Value());
  EXPECT_EQ(year.ValueAt(2), Value(2147483647));
  EXPECT_EQ(ReadWholeColumn(*reader, "price", FieldType::kFloat64).value().ValueAt(2), Value(-2.0));
  const Column seen = ReadWholeColumn(*reader, "seen", FieldType::kTimestamp).value();
  EXPECT_EQ(seen.int64s()[0], -1);
  EXPECT_FALSE(seen.IsPresent(1));
  EXPECT_EQ(seen.ValueAt(2), Value(Timestamp::Parse("2026-11-22T08:30:00.000001Z").value()));
  const Column tags = ReadWholeColumn(*reader, "tags", FieldType::kStringList).value();
  EXPECT_EQ(tags.ValueAt(0), Value(Value::List{"x", "y"}));
  EXPECT_EQ(tags.ValueAt(1), Value(Value::List{}));
  EXPECT_EQ(tags.ValueAt(2), Value());
}

TEST(PartReader, ConvertsTheUnitsOfTimestamps) {
  const auto reader =
      OpenForeign({IdColumn(),
                   VectorColumn(kVectors),
                   {::arrow::field("seen", ::arrow::timestamp(::arrow::TimeUnit::MILLI)),
                    "[-1, 9223372036854775, null]"},
                   {::arrow::field("_timestamp", ::arrow::timestamp(::arrow::TimeUnit::NANO)),
                    "[-1, 1000, 1999]"}})
          .value();
  EXPECT_EQ(ReadWholeColumn(*reader, "seen", FieldType::kTimestamp).value().int64s(),
            (std::vector<int64_t>{-1000, 9223372036854775000, 0}));
  EXPECT_EQ(ReadWholeColumn(*reader, "_timestamp", FieldType::kTimestamp).value().int64s(),
            (std::vector<int64_t>{-1, 1, 1}));
  EXPECT_FALSE(reader->RowGroupBounds("seen")[0].min.has_value());

  const auto overflowing =
      OpenForeign({VectorColumn(kVectors),
                   {::arrow::field("seen", ::arrow::timestamp(::arrow::TimeUnit::MILLI)),
                    "[1, 9223372036854775807, null]"}})
          .value();
  EXPECT_EQ(ReadWholeColumn(*overflowing, "seen", FieldType::kTimestamp).status().code(),
            StatusCode::kCorruption);
}

TEST(PartReader, RefusesTypesThatDoNotFitTheSchema) {
  EXPECT_EQ(ErrorOf(OpenForeign({VectorColumn(kVectors),
                                 {::arrow::field("year", ::arrow::utf8()), R"(["1", "2", "3"])"}})),
            "Unsupported: part-test.parquet: column year: Parquet type cannot be read as the "
            "declared type: declared=int64 physical=BYTE_ARRAY logical=String");
  const auto pair = ::arrow::struct_(
      {::arrow::field("a", ::arrow::int64()), ::arrow::field("b", ::arrow::int64())});
  EXPECT_EQ(ErrorOf(OpenForeign({VectorColumn(kVectors),
                                 {::arrow::field("year", pair), "[[1, 2], [1, 2], [1, 2]]"}})),
            "Unsupported: part-test.parquet: column year: column year is a structure of several "
            "columns");
}

TEST(PartReader, ANullInAListOfStringsIsNamed) {
  const auto reader = OpenForeign({VectorColumn(kVectors),
                                   {::arrow::field("tags", ::arrow::list(::arrow::utf8())),
                                    R"([["x"], ["y", null], []])"}})
                          .value();
  const std::string error =
      ReadWholeColumn(*reader, "tags", FieldType::kStringList).status().ToString();
  EXPECT_NE(error.find("column tags"), std::string::npos) << error;
  EXPECT_NE(error.find("row_in_page=1"), std::string::npos) << error;
}

TEST(PartReader, MissingColumnsReadAsNull) {
  const auto reader = OpenForeign({VectorColumn(kVectors)}).value();
  ASSERT_EQ(reader->PageCount("category"), 1U);
  EXPECT_EQ(reader->PageRows("category", 0), (RowRange{0, 3}));
  EXPECT_EQ(reader->PageOfRow("category", 2), 0U);
  EXPECT_EQ(reader->ReadPage("category", 0)->null_count(), 3U);
  EXPECT_EQ(reader->RowGroupBounds("category")[0].null_count, 3U);
}

TEST(PartReader, SaysInWhichTypeTheFileHasAColumn) {
  const auto reader = OpenForeign({VectorColumn(kVectors),
                                   {::arrow::field("year", ::arrow::int32()), "[1, null, 3]"},
                                   {::arrow::field("price", ::arrow::int64()), "[1, null, 3]"}})
                          .value();
  EXPECT_EQ(reader->StoredType("year"), FieldType::kInt64);
  EXPECT_EQ(reader->StoredType("price"), FieldType::kInt64) << "though the schema says float64";
  EXPECT_EQ(reader->StoredType("category"), std::nullopt);
  EXPECT_EQ(ReadWholeColumn(*reader, "price", FieldType::kFloat64).value().ValueAt(2), Value(3.0));
  EXPECT_FALSE(reader->RowGroupBounds("price")[0].min.has_value());
}

// -- Pages and bounds of our own files
// --------------------------------------------------------------------

TEST(PartReader, PagesAreSmallAndCoverEveryRowOnce) {
  const ExampleRows example = MakeExampleRows(20'000, 8, kSeed);
  const auto reader = OpenPart(WritePart(example.rows, ExampleSchema(8),
                                         {.row_group_bytes = 7000 * 8 * sizeof(float)}),
                               ExampleSchema(8))
                          .value();
  for (const std::string_view column : {"_id", "_timestamp", "_expires_at", "category", "tags"}) {
    uint64_t next_row = 0;
    for (size_t page = 0; page < reader->PageCount(column); ++page) {
      const RowRange rows = reader->PageRows(column, page);
      EXPECT_EQ(rows.first, next_row);
      EXPECT_LE(rows.count, 2048U);
      EXPECT_EQ(reader->PageOfRow(column, rows.first), page);
      EXPECT_EQ(reader->PageOfRow(column, rows.end() - 1), page);
      next_row = rows.end();
    }
    EXPECT_EQ(next_row, 20'000U) << column;
  }
  const auto page = reader->ReadPage("_id", reader->PageOfRow("_id", 7001)).value();
  EXPECT_EQ(page.strings()[1], "id-7001");
}

TEST(PartReader, RowGroupBoundsHoldTheValuesOfTheGroup) {
  const ExampleRows example = MakeExampleRows(3000, 4, kSeed);
  const auto reader = OpenPart(WritePart(example.rows, ExampleSchema(4),
                                         {.row_group_bytes = 1000 * 4 * sizeof(float)}),
                               ExampleSchema(4))
                          .value();
  ASSERT_EQ(reader->RowGroups().size(), 3U);
  const auto timestamps = reader->RowGroupBounds("_timestamp");
  EXPECT_EQ(timestamps[1].min, Value(Timestamp{1'700'000'000'001'000}));
  EXPECT_EQ(timestamps[1].max, Value(Timestamp{1'700'000'000'001'999}));
  for (const Field& field : ExampleSchema(4).fields) {
    const auto bounds = reader->RowGroupBounds(field.name);
    if (field.type == FieldType::kStringList) {
      EXPECT_TRUE(bounds.empty());
      continue;
    }
    for (size_t group = 0; group < 3; ++group) {
      Column column(field.type);
      const auto whole = ReadWholeColumn(*reader, field.name, field.type).value();
      column.AppendRows(whole, group * 1000, 1000);
      EXPECT_EQ(bounds[group].null_count, column.null_count()) << field.name;
      EXPECT_EQ(bounds[group].row_count, 1000U);
      EXPECT_TRUE(bounds[group].min.has_value()) << field.name;
    }
  }
}

// -- Remembered vector pages
// --------------------------------------------------------------------------------

TEST(PartReader, RememberedPagesAreUsedOnceChecked) {
  const ExampleRows example = MakeExampleRows(5000, 100, kSeed);
  const auto bytes = WritePart(example.rows, ExampleSchema(100));
  const auto pages = OpenPart(bytes, ExampleSchema(100)).value()->vector_pages();
  ASSERT_GE(pages.size(), 2U);
  const auto open = [&](std::vector<VectorPage> remembered) {
    PartOpenOptions options;
    options.vector_pages = std::move(remembered);
    return OpenPart(bytes, ExampleSchema(100), options);
  };
  const auto reader = open(pages).value();
  EXPECT_EQ(reader->vector_pages(), pages);
  EXPECT_EQ(AllFloats(*reader, 100), example.floats);
  EXPECT_TRUE(reader->VerifyVectors().ok());

  auto outside = pages;
  outside.back().offset = bytes.size() - 4;
  EXPECT_EQ(open(outside).status().code(), StatusCode::kCorruption);
  outside.back().offset = std::numeric_limits<uint64_t>::max() - 8;
  EXPECT_EQ(open(outside).status().code(), StatusCode::kCorruption);
  auto overlapping = pages;
  overlapping[1].offset = overlapping[0].offset + 4;
  EXPECT_EQ(open(overlapping).status().code(), StatusCode::kCorruption);
  auto huge = pages;
  huge.back().rows.count = std::numeric_limits<uint64_t>::max() / 4;
  EXPECT_EQ(open(huge).status().code(), StatusCode::kCorruption);
  auto fewer = pages;
  fewer.pop_back();
  EXPECT_EQ(open(fewer).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(open({}).status().code(), StatusCode::kCorruption);
  auto shifted = pages;
  for (VectorPage& page : shifted) page.offset -= 4;
  EXPECT_EQ(open(shifted).value()->VerifyVectors().code(), StatusCode::kCorruption);
}

// -- Damage
// ---------------------------------------------------------------------------------------------

TEST(PartReader, CutFilesAreErrors) {
  const ExampleRows example = MakeExampleRows(50, 4, kSeed);
  const auto bytes = WritePart(example.rows, ExampleSchema(4));
  for (size_t size = 0; size < bytes.size(); size += 13) {
    const std::vector<std::byte> cut(bytes.begin(),
                                     bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const auto reader = OpenPart(cut, ExampleSchema(4));
    ASSERT_FALSE(reader.ok()) << size;
    EXPECT_TRUE(reader.status().message().starts_with("part-test.parquet: "));
  }
}

TEST(PartReader, ADamagedFloatIsFoundByVerify) {
  const ExampleRows example = MakeExampleRows(100, 16, kSeed);
  auto bytes = WritePart(example.rows, ExampleSchema(16));
  const auto pages = OpenPart(bytes, ExampleSchema(16)).value()->vector_pages();
  bytes[pages[0].offset + 777] ^= std::byte{1};
  const Status status = OpenPart(bytes, ExampleSchema(16)).value()->VerifyVectors();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_TRUE(status.message().starts_with("part-test.parquet: column _vector: "))
      << status.ToString();
}

/// Reads all there is; false if something was reported as damaged.
bool ReadsLike(const PartReader& reader, const ExampleRows& example, const CollectionSchema& schema,
               bool& equal) {
  const PartRows& rows = example.rows;
  equal = reader.row_count() == rows.row_count();
  if (!equal) return true;
  if (!reader.VerifyVectors().ok()) return false;
  equal = AllFloats(reader, schema.dim) == example.floats;
  const auto ids = ReadWholeColumn(reader, "_id", FieldType::kString);
  const auto times = ReadWholeColumn(reader, "_timestamp", FieldType::kTimestamp);
  const auto payload = ReadWholeColumn(reader, "_payload", FieldType::kString);
  if (!ids.ok() || !times.ok() || !payload.ok()) return false;
  equal = equal && ids->strings() == rows.ids && times->int64s() == rows.timestamps &&
          *payload == rows.payload;
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    const auto column = ReadWholeColumn(reader, schema.fields[i].name, schema.fields[i].type);
    if (!column.ok()) return false;
    equal = equal && *column == rows.fields[i];
    static_cast<void>(reader.RowGroupBounds(schema.fields[i].name));
  }
  return true;
}

TEST(PartReader, AFlippedByteIsAnErrorOrHarmless) {
  const CollectionSchema schema = ExampleSchema(4);
  const ExampleRows example = MakeExampleRows(60, 4, kSeed);
  const auto bytes = WritePart(example.rows, schema);
  // What follows the last page is indexes and the footer. Parquet has no checksum over those, so a
  // changed name or type there can read as another table; it must only not crash.
  const auto pages = OpenPart(bytes, schema).value()->vector_pages();
  const size_t pages_end = pages.back().offset + pages.back().rows.count * 4 * sizeof(float);
  std::mt19937 random(kSeed);
  size_t reported = 0;
  for (size_t place = 0; place < bytes.size(); ++place) {
    auto damaged = bytes;
    damaged[place] ^= static_cast<std::byte>(1 + random() % 255);
    const auto reader = OpenPart(std::move(damaged), schema);
    bool equal = false;
    if (!reader.ok() || !ReadsLike(**reader, example, schema, equal)) {
      ++reported;
      continue;
    }
    if (place < pages_end) {
      EXPECT_TRUE(equal) << "place=" << place << " seed=" << kSeed;
    }
  }
  EXPECT_GT(reported, pages_end / 2);
}

}  // namespace
}  // namespace viper::parquet
