#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/mutex.h"
#include "viper/pipeline.h"

namespace viper {

/// Thread-safe. The statistics are all that changes.
class Pipeline::Impl {
 public:
  Impl(PipelineConfig config, FileSystem& file_system, Engine* engine,
       std::shared_ptr<RecordProcessor> processor);

  const PipelineConfig& config() const { return config_; }
  FileSystem& file_system() const { return file_system_; }
  /// Null if no engine is bound.
  CompactionEngine* compaction() const { return compaction_.get(); }

  Result<ProcessResult> Process(const std::string& collection, std::vector<Record>& records,
                                const std::string& path, const ProcessOptions& options);
  Result<LoadSummary> Attach(const std::string& collection, const std::string& path);
  PipelineStatistics Statistics() const VIPER_EXCLUDES(mutex_);

 private:
  Result<CollectionSchema> SchemaOf(const std::string& collection,
                                    const std::vector<Record>& records,
                                    const ProcessOptions& options) const;
  void NoteBatch(const Result<ProcessResult>& result) VIPER_EXCLUDES(mutex_);

  const PipelineConfig config_;
  FileSystem& file_system_;
  Engine* const engine_;
  const std::shared_ptr<RecordProcessor> processor_;
  std::unique_ptr<CompactionEngine> compaction_;
  /// That of `compaction_`.
  CompactionEngine::Impl* tasks_ = nullptr;

  mutable Mutex mutex_;
  PipelineStatistics statistics_ VIPER_GUARDED_BY(mutex_);
};

}  // namespace viper
