#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/record.h"
#include "viper/schema.h"

namespace viper {

/// A run of records in bulk form: vectors in one block, the rest beside them.
struct RecordBatch {
  /// One per row.
  std::vector<std::string> ids;
  /// `ids.size() x dim`, row-major.
  std::vector<float> vectors;
  /// One per row, or none at all.
  std::vector<Metadata> metadata;
  /// One per row, or none at all.
  std::vector<std::optional<Timestamp>> timestamps;
  std::vector<std::optional<Timestamp>> expirations;

  size_t row_count() const { return ids.size(); }
};

/// A stream of records to load. Not thread-safe. A source reads its input in one pass, with bounded
/// memory, and fails with InvalidArgument or Corruption naming the file and the row (1-based) or
/// byte.
class VIPER_EXPORT RecordSource {
 public:
  virtual ~RecordSource() = default;
  /// Components of each vector, known once opened.
  virtual size_t dim() const = 0;
  /// Rows in all, if the format tells without reading it.
  virtual std::optional<uint64_t> row_count() const = 0;
  /// Share of the input read so far, 0 to 1, if the format tells (text files, which have no
  /// row_count).
  virtual std::optional<double> fraction_read() const { return std::nullopt; }
  /// The metadata columns that the input declares with a type (Parquet; else none).
  virtual const std::vector<Field>& fields() const = 0;
  /// The next rows (at most about 8 MiB of floats); an empty batch at the end.
  virtual Result<RecordBatch> Next() = 0;
  /// Skip the next `count` rows, as cheaply as the format allows; fewer is an error.
  virtual Status Skip(uint64_t count) = 0;
};

/// The file formats that can be read.
enum class FileFormat : uint8_t { kAuto, kParquet, kJsonl, kCsv, kNpy, kFvecs, kBvecs, kIvecs };

/// Accept "parquet", "jsonl"/"ndjson", "csv", "npy", "fvecs", "bvecs", "ivecs", "auto".
VIPER_EXPORT Result<FileFormat> ParseFileFormat(std::string_view name);

/// Which columns of the input mean what. In text formats `_timestamp` and `_expires_at` are ISO
/// 8601 times (the latter also "never", Timestamp::Never), `_ingested_at` is passed over (the
/// engine sets it), `_metadata` (in JSON also `metadata`) is a JSON object with metadata, and every
/// other column or key is a metadata key. In CSV an empty cell is absent, true and false are
/// booleans, what looks like a number is one, the rest are strings.
struct RecordSourceOptions {
  /// kAuto goes by the name's ending.
  FileFormat format = FileFormat::kAuto;
  /// Column or key of the id; empty = "_id" or "id" if there is one, else ids are made from
  /// `id_prefix` and the row's number (from first_row).
  std::string id_column = {};
  std::string id_prefix = {};
  /// The number of the first row: where the numbers go on from another file.
  uint64_t first_row = 0;
  /// Column or key of the vector; empty = "_vector", "vector" or "embedding", else the only column
  /// that holds lists of numbers. In CSV a cell such as "[0.1, 0.2]" or "0.1 0.2 0.3", or, given as
  /// "v*", the columns v0, v1, v2, ...
  std::string vector_column = {};
  /// Components of the vectors of a file that begins with a sparse one, which does not tell; 0 = as
  /// a Parquet file of VIPER's tells, else an error then. Elsewhere the first vector tells.
  size_t dim = 0;
  /// For vector files (npy, *vecs): a JSON Lines file whose line i is the metadata of row i, and
  /// its id if the lines have one.
  std::string metadata_path = {};
  /// Read at most this many rows; 0 = all. Skipped rows count.
  uint64_t limit = 0;
};

/// Open a file of records. NotFound, InvalidArgument (format, missing columns, wrong types) or
/// Corruption (damaged header).
VIPER_EXPORT Result<std::unique_ptr<RecordSource>> OpenRecordSource(
    const std::string& path, const RecordSourceOptions& options = {});

}  // namespace viper
