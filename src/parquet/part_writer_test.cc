#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "parquet/part_file.h"
#include "parquet/part_fixture.h"

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

INSTANTIATE_TEST_SUITE_P(
    Shapes, PartWriterShapes,
    testing::Values(std::pair<size_t, size_t>{0, 4}, std::pair<size_t, size_t>{1, 1},
                    std::pair<size_t, size_t>{7, 3}, std::pair<size_t, size_t>{5000, 1},
                    std::pair<size_t, size_t>{12'345, 8}, std::pair<size_t, size_t>{9'000, 100},
                    std::pair<size_t, size_t>{3, 65'536}));

}  // namespace
}  // namespace viper::parquet
