#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bitmap.h"
#include "parquet/checkpoint_file.h"
#include "viper/file_system.h"

namespace viper::storage {

/// Deletion vectors of the Delta protocol ("Deletion Vectors", "Deletion Vector Format"): the rows
/// of a data file that are no longer part of the table, by their number in the file. The vectors of
/// one commit lie in one file under `_dv/`: hidden from bare Parquet readers, and from the vacuum
/// of writers that know of no deletion vectors. docs/format/table.md has the bytes.
using parquet::DeletionVectorDescriptor;

/// Two descriptors of one file are the same vector if these are alike.
std::string DeletionVectorId(const DeletionVectorDescriptor& descriptor);

/// The file that a descriptor names, relative to the table; nullopt if it is inline. Corruption for
/// a name that is none; Unsupported for a file that is not below the table.
Result<std::optional<std::string>> DeletionVectorPath(const DeletionVectorDescriptor& descriptor);

/// A file of deletion vectors, to be written under the name that goes with `uuid`.
class DeletionVectorFile {
 public:
  explicit DeletionVectorFile(std::string uuid);
  /// Add the rows that are set, of which there must be one. Returns where they will be found.
  DeletionVectorDescriptor Add(const Bitmap& rows);
  bool empty() const { return bytes_.size() <= 1; }
  /// Relative to the table.
  std::string path() const;
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  const std::string uuid_;
  std::vector<std::byte> bytes_;
};

/// Read the vector of a file with `row_count` rows, as bits of them. Corruption, naming the file
/// and what is wrong: a checksum, a size, a number of rows other than the descriptor's, a row past
/// the end. NotFound if the file is gone.
Result<Bitmap> ReadDeletionVector(FileSystem& file_system, const std::string& table_directory,
                                  const DeletionVectorDescriptor& descriptor, uint64_t row_count);

/// The rows of a vector as the protocol stores them ("Portable" serialization), and back.
/// Corruption as above.
std::vector<std::byte> EncodeDeletionVector(const Bitmap& rows);
Result<Bitmap> DecodeDeletionVector(std::span<const std::byte> bytes, uint64_t row_count);

}  // namespace viper::storage
