#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/row_range.h"
#include "columnar/column.h"
#include "columnar/predicate.h"
#include "parquet/column_coding.h"
#include "parquet/part_shape.h"
#include "parquet/sparse_plan.h"
#include "viper/file_system.h"
#include "viper/schema.h"

namespace viper::parquet {

/// Rows on their way into a part, in columns. All of one length.
struct PartRows {
  columnar::StringArray ids;
  std::vector<int64_t> timestamps;   // microseconds
  std::vector<int64_t> ingested_at;  // microseconds
  columnar::Column expires_at{FieldType::kTimestamp};
  /// In the order of the schema's declared fields.
  std::vector<columnar::Column> fields;
  /// What is not declared, as canonical JSON object text; absent when there is nothing.
  columnar::Column payload{FieldType::kString};
  /// One per row: `dim` floats at any byte address, valid until Append returns. Not owned, but
  /// `vector_holders` may hold some of them.
  std::vector<const std::byte*> vectors;
  std::vector<std::shared_ptr<const void>> vector_holders = {};

  size_t row_count() const { return ids.size(); }
};

struct PartWriteOptions {
  /// Floats per row group, in bytes; rows of one Append never share a row group with another's.
  size_t row_group_bytes = size_t{64} << 20;
  /// Rows of a row group at most; 0 = as many as `row_group_bytes` allows.
  size_t row_group_rows = 0;
  PartShape shape = {};
  /// Write minima, maxima and counts of nulls of chunks and pages, and the page index.
  bool has_statistics = true;
  CompressionOptions compression = {};
  SparseOptions sparse = {};
  /// The choices of the parts before this one, if one build writes several; null = its own.
  std::shared_ptr<ColumnChoices> choices = nullptr;
};

/// Where the floats of a run of rows lie.
struct VectorPage {
  RowRange rows;
  /// Bytes from the beginning of the file: of the floats, or of the encoded page where the floats
  /// cannot be mapped.
  uint64_t offset = 0;
  friend bool operator==(const VectorPage&, const VectorPage&) = default;
};

/// What was written, for the table log and the sidecar.
struct PartSummary {
  uint64_t row_count = 0;
  uint64_t row_groups = 0;
  uint64_t file_bytes = 0;
  /// See logical_bytes.h.
  uint64_t logical_bytes = 0;
  /// Bounds over the whole part, by column name; vector and payload have none, list<string> only
  /// counts.
  std::map<std::string, columnar::ColumnBounds, std::less<>> bounds;
  /// An upper bound of the Euclidean norms of the rows, at most 1 % above the largest.
  double max_norm = 0;
  /// The file has the column `_sparse`, and so must its table.
  bool has_sparse_column = false;
  /// Of each row group, the rows that are stored sparse.
  std::vector<uint64_t> sparse_rows;
  /// Empty if the vectors are compressed or encoded, or some are stored sparse: then they are not
  /// mapped.
  std::vector<VectorPage> vector_pages;
  /// CRC-32C of the floats of each vector page.
  std::vector<uint32_t> vector_page_crcs;
};

/// Parquet numbers row groups in 16 bits.
inline constexpr size_t kRowGroupsMax = std::numeric_limits<int16_t>::max();

/// Writes one part: `_id`, `_timestamp`, `_ingested_at`, `_expires_at`, declared fields,
/// `_payload`, `_sparse` where rows are stored sparse, `_vector` last (or as PartShape says), with
/// page index, bloom filter on `_id` and page checksums. How each column is encoded and compressed
/// is chosen by a sample of the first rows, and told in the footer (kCompressionKey). Which rows
/// are stored sparse is chosen for each row group; those of a part whose first row group has none
/// stay dense, but under VectorFormat::kSparse, where every part has the column. After a failure
/// every call fails: the file is torn. Not thread-safe. Does not sync.
class PartWriter {
 public:
  virtual ~PartWriter() = default;
  static Result<std::unique_ptr<PartWriter>> Make(WritableFile& file,
                                                  const CollectionSchema& schema,
                                                  const PartWriteOptions& options);
  /// Append rows (as one or several row groups). InvalidArgument naming the row (in its row group)
  /// for a vector that is not finite, and a time that the file's unit does not reach.
  virtual Status Append(const PartRows& rows) = 0;
  /// Write the footer with this key-value metadata (viper.part, viper.payload_keys, ...), which may
  /// depend on the rows written, and what the writer itself has to tell (kLogicalBytesKey, ...). No
  /// calls after it.
  virtual Result<PartSummary> Finish(const std::map<std::string, std::string>& key_values) = 0;
};

struct PartOpenOptions {
  /// For messages.
  std::string path;
  /// The vector pages if known (from the sidecar): saves the walk over the page headers. They are
  /// checked against the file's bounds and row count.
  std::optional<std::vector<VectorPage>> vector_pages;
  /// A part may have vectors that cannot be mapped (compressed, dictionary, optional): those are
  /// decoded page by page, and no page may take more than this many bytes.
  size_t page_bytes_max = size_t{256} << 20;
};

/// Reads one part of the table, ours or another writer's, straight from the map. Missing columns
/// read as null (an old part after a field was added), integers as floats where the schema says so;
/// columns that the schema does not know are ignored. Immutable after Open, thread-safe. Corruption
/// names the part, the column and the place.
class PartReader {
 public:
  virtual ~PartReader() = default;
  static Result<std::unique_ptr<PartReader>> Open(std::shared_ptr<const MappedFile> file,
                                                  const CollectionSchema& schema,
                                                  const PartOpenOptions& options);

  virtual uint64_t row_count() const = 0;
  virtual const std::map<std::string, std::string>& key_values() const = 0;
  /// True when floats are read from the map (Floats), false when pages are decoded (DecodeVectors).
  virtual bool maps_vectors() const = 0;
  /// In row order, without gaps.
  virtual const std::vector<VectorPage>& vector_pages() const = 0;
  /// Where the page.rows.count x dim floats of a page are; only if maps_vectors().
  virtual const std::byte* Floats(const VectorPage& page) const = 0;
  /// Decode a page (index in vector_pages()) into its floats, row-major; only if not
  /// maps_vectors(). Its checksum is verified, if it has one, and that every row has `dim` finite
  /// components: Corruption that names the page and the row.
  /// Rows that are stored sparse are spread out.
  virtual Result<std::vector<float>> DecodeVectors(size_t page) const = 0;
  /// How many rows of each row group are stored sparse: as our own files tell, of others by
  /// reading a column.
  virtual Result<std::vector<uint64_t>> SparseRowCounts() const = 0;
  /// Check the checksums of all vector pages (those that have one), that every float is finite, and
  /// that every row has its vector once.
  virtual Status VerifyVectors() const = 0;

  /// The type in which the file has a scalar column, if it has it: that of the schema, or kInt64
  /// where the schema says kFloat64 (a part that is older than the widening of a field).
  virtual std::optional<FieldType> StoredType(std::string_view column) const = 0;

  /// The top-level columns of the file that are neither ours nor fields of the schema, another
  /// writer's own.
  virtual std::vector<std::string> UnreadColumns() const = 0;

  /// Pages of a scalar column (`_id`, `_timestamp`, ..., a declared field, `_payload`): runs of
  /// rows that are decoded together. A column that the file lacks has a page of
  /// nulls for each row group.
  virtual size_t PageCount(std::string_view column) const = 0;
  virtual RowRange PageRows(std::string_view column, size_t page) const = 0;
  /// The page that holds a row. O(log pages).
  virtual size_t PageOfRow(std::string_view column, uint64_t row) const = 0;
  /// Decode one page (checksum verified). `_timestamp` and its like come as kTimestamp, `_payload`
  /// as kString.
  virtual Result<columnar::Column> ReadPage(std::string_view column, size_t page) const = 0;
  /// Bounds of a column over each of RowGroups(), from the file's statistics; empty if it has none.
  virtual std::vector<columnar::ColumnBounds> RowGroupBounds(std::string_view column) const = 0;
  /// Those that have rows: other writers' files may have some without, which nobody is told of.
  virtual std::vector<RowRange> RowGroups() const = 0;
};

}  // namespace viper::parquet
