#include "parquet/vector_chunk_writer.h"

#include <cmath>
#include <limits>

#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/column_reader.h>
#include <parquet/file_reader.h>

#include "parquet/arrow_bridge.h"
#include "parquet/part_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

CollectionSchema PlainSchema(size_t dim) {
  return {.dim = dim, .metric = Metric::kL2, .fields = {}};
}

PartRows RowsOf(const std::vector<float>& floats, size_t dim) {
  PartRows rows;
  for (size_t row = 0; row < floats.size() / dim; ++row) {
    rows.ids.Append(std::to_string(row));
    rows.timestamps.push_back(0);
    rows.ingested_at.push_back(0);
    rows.expires_at.AppendNull();
    rows.payload.AppendNull();
    rows.vectors.push_back(reinterpret_cast<const std::byte*>(floats.data() + row * dim));
  }
  return rows;
}

/// Write the floats as one part.
Result<PartSummary> Write(const std::vector<float>& floats, size_t dim, CollectingFile& file) {
  VIPER_ASSIGN_OR_RETURN(const auto writer, PartWriter::Make(file, PlainSchema(dim), {}));
  VIPER_RETURN_IF_ERROR(writer->Append(RowsOf(floats, dim)));
  return writer->Finish({});
}

TEST(VectorChunkWriter, LibparquetDecodesThePagesThatItDidNotEncode) {
  constexpr size_t kDim = 37;
  const ExampleRows example = MakeExampleRows(20'000, kDim, /*seed=*/4);
  CollectingFile file;
  ASSERT_OK(Write(example.floats, kDim, file));
  ::parquet::ReaderProperties properties;
  properties.set_page_checksum_verification(true);
  const auto reader = ::parquet::ParquetFileReader::Open(
      std::make_shared<::arrow::io::BufferReader>(WrapBytes(file.content)), properties);
  const int leaf = reader->metadata()->num_columns() - 1;
  std::vector<float> floats(example.floats.size());
  std::vector<int16_t> repetition(floats.size());
  std::vector<int16_t> definition(floats.size());
  size_t read = 0;
  const auto group = reader->RowGroup(0);
  const auto column = std::static_pointer_cast<::parquet::FloatReader>(group->Column(leaf));
  while (column->HasNext()) {
    int64_t values = 0;
    read += static_cast<size_t>(
        column->ReadBatch(static_cast<int64_t>(floats.size() - read), definition.data() + read,
                          repetition.data() + read, floats.data() + read, &values));
  }
  EXPECT_EQ(read, floats.size());
  EXPECT_EQ(floats, example.floats);
  for (size_t i = 0; i < repetition.size(); ++i) {
    ASSERT_EQ(repetition[i], i % kDim == 0 ? 0 : 1);
    ASSERT_EQ(definition[i], 1);
  }
}

TEST(VectorChunkWriter, TheOffsetIndexLeadsToThePages) {
  const ExampleRows example = MakeExampleRows(9000, 100, /*seed=*/4);
  CollectingFile file;
  ASSERT_OK(Write(example.floats, 100, file));
  const auto part = OpenPart(file.content, PlainSchema(100)).value();
  const auto reader = ::parquet::ParquetFileReader::Open(
      std::make_shared<::arrow::io::BufferReader>(WrapBytes(file.content)));
  const auto index = reader->GetPageIndexReader()->RowGroup(0)->GetOffsetIndex(
      reader->metadata()->num_columns() - 1);
  ASSERT_EQ(index->page_locations().size(), part->vector_pages().size());
  for (size_t page = 0; page < part->vector_pages().size(); ++page) {
    const ::parquet::PageLocation& location = index->page_locations()[page];
    const VectorPage& found = part->vector_pages()[page];
    EXPECT_EQ(static_cast<uint64_t>(location.first_row_index), found.rows.first);
    EXPECT_LT(static_cast<uint64_t>(location.offset), found.offset);
    EXPECT_EQ(static_cast<uint64_t>(location.offset + location.compressed_page_size),
              found.offset + found.rows.count * 100 * sizeof(float));
  }
}

TEST(VectorChunkWriter, MaxNormBoundsEveryRowClosely) {
  for (const size_t dim : {1, 3, 128, 4099}) {
    const ExampleRows example = MakeExampleRows(50, dim, /*seed=*/8);
    double largest = 0;
    for (size_t row = 0; row < 50; ++row) {
      double sum = 0;
      for (size_t i = 0; i < dim; ++i) {
        const double component = example.floats[row * dim + i];
        sum += component * component;
      }
      largest = std::max(largest, std::sqrt(sum));
    }
    CollectingFile file;
    const double norm = Write(example.floats, dim, file).value().max_norm;
    EXPECT_GE(norm, largest);
    EXPECT_LE(norm, largest * 1.01);
  }
}

TEST(VectorChunkWriter, MaxNormSurvivesOverflowAndUnderflow) {
  CollectingFile large;
  EXPECT_NEAR(Write({3e38F, 0, 1, 1}, 2, large).value().max_norm / 3e38, 1, 1e-6);
  CollectingFile small;
  EXPECT_NEAR(Write({1e-30F, 0}, 2, small).value().max_norm / 1e-30, 1, 1e-6);
  CollectingFile zero;
  EXPECT_EQ(Write({0, 0}, 2, zero).value().max_norm, 0);
}

TEST(VectorChunkWriter, FloatsThatAreNotFiniteAreRefusedByRow) {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    CollectingFile file;
    EXPECT_STATUS(kInvalidArgument, "row=1", Write({1, 2, 3, bad}, 2, file));
  }
}

}  // namespace
}  // namespace viper::parquet
