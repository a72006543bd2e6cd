#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "parquet/leaf_pages.h"
#include "parquet/list_rows.h"

namespace viper::parquet {

/// Reads the vectors of a part in which some rows are stored sparse: those rows have an empty list
/// in `_vector` and their components in `_sparse`, which is null for all others. Pages of the three
/// leaves need not begin with the same rows. Immutable, thread-safe. The footer must outlive it.
class SparseVectorReader {
 public:
  /// Absent if the file has no column `_sparse` of the type that we write (MakePartSchema; its
  /// parts may be optional): another column of that name is none of ours. `vectors` are the pages
  /// of `_vector`.
  static std::optional<SparseVectorReader> Open(const LeafPages& vectors, size_t dim);

  /// How many rows of each row group are stored sparse, which reads a column. Corruption.
  Result<std::vector<uint64_t>> CountRows() const;

  /// Find the pages, and the runs of rows to decode together: those of one page of our own files,
  /// of others about 16 MiB of floats. Corruption.
  Status FindPages(::parquet::PageIndexReader* page_index);
  const std::vector<EncodedPage>& runs() const { return runs_; }

  /// Decode the floats of one of runs(), row-major. Corruption naming the row where it has no
  /// vector, two, or one that is none: other lengths, indices that do not rise or are not below the
  /// dimension, components that are null or not finite; ResourceExhausted above `bytes_max`.
  Result<std::vector<float>> DecodeRun(const EncodedPage& run, size_t bytes_max) const;

 private:
  SparseVectorReader(const LeafPages& vectors, const LeafPages& indices, const LeafPages& values,
                     size_t dim)
      : vectors_(vectors), indices_(indices), values_(values), dim_(dim) {}
  struct Lists;
  /// Put the floats of one row of the lists where they belong, and go on to the next.
  Status SpreadRow(Lists& lists, size_t row, float* floats) const;

  LeafPages vectors_;
  LeafPages indices_;
  LeafPages values_;
  size_t dim_;
  std::vector<EncodedPage> vector_pages_;
  std::vector<EncodedPage> index_pages_;
  std::vector<EncodedPage> value_pages_;
  /// Place and row group are those of the page of `_vector` that the run begins in.
  std::vector<EncodedPage> runs_;
};

}  // namespace viper::parquet
