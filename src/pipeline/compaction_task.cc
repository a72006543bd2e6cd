#include "pipeline/compaction_task.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"

namespace viper::pipeline {
namespace {

/// Where no model chooses, so many small files are worth merging.
constexpr uint64_t kSmallFilesMin = 4;
/// What a file that is gone is worth in bytes, as the engine's own planning has it.
constexpr double kFileWorth = 64 * 1024;
/// Training takes about so much of a re-clustering.
constexpr double kTrainedShare = 0.5;

CompactOptions OptionsOf(CompactionTaskType type, const PipelineCompactionConfig& config) {
  CompactOptions options;
  options.part_bytes = uint64_t{config.target_file_size_mb} << 20;
  options.files_per_step = config.max_files_per_merge;
  options.threads = 1;  // there are as many as workers
  switch (type) {
    case CompactionTaskType::kMergeFiles:
      options.everything = true;
      break;
    case CompactionTaskType::kRecluster:
      options.everything = true;
      options.rewrite_all = true;
      options.order_by_cluster = true;
      break;
    case CompactionTaskType::kReorganizeFeatures:
      options.fill_columns = true;
      break;
    case CompactionTaskType::kRecompress:
      options.everything = true;
      options.rewrite_all = true;
      break;
  }
  return options;
}

CompactionEffect EffectOf(const CompactionReport& report) {
  return {.files_before = report.files_before,
          .files_after = report.files_after,
          .bytes_before = report.bytes_before,
          .bytes_after = report.bytes_after,
          .seconds = std::nullopt};
}

/// What a dry run expects; its seconds only if it knows them for every step.
CompactionEffect PredictionOf(const CompactionReport& report) {
  CompactionEffect effect = EffectOf(report);
  double seconds = 0;
  for (const CompactionStep& step : report.steps) {
    if (!step.predicted_seconds) return effect;
    seconds += *step.predicted_seconds;
  }
  effect.seconds = seconds;
  return effect;
}

/// Bytes given back for each byte copied.
double GainPerByte(const CompactionReport& report) {
  double gain = 0;
  double copied = 1;
  for (const CompactionStep& step : report.steps) {
    gain += static_cast<double>(step.bytes_before) - static_cast<double>(step.predicted_bytes) +
            kFileWorth * (static_cast<double>(step.files.size()) -
                          static_cast<double>(step.predicted_files));
    const auto live = static_cast<double>(step.predicted_bytes);
    copied += live;
    // What could have been copied in the time that searches lost.
    if (step.predicted_seconds && *step.predicted_seconds > 0) {
      gain += step.wasted_seconds * live / *step.predicted_seconds;
    }
  }
  return gain / copied;
}

/// Of a collection whose index has become worse than the threshold.
std::optional<SuggestedTask> SuggestReclustering(const Collection& collection,
                                                 const PipelineCompactionConfig& config) {
  const auto report = collection.ReportIndex();
  if (!report.ok()) return std::nullopt;  // There is no index.
  const double quality = 1 / std::max({1.0, report->distance_growth, report->imbalance_growth});
  if (quality >= config.reclustering_quality_threshold) return std::nullopt;
  return SuggestedTask{
      {collection.name(), CompactionTaskType::kRecluster, TaskPriority::kLow},
      {.text = fmt::format("rows lie in their clusters {:.2f} times as well as at training, less "
                           "than {:.2f}",
                           quality, config.reclustering_quality_threshold),
       .gain_per_byte = std::nullopt,
       .rank = 0}};
}

/// The files that would be merged.
uint64_t SmallFiles(const CompactionReport& report) {
  uint64_t files = 0;
  for (const CompactionStep& step : report.steps) {
    if (step.files.size() > 1) files += step.files.size();
  }
  return files;
}

}  // namespace

Result<CompactionEffect> RunTask(Collection& collection, const TaskOrder& order,
                                 const PipelineCompactionConfig& config,
                                 const TaskListener& listener) {
  const auto begin = std::chrono::steady_clock::now();
  CompactOptions options = OptionsOf(order.type, config);
  if (order.only_what_pays) options.everything = false;
  options.dry_run = true;
  VIPER_ASSIGN_OR_RETURN(const CompactionReport expected, collection.Compact(options));
  listener.predicted(PredictionOf(expected));
  options.dry_run = false;
  const bool trains = order.type == CompactionTaskType::kRecluster;
  const double trained = trains ? kTrainedShare : 0;
  if (trains) {
    VIPER_RETURN_IF_ERROR(collection.RetrainIndex(
        [&](double share) { return listener.advance(kTrainedShare * share); }));
  }
  options.progress = [&](double share) {
    return listener.advance(trained + (1 - trained) * share);
  };
  VIPER_ASSIGN_OR_RETURN(const CompactionReport report, collection.Compact(options));
  // The rows are elsewhere: that searches find them through the index again.
  if (trains) {
    VIPER_RETURN_IF_ERROR(collection.BuildIndex([&](double) { return listener.advance(1); }));
  }
  CompactionEffect effect = EffectOf(report);
  effect.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return effect;
}

Result<std::vector<SuggestedTask>> SuggestTasks(Collection& collection,
                                                const PipelineCompactionConfig& config) {
  CompactOptions options = OptionsOf(CompactionTaskType::kMergeFiles, config);
  options.dry_run = true;
  options.everything = !config.enable_ml_compaction;
  VIPER_ASSIGN_OR_RETURN(const CompactionReport report, collection.Compact(options));
  std::vector<SuggestedTask> suggested;
  const CompactionRequest merge{collection.name(), CompactionTaskType::kMergeFiles,
                                TaskPriority::kNormal};
  if (!config.enable_ml_compaction) {
    const uint64_t files = SmallFiles(report);
    if (files >= kSmallFilesMin) {
      suggested.push_back({merge,
                           {.text = fmt::format("{} small files", files),
                            .gain_per_byte = std::nullopt,
                            .rank = static_cast<double>(files)}});
    }
    return suggested;
  }
  if (!report.steps.empty()) {
    const double gain = GainPerByte(report);
    suggested.push_back(
        {merge, {.text = report.steps.front().reason, .gain_per_byte = gain, .rank = gain}});
  }
  if (auto recluster = SuggestReclustering(collection, config)) {
    suggested.push_back(std::move(*recluster));
  }
  return suggested;
}

}  // namespace viper::pipeline
