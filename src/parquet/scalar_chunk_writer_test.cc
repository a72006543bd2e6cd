#include "parquet/scalar_chunk_writer.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <tuple>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <parquet/statistics.h>

#include "parquet/part_fixture.h"
#include "parquet/part_footer.h"
#include "parquet/part_layout.h"

namespace viper::parquet {
namespace {

using columnar::Column;

/// Rows with ids "0", "1", ... and no metadata; one field of the given values.
std::vector<std::byte> WriteWithField(FieldType type, const Column& field,
                                      const CompressionOptions& options = {.adaptive = false}) {
  const CollectionSchema schema{.dim = 1, .metric = Metric::kL2, .fields = {{"field", type}}};
  static const float kZero = 0;
  PartRows rows;
  for (size_t row = 0; row < field.row_count(); ++row) {
    rows.ids.Append(std::to_string(row));
    rows.timestamps.push_back(1'764'000'000'000'000);
    rows.ingested_at.push_back(1'764'000'000'000'000);
    rows.expires_at.AppendNull();
    rows.payload.AppendNull();
    rows.vectors.push_back(reinterpret_cast<const std::byte*>(&kZero));
  }
  rows.fields.push_back(field);
  return WritePart(rows, schema, {.compression = options});
}

struct ChunkFacts {
  bool dictionary = false;
  bool has_bounds = false;
  int64_t bytes = 0;
};

ChunkFacts FactsOf(const std::vector<std::byte>& part, const char* name) {
  const auto footer = PartFooter::Open(part).value();
  const int leaf = footer->FindLeaf(name).value().value();
  const auto group = footer->metadata().RowGroup(0);
  const auto chunk = group->ColumnChunk(leaf);
  const auto statistics = chunk->statistics();
  return {chunk->has_dictionary_page(), statistics != nullptr && statistics->HasMinMax(),
          chunk->total_compressed_size()};
}

template <typename Append>
Column MakeColumn(FieldType type, size_t rows, const Append& append) {
  Column column(type);
  for (size_t row = 0; row < rows; ++row) append(column, row);
  return column;
}

TEST(ScalarChunkWriter, FewRepeatedValuesGoThroughADictionary) {
  const auto few = MakeColumn(FieldType::kString, 10'000, [](Column& column, size_t row) {
    column.AppendString(fmt::format("category number {}", row % 50));
  });
  EXPECT_TRUE(FactsOf(WriteWithField(FieldType::kString, few), "field").dictionary);
  const auto unique = MakeColumn(FieldType::kString, 10'000, [](Column& column, size_t row) {
    column.AppendString(fmt::format("text number {}", row));
  });
  EXPECT_FALSE(FactsOf(WriteWithField(FieldType::kString, unique), "field").dictionary);
  const auto years = MakeColumn(FieldType::kInt64, 10'000, [](Column& column, size_t row) {
    column.AppendInt64(static_cast<int64_t>(1900 + row * 7919 % 120));
  });
  EXPECT_TRUE(FactsOf(WriteWithField(FieldType::kInt64, years), "field").dictionary);
}

TEST(ScalarChunkWriter, TheSmallestOfWhatIsTriedIsWritten) {
  std::mt19937 random(1);
  const auto few = MakeColumn(FieldType::kString, 20'000, [&](Column& column, size_t) {
    column.AppendString(fmt::format("category number {}", random() % 50));
  });
  const auto texts = MakeColumn(FieldType::kString, 20'000, [&](Column& column, size_t row) {
    column.AppendString(fmt::format("https://example.org/films/{:08}/page", row * 37));
  });
  const auto times = MakeColumn(FieldType::kInt64, 20'000, [&](Column& column, size_t row) {
    column.AppendInt64(static_cast<int64_t>(1'700'000'000'000 + row * 1000 + random() % 100));
  });
  const auto noise = MakeColumn(FieldType::kFloat64, 20'000, [&](Column& column, size_t) {
    column.AppendFloat64(static_cast<double>(random()) / 1e9 + static_cast<double>(random()));
  });
  const std::tuple<FieldType, const Column*, const char*> all[] = {
      {FieldType::kString, &few, "dictionary"},
      {FieldType::kString, &texts, "delta_byte_array"},
      {FieldType::kInt64, &times, "delta_binary_packed"},
      {FieldType::kFloat64, &noise, "byte_stream_split"}};
  for (const auto& [type, column, encoding] : all) {
    const auto part = WriteWithField(type, *column, {});
    const auto layout = ReadPartLayout(part).value();
    const auto report = ParseCompressionReport(layout.key_values.at(std::string(kCompressionKey)));
    EXPECT_TRUE(report.columns.at("field").chosen.starts_with(encoding))
        << encoding << ": " << layout.key_values.at(std::string(kCompressionKey));
    // One of a hundred is what may be given for being read faster.
    const int64_t chosen = FactsOf(part, "field").bytes;
    for (const char* fixed : {"none", "lz4", "snappy", "zstd:1", "zstd:3", "zstd:9"}) {
      const auto other = WriteWithField(
          type, *column, {.adaptive = false, .fixed = ParseCompression(fixed).value()});
      EXPECT_LE(chosen, FactsOf(other, "field").bytes * 102 / 100) << encoding << " " << fixed;
    }
  }
}

TEST(ScalarChunkWriter, ADictionaryNeverGrowsBeyondAPage) {
  // Each value stands there ten times, so a dictionary would pay, but a fetch would have to decode
  // it.
  const auto large = MakeColumn(FieldType::kString, 10'000, [](Column& column, size_t row) {
    column.AppendString(std::string(100, 'x') + std::to_string(row % 1000));
  });
  EXPECT_FALSE(FactsOf(WriteWithField(FieldType::kString, large), "field").dictionary);
}

TEST(ScalarChunkWriter, ConstantAndAbsentColumnsCostNextToNothing) {
  constexpr size_t kRows = 100'000;
  const auto constant = MakeColumn(FieldType::kString, kRows, [](Column& column, size_t) {
    column.AppendString("the same for all");
  });
  const auto part = WriteWithField(FieldType::kString, constant);
  for (const char* name : {"field", "_timestamp", "_ingested_at", "_expires_at", "_payload"}) {
    EXPECT_LT(FactsOf(part, name).bytes, static_cast<int64_t>(kRows / 25)) << name;
  }
}

TEST(ScalarChunkWriter, IdsTimesIndexesAndFilterStayInTheirBudget) {
  // 3 % of a row of 128 floats are 15.4 bytes; the levels of the vector take 5, the id table 5.5.
  constexpr size_t kRows = 131'072;
  Column absent(FieldType::kString);
  for (size_t row = 0; row < kRows; ++row) absent.AppendNull();
  const auto part = WriteWithField(FieldType::kString, absent);
  const int64_t vector_bytes = FactsOf(part, "_vector").bytes;
  const double per_row =
      (static_cast<double>(part.size()) - static_cast<double>(vector_bytes)) / kRows;
  EXPECT_LT(per_row, 4.5);
}

TEST(ScalarChunkWriter, DoublesWithANotANumberHaveNoBounds) {
  const auto column = [](double last) {
    return MakeColumn(FieldType::kFloat64, 100, [last](Column& target, size_t row) {
      target.AppendFloat64(row == 99 ? last : static_cast<double>(row));
    });
  };
  EXPECT_TRUE(FactsOf(WriteWithField(FieldType::kFloat64, column(7)), "field").has_bounds);
  EXPECT_FALSE(
      FactsOf(WriteWithField(FieldType::kFloat64, column(std::nan(""))), "field").has_bounds);
}

TEST(ScalarChunkWriter, LongTextsMakeShortPages) {
  const auto texts = MakeColumn(FieldType::kString, 3000, [](Column& column, size_t row) {
    column.AppendString(std::string(4000, static_cast<char>('a' + row % 26)));
  });
  const CollectionSchema schema{
      .dim = 1, .metric = Metric::kL2, .fields = {{"field", FieldType::kString}}};
  const auto reader = OpenPart(WriteWithField(FieldType::kString, texts), schema).value();
  for (size_t page = 0; page < reader->PageCount("field"); ++page) {
    EXPECT_LE(reader->PageRows("field", page).count, 300U);
  }
  EXPECT_EQ(ReadWholeColumn(*reader, "field", FieldType::kString).value(), texts);
}

}  // namespace
}  // namespace viper::parquet
