#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bitmap.h"
#include "base/held_floats.h"
#include "columnar/column.h"
#include "core/column_cache.h"
#include "parquet/part_file.h"
#include "platform/mutex.h"
#include "storage/part_sidecar.h"
#include "storage/table_log.h"
#include "viper/file_system.h"
#include "viper/schema.h"
#include "viper/value.h"

namespace viper::core {

/// Footer key: the undeclared metadata keys of a part's rows, a JSON list of strings.
inline constexpr std::string_view kPayloadKeysKey = "viper.payload_keys";

/// Footer key: the part's own name; files without it are another writer's.
inline constexpr std::string_view kPartKey = "viper.part";

/// Tag of a file in the table log: CRC-32C of its last 64 KiB, as eight hexadecimal digits. The
/// footer says what all other bytes mean, and Parquet itself does not protect it.
inline constexpr std::string_view kFooterCrcTag = "viper.footer_crc32c";

/// Everything that the sidecar of a part holds, from the part itself, whose vectors the caller has
/// verified. `dim` is that of the schema that it was opened with.
Result<storage::SidecarContent> MakeSidecarContent(const parquet::PartReader& reader, size_t dim,
                                                   const storage::PartFingerprint& fingerprint);

/// One immutable data file of the table, open: its columns, its mapped floats, its id table.
/// Thread-safe.
class Part {
 public:
  struct OpenOptions {
    FileSystem* file_system = nullptr;
    std::string table_directory;
    const CollectionSchema* schema = nullptr;
    /// Both outlive the part: for scalars, and for the pages of vectors that must be decoded.
    ColumnCache* cache = nullptr;
    ColumnCache* vector_cache = nullptr;
    /// Write a sidecar that is missing or damaged (writers); else keep it in memory only.
    bool write_sidecar = false;
    /// What the sidecar holds, if the caller has just written the part (its fingerprint apart);
    /// null = read the sidecar, or make it again from the part.
    const storage::SidecarContent* known_content = nullptr;
  };
  /// Open the file that the table log names. `rebuilt_sidecar` of the result tells whether the
  /// derived file had to be made again.
  static Result<std::shared_ptr<const Part>> Open(const storage::AddedFile& added,
                                                  const OpenOptions& options);

  /// As in the table log.
  const storage::AddedFile& added() const { return added_; }
  uint64_t row_count() const { return reader_->row_count(); }
  const parquet::PartReader& reader() const { return *reader_; }
  double max_norm() const { return sidecar_->max_norm(); }
  /// As the footer has it (parquet::kLogicalBytesKey); absent where it does not: older files, and
  /// other writers'.
  std::optional<uint64_t> logical_bytes() const;
  uint64_t sidecar_bytes() const { return sidecar_->file_bytes(); }
  /// What kFooterCrcTag should say of this file.
  const std::string& footer_crc() const { return footer_crc_; }
  /// True if another writer made the file.
  bool is_foreign() const { return is_foreign_; }
  /// Whether floats are read from where they lie in the file; else pages are decoded.
  bool maps_vectors() const { return !decoded_pages_.has_value(); }
  /// Name of the sidecar if it was missing or damaged and was made again; else empty.
  const std::string& rebuilt_sidecar() const { return rebuilt_sidecar_; }

  /// The row that holds this id and is not set in `dead` (null = none is), if any. Reads ids only
  /// where hashes are alike.
  Result<std::optional<uint32_t>> FindId(std::string_view id, uint64_t id_hash,
                                         const Bitmap* dead) const;
  /// All rows that hold this id and are not set in `dead`, rising: several only in another writer's
  /// file.
  Result<std::vector<uint32_t>> FindRowsOfId(std::string_view id, uint64_t id_hash,
                                             const Bitmap* dead) const;
  /// Of several rows of an id in one file the one that counts: the last ingested, and of those the
  /// last. Corruption if there is none: then the sidecar does not know a row that is there.
  Result<uint32_t> NewestOf(std::span<const uint32_t> rows) const;
  /// `_timestamp` or `_ingested_at` of a row in microseconds; for a row of another writer without
  /// it the time of the file.
  Result<int64_t> TimeOf(std::string_view column, uint64_t row) const;
  /// The floats of a row. Fails as OpenPage.
  Result<HeldFloats> Floats(uint64_t row) const;
  /// As Floats, for those who keep many rows: of a page in the cache a copy of the row.
  Result<HeldFloats> FloatsToKeep(uint64_t row) const;
  /// The floats of a vector page (index in reader().vector_pages()): where they are in the map, or
  /// decoded, from the cache of vectors. They are compared with their checksum when first asked for
  /// and whenever they are decoded; Corruption that names the part, the page and its rows if they
  /// have changed: a damaged page never gives an answer.
  Result<HeldFloats> OpenPage(size_t page) const;
  /// Read floats from this file, as long as anybody else holds it, instead of decoding pages: it
  /// has those of all rows, one after the other.
  void ReadFrom(const std::shared_ptr<const MappedFile>& unpacked) const;
  /// The file that floats are read from instead of the part's own; null if there is none.
  std::shared_ptr<const MappedFile> unpacked() const;

  /// The declared fields that it was opened with.
  const std::vector<Field>& fields() const { return fields_; }
  /// Whether the part may have values of a declared field in `_payload` that belong into its
  /// column: the file is older than the declaration, or by a writer who does not know of it. Then
  /// no statistics hold for the field.
  bool BackFills(std::string_view field) const { return back_filled_.contains(field); }
  bool BackFillsAny() const { return !back_filled_.empty(); }
  /// Columns of another writer that are not read: what is copied from the file loses them, so it
  /// stays as it is.
  const std::vector<std::string>& unread_columns() const { return unread_columns_; }
  /// Whether the file has the column of a declared field.
  bool HasColumn(std::string_view field) const {
    return lacking_.empty() || !lacking_.contains(field);
  }

  /// The decoded page of a column that holds `row`, and the row's place in it.
  struct PagePlace {
    ColumnCache::ColumnPointer column;
    size_t index = 0;
  };
  Result<PagePlace> PageOfRow(std::string_view column, uint64_t row) const;
  /// The undeclared metadata of a row, from the text in its `_payload`. Corruption names the row.
  Result<Value::Object> PayloadObject(std::string_view text, uint64_t row) const;
  /// A whole row group of a column; of a declared field the values that a filter is to see, which
  /// is not just what is in its column if the part BackFills it.
  Result<ColumnCache::ColumnPointer> RowGroup(std::string_view column, size_t group) const;
  const std::vector<RowRange>& row_groups() const { return row_groups_; }
  /// The place of a row's id, a string.
  Result<PagePlace> PlaceOfId(uint64_t row) const;
  Result<std::string> IdOf(uint64_t row) const;
  /// Row numbers in the bytewise order of their ids, as an int64 column.
  Result<ColumnCache::ColumnPointer> RowsInIdOrder() const;

  /// Earliest expiry of any row (microseconds), or kNeverExpires when no row expires.
  int64_t first_expiry() const { return first_expiry_; }
  /// Latest expiry of any row, or kNeverExpires when some row does not expire: from this moment on
  /// nothing of the part is seen.
  int64_t last_expiry() const { return last_expiry_; }
  /// Latest `_ingested_at` of any row, as the footer has it; 0 if it does not.
  int64_t last_stamp() const { return last_stamp_; }
  /// Whether some row may have this undeclared top-level metadata key.
  bool MayHaveKey(std::string_view key) const;
  /// Absent when unknown (another writer's file, or too many).
  const std::optional<std::set<std::string, std::less<>>>& payload_keys() const {
    return payload_keys_;
  }

 private:
  /// What may be cached of a scalar column.
  struct CachedColumn {
    CachedColumn(ColumnCache& cache, size_t page_count, size_t group_count)
        : pages(cache, page_count), groups(cache, group_count) {}
    ColumnCache::Runs pages;
    ColumnCache::Runs groups;
  };

  Part() = default;
  Status CheckMappedPage(size_t page) const;
  /// Open the reader, and the sidecar: read, known, or made again.
  Status OpenFiles(const OpenOptions& options, const storage::PartFingerprint& fingerprint);
  void ReadPayloadKeys();
  void CompareFields();
  /// As PartReader::ReadPage; of another writer's file also Corruption for text that is not UTF-8.
  Result<columnar::Column> ReadPage(std::string_view column, size_t page) const;
  Result<columnar::Column> ReadRowGroup(std::string_view column, size_t group) const;
  /// Put the values of a declared field that are in `_payload` where its column has none.
  Result<columnar::Column> BackFill(std::string_view field, size_t group,
                                    const columnar::Column& stored) const;
  Status ReadExpiries();
  /// From the statistics of the row groups; false if they do not tell.
  bool ReadKnownExpiries();
  void ReadLastStamp();
  void MakeCachedColumns(const OpenOptions& options);
  const CachedColumn& CachedColumnOf(std::string_view column) const;

  storage::AddedFile added_;
  size_t dim_ = 0;
  std::vector<Field> fields_;
  /// Of the fields: those whose columns the file lacks, and those that it BackFills.
  std::set<std::string, std::less<>> lacking_;
  std::set<std::string, std::less<>> back_filled_;
  std::vector<std::string> unread_columns_;
  std::shared_ptr<const MappedFile> file_;
  std::unique_ptr<parquet::PartReader> reader_;
  std::unique_ptr<storage::PartSidecar> sidecar_;
  /// Per vector page its CRC-32C, and whether it has been seen to be right. Empty when pages are
  /// decoded, which checks them.
  std::vector<uint32_t> page_crcs_;
  mutable std::vector<std::atomic<bool>> page_is_good_;
  std::vector<RowRange> row_groups_;
  std::map<std::string, CachedColumn, std::less<>> columns_;
  const CachedColumn* ids_ = nullptr;
  /// First row of each page of ids.
  std::vector<uint64_t> id_page_firsts_;
  std::optional<ColumnCache::Runs> id_order_;
  /// Only where vectors are not mapped.
  std::optional<ColumnCache::FloatRuns> decoded_pages_;
  mutable Mutex unpacked_mutex_;
  mutable std::weak_ptr<const MappedFile> unpacked_ VIPER_GUARDED_BY(unpacked_mutex_);
  /// Whether it is worth to take the lock.
  mutable std::atomic<bool> may_be_unpacked_ = false;
  int64_t first_expiry_ = 0;
  int64_t last_expiry_ = 0;
  int64_t last_stamp_ = 0;
  std::optional<std::set<std::string, std::less<>>> payload_keys_;
  bool is_foreign_ = false;
  std::string footer_crc_;
  std::string rebuilt_sidecar_;
};

}  // namespace viper::core
