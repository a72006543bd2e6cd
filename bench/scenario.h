#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "measurement.h"
#include "viper/result.h"

namespace viper::bench {

/// What the command line says about a run.
struct RunOptions {
  /// Folder with `base.fvecs`, `queries.fvecs` (l2, 128 dimensions); empty or absent = seeded data
  /// of the same shape.
  std::string data_folder;
  /// A Parquet file of the same rows with `id` and two metadata columns; empty = that case is
  /// skipped.
  std::string parquet_path;
  /// Scratch folder on the disk to measure. Emptied by the run.
  std::string work_folder;
  size_t rows = 1'000'000;
  /// Rounds of every measurement; contenders alternate within a round.
  size_t rounds = 5;
  /// How long one round of the single-row inserts lasts, in milliseconds.
  size_t insert_round_ms = 1000;
  /// How long the mix of `lifecycle` lasts, in seconds.
  size_t lifecycle_seconds = 60;
  /// This program's own file, to start it afresh.
  std::string program;
};

/// The engine beside itself: searches with the index and without; adding rows to an index beside
/// building it anew.
Status RunAblation(const RunOptions& options, Report& report);
/// Bytes read per second by a search of one thread, beside a plain streaming read of the same
/// mapping; a batch of 64 queries beside single ones; for each metric.
Status RunExact(const RunOptions& options, Report& report);
/// Rows per second of a durable bulk load, from .fvecs and from Parquet, beside a plain durable
/// write of the same floats.
Status RunImport(const RunOptions& options, Report& report);
/// Durable single-row inserts per second with 1, 8 and 64 threads, beside a bare loop of
/// append + fdatasync of records of the same size.
Status RunInsert(const RunOptions& options, Report& report);
/// Nanoseconds of each kernel of search, by level and dimension, on data in the cache.
Status RunKernels(const RunOptions& options, Report& report);
/// Searches during a steady mix of reads and writes; after half of all rows were overwritten and
/// the table compacted; with three rows in ten deleted. Each beside the same collection fresh from
/// its load.
Status RunLifecycle(const RunOptions& options, Report& report);
/// Microseconds and recall of searches of an indexed table with nothing in memory, with many rows
/// there that are compared one by one, and with them coded; what the coding takes.
Status RunMemory(const RunOptions& options, Report& report);
/// What the modules expect beside what comes: tasks of compaction chosen with a model and without,
/// sizes of merged files, speeds told by advice on compression, latency and bytes at twice the
/// rows.
Status RunModules(const RunOptions& options, Report& report);
/// Time to the first answer and memory of a fresh process.
Status RunReopen(const RunOptions& options, Report& report);
/// Bytes on disk per byte of floats, at 128 and 768 dimensions.
Status RunSize(const RunOptions& options, Report& report);

/// The fresh process of RunReopen: opens, asks, and prints one JSON object.
Status AnswerOnce(const std::string& root, uint64_t start_ns);

}  // namespace viper::bench
