#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "viper/storage_trial.h"

namespace viper {

/// How Collection::Compact works.
/// A run is about the files that there are when it begins: what is flushed meanwhile is left to the
/// next one.
struct CompactOptions {
  /// Tell what would be done, and change nothing.
  bool dry_run = false;
  /// Merge whatever is small, drop every dead row, and give fields that were declared later their
  /// columns (Collection::AddFields), whether it pays or not.
  bool everything = false;
  /// Write every file that there is when the run begins anew, whether anything is wrong with it or
  /// not: fields that were declared later get their columns, and encodings are chosen again under
  /// the engine's options of now.
  bool rewrite_all = false;
  /// Write every file anew that lacks columns of fields that were declared later
  /// (Collection::AddFields).
  bool fill_columns = false;
  /// Put the rows of files that are written together in the order of the clusters of the index, so
  /// that a search reads what it looks at from fewer places. Without an index they stay as they
  /// are.
  bool order_by_cluster = false;
  /// Merge at most so many files in one step, at least 2; 0 = no limit but `part_bytes`.
  uint32_t files_per_step = 0;
  /// If set, this and nothing else: write every file anew of whose rows at least this share has
  /// expired (0 to 1; of 0 one row is enough), whether it pays or not, and drop those of which no
  /// row is left.
  std::optional<double> expired_share_min = {};
  /// If set: as `rewrite_all`, and whatever this run writes has its columns in this way, whatever
  /// the engine's options say. What is written by others, or later, is written by those.
  std::optional<StorageWay> rewrite_as = {};
  /// Apply every deletion vector, and give the table back the Delta protocol that it had without
  /// them, so that readers open it that know none. Versions from before keep theirs.
  bool fold_deletion_vectors = false;
  /// Files grow to about this size. 1 MiB to 4 GiB; 0 = EngineOptions::part_bytes.
  uint64_t part_bytes = 0;
  /// Threads, each of which writes other files anew; 0 = EngineOptions::compaction_threads.
  uint32_t threads = 0;
  /// Copy no more than this; 0 = EngineOptions::compaction_bytes_per_second.
  uint64_t bytes_per_second = 0;
  /// Is told the share done, 0 to 1, by one thread at a time, also while another run is waited for;
  /// stops the work by returning false: Cancelled. What was committed stays.
  std::function<bool(double share)> progress = {};
};

/// Files that were replaced together.
struct CompactionStep {
  /// Below the table's directory.
  std::vector<std::string> files;
  /// Why: "4 small files", "31 % dead rows", "6.2 % dead rows, which cost searches 1.8 s", "all
  /// rows expired" (nothing was read or written), ...
  std::string reason;
  uint64_t bytes_before = 0;
  /// As predicted when the step was planned, taking all rows of a file for alike.
  uint64_t predicted_bytes = 0;
  uint64_t predicted_files = 0;
  /// By how fast files were written anew since the collection was opened; absent before the first.
  std::optional<double> predicted_seconds;
  /// What searches have spent on dead rows of the files since the collection was opened, by a
  /// sample of those that went through the index.
  double wasted_seconds = 0;
  /// Of the files that were written; 0 in a dry run.
  uint64_t bytes_after = 0;
  uint64_t files_after = 0;
  /// Rows that were left out: dead or expired. As counted before in a dry run.
  uint64_t dropped_rows = 0;
  /// By the clock; 0 in a dry run. Steps of several threads overlap.
  double seconds = 0;
};

/// What a compaction did, or would do.
struct CompactionReport {
  std::vector<CompactionStep> steps;
  /// Files of the table and their bytes, before and after; in a dry run as predicted.
  uint64_t files_before = 0;
  uint64_t files_after = 0;
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
  /// The table's Delta protocol was lowered; in a dry run: it would be.
  bool lowered_protocol = false;
};

/// What of a collection's files has expired (Collection::ReportExpiry), by its records' own
/// `expires_at`. Expired records are not read any more in any case.
struct ExpiryReport {
  /// Rows of the files, those of them that have expired and are still alive otherwise, and the
  /// bytes that they take, taking all rows of a file for alike.
  uint64_t rows = 0;
  uint64_t expired_rows = 0;
  uint64_t bytes = 0;
  uint64_t expired_bytes = 0;
  /// Files; those that have an expired row; those of which all rows have expired, which can be
  /// dropped without reading them.
  uint64_t files = 0;
  uint64_t files_with_expired = 0;
  uint64_t files_all_expired = 0;

  double expired_share() const {
    return rows == 0 ? 0 : static_cast<double>(expired_rows) / static_cast<double>(rows);
  }
};

/// How Collection::Vacuum works.
struct VacuumOptions {
  /// Files that the table has not needed for this long are removed, in milliseconds; versions from
  /// before cannot be read any more. -1 = CollectionProperties::retention_ms, or, where the table
  /// has none, EngineOptions::retention_ms. Less than a table's own is refused.
  int64_t retention_ms = -1;
  bool dry_run = false;
};

/// What a vacuum removed, or would remove.
struct VacuumReport {
  /// Below the table's directory.
  std::vector<std::string> files;
  uint64_t bytes = 0;
};

}  // namespace viper
