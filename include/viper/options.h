#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "viper/clock.h"
#include "viper/file_system.h"
#include "viper/filter.h"
#include "viper/schema.h"

namespace viper {

/// What a write has survived when the call returns.
enum class Durability : uint8_t {
  /// kill -9 and power loss: the log is synced before the call returns. The default.
  kSync = 0,
  /// kill -9 at once, power loss after `sync_interval_ms`: the log is synced in the background.
  kInterval = 1,
  /// kill -9 only; the operating system decides when bytes reach the disk.
  kNone = 2,
};

/// Return "sync", "interval" or "none".
VIPER_EXPORT std::string_view DurabilityName(Durability durability);
VIPER_EXPORT Result<Durability> ParseDurability(std::string_view name);

/// How rows that were replaced or deleted leave the table at a flush.
enum class DeleteMode : uint8_t {
  /// Files of which little is left, or little to copy, are written anew without them; of others a
  /// deletion vector says which rows are dead. The default.
  kAuto = 0,
  /// Every file is written anew: readers that know no deletion vectors read the table, at the price
  /// of copying a file for one deleted row. (A table that has deletion vectors keeps those of the
  /// files that are not touched. Files with columns of another writer that the collection does not
  /// read get vectors all the same: a copy would lose those columns.)
  kRewrite = 1,
  /// No file is copied, unless nothing is left of it.
  kVectors = 2,
};

/// Return "auto", "rewrite" or "vectors".
VIPER_EXPORT std::string_view DeleteModeName(DeleteMode mode);
VIPER_EXPORT Result<DeleteMode> ParseDeleteMode(std::string_view name);

/// What the files of a table are made for, where both cannot be had.
enum class StoragePolicy : uint8_t {
  /// Fast reads: vectors lie uncompressed in the files and are read where they lie, unless a sample
  /// shows that reading them compressed costs less. The default.
  kSpeed = 0,
  /// Few bytes: vectors are compressed too, where a sample shows that it saves any, and decoded
  /// through a cache (EngineOptions::vector_cache_bytes).
  kSize = 1,
};

/// Return "speed" or "size".
VIPER_EXPORT std::string_view StoragePolicyName(StoragePolicy policy);
VIPER_EXPORT Result<StoragePolicy> ParseStoragePolicy(std::string_view name);

/// How vectors lie in the files of a table where many of their components are zero.
enum class VectorFormat : uint8_t {
  /// Always with all their components.
  kDense = 0,
  /// Every sparse vector (EngineOptions::sparsity_threshold) by those that are not zero.
  kSparse = 1,
  /// As kSparse in each row group of a file where encoding a sample both ways shows that it pays,
  /// else as kDense. The default.
  kAdaptive = 2,
};

/// Return "dense", "sparse" or "adaptive".
VIPER_EXPORT std::string_view VectorFormatName(VectorFormat format);
VIPER_EXPORT Result<VectorFormat> ParseVectorFormat(std::string_view name);

/// A codec of Parquet, in the order of how fast it is read.
enum class Codec : uint8_t { kNone = 0, kLz4 = 1, kSnappy = 2, kZstd = 3, kGzip = 4, kBrotli = 5 };

/// How bytes of files are compressed.
struct VIPER_EXPORT Compression {
  Codec codec = Codec::kZstd;
  /// Of Zstandard 1 to 22, of gzip 1 to 9, of Brotli 1 to 11; others have none, and pass it over.
  int level = 3;

  /// OK, or InvalidArgument naming the member that is wrong, its value and what the codec allows.
  Status Validate() const;
  friend bool operator==(const Compression&, const Compression&) = default;
};

/// Return "none", "lz4", "snappy", "zstd:LEVEL", "gzip:LEVEL" or "brotli:LEVEL". To parse, "zstd"
/// alone means level 3, "gzip" 6 and "brotli" 4.
VIPER_EXPORT std::string CompressionName(const Compression& compression);
VIPER_EXPORT Result<Compression> ParseCompression(std::string_view name);

/// How an engine works. Nothing here changes what is answered.
struct VIPER_EXPORT EngineOptions {
  /// Open for reading only: takes no lock, writes nothing, sees everything that was acknowledged
  /// when the collection was opened or last refreshed, also while another process writes.
  bool read_only = false;
  Durability durability = Durability::kSync;
  /// Only for kInterval: at most this long until an acknowledged write is on disk. 1 to 60,000 ms.
  uint32_t sync_interval_ms = 100;
  /// Rows in memory are flushed to the table when they take this many bytes. 1 MiB to 16 GiB.
  size_t flush_bytes = size_t{64} << 20;
  /// Rows in memory are flushed when the oldest is this old; 0 = never by age. In milliseconds.
  uint32_t flush_age_ms = 60'000;
  /// How a flush takes out of the table what was replaced or deleted. The first deletion vector
  /// raises the table's Delta protocol to (3,7), which some readers refuse (docs/format/table.md).
  DeleteMode delete_mode = DeleteMode::kAuto;
  /// Flush by size and age in a background thread. Off: only Flush() writes the table, except that
  /// a write that finds four times flush_bytes in memory flushes first.
  bool background_flush = true;
  /// Files of the table grow to about so many bytes of vectors. 1 MiB to 4 GiB.
  uint64_t part_bytes = uint64_t{256} << 20;
  /// For files that are written from now on; what is there stays as it is until it is written anew.
  StoragePolicy storage_policy = StoragePolicy::kSpeed;
  /// Likewise. What is stored sparse is decoded through a cache (vector_cache_bytes).
  VectorFormat vector_format = VectorFormat::kAdaptive;
  /// A vector counts as sparse if more than this share of its components is 0.0. At 0.5 it takes
  /// fewer bytes by its components with their indices, 8 each, than by all components, 4 each. 0
  /// to 1.
  double sparsity_threshold = 0.5;
  /// Choose encoding and codec of each column of a file by encoding a sample of its values in
  /// several ways; the choice and its reasons are in the file (Engine::Inspect). Off: every column,
  /// that of the vectors too, has the codec `compression`, whatever its values are.
  bool adaptive_compression = true;
  Compression compression = {};
  /// Merge small files, and write files anew that have many dead rows, in a background thread. Off:
  /// only Collection::Compact does.
  bool background_compaction = true;
  /// The background looks so often for what has expired, and for what only old versions need; after
  /// each flush it looks in any case. 1 to 86,400,000 ms.
  uint32_t compaction_interval_ms = 60'000;
  /// Threads of Collection::Compact, each of which writes other files anew; 0 = as search_threads.
  /// The background has one, or as many as are set here. At most 256.
  uint32_t compaction_threads = 0;
  /// Bytes a second that compaction copies at most; 0 = as fast as it can.
  uint64_t compaction_bytes_per_second = 0;
  /// Of collections that Engine::InsertVector creates.
  Metric default_metric = Metric::kCosine;
  /// Metadata keys that become declared fields of the collections that Engine::InsertVector writes
  /// to, each with the type of the first value of it that is written. Each as Field::name.
  std::vector<std::string> filterable_fields = {};
  /// Records are invisible, and in time removed, from their `expires_at` on. Off: that time is
  /// stored and read, and nothing follows from it until an engine opens the table with it on.
  bool enforce_expiry = true;
  /// Files that the table needs no longer are kept so long for those who read an older version, in
  /// milliseconds; 0 = not at all. Whoever has them open reads on in any case. Only of tables that
  /// do not say it themselves (CollectionProperties::retention_ms).
  int64_t retention_ms = int64_t{3600} * 1000;
  /// Versions of the table that are kept at most, whatever retention_ms says: with it the files and
  /// the entries of the table's log are bounded however fast it is written. 1 to 1,000,000. Not of
  /// tables that have a retention of their own.
  uint32_t retained_versions = 1000;
  /// Place rows in learned clusters and search by them, through the index. Off: an index that is
  /// there is not read, none is built, and every search compares every record, exactly.
  bool enable_clustering = true;
  /// Clusters of models that are trained from now on; 0 = one for every 250 rows. At most
  /// 1,048,576; there are no more than rows, and fewer than asked for where training finds that
  /// some would be empty or memory does not suffice.
  uint32_t index_clusters = 0;
  /// Build and keep up the index in a background thread. Off: only Collection::BuildIndex does.
  bool background_index = true;
  /// Below so many records in the table there is no index, and every one is compared. 1 or more.
  uint64_t index_min_rows = 1'000;
  /// Keep in the index, beside the 1-bit codes, a byte for each component of a vector. Off: the
  /// index takes a bit for each component and eight bytes a row, and a search reads the floats of
  /// every row that its code lets through, instead of a few. For what is built from now on; both
  /// kinds may lie beside each other.
  bool index_byte_rows = true;
  /// Bytes that a build of the index takes in memory at most, for training and for the clusters of
  /// its rows. Where that does not hold the sample that a model is best trained on, a smaller one
  /// is taken, and the log told; where it is too small for that (64 rows for each of 1/32 of the
  /// clusters, or 8 bytes for each row of a segment), the build fails: ResourceExhausted. 1 MiB to
  /// 16 TiB.
  size_t index_memory_bytes = size_t{1} << 30;
  /// Threads for Collection::BuildIndex; 0 = as search_threads. Builds in the background use one,
  /// and beside a training another for what is written meanwhile. At most 256.
  uint32_t index_threads = 0;
  /// Share of the queries answered through the index that are asked again exactly, in a thread of
  /// low priority, to learn the recall that they had (IndexReport::audit). 0 = none, at most 1.
  double audit_share = 0.001;
  /// Write a checkpoint of the table log every so many commits. 1 to 10,000.
  uint32_t checkpoint_interval = 20;
  /// Threads for one large search or one batch, the caller's among them: a single query too is
  /// divided where there is enough to scan, and through the index may then miss other rows, though
  /// not more. 0 = one per core. At most 256.
  uint32_t search_threads = 0;
  /// Bytes that the engine's collections take in memory together: rows that are not in the table
  /// yet, with their codes; caches, by what they may grow to; builds of the index; files being
  /// written. Mapped files are not counted: the system takes their pages back when it wants. Under
  /// a limit, rows are flushed from an eighth of it on, caches are smaller, indexes are trained on
  /// fewer rows and files have smaller row groups; a write that finds no room waits, and an atomic
  /// one that never would is refused (ResourceExhausted). 0 = no common limit, else 64 MiB or more.
  /// Engine::Memory tells what is taken.
  uint64_t memory_limit = 0;
  /// A write that waits for room in memory gives up after this long, by a steady clock:
  /// DeadlineExceeded, and nothing of it is written. In milliseconds, 1 to 3,600,000.
  uint32_t write_timeout_ms = 60'000;
  /// Bytes kept for reads, per collection: three quarters for decoded metadata columns, a quarter
  /// for which rows match the filters in use (half a byte or less a record and filter). 0 or more.
  size_t cache_bytes = size_t{64} << 20;
  /// Bytes kept, per collection, of decoded vectors of files that have them compressed; others are
  /// read where they lie. 0 or more.
  size_t vector_cache_bytes = size_t{64} << 20;
  /// Count and time what collections are asked to do (Collection::Operations): two looks at the
  /// clock and a few additions a call.
  bool operation_metrics = true;
  /// Open a collection whose log is damaged before its end by giving up the records from this
  /// sequence number on, as the refusal's message names it; 0 = refuse.
  uint64_t accept_loss_from = 0;
  /// Not owned; must outlive the engine. Null = FileSystem::Local() and Clock::System().
  FileSystem* file_system = nullptr;
  const Clock* clock = nullptr;
  /// Called with one line when something worth an operator's look happens (a torn log tail was cut,
  /// a background flush failed). May be called from any thread. Null = silent.
  std::function<void(std::string_view line)> log = {};

  /// OK, or InvalidArgument naming the member that is wrong and its value.
  Status Validate() const;
};

/// Which parts of a record a read returns. Leaving things out saves their reading.
struct Projection {
  /// Return the vector.
  bool vector = false;
  /// Return the metadata.
  bool metadata = true;
  /// Only these top-level metadata keys; empty = all.
  std::vector<std::string> fields = {};
  /// Return the record's version.
  bool version = false;
  /// Return the vector by its components that are not zero, whichever way it was written and lies
  /// in the files.
  bool sparse_vector = false;
};

struct SearchOptions {
  /// How many hits at most. 0 gives none.
  size_t k = 10;
  /// Only records that match.
  Filter filter = {};
  Projection projection = {};
  /// Share of the true k nearest to find on average, above 0 and below 1: the index looks as far as
  /// that takes. Distances are exact whatever it is. Without an index
  /// (EngineOptions::index_min_rows) every record is compared.
  double recall = 0.95;
  /// Clusters of the index to look into, in place of what `recall` says; 0 = by recall.
  size_t nprobe = 0;
  /// Compare the query with every matching record.
  bool exact = false;
  /// Read the floats of at most this many records (or k, if that is more), the best by their
  /// quantized rows, in place of all that by their bounds may be among the k nearest; 0 = by
  /// bounds. For an index with a second stage only.
  size_t rerank = 0;
  /// Give up after this time, by the engine's clock: DeadlineExceeded; 0 = never. A batch has it
  /// together. In milliseconds.
  uint64_t timeout_ms = 0;
  /// Give up when it says so, from whichever thread: Cancelled.
  std::stop_token stop = {};
};

struct ScrollOptions {
  /// Start after this id; empty = from the first.
  std::string after = {};
  /// How many records at most. 1 to 100,000.
  size_t limit = 100;
  Filter filter = {};
  Projection projection = {.vector = true, .metadata = true, .fields = {}};
};

/// How a bulk load works (Collection::Load).
struct LoadOptions {
  /// Names this load, so that a repeated call after a crash goes on where the last durable commit
  /// was: the rows already in the table are skipped. Must identify the input's content. Empty = not
  /// resumable.
  std::string resume_key = {};
  /// Rows are committed (made durable and visible) when they take this many bytes. 1 MiB to 4 GiB.
  size_t commit_bytes = size_t{128} << 20;
  /// Called after each batch read and after each commit. Return false to stop: what is committed
  /// stays.
  std::function<bool(uint64_t rows_read, uint64_t rows_committed)> progress = {};
};

}  // namespace viper
