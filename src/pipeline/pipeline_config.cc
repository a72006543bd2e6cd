#include "viper/pipeline_config.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"
#include "base/status_macros.h"
#include "viper/compaction_engine.h"

namespace viper {
namespace {

template <typename Enum>
struct NamedValue {
  Enum value;
  std::string_view name;
};

constexpr NamedValue<SortingOrder> kOrderNames[] = {{SortingOrder::kNone, "none"},
                                                    {SortingOrder::kByTime, "by_time"},
                                                    {SortingOrder::kByMetadata, "by_metadata"},
                                                    {SortingOrder::kBySimilarity, "by_similarity"}};
constexpr NamedValue<FileLayout> kLayoutNames[] = {{FileLayout::kViper, "viper"},
                                                   {FileLayout::kLegacy, "legacy"},
                                                   {FileLayout::kTimeSeries, "time_series"}};
constexpr NamedValue<TimePrecision> kPrecisionNames[] = {
    {TimePrecision::kMillis, "ms"}, {TimePrecision::kMicros, "us"}, {TimePrecision::kNanos, "ns"}};
constexpr NamedValue<CompactionTaskType> kTaskTypeNames[] = {
    {CompactionTaskType::kMergeFiles, "merge_files"},
    {CompactionTaskType::kRecluster, "recluster"},
    {CompactionTaskType::kReorganizeFeatures, "reorganize_features"},
    {CompactionTaskType::kRecompress, "recompress"}};
constexpr NamedValue<TaskPriority> kPriorityNames[] = {{TaskPriority::kLow, "low"},
                                                       {TaskPriority::kNormal, "normal"},
                                                       {TaskPriority::kHigh, "high"},
                                                       {TaskPriority::kCritical, "critical"}};
constexpr NamedValue<TaskState> kTaskStateNames[] = {{TaskState::kQueued, "queued"},
                                                     {TaskState::kRunning, "running"},
                                                     {TaskState::kDone, "done"},
                                                     {TaskState::kFailed, "failed"},
                                                     {TaskState::kCancelled, "cancelled"}};

template <typename Enum>
std::string_view NameOf(std::span<const NamedValue<Enum>> names, Enum value) {
  for (const NamedValue<Enum>& named : names) {
    if (named.value == value) return named.name;
  }
  return "unknown";
}

template <typename Enum>
Result<Enum> ParseName(std::span<const NamedValue<Enum>> names, std::string_view what,
                       std::string_view name) {
  std::string known;
  for (const NamedValue<Enum>& named : names) {
    if (named.name == name) return named.value;
    known += fmt::format("{}{}", known.empty() ? "" : "|", named.name);
  }
  return Status::InvalidArgument(
      fmt::format("unknown {}: expected={} actual='{}'", what, known, name));
}

template <typename Enum>
Status CheckKnown(std::string_view member, std::span<const NamedValue<Enum>> names, Enum value) {
  if (NameOf(names, value) != "unknown") return {};
  return Status::InvalidArgument(
      fmt::format("PipelineConfig::{} is unknown: min=0 max={} actual={}", member, names.size() - 1,
                  static_cast<int>(value)));
}

template <typename Number>
Status CheckMember(std::string_view member, Number value, Number min, Number max) {
  if (value >= min && value <= max) return {};
  return Status::InvalidArgument(fmt::format(
      "PipelineConfig::{} is out of range: min={} max={} actual={}", member, min, max, value));
}

Status Contradiction(std::string_view one, std::string_view one_value, std::string_view other,
                     std::string_view other_value, std::string_view why) {
  return Status::InvalidArgument(
      fmt::format("PipelineConfig::{} and {} contradict each other: {}={} {}={}: {}", one, other,
                  one, one_value, other, other_value, why));
}

Status CheckSorting(const SortingStrategy& sorting) {
  VIPER_RETURN_IF_ERROR(
      CheckKnown<SortingOrder>("processing.sorting.order", kOrderNames, sorting.order));
  const bool by_metadata = sorting.order == SortingOrder::kByMetadata;
  if (by_metadata == sorting.fields.empty()) {
    return Contradiction("processing.sorting.order", SortingOrderName(sorting.order),
                         "processing.sorting.fields",
                         fmt::format("({} keys)", sorting.fields.size()),
                         by_metadata ? "by_metadata needs a key" : "only by_metadata has keys");
  }
  for (const std::string& field : sorting.fields) {
    if (field.empty()) {
      return Status::InvalidArgument("PipelineConfig::processing.sorting.fields has an empty key");
    }
  }
  return {};
}

Status CheckTimeSeries(const ProcessingConfig& processing) {
  const TimeSeriesOptions& series = processing.time_series;
  VIPER_RETURN_IF_ERROR(CheckKnown<TimePrecision>("processing.time_series.precision",
                                                  kPrecisionNames, series.precision));
  VIPER_RETURN_IF_ERROR(
      CheckMember<int64_t>("processing.time_series.window_ms", series.window_ms, 1, kTtlMsMax));
  if (series.split > WindowSplit::kFiles) {
    return Status::InvalidArgument(fmt::format(
        "PipelineConfig::processing.time_series.split is unknown: min=0 max=1 actual={}",
        static_cast<int>(series.split)));
  }
  if (processing.layout != FileLayout::kTimeSeries) return {};
  if (!processing.enable_preprocessing) {
    return Contradiction("processing.layout", "time_series", "processing.enable_preprocessing",
                         "false", "the rows of a time series are sorted");
  }
  if (processing.sorting.order != SortingOrder::kByTime) {
    return Contradiction("processing.layout", "time_series", "processing.sorting.order",
                         SortingOrderName(processing.sorting.order),
                         "the rows of a time series are sorted by_time");
  }
  return {};
}

Status CheckProcessing(const ProcessingConfig& processing) {
  VIPER_RETURN_IF_ERROR(
      CheckKnown<FileLayout>("processing.layout", kLayoutNames, processing.layout));
  VIPER_RETURN_IF_ERROR(CheckMember<size_t>("processing.batch_size", processing.batch_size, 1,
                                            kPipelineBatchRowsMax));
  VIPER_RETURN_IF_ERROR(CheckSorting(processing.sorting));
  return CheckTimeSeries(processing);
}

Status CheckFlushing(const FlushingConfig& flushing) {
  if (flushing.compression.codec > Codec::kZstd) {
    return Status::InvalidArgument(
        fmt::format("PipelineConfig::flushing.compression.codec is unknown: min=0 max=3 actual={}",
                    static_cast<int>(flushing.compression.codec)));
  }
  VIPER_RETURN_IF_ERROR(CheckMember<int>("flushing.compression.level", flushing.compression.level,
                                         kZstdLevelMin, kZstdLevelMax));
  VIPER_RETURN_IF_ERROR(
      CheckMember<int>("flushing.storage_policy", static_cast<int>(flushing.storage_policy), 0, 1));
  VIPER_RETURN_IF_ERROR(CheckMember<size_t>("flushing.row_group_rows", flushing.row_group_rows, 1,
                                            kPipelineBatchRowsMax));
  VIPER_RETURN_IF_ERROR(
      CheckMember<int>("flushing.vector_format", static_cast<int>(flushing.vector_format), 0, 2));
  return CheckMember<double>("flushing.sparsity_threshold", flushing.sparsity_threshold, 0, 1);
}

Status CheckCompaction(const PipelineCompactionConfig& compaction) {
  VIPER_RETURN_IF_ERROR(CheckMember<uint32_t>("compaction.worker_count", compaction.worker_count, 0,
                                              kPipelineWorkersMax));
  VIPER_RETURN_IF_ERROR(CheckMember<uint32_t>("compaction.target_file_size_mb",
                                              compaction.target_file_size_mb, 1,
                                              static_cast<uint32_t>(kPartBytesMax >> 20)));
  VIPER_RETURN_IF_ERROR(CheckMember<uint32_t>("compaction.interval_ms", compaction.interval_ms, 1,
                                              kCompactionIntervalMsMax));
  VIPER_RETURN_IF_ERROR(CheckMember<uint32_t>(
      "compaction.max_files_per_merge", compaction.max_files_per_merge, 2, kMergeFilesLimitMax));
  VIPER_RETURN_IF_ERROR(
      CheckMember<uint32_t>("compaction.retries", compaction.retries, 0, kTaskRetriesMax));
  return CheckMember<double>("compaction.reclustering_quality_threshold",
                             compaction.reclustering_quality_threshold, 0, 1);
}

}  // namespace

std::string_view SortingOrderName(SortingOrder order) {
  return NameOf<SortingOrder>(kOrderNames, order);
}
Result<SortingOrder> ParseSortingOrder(std::string_view name) {
  return ParseName<SortingOrder>(kOrderNames, "sorting order", name);
}

std::string_view FileLayoutName(FileLayout layout) {
  return NameOf<FileLayout>(kLayoutNames, layout);
}
Result<FileLayout> ParseFileLayout(std::string_view name) {
  return ParseName<FileLayout>(kLayoutNames, "file layout", name);
}

std::string_view TimePrecisionName(TimePrecision precision) {
  return NameOf<TimePrecision>(kPrecisionNames, precision);
}
Result<TimePrecision> ParseTimePrecision(std::string_view name) {
  return ParseName<TimePrecision>(kPrecisionNames, "time precision", name);
}

std::string_view CompactionTaskTypeName(CompactionTaskType type) {
  return NameOf<CompactionTaskType>(kTaskTypeNames, type);
}
Result<CompactionTaskType> ParseCompactionTaskType(std::string_view name) {
  return ParseName<CompactionTaskType>(kTaskTypeNames, "compaction task", name);
}

std::string_view TaskPriorityName(TaskPriority priority) {
  return NameOf<TaskPriority>(kPriorityNames, priority);
}
Result<TaskPriority> ParseTaskPriority(std::string_view name) {
  return ParseName<TaskPriority>(kPriorityNames, "task priority", name);
}

std::string_view TaskStateName(TaskState state) {
  return NameOf<TaskState>(kTaskStateNames, state);
}

Status PipelineConfig::Validate() const {
  VIPER_RETURN_IF_ERROR(CheckProcessing(processing));
  VIPER_RETURN_IF_ERROR(CheckFlushing(flushing));
  VIPER_RETURN_IF_ERROR(CheckCompaction(compaction));
  if (processing.layout == FileLayout::kLegacy && flushing.vector_format == VectorFormat::kSparse) {
    return Contradiction("processing.layout", "legacy", "flushing.vector_format", "sparse",
                         "the legacy layout has no column for sparse vectors");
  }
  if (flushing.enable_adaptive_compression && !processing.enable_postprocessing) {
    return Contradiction("flushing.enable_adaptive_compression", "true",
                         "processing.enable_postprocessing", "false",
                         "codecs are tried in the postprocessing");
  }
  return {};
}

}  // namespace viper
