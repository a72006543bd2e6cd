#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "parquet/leaf_pages.h"
#include "parquet/part_file.h"
#include "parquet/part_footer.h"
#include "parquet/vector_page_stream.h"

namespace viper::parquet {

/// Finds, checks and, where it must, decodes the floats of `_vector`: where they lie in the file as
/// they are, FindPages finds them; else pages().Find() finds what DecodePage decodes. Immutable,
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

  /// Its pages; where none is compressed, the floats may lie in the file as they are.
  const LeafPages& pages() const { return pages_; }

  /// Check pages that somebody remembered: without gaps or overlaps, inside the file.
  Status CheckPages(const std::vector<VectorPage>& pages) const;

  /// Decode one of pages().Find(). Corruption naming the row for an absent vector, a null
  /// component, a wrong length, a component that is not finite; ResourceExhausted above
  /// `bytes_max`.
  Result<std::vector<float>> DecodePage(const EncodedPage& page, size_t bytes_max) const;

 private:
  VectorColumnReader(LeafPages pages, size_t dim) : pages_(pages), dim_(dim) {}
  const PartFooter& footer() const { return pages_.footer(); }
  Result<bool> FindPagesOfGroup(size_t row_group, bool verify,
                                std::vector<VectorPage>& pages) const;

  LeafPages pages_;
  size_t dim_;
};

}  // namespace viper::parquet
