#include "parquet/sparse_chunk_writer.h"

#include <memory>

#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/file_reader.h>

#include "parquet/arrow_bridge.h"
#include "parquet/sparse_fixture.h"

namespace viper::parquet {
namespace {

constexpr size_t kDim = 100;

std::vector<std::vector<int64_t>> FirstRowsOfPages(const std::vector<std::byte>& file) {
  const auto reader = ::parquet::ParquetFileReader::Open(
      std::make_shared<::arrow::io::BufferReader>(WrapBytes(file)));
  std::vector<std::vector<int64_t>> all;
  const int leaves = reader->metadata()->num_columns();
  for (int leaf = leaves - 3; leaf < leaves; ++leaf) {
    auto& rows = all.emplace_back();
    const auto index = reader->GetPageIndexReader()->RowGroup(0)->GetOffsetIndex(leaf);
    for (const auto& location : index->page_locations()) rows.push_back(location.first_row_index);
  }
  return all;
}

TEST(SparseChunkWriter, PagesOfAllThreeLeavesBeginWithTheSameRows) {
  const SparseRows made = MakeSparseRows(1000, kDim, 0.05, 7);
  const auto pages = FirstRowsOfPages(
      WritePart(made.rows, {.dim = kDim, .fields = {}}, SparseWriteOptions(VectorFormat::kSparse)));
  EXPECT_EQ(pages[0], pages[1]);
  EXPECT_EQ(pages[0], pages[2]);
  EXPECT_EQ(pages[0].size(), 25U) << "16 KiB of floats each";
}

TEST(SparseChunkWriter, WithoutSparseRowsThereIsOnePageOfNulls) {
  const SparseRows made = MakeSparseRows(1000, kDim, 1, 1);
  const auto pages = FirstRowsOfPages(
      WritePart(made.rows, {.dim = kDim, .fields = {}}, SparseWriteOptions(VectorFormat::kSparse)));
  EXPECT_EQ(pages[0].size(), 1U);
  EXPECT_EQ(pages[1].size(), 1U);
  EXPECT_GT(pages[2].size(), 1U);
}

}  // namespace
}  // namespace viper::parquet
