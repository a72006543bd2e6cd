#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viper/compaction_engine.h"
#include "viper/engine.h"
#include "viper/export.h"
#include "viper/file_system.h"
#include "viper/pipeline_config.h"
#include "viper/record.h"
#include "viper/result.h"
#include "viper/schema.h"
#include "viper/service.h"

namespace viper {

/// A column of a file that is about to be written.
struct ColumnSummary {
  std::string name;
  FieldType type = FieldType::kString;
  uint64_t row_count = 0;
  uint64_t null_count = 0;
  /// It is an optional column: `drop` may be set.
  bool is_optional = false;
  /// Leave it out. Set for those without a value when it is shown. Refused where the column has
  /// values.
  bool drop = false;
};

/// What a processor sees of a file, and may add to it, before it is written.
struct FileSummary {
  std::string collection;
  uint64_t row_count = 0;
  /// All but that of the vectors.
  std::vector<ColumnSummary> columns;
  /// More key-value pairs for the footer; keys may not begin with "viper.".
  std::map<std::string, std::string> key_values;
};

/// What is done to records on their way into a file. Users may write their own: the hooks are
/// called by whatever thread calls Pipeline::ProcessRecords, several at once if several do.
class VIPER_EXPORT RecordProcessor {
 public:
  virtual ~RecordProcessor() = default;
  /// For results and footers.
  virtual std::string_view name() const = 0;
  /// Change, add, drop or order records, before they are checked: errors count the records that
  /// this leaves. Not called with enable_preprocessing off. Does nothing by default.
  virtual Status Preprocess(std::vector<Record>& records);
  /// Which order the rows get, given the one that is configured.
  virtual SortingStrategy Sorting(const SortingStrategy& configured) const { return configured; }
  /// Rows of different windows of this length get row groups of their own; 0 = there are none. In
  /// milliseconds. FileLayout::kTimeSeries has its own.
  virtual int64_t window_ms() const { return 0; }
  /// Look at the columns before they are written. Not called with enable_postprocessing off. Does
  /// nothing by default.
  virtual Status Postprocess(FileSummary& file);
};

/// The order that is configured. Used where none is given.
VIPER_EXPORT std::shared_ptr<RecordProcessor> MakeStandardProcessor();
/// SortingOrder::kBySimilarity, whatever is configured.
VIPER_EXPORT std::shared_ptr<RecordProcessor> MakeSimilarityProcessor();
/// SortingOrder::kByTime, with row groups for each window. InvalidArgument: window not 1 ms to 100
/// years.
VIPER_EXPORT Result<std::shared_ptr<RecordProcessor>> MakeTimeSeriesProcessor(int64_t window_ms);

/// A column as it lies in a file.
struct WrittenColumn {
  /// Dotted, as in "_vector.list.element".
  std::string name;
  /// As Parquet spells them, of levels and dictionaries too.
  std::vector<std::string> encodings;
  std::vector<std::string> codecs;
  uint64_t bytes = 0;
};

/// A file that a call wrote.
struct WrittenFile {
  std::string path;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  /// Its share of ProcessResult::logical_bytes; in the footer as `viper.logical_bytes`.
  uint64_t logical_bytes = 0;
  uint64_t row_groups = 0;
  std::vector<WrittenColumn> columns;
};

struct PhaseTime {
  /// "preprocess", "check", "order", "convert", "postprocess", "write", "sync" or "finish".
  std::string_view phase;
  double ms = 0;
};

/// What ProcessRecords did.
struct ProcessResult {
  uint64_t entries_flushed = 0;
  /// Sizes of the files.
  uint64_t bytes_written = 0;
  /// What the records are without any form: 4 bytes a component, the bytes of the id and of the
  /// metadata as canonical JSON (none if there are none), and 8 for each of timestamp, time of
  /// ingestion and, where it is set, expiry.
  uint64_t logical_bytes = 0;
  /// logical_bytes / bytes_written; absent if nothing was written.
  std::optional<double> compression_ratio;
  /// bytes_written / logical_bytes; absent without records.
  std::optional<double> stored_fraction;
  /// Of the whole call, by a monotonic clock, and of its phases in their order.
  double flush_duration_ms = 0;
  std::vector<PhaseTime> phases;
  /// Records that a later one of the same id replaced.
  uint64_t duplicates_dropped = 0;
  /// Times that lost digits to TimePrecision.
  uint64_t shortened_times = 0;
  uint64_t row_groups = 0;
  /// Files, and collections that they are of.
  uint64_t segments_created = 0;
  uint64_t collections_affected = 0;
  std::vector<WrittenFile> files;
  FileLayout layout = FileLayout::kViper;
  SortingOrder order = SortingOrder::kNone;
  std::string processor;
  /// Of the clusters that the rows were ordered by: a hash of their centroids. Absent if none were.
  std::optional<std::string> model;
};

/// How one call works.
struct ProcessOptions {
  /// Dimension, metric and declared fields. Absent: those of the bound engine's collection of that
  /// name; else as the records have them (every key whose values all have one type is a field).
  std::optional<CollectionSchema> schema = {};
};

/// What a pipeline has done since it was made.
struct PipelineStatistics {
  /// Calls of ProcessRecords that wrote their files, and that failed.
  uint64_t batches = 0;
  uint64_t failed_batches = 0;
  uint64_t files = 0;
  uint64_t records = 0;
  uint64_t duplicates_dropped = 0;
  uint64_t bytes_written = 0;
  uint64_t logical_bytes = 0;
  /// The sums above divided by each other; absent if nothing was written.
  std::optional<double> compression_ratio;
  /// Of the batches that wrote their files: together, on average, and the longest.
  double total_ms = 0;
  std::optional<double> mean_ms;
  double max_ms = 0;
  /// Sums over batches, by phase.
  std::map<std::string, double, std::less<>> phase_ms;
  /// Files attached, and their rows.
  uint64_t attached_files = 0;
  uint64_t attached_rows = 0;
  /// Tasks that were queued, and how they ended.
  uint64_t tasks_queued = 0;
  uint64_t tasks_done = 0;
  uint64_t tasks_failed = 0;
  uint64_t tasks_cancelled = 0;
  uint64_t task_retries = 0;
};

/// Turns batches of records into Parquet files that every reader of such files understands, and
/// keeps the collections of an engine tidy. Thread-safe.
class VIPER_EXPORT Pipeline {
 public:
  class Impl;
  explicit Pipeline(std::unique_ptr<Impl> impl);
  ~Pipeline();

  /// `file_system` null = FileSystem::Local(); `engine` null = none is bound: files can be written,
  /// not attached, and there is no compaction; `processor` null = MakeStandardProcessor(). The
  /// first two are not owned and must outlive the pipeline. InvalidArgument as Validate.
  static Result<std::unique_ptr<Pipeline>> Make(
      const PipelineConfig& config, FileSystem* file_system = nullptr, Engine* engine = nullptr,
      std::shared_ptr<RecordProcessor> processor = nullptr);

  const PipelineConfig& config() const;

  /// Write the records into a new Parquet file. Directories are created; the file is written under
  /// another name (`.NAME.UUID.tmp` beside it), synced, and renamed: it is there as a whole or not
  /// at all, whatever happens. What is written survives a loss of power. No records make a file
  /// without rows, if the schema is known.
  ///
  /// InvalidArgument, and nothing is written: a record is invalid, or is meant for another
  /// collection (Record::collection_id); the message names its index and id. AlreadyExists: the
  /// file exists (FlushingConfig::overwrite). ResourceExhausted, IoError: nothing is left behind.
  Result<ProcessResult> ProcessRecords(const std::string& collection, std::vector<Record> records,
                                       const std::string& path, const ProcessOptions& options = {});
  /// Put the rows of a file, of whatever layout, into a collection of the bound engine, by commits
  /// of at most 128 MiB. Records of the same ids are replaced. After a failure or crash a repeated
  /// call goes on where the last commit was, whatever the file is called by then. Metadata of
  /// FileLayout::kLegacy are metadata again, and values of declared fields. FailedPrecondition: no
  /// engine is bound; NotFound; InvalidArgument: the dimension is another, or a row is invalid.
  Result<LoadSummary> AttachFile(const std::string& collection, const std::string& path);

  /// The queue of tasks; null if no engine is bound.
  CompactionEngine* compaction() const;
  /// Start and stop workers and schedule. Nothing happens if they run, or do not. The destructor
  /// stops them. FailedPrecondition: no engine is bound.
  Status StartBackgroundProcessing();
  void StopBackgroundProcessing();

  PipelineStatistics Statistics() const;
  /// Of what runs in the background; empty if no engine is bound.
  std::vector<ServiceHealth> Health() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace viper
