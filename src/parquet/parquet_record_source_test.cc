#include "parquet/parquet_record_source.h"

#include <cstring>
#include <fstream>

#include <arrow/array/builder_binary.h>
#include <gtest/gtest.h>

#include "parquet/arrow_fixture.h"
#include "parquet/part_fixture.h"
#include "parquet/sparse_fixture.h"
#include "testing/status_matchers.h"
#include "testing/temp_directory.h"

namespace viper::parquet {
namespace {

/// A directory with one file to read.
class ParquetRecordSource : public testing::Test {
 protected:
  std::string Save(const std::vector<std::byte>& bytes) {
    std::ofstream file(path_, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path_;
  }
  Result<std::unique_ptr<RecordSource>> Open(const std::vector<JsonColumn>& columns,
                                             const RecordSourceOptions& options = {},
                                             const ForeignFile& file = {}) {
    return OpenParquetSource(Save(WriteForeign(*TableFromJson(columns), file)), options);
  }
  /// The outcome of reading everything.
  Status ReadStatus(const std::vector<JsonColumn>& columns) {
    VIPER_ASSIGN_OR_RETURN(const auto source, Open(columns));
    while (true) {
      VIPER_ASSIGN_OR_RETURN(const RecordBatch batch, source->Next());
      if (batch.row_count() == 0) return Status::Ok();
    }
  }

  TempDirectory directory_;
  const std::string path_ = directory_ / "rows.parquet";
};

JsonColumn Vectors() {
  return {::arrow::field("embedding", ::arrow::list(::arrow::float32())),
          "[[1, 2], [3, 4], [5, 6]]"};
}

TEST_F(ParquetRecordSource, EveryTypeOfColumnBecomesMetadata) {
  const auto dictionary = ::arrow::dictionary(::arrow::int32(), ::arrow::utf8());
  const auto nested = ::arrow::struct_(
      {::arrow::field("first", ::arrow::utf8()), ::arrow::field("born", ::arrow::int32())});
  const auto source =
      Open({{::arrow::field("id", ::arrow::int64()), "[10, 11, 12]"},
            {::arrow::field("year", ::arrow::uint16()), "[2000, null, 65535]"},
            {::arrow::field("price", ::arrow::float64()), "[1.5, null, NaN]"},
            {::arrow::field("ok", ::arrow::boolean()), "[true, false, null]"},
            {::arrow::field("day", ::arrow::date32()), "[1, null, -1]"},
            {::arrow::field("seen", ::arrow::timestamp(::arrow::TimeUnit::MILLI, "UTC")),
             "[1, null, -1]"},
            {::arrow::field("cost", ::arrow::decimal128(9, 2)), R"(["1.50", null, "-0.05"])"},
            {::arrow::field("kind", dictionary), R"(["a", null, "a"])"},
            {::arrow::field("tags", ::arrow::list(::arrow::utf8())), R"([["x", "y"], [], null])"},
            {::arrow::field("author", nested), R"([["Ann", 1970], ["Bob", null], null])"},
            {::arrow::field("more", ::arrow::map(::arrow::utf8(), ::arrow::int64())),
             R"([[["k", 1]], [], null])"},
            {::arrow::field("bad name", ::arrow::int64()), "[1, null, null]"},
            Vectors()})
          .value();
  EXPECT_EQ(source->dim(), 2U);
  EXPECT_EQ(source->row_count(), 3U);
  const std::vector<Field> fields = {
      {"year", FieldType::kInt64},    {"price", FieldType::kFloat64},  {"ok", FieldType::kBool},
      {"day", FieldType::kTimestamp}, {"seen", FieldType::kTimestamp}, {"cost", FieldType::kString},
      {"kind", FieldType::kString},   {"tags", FieldType::kStringList}};
  EXPECT_EQ(source->fields(), fields);

  const RecordBatch batch = source->Next().value();
  EXPECT_EQ(batch.ids, (std::vector<std::string>{"10", "11", "12"}));
  EXPECT_EQ(batch.vectors, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(batch.timestamps.empty());
  ASSERT_EQ(batch.metadata.size(), 3U);
  const Metadata first = {{"year", 2000},
                          {"price", 1.5},
                          {"ok", true},
                          {"day", Timestamp{86'400'000'000}},
                          {"seen", Timestamp{1000}},
                          {"cost", "1.50"},
                          {"kind", "a"},
                          {"tags", Value::List{"x", "y"}},
                          {"author", Value::Object{{"first", "Ann"}, {"born", 1970}}},
                          {"more", Value::Object{{"k", 1}}},
                          {"bad name", 1}};
  EXPECT_EQ(batch.metadata[0], first);
  const Metadata second = {{"ok", false},
                           {"tags", Value::List{}},
                           {"author", Value::Object{{"first", "Bob"}}},
                           {"more", Value::Object{}}};
  EXPECT_EQ(batch.metadata[1], second);
  const Metadata third = {{"year", 65535},
                          {"day", Timestamp{-86'400'000'000}},
                          {"seen", Timestamp{-1000}},
                          {"cost", "-0.05"},
                          {"kind", "a"}};
  EXPECT_EQ(batch.metadata[2], third);
  EXPECT_EQ(source->Next().value().row_count(), 0U);
}

TEST_F(ParquetRecordSource, VectorsOfEveryTypeBecomeFloats) {
  const auto types = {::arrow::float16(), ::arrow::float32(), ::arrow::float64(),
                      ::arrow::int8(),    ::arrow::uint8(),   ::arrow::int16(),
                      ::arrow::uint32(),  ::arrow::int64(),   ::arrow::uint64()};
  for (const auto& element : types) {
    for (const auto& list : {::arrow::list(element), ::arrow::large_list(element),
                             ::arrow::fixed_size_list(element, 2)}) {
      for (const bool store_schema : {false, true}) {
        ForeignFile file;
        ::parquet::ArrowWriterProperties::Builder builder;
        if (store_schema) builder.store_schema();
        file.arrow_properties = builder.build();
        const auto source =
            Open({{::arrow::field("v", list), "[[1, 2], [3, 100]]"}}, {}, file).value();
        EXPECT_EQ(source->Next().value().vectors, (std::vector<float>{1, 2, 3, 100}))
            << list->ToString();
      }
    }
  }
}

TEST_F(ParquetRecordSource, BinaryVectorsAreLittleEndianFloats) {
  const std::vector<float> floats = {1.5F, -2.0F, 3.25F};
  ::arrow::BinaryBuilder builder;
  ASSERT_TRUE(builder.Append(reinterpret_cast<const uint8_t*>(floats.data()), 12).ok());
  const auto array = ValueOrAbort(builder.Finish());
  const auto table =
      ::arrow::Table::Make(::arrow::schema({::arrow::field("vector", ::arrow::binary())}), {array});
  const auto source = OpenParquetSource(Save(WriteForeign(*table)), {}).value();
  EXPECT_EQ(source->dim(), 3U);
  EXPECT_EQ(source->Next().value().vectors, floats);
}

TEST_F(ParquetRecordSource, DoublesAreRoundedAndThoseTooLargeRefused) {
  const auto column = [](const std::string& json) {
    return JsonColumn{::arrow::field("v", ::arrow::list(::arrow::float64())), json};
  };
  const auto source = Open({column("[[0.1, 1e-60]]")}).value();
  EXPECT_EQ(source->Next().value().vectors, (std::vector<float>{0.1F, 0}));
  EXPECT_STATUS(kInvalidArgument, "rows.parquet: row 2: column v: vector holds a component that",
                ReadStatus({column("[[1, 2], [3, 1e39]]")}));
}

TEST_F(ParquetRecordSource, BadVectorsAreNamedByRowAndColumn) {
  const auto read = [this](const std::string& json) {
    return ReadStatus({{::arrow::field("v", ::arrow::list(::arrow::float32())), json}});
  };
  EXPECT_STATUS(kInvalidArgument, "row 2: column v: vector has another length: expected=2 actual=1",
                read("[[1, 2], [3]]"));
  EXPECT_STATUS(kInvalidArgument, "row 3: column v: vector is null", read("[[1], [2], null]"));
  EXPECT_STATUS(kInvalidArgument, "row 1: column v: vector is null", read("[null, [2]]"));
  EXPECT_STATUS(kInvalidArgument, "row 2: column v: vector holds a null: component=1",
                read("[[1, 2], [3, null]]"));
  EXPECT_STATUS(kInvalidArgument, "row 2: column v: vector holds a component that is no finite",
                read("[[1, 2], [3, NaN]]"));
  EXPECT_STATUS(kInvalidArgument, "impossible length", read("[[], []]"));
}

TEST_F(ParquetRecordSource, RowsBeforeABadVectorAreGivenAway) {
  const auto source =
      Open({{::arrow::field("v", ::arrow::list(::arrow::float32())), "[[1, 2], [3, 4], [5]]"}})
          .value();
  EXPECT_EQ(source->Next().value().vectors, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_STATUS(kInvalidArgument, "row 3: column v: ", source->Next());
  EXPECT_STATUS(kInvalidArgument, "row 3: column v: ", source->Next());
}

TEST_F(ParquetRecordSource, IdsComeFromTheColumnOrAreMade) {
  const JsonColumn text = {::arrow::field("key", ::arrow::large_utf8()), R"(["a", "b", "c"])"};
  RecordSourceOptions options;
  options.id_prefix = "row-";
  EXPECT_EQ(Open({text, Vectors()}, options).value()->Next().value().ids,
            (std::vector<std::string>{"row-0", "row-1", "row-2"}));
  options.first_row = 7;
  EXPECT_EQ(Open({text, Vectors()}, options).value()->Next().value().ids,
            (std::vector<std::string>{"row-7", "row-8", "row-9"}));
  options.id_column = "key";
  EXPECT_EQ(Open({text, Vectors()}, options).value()->Next().value().ids,
            (std::vector<std::string>{"a", "b", "c"}));
  options.id_column = "nope";
  EXPECT_STATUS(kInvalidArgument, "name=nope columns=key, embedding",
                Open({text, Vectors()}, options));
  EXPECT_STATUS(
      kInvalidArgument, "row 2: column id: id is null",
      ReadStatus({{::arrow::field("id", ::arrow::utf8()), R"(["a", null, "c"])"}, Vectors()}));
  EXPECT_STATUS(
      kInvalidArgument, "row 3: column id: id has an impossible length",
      ReadStatus({{::arrow::field("id", ::arrow::utf8()), R"(["a", "b", ""])"}, Vectors()}));
  EXPECT_STATUS(kInvalidArgument, "column id: ids are text, integers or UUIDs: actual=double",
                Open({{::arrow::field("id", ::arrow::float64()), "[1, 2, 3]"}, Vectors()}));
}

TEST_F(ParquetRecordSource, UuidsAreIdsInTheirUsualSpelling) {
  ::arrow::FixedSizeBinaryBuilder builder(::arrow::fixed_size_binary(16));
  ASSERT_TRUE(
      builder.Append("\x12\x34\x56\x78\x9a\xbc\xde\xf0\x01\x23\x45\x67\x89\xab\xcd\xef").ok());
  const auto table = ::arrow::Table::Make(
      ::arrow::schema({::arrow::field("id", ::arrow::fixed_size_binary(16)),
                       ::arrow::field("vector", ::arrow::list(::arrow::float32()))}),
      {ValueOrAbort(builder.Finish()), FromJson(::arrow::list(::arrow::float32()), "[[1]]")});
  const auto source = OpenParquetSource(Save(WriteForeign(*table)), {}).value();
  EXPECT_EQ(source->Next().value().ids[0], "12345678-9abc-def0-0123-456789abcdef");
}

TEST_F(ParquetRecordSource, TheVectorColumnMustBeClear) {
  const auto list = ::arrow::list(::arrow::float32());
  EXPECT_STATUS(kInvalidArgument, "cannot tell which column holds the vectors",
                Open({{::arrow::field("a", list), "[[1]]"}, {::arrow::field("b", list), "[[1]]"}}));
  EXPECT_STATUS(kInvalidArgument, "lists_of_numbers=0",
                Open({{::arrow::field("a", ::arrow::int64()), "[1]"}}));
  RecordSourceOptions options;
  options.vector_column = "b";
  const auto source =
      Open({{::arrow::field("a", list), "[[1]]"}, {::arrow::field("b", list), "[[2]]"}}, options)
          .value();
  const RecordBatch batch = source->Next().value();
  EXPECT_EQ(batch.vectors, (std::vector<float>{2}));
  EXPECT_EQ(batch.metadata[0], (Metadata{{"a", Value::List{1.0}}}));
}

TEST_F(ParquetRecordSource, ColumnsWithoutAPlaceInMetadataAreRefusedByName) {
  EXPECT_STATUS(
      kInvalidArgument, "column blob: type has no place in metadata: actual=binary",
      Open({{::arrow::field("blob", ::arrow::binary()), R"(["x", "y", "z"])"}, Vectors()}));
  EXPECT_STATUS(
      kInvalidArgument, "row 2: column big: integer is beyond 64 bits",
      ReadStatus(
          {{::arrow::field("big", ::arrow::uint64()), "[1, 18446744073709551615, 3]"}, Vectors()}));
  EXPECT_STATUS(kInvalidArgument, "row 2: column x: number is infinite",
                ReadStatus({{::arrow::field("x", ::arrow::float64()), "[1, Inf, 3]"}, Vectors()}));
}

TEST_F(ParquetRecordSource, SkipAndLimitCountRowsAcrossRowGroups) {
  std::string ids = "[0";
  std::string vectors = "[[0]";
  for (int row = 1; row < 100; ++row) {
    ids += fmt::format(", {}", row);
    vectors += fmt::format(", [{}]", row);
  }
  const std::vector<JsonColumn> columns = {
      {::arrow::field("id", ::arrow::int64()), ids + "]"},
      {::arrow::field("vector", ::arrow::list(::arrow::float32())), vectors + "]"}};
  for (const uint64_t skip : {0, 1, 6, 7, 8, 49, 50, 99, 100}) {
    const auto source = Open(columns, {}, {.rows_per_group = 7}).value();
    ASSERT_OK(source->Skip(skip / 2));
    ASSERT_OK(source->Skip(skip - skip / 2));
    uint64_t next = skip;
    while (true) {
      const RecordBatch batch = source->Next().value();
      if (batch.row_count() == 0) break;
      for (size_t i = 0; i < batch.row_count(); ++i, ++next) {
        ASSERT_EQ(batch.ids[i], std::to_string(next));
        ASSERT_EQ(batch.vectors[i], static_cast<float>(next));
      }
    }
    EXPECT_EQ(next, 100U);
    EXPECT_STATUS(kInvalidArgument, "expected=1 actual=0", source->Skip(1));
  }
  RecordSourceOptions options;
  options.limit = 10;
  const auto source = Open(columns, options, {.rows_per_group = 7}).value();
  EXPECT_EQ(source->row_count(), 10U);
  size_t rows = 0;
  for (RecordBatch batch = source->Next().value(); batch.row_count() > 0;
       batch = source->Next().value()) {
    rows += batch.row_count();
  }
  EXPECT_EQ(rows, 10U);
}

TEST_F(ParquetRecordSource, APartOfACollectionComesBackWhole) {
  constexpr size_t kDim = 5;
  const CollectionSchema schema = ExampleSchema(kDim);
  const ExampleRows example = MakeExampleRows(3000, kDim, /*seed=*/3);
  const auto source = OpenParquetSource(Save(WritePart(example.rows, schema)), {}).value();
  EXPECT_EQ(source->fields(), schema.fields);
  size_t row = 0;
  for (RecordBatch batch = source->Next().value(); batch.row_count() > 0;
       batch = source->Next().value()) {
    EXPECT_EQ(std::memcmp(batch.vectors.data(), example.floats.data() + row * kDim,
                          batch.vectors.size() * sizeof(float)),
              0);
    for (size_t i = 0; i < batch.row_count(); ++i, ++row) {
      const PartRows& rows = example.rows;
      Metadata expected;
      if (rows.payload.IsPresent(row)) {
        expected = *Value::FromJson(rows.payload.strings()[row]).value().as_object();
      }
      for (size_t f = 0; f < schema.fields.size(); ++f) {
        if (rows.fields[f].IsPresent(row)) {
          expected[schema.fields[f].name] = rows.fields[f].ValueAt(row);
        }
      }
      ASSERT_EQ(batch.ids[i], rows.ids[row]);
      ASSERT_EQ(batch.metadata[i], expected);
      ASSERT_EQ(batch.timestamps[i], Timestamp{rows.timestamps[row]});
      const std::optional<Timestamp> expires =
          rows.expires_at.IsPresent(row) ? std::optional(Timestamp{rows.expires_at.int64s()[row]})
                                         : std::nullopt;
      ASSERT_EQ(i < batch.expirations.size() ? batch.expirations[i] : std::nullopt, expires);
    }
  }
  EXPECT_EQ(row, 3000U);
}

TEST_F(ParquetRecordSource, APartWithSparseVectorsComesBackWhole) {
  constexpr size_t kSparseDim = 40;
  const SparseRows made = MakeSparseRows(500, kSparseDim, 0.1, 3);
  const auto bytes = WritePart(made.rows, {.dim = kSparseDim, .fields = {}},
                               SparseWriteOptions(VectorFormat::kSparse));
  // The engine tells it in the footer, which this fixture does not.
  EXPECT_STATUS(kInvalidArgument, "do not tell the dimension: give it",
                OpenParquetSource(Save(bytes), {}));
  const auto source = OpenParquetSource(Save(bytes), {.dim = kSparseDim}).value();
  std::vector<float> floats;
  for (RecordBatch batch = source->Next().value(); batch.row_count() > 0;
       batch = source->Next().value()) {
    EXPECT_TRUE(batch.metadata.empty());
    floats.insert(floats.end(), batch.vectors.begin(), batch.vectors.end());
  }
  ASSERT_EQ(floats.size(), made.floats.size());
  EXPECT_EQ(std::memcmp(floats.data(), made.floats.data(), floats.size() * sizeof(float)), 0);
}

TEST_F(ParquetRecordSource, AColumnOfIndicesAndValuesHoldsVectors) {
  const auto type = ::arrow::struct_({::arrow::field("indices", ::arrow::list(::arrow::int64())),
                                      ::arrow::field("values", ::arrow::list(::arrow::float64()))});
  const auto open = [&](const char* json) {
    return Open({{::arrow::field("terms", type), json}}, {.dim = 4});
  };
  const auto source =
      open(R"([{"indices": [3, 0], "values": [1, 2]}, {"indices": [], "values": []}])").value();
  EXPECT_EQ(source->dim(), 4U);
  EXPECT_EQ(source->Next().value().vectors, (std::vector<float>{2, 0, 0, 1, 0, 0, 0, 0}));
  const auto refusal = [&](const char* json) { return open(json).value()->Next(); };
  EXPECT_STATUS(kInvalidArgument, "row 1: column terms: vector is null", refusal("[null]"));
  EXPECT_STATUS(kInvalidArgument, "dim=4 index=4 place=0",
                refusal(R"([{"indices": [4], "values": [1]}])"));
  EXPECT_STATUS(kInvalidArgument, "no index: place=0 value=-1",
                refusal(R"([{"indices": [-1], "values": [1]}])"));
  EXPECT_STATUS(kInvalidArgument, "a list of a sparse vector is null",
                refusal(R"([{"indices": [1], "values": null}])"));
  EXPECT_STATUS(kInvalidArgument, "holds a null: component=1",
                refusal(R"([{"indices": [1, null], "values": [1, 2]}])"));
}

TEST_F(ParquetRecordSource, ARowOfOurOwnMustHaveOneVector) {
  const auto type = ::arrow::struct_({::arrow::field("indices", ::arrow::list(::arrow::int32())),
                                      ::arrow::field("values", ::arrow::list(::arrow::float32()))});
  const auto refusal = [&](const char* sparse, const char* vectors) {
    return Open({{::arrow::field("_id", ::arrow::utf8()), R"(["a"])"},
                 {::arrow::field("_sparse", type), sparse},
                 {::arrow::field("_vector", ::arrow::list(::arrow::float32())), vectors}},
                {.dim = 2})
        .value()
        ->Next();
  };
  EXPECT_OK(refusal("[null]", "[[1, 2]]"));
  EXPECT_STATUS(kInvalidArgument, "row 1: expected one vector, dense or sparse: components=0",
                refusal("[null]", "[[]]"));
  EXPECT_STATUS(kInvalidArgument, "row 1: expected one vector, dense or sparse: components=4",
                refusal(R"([{"indices": [1], "values": [1]}])", "[[1, 2]]"));
}

TEST_F(ParquetRecordSource, TimesMayBeText) {
  const auto source =
      Open({{::arrow::field("_timestamp", ::arrow::utf8()), R"(["2026-11-22", null, null])"},
            {::arrow::field("_expires_at", ::arrow::date32()), "[null, 1, null]"},
            Vectors()})
          .value();
  const RecordBatch batch = source->Next().value();
  ASSERT_EQ(batch.timestamps.size(), 3U);
  EXPECT_EQ(batch.timestamps[0], Timestamp::Parse("2026-11-22").value());
  EXPECT_FALSE(batch.timestamps[2].has_value());
  EXPECT_EQ(batch.expirations[1], Timestamp{86'400'000'000});
  EXPECT_TRUE(batch.metadata.empty());
  EXPECT_STATUS(
      kInvalidArgument, "row 1: column _timestamp: ",
      ReadStatus(
          {{::arrow::field("_timestamp", ::arrow::utf8()), R"(["soon", null, null])"}, Vectors()}));
}

/// Spark's usual type of time. In nanoseconds it would come back as another date.
TEST_F(ParquetRecordSource, OldTimesReachBeyondNanoseconds) {
  ForeignFile file;
  file.arrow_properties =
      ::parquet::ArrowWriterProperties::Builder().enable_deprecated_int96_timestamps()->build();
  const auto source =
      Open({{::arrow::field("_expires_at", ::arrow::timestamp(::arrow::TimeUnit::MICRO)),
             R"(["9999-12-31 00:00:00", "2999-01-01 00:00:00", "2026-11-22 08:30:00.000001"])"},
            {::arrow::field("born", ::arrow::timestamp(::arrow::TimeUnit::MICRO)),
             R"(["1600-01-01 00:00:00", null, "1969-12-31 23:59:59.999999"])"},
            Vectors()},
           {}, file)
          .value();
  const RecordBatch batch = source->Next().value();
  EXPECT_EQ(batch.expirations[0], Timestamp::Parse("9999-12-31").value());
  EXPECT_EQ(batch.expirations[1], Timestamp::Parse("2999-01-01").value());
  EXPECT_EQ(batch.expirations[2], Timestamp::Parse("2026-11-22T08:30:00.000001Z").value());
  EXPECT_EQ(batch.metadata[0].at("born"), Value(Timestamp::Parse("1600-01-01").value()));
  EXPECT_EQ(batch.metadata[2].at("born"), Value(Timestamp{-1}));
}

TEST_F(ParquetRecordSource, FilesThatCannotBeReadSayWhy) {
  EXPECT_STATUS(kNotFound, "missing.parquet",
                OpenParquetSource(directory_ / "missing.parquet", {}));
  EXPECT_STATUS(kCorruption,
                "rows.parquet: ", OpenParquetSource(Save(std::vector<std::byte>(50)), {}));
  EXPECT_STATUS(kInvalidArgument, "no rows",
                Open({{::arrow::field("v", ::arrow::list(::arrow::float32())), "[]"}}));
  const CollectionSchema schema = ExampleSchema(16);
  auto bytes = WritePart(MakeExampleRows(100, 16, /*seed=*/3).rows, schema);
  bytes[OpenPart(bytes, schema).value()->vector_pages()[0].offset] ^= std::byte{1};
  EXPECT_STATUS(kCorruption, "rows.parquet: ", OpenParquetSource(Save(bytes), {}));
}

}  // namespace
}  // namespace viper::parquet
