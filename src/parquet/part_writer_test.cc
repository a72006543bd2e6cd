#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "parquet/part_file.h"
#include "parquet/part_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

using columnar::Column;

constexpr uint32_t kSeed = 20261122;

void ExpectSameColumns(const PartReader& reader, const ExampleRows& example, size_t dim) {
  const CollectionSchema schema = ExampleSchema(dim);
  const PartRows& rows = example.rows;
  const Column ids = ReadWholeColumn(reader, "_id", FieldType::kString).value();
  EXPECT_EQ(ids.strings(), rows.ids);
  EXPECT_EQ(ids.null_count(), 0U);
  EXPECT_EQ(ReadWholeColumn(reader, "_timestamp", FieldType::kTimestamp).value().int64s(),
            rows.timestamps);
  EXPECT_EQ(ReadWholeColumn(reader, "_ingested_at", FieldType::kTimestamp).value().int64s(),
            rows.ingested_at);
  EXPECT_EQ(ReadWholeColumn(reader, "_expires_at", FieldType::kTimestamp).value(), rows.expires_at);
  EXPECT_EQ(ReadWholeColumn(reader, "_payload", FieldType::kString).value(), rows.payload);
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    EXPECT_EQ(ReadWholeColumn(reader, schema.fields[i].name, schema.fields[i].type).value(),
              rows.fields[i])
        << schema.fields[i].name;
  }
  uint64_t next_row = 0;
  for (const VectorPage& page : reader.vector_pages()) {
    EXPECT_EQ(page.rows.first, next_row);
    EXPECT_EQ(std::memcmp(reader.Floats(page), example.floats.data() + page.rows.first * dim,
                          page.rows.count * dim * sizeof(float)),
              0);
    next_row = page.rows.end();
  }
  EXPECT_EQ(next_row, rows.row_count());
}

class PartWriterShapes : public testing::TestWithParam<std::pair<size_t, size_t>> {};

TEST_P(PartWriterShapes, EveryValueComesBackBitForBit) {
  const auto [row_count, dim] = GetParam();
  const ExampleRows example = MakeExampleRows(row_count, dim, kSeed);
  const auto bytes =
      WritePart(example.rows, ExampleSchema(dim), {.row_group_bytes = 5000 * dim * sizeof(float)});
  const auto reader = OpenPart(bytes, ExampleSchema(dim)).value();
  EXPECT_EQ(reader->row_count(), row_count);
  EXPECT_TRUE(reader->maps_vectors());
  ExpectSameColumns(*reader, example, dim);
  EXPECT_TRUE(reader->VerifyVectors().ok());
}

TEST(PartWriter, TheSummaryTellsWhereTheFloatsLie) {
  for (const size_t dim : {1, 3, 128, 4096}) {
    const ExampleRows example = MakeExampleRows(5'000'000 / (dim * 100), dim, kSeed);
    CollectingFile file;
    const auto writer = PartWriter::Make(file, ExampleSchema(dim), {}).value();
    ASSERT_OK(writer->Append(example.rows));
    ASSERT_OK(writer->Append(example.rows));
    const PartSummary summary = writer->Finish({}).value();
    const auto reader = OpenPart(file.content, ExampleSchema(dim)).value();
    ASSERT_EQ(summary.vector_pages, reader->vector_pages());
    for (size_t i = 0; i < summary.vector_pages.size(); ++i) {
      const VectorPage& page = summary.vector_pages[i];
      EXPECT_EQ(summary.vector_page_crcs[i],
                crc32c::Value({reader->Floats(page), page.rows.count * dim * sizeof(float)}));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, PartWriterShapes,
    testing::Values(std::pair<size_t, size_t>{0, 4}, std::pair<size_t, size_t>{1, 1},
                    std::pair<size_t, size_t>{7, 3}, std::pair<size_t, size_t>{5000, 1},
                    std::pair<size_t, size_t>{12'345, 8}, std::pair<size_t, size_t>{9'000, 100},
                    std::pair<size_t, size_t>{3, 65'536}));

TEST(PartWriter, TheSummaryTellsWhatTheRowsHold) {
  const CollectionSchema schema = ExampleSchema(4);
  const ExampleRows first = MakeExampleRows(500, 4, kSeed);
  ExampleRows second = MakeExampleRows(300, 4, kSeed + 1);
  second.rows.ingested_at[7] = 5;
  CollectingFile file;
  const auto writer = PartWriter::Make(file, schema, {}).value();
  ASSERT_OK(writer->Append(first.rows));
  ASSERT_OK(writer->Append(second.rows));
  const PartSummary summary = writer->Finish({}).value();
  EXPECT_EQ(summary.row_count, 800U);
  EXPECT_EQ(summary.file_bytes, file.content.size());
  EXPECT_EQ(summary.bounds.at("_id").min, Value("id-0"));
  EXPECT_EQ(summary.bounds.at("_id").row_count, 800U);
  EXPECT_EQ(summary.bounds.at("_ingested_at").min, Value(Timestamp{5}));
  EXPECT_EQ(summary.bounds.at("_expires_at").null_count,
            first.rows.expires_at.null_count() + second.rows.expires_at.null_count());
  EXPECT_FALSE(summary.bounds.at("tags").min.has_value());
  EXPECT_EQ(summary.bounds.count("_payload"), 0U);
  EXPECT_EQ(summary.bounds.count("_vector"), 0U);
  const auto reader = OpenPart(file.content, schema).value();
  EXPECT_EQ(reader->RowGroups(), (std::vector<RowRange>{{0, 500}, {500, 300}}));
  EXPECT_EQ(summary.bounds.at("year").min,
            std::min(*reader->RowGroupBounds("year")[0].min->as_int64(),
                     *reader->RowGroupBounds("year")[1].min->as_int64()));
}

TEST(PartWriter, KeyValuesComeBack) {
  CollectingFile file;
  const auto writer = PartWriter::Make(file, ExampleSchema(2), {}).value();
  ASSERT_OK(writer->Finish({{"viper.part", "p-1"}, {"empty", ""}}));
  const auto reader = OpenPart(file.content, ExampleSchema(2)).value();
  EXPECT_EQ(reader->key_values(),
            (std::map<std::string, std::string>{{"viper.part", "p-1"}, {"empty", ""}}));
}

TEST(PartWriter, AFullDiskIsReportedWhereverItFillsUp) {
  const CollectionSchema schema = ExampleSchema(64);
  const ExampleRows example = MakeExampleRows(20'000, 64, kSeed);
  const size_t whole = WritePart(example.rows, schema).size();
  for (size_t limit = 0; limit < whole; limit += whole / 13) {
    CollectingFile file;
    file.fail_after = limit;
    const auto writer = PartWriter::Make(file, schema, {}).value();
    Status status = writer->Append(example.rows);
    if (status.ok()) status = writer->Finish({}).status();
    EXPECT_STATUS(kResourceExhausted, "no space left on the device", status);
    EXPECT_STATUS(kFailedPrecondition, "given up after a failed write",
                  writer->Append(example.rows));
    EXPECT_STATUS(kFailedPrecondition, "given up after a failed write", writer->Finish({}));
  }
}

TEST(PartWriter, NothingIsWrittenAfterTheEnd) {
  CollectingFile file;
  const auto writer = PartWriter::Make(file, ExampleSchema(2), {}).value();
  ASSERT_OK(writer->Finish({}));
  EXPECT_STATUS(kFailedPrecondition, "finished", writer->Finish({}));
  EXPECT_STATUS(kFailedPrecondition, "finished", writer->Append(MakeExampleRows(1, 2, kSeed).rows));
}

TEST(PartWriter, ABadSchemaIsRefused) {
  CollectingFile file;
  EXPECT_STATUS(kInvalidArgument, "", PartWriter::Make(file, ExampleSchema(0), {}));
}

}  // namespace
}  // namespace viper::parquet
