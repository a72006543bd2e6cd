#include "parquet/sparse_chunk_writer.h"

#include <algorithm>
#include <memory>

#include <parquet/exception.h>

#include "parquet/sparse_page.h"

namespace viper::parquet {
namespace {

template <typename Encode>
int64_t WriteLeaf(const ChunkPlace& place, const ColumnCoding& coding,
                  std::span<const std::byte* const> rows, size_t dim, const SparsePlan& plan,
                  const Encode& encode) {
  DataPageWriter pages(place, coding);
  const size_t rows_per_page = plan.row_count == 0 ? rows.size() : plan.rows_per_page;
  int64_t written = 0;
  for (size_t first = 0; first < rows.size(); first += rows_per_page) {
    const size_t count = std::min(rows_per_page, rows.size() - first);
    const SparsePage page = MakeSparsePage(rows, dim, plan.is_sparse, {first, count});
    PARQUET_ASSIGN_OR_THROW(const std::shared_ptr<::arrow::Buffer> body,
                            ::arrow::ConcatenateBuffers(
                                {std::make_shared<::arrow::Buffer>(
                                     page.levels.data(), static_cast<int64_t>(page.levels.size())),
                                 encode(page, coding.encoding)}));
    written += pages.Write(body, page.level_count, first);
  }
  pages.Close();
  return written;
}

}  // namespace

int64_t WriteIndicesChunk(const ChunkPlace& place, const ColumnCoding& coding,
                          std::span<const std::byte* const> rows, size_t dim,
                          const SparsePlan& plan) {
  return WriteLeaf(place, coding, rows, dim, plan, EncodeIndices);
}

int64_t WriteValuesChunk(const ChunkPlace& place, const ColumnCoding& coding,
                         std::span<const std::byte* const> rows, size_t dim,
                         const SparsePlan& plan) {
  return WriteLeaf(place, coding, rows, dim, plan, EncodeValues);
}

}  // namespace viper::parquet
