#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/task_queue.h"
#include "platform/mutex.h"
#include "platform/periodic_service.h"
#include "viper/pipeline.h"

namespace viper {

/// The threads around a TaskQueue. Thread-safe.
class CompactionEngine::Impl {
 public:
  /// `engine` is not owned and must outlive it.
  Impl(const PipelineCompactionConfig& config, Engine& engine);
  ~Impl() { Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  pipeline::TaskQueue& queue() { return queue_; }
  const pipeline::TaskQueue& queue() const { return queue_; }

  Result<uint64_t> Submit(const CompactionRequest& request);
  /// Cancelled when asked to stop; what it queued until then stays.
  Result<std::vector<uint64_t>> Schedule(const std::stop_token& stop = {});
  bool RunNext();
  void Start() VIPER_EXCLUDES(control_mutex_);
  void Stop() VIPER_EXCLUDES(control_mutex_);
  bool is_running() const VIPER_EXCLUDES(control_mutex_);
  std::vector<ServiceHealth> Health() const VIPER_EXCLUDES(health_mutex_);

 private:
  void Work(size_t worker);
  Result<CompactionEffect> Run(const pipeline::TaskQueue::Taken& task);
  void SetState(size_t worker, ServiceState state) VIPER_EXCLUDES(health_mutex_);

  const PipelineCompactionConfig config_;
  Engine& engine_;
  pipeline::TaskQueue queue_;
  PeriodicService schedule_;

  mutable Mutex health_mutex_;
  /// One for each worker.
  std::vector<ServiceHealth> workers_ VIPER_GUARDED_BY(health_mutex_);

  /// Held by Start and Stop throughout.
  mutable Mutex control_mutex_;
  std::vector<std::thread> threads_ VIPER_GUARDED_BY(control_mutex_);
};

}  // namespace viper
