#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "viper/value.h"

namespace viper {

/// What one collection holds and has done since it was opened. All counted from real events.
struct CollectionStatistics {
  /// Records that a read sees now; absent if that cannot be told (a damaged column).
  std::optional<uint64_t> live_rows;
  /// Of them, in memory only (and in the log).
  uint64_t memory_rows = 0;
  /// Physical rows in the table's files that are overwritten, deleted or expired; absent as
  /// above.
  std::optional<uint64_t> dead_rows;
  uint64_t part_count = 0;
  /// Bytes of the table's live Parquet files.
  uint64_t part_bytes = 0;
  /// Bytes of the records in these files before anything is encoded: 4 for each component of a
  /// vector, those of the id, those of the metadata as JSON without spaces, and 8 for each time.
  /// Absent if a file does not tell (another writer's).
  std::optional<uint64_t> logical_bytes;
  /// Bytes of the derived files beside them (`_viper/index`).
  uint64_t index_bytes = 0;
  /// Bytes of the write-ahead log's files, preallocated space included.
  uint64_t wal_bytes = 0;
  /// Bytes of rows in memory, and of their codes.
  uint64_t memory_bytes = 0;
  /// Bytes kept of which rows match the filters in use (a share of EngineOptions::cache_bytes).
  uint64_t selection_bytes = 0;
  /// Version of the Delta table.
  int64_t table_version = 0;
  /// Sequence number of the newest acknowledged write.
  uint64_t last_sequence = 0;
  /// Sequence number up to which writes are in the table.
  uint64_t flushed_sequence = 0;

  /// Clusters of the index's model, its segments, and the bytes of its files; 0 without an index.
  uint64_t index_clusters = 0;
  /// Clusters that hold rows of the table's files, of deleted ones too until these are written
  /// anew. Without an index 1, or 0 if there are no rows.
  uint64_t active_clusters = 0;
  uint64_t index_segments = 0;
  uint64_t index_segment_bytes = 0;
  /// Physical rows of the table's files that are found through the index.
  uint64_t indexed_rows = 0;
  /// Models trained, rows coded for segments, and rows whose codes were copied from one segment to
  /// another, since the collection was opened.
  uint64_t index_trainings = 0;
  uint64_t index_coded_rows = 0;
  uint64_t index_copied_rows = 0;
  /// How far the training of a model that runs now has come, 0 to 1, by its own estimate; absent if
  /// none runs.
  std::optional<double> index_training_share;

  /// Rows that were written one by one or in batches, or whose metadata were changed.
  uint64_t upserted_rows = 0;
  uint64_t deleted_rows = 0;
  uint64_t searches = 0;
  uint64_t gets = 0;
  uint64_t flushes = 0;
  uint64_t checkpoints = 0;
  /// Steps of compactions, and bytes of the files that they wrote.
  uint64_t compactions = 0;
  uint64_t compacted_bytes = 0;
  uint64_t loaded_rows = 0;
  /// Calls of sync on the log, and records made durable by them: their quotient is the group size.
  uint64_t wal_syncs = 0;
  uint64_t wal_records = 0;
  /// What the last failed background flush said; absent if the newest one succeeded.
  std::optional<std::string> background_error;

  /// logical_bytes over part_bytes: 1 = as many, more is better. Absent without files, or if
  /// logical_bytes is.
  std::optional<double> compression_ratio() const {
    if (!logical_bytes || part_bytes == 0) return std::nullopt;
    return static_cast<double>(*logical_bytes) / static_cast<double>(part_bytes);
  }
  /// The same the other way round: the share of the bytes that is left.
  std::optional<double> stored_fraction() const {
    if (!logical_bytes || *logical_bytes == 0) return std::nullopt;
    return static_cast<double>(part_bytes) / static_cast<double>(*logical_bytes);
  }
};

/// What an engine holds and has done: the sums over the collections that are open in it, each since
/// it was opened.
struct EngineStatistics {
  uint64_t open_collections = 0;
  /// Rows written or deleted, searches, gets, flushes and compactions together.
  uint64_t total_operations = 0;
  /// Rows that were written one by one, in batches, or by loads.
  uint64_t insert_operations = 0;
  uint64_t delete_operations = 0;
  uint64_t search_operations = 0;
  uint64_t get_operations = 0;
  uint64_t flush_operations = 0;
  uint64_t compaction_operations = 0;
  /// CollectionStatistics::part_bytes.
  uint64_t total_storage_size_bytes = 0;
  uint64_t active_clusters = 0;
  /// Bytes of the records over those of their files, of the collections that tell
  /// (CollectionStatistics::compression_ratio); absent if none does.
  std::optional<double> avg_compression_ratio;
  /// How well the clusters that searches look into are chosen: the share of the true k nearest that
  /// searches through the index found, 0 to 1, over all queries that were audited
  /// (EngineOptions::audit_share). Absent until one was.
  std::optional<double> avg_ml_prediction_accuracy;
};

/// Bytes that the collections of an engine take in memory (EngineOptions::memory_limit), as counted
/// where they are taken.
struct MemoryUsage {
  /// 0 = none.
  uint64_t limit = 0;
  /// Rows that are not in the table yet or that a snapshot still holds, and their codes.
  uint64_t rows = 0;
  /// What the caches of the collections may grow to.
  uint64_t caches = 0;
  /// What builds of the index under way have asked for.
  uint64_t index_builds = 0;
  /// What flushes and compactions under way have asked for.
  uint64_t files = 0;

  uint64_t total() const { return rows + caches + index_builds + files; }
};

/// What opening a collection found and did.
struct RecoveryReport {
  /// Writes replayed from the log.
  uint64_t replayed_records = 0;
  /// Bytes of a torn (never acknowledged) tail that were cut, and the file they were in.
  uint64_t torn_bytes = 0;
  std::string torn_file;
  /// Sequence numbers given up at the caller's request (EngineOptions::accept_loss_from).
  uint64_t lost_from = 0;
  uint64_t lost_to = 0;
  /// Leftovers of interrupted work that were removed.
  std::vector<std::string> removed_files;
  /// Derived files that were missing or damaged and were made again.
  std::vector<std::string> rebuilt_files;
};

}  // namespace viper
