#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pipeline/task_queue.h"
#include "viper/engine.h"
#include "viper/pipeline.h"

namespace viper::pipeline {

/// What a task tells while it runs.
struct TaskListener {
  /// Before anything is changed.
  std::function<void(const CompactionEffect& prediction)> predicted;
  /// The share done; false asks to stop.
  std::function<bool(double share)> advance;
};

struct TaskOrder {
  CompactionTaskType type = CompactionTaskType::kMergeFiles;
  /// Merge as far as that pays; else whatever can be merged.
  bool only_what_pays = false;
};

/// Do a task to an open collection, and tell what it did to its files. Cancelled: it was asked to
/// stop. FailedPrecondition: there are too few records to cluster.
Result<CompactionEffect> RunTask(Collection& collection, const TaskOrder& order,
                                 const PipelineCompactionConfig& config,
                                 const TaskListener& listener);

/// A task that is worth doing.
struct SuggestedTask {
  CompactionRequest request;
  TaskReason reason;
};
/// What pays in a collection, as PipelineCompactionConfig::enable_ml_compaction says.
Result<std::vector<SuggestedTask>> SuggestTasks(Collection& collection,
                                                const PipelineCompactionConfig& config);

}  // namespace viper::pipeline
