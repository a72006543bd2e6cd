#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <arrow/io/type_fwd.h>
#include <parquet/page_index.h>

#include "parquet/part_file.h"
#include "parquet/part_footer.h"
#include "parquet/vector_page_stream.h"

namespace viper::parquet {

/// Finds, checks and, where it must, decodes the floats of `_vector`: where they lie in the file as
/// they are, FindPages finds them; else FindEncodedPages finds what DecodePage decodes. Immutable,
/// thread-safe. The footer must outlive it.
class VectorColumnReader {
 public:
  /// Unsupported if the column is no list of floats; Corruption if there is none.
  static Result<VectorColumnReader> Open(const PartFooter& footer, size_t dim);

  /// Walk the page headers and check every level. Absent if the floats of some page do not lie in
  /// the file as they are (compressed, dictionary, another encoding), or lists have other lengths:
  /// DecodePage then says which row is wrong. With `verify` also check checksums and that floats
  /// are finite.
  Result<std::optional<std::vector<VectorPage>>> FindPages(bool verify) const;

  /// Whether no chunk is compressed, so that the floats may lie in the file as they are.
  bool IsUncompressed() const;

  /// Check pages that somebody remembered: without gaps or overlaps, inside the file.
  Status CheckPages(const std::vector<VectorPage>& pages) const;

  /// The smallest runs of whole rows that can be decoded alone: data pages, and where a row goes on
  /// in the next page, both. By the page index (may be null); row groups without one are walked,
  /// which decompresses every page once. Corruption.
  Result<std::vector<EncodedPage>> FindEncodedPages(::parquet::PageIndexReader* page_index) const;
  /// Decode one of them. Corruption naming the row for an absent vector, a null component, a wrong
  /// length, a component that is not finite; ResourceExhausted above `bytes_max`.
  Result<std::vector<float>> DecodePage(const EncodedPage& page, size_t bytes_max) const;

 private:
  VectorColumnReader(const PartFooter& footer, size_t dim, int leaf)
      : footer_(&footer), dim_(dim), leaf_(leaf) {}
  const ::parquet::ColumnDescriptor& descriptor() const;
  std::unique_ptr<::parquet::PageReader> OpenPages(size_t row_group,
                                                   std::shared_ptr<::arrow::io::InputStream> bytes,
                                                   bool verify) const;
  Result<bool> FindPagesOfGroup(size_t row_group, bool verify,
                                std::vector<VectorPage>& pages) const;
  Status WalkPages(size_t row_group, std::vector<EncodedPage>& pages) const;
  /// What lies before the first data page of a chunk: the dictionary page, or nothing.
  Result<FileRange> DictionaryOf(size_t row_group) const;

  const PartFooter* footer_;
  size_t dim_;
  int leaf_;
};

}  // namespace viper::parquet
