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
       std::shared_ptr<RecordProcessor> processor)
      : config_(std::move(config)),
        file_system_(file_system),
        engine_(engine),
        processor_(std::move(processor)) {}

  const PipelineConfig& config() const { return config_; }
  FileSystem& file_system() const { return file_system_; }
  Engine* engine() const { return engine_; }
  RecordProcessor& processor() const { return *processor_; }

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

  mutable Mutex mutex_;
  PipelineStatistics statistics_ VIPER_GUARDED_BY(mutex_);
};

}  // namespace viper
