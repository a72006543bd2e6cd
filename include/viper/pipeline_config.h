#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "viper/export.h"
#include "viper/options.h"
#include "viper/result.h"

namespace viper {

/// In which order the rows of a file are written.
enum class SortingOrder : uint8_t {
  /// As they came.
  kNone = 0,
  /// By `timestamp`, the oldest first. The default.
  kByTime = 1,
  /// By the values of metadata keys, one key after the other; records that lack a key come last.
  kByMetadata = 2,
  /// So that similar vectors stand beside each other: cluster after cluster (k-means, trained on
  /// the batch; neighbouring clusters beside each other), in a cluster by the distance to its
  /// centroid. With ProcessingConfig::enable_ml_optimizations off, by the sides of random
  /// hyperplanes on which they lie.
  kBySimilarity = 3,
};

/// Return "none", "by_time", "by_metadata" or "by_similarity".
VIPER_EXPORT std::string_view SortingOrderName(SortingOrder order);
VIPER_EXPORT Result<SortingOrder> ParseSortingOrder(std::string_view name);

/// Rows that are equal by their order stay as they came.
struct SortingStrategy {
  SortingOrder order = SortingOrder::kByTime;
  /// Top-level metadata keys, for kByMetadata only, which needs at least one.
  std::vector<std::string> fields = {};
};

/// Which columns a file has.
enum class FileLayout : uint8_t {
  /// Those of a collection's own files: `_id`, `_timestamp`, `_ingested_at`, `_expires_at`, a typed
  /// column for each declared field, `_payload` with the other metadata, `_vector`. The default.
  kViper = 0,
  /// `id`, `created_at`, `metadata` (all of it, as JSON text), `vector`, and nothing else: for
  /// programs that know such files. Records that expire are refused: there is no column for it.
  kLegacy = 1,
  /// As kViper, with `_timestamp` sorted, in a declared precision, and windows of time kept apart.
  kTimeSeries = 2,
};

/// Return "viper", "legacy" or "time_series".
VIPER_EXPORT std::string_view FileLayoutName(FileLayout layout);
VIPER_EXPORT Result<FileLayout> ParseFileLayout(std::string_view name);

/// In which unit `_timestamp` is stored. Digits below it are cut off, towards the past, and counted
/// (ProcessResult::shortened_times). Nanoseconds reach from 1677 to 2262.
enum class TimePrecision : uint8_t { kMillis = 0, kMicros = 1, kNanos = 2 };

/// Return "ms", "us" or "ns".
VIPER_EXPORT std::string_view TimePrecisionName(TimePrecision precision);
VIPER_EXPORT Result<TimePrecision> ParseTimePrecision(std::string_view name);

/// How windows of time are kept apart: each in row groups of its own, or in a file of its own.
enum class WindowSplit : uint8_t { kRowGroups = 0, kFiles = 1 };

/// For FileLayout::kTimeSeries.
struct TimeSeriesOptions {
  TimePrecision precision = TimePrecision::kMicros;
  /// Windows begin at multiples of this since 1970, in milliseconds. 1 to 100 years. With
  /// kRowGroups it is doubled until 4,096 windows are enough.
  int64_t window_ms = int64_t{3600} * 1000;
  /// With kFiles the name gets the window's beginning: `a.parquet` becomes
  /// `a.20261122T080000.000Z.parquet`. Each file appears as a whole; all of them do not at once.
  WindowSplit split = WindowSplit::kRowGroups;
};

/// How records become rows.
struct ProcessingConfig {
  /// Of records of one id keep the last, and put the rows in order. Off: all are kept, as they
  /// came. Records are checked in any case.
  bool enable_preprocessing = true;
  /// Look at the columns before they are written: leave out optional ones that no record has a
  /// value for, choose encodings by trial, gather statistics (FlushingConfig::enable_statistics),
  /// and describe the row groups in the footer (`viper.row_groups`: windows, and where the vectors
  /// lie: centroid and radius). Off: every column, encoded as its type suggests, and no statistics.
  bool enable_postprocessing = true;
  SortingStrategy sorting = {};
  /// Use trained models. Off: no k-means; kBySimilarity goes by random hyperplanes.
  bool enable_ml_optimizations = true;
  /// Records that are converted together. Bounds the memory that a file takes beside its records,
  /// and its row groups. 1 to 1,048,576.
  size_t batch_size = 65'536;
  FileLayout layout = FileLayout::kViper;
  TimeSeriesOptions time_series = {};
};

/// How files are written.
struct FlushingConfig {
  /// The codec of every column, unless `enable_adaptive_compression` is on.
  Compression compression = {};
  /// Choose the codec of each column by trial too (needs enable_postprocessing). Off: `compression`
  /// is kept to exactly.
  bool enable_adaptive_compression = false;
  /// For trials: fast reads in place, or few bytes.
  StoragePolicy storage_policy = StoragePolicy::kSize;
  /// Write scalar columns whose values repeat as numbers of a dictionary: where each value comes
  /// twice or more on average, and all together take at most 16 KiB. Vectors never are.
  bool enable_dictionary_encoding = true;
  /// Write minima, maxima and counts of nulls of row groups and pages, and the place of each page
  /// (page index). Readers pass over what cannot match by them.
  bool enable_statistics = true;
  /// Rows of a row group at most; also at most ProcessingConfig::batch_size. 1 to 1,048,576.
  size_t row_group_rows = 65'536;
  /// As EngineOptions has them. FileLayout::kLegacy has dense vectors only.
  VectorFormat vector_format = VectorFormat::kAdaptive;
  double sparsity_threshold = 0.5;
  /// Replace a file that exists, at once. Off: AlreadyExists.
  bool overwrite = false;
};

/// How tables of the bound engine are kept tidy.
struct PipelineCompactionConfig {
  /// Schedule what gives back most for each byte that it copies, by the engine's cost model, which
  /// learns from what runs took and searches lost; and train an index again where it has become
  /// worse. Off: merge where there are at least four small files, those with the most first.
  bool enable_ml_compaction = true;
  /// Threads that run tasks, 0 to 64; with 0 tasks wait for CompactionEngine::RunNext.
  uint32_t worker_count = 4;
  /// Size of merged files, in MiB of vectors as floats, or of bytes if those are more: what
  /// compresses well makes smaller files. 1 to 4,096.
  uint32_t target_file_size_mb = 128;
  /// How often to look for what is worth doing. 1 to 86,400,000 ms.
  uint32_t interval_ms = 3'600'000;
  /// Files that one step of a merge reads. 2 to 10,000.
  uint32_t max_files_per_merge = 10;
  /// A collection is clustered anew when its rows lie in their clusters worse than this share of
  /// how they lay at training: 1 / the larger of IndexReport::distance_growth and imbalance_growth.
  /// 0 (never) to 1.
  double reclustering_quality_threshold = 0.8;
  /// How often a task that failed is tried again. 0 to 100.
  uint32_t retries = 2;
};

struct VIPER_EXPORT PipelineConfig {
  ProcessingConfig processing = {};
  FlushingConfig flushing = {};
  PipelineCompactionConfig compaction = {};
  /// With an engine bound, start the workers and the schedule when the pipeline is made. Off: no
  /// threads, and no task runs, until StartBackgroundProcessing. Engines compact by themselves too
  /// (EngineOptions::background_compaction): both go by one lock for each collection, so neither
  /// undoes or repeats what the other did. Turn the engine's off to have the pipeline's alone.
  bool enable_background_processing = true;

  /// OK, or InvalidArgument naming the member, its value and what is allowed; of two that
  /// contradict each other both.
  Status Validate() const;
};

}  // namespace viper
