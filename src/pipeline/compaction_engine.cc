#include "pipeline/compaction_engine_impl.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "pipeline/compaction_task.h"
#include "platform/thread_name.h"

namespace viper {
namespace {

std::string WorkerName(size_t worker) { return fmt::format("viper-worker-{}", worker); }

}  // namespace

CompactionEngine::Impl::Impl(const PipelineCompactionConfig& config, Engine& engine)
    : config_(config),
      engine_(engine),
      queue_(config.retries),
      schedule_("viper-schedule", std::chrono::milliseconds(config.interval_ms),
                [this](const std::stop_token& stop) { return Schedule(stop).status(); }),
      workers_(config.worker_count) {
  for (size_t i = 0; i < workers_.size(); ++i) workers_[i].name = WorkerName(i);
}

Result<uint64_t> CompactionEngine::Impl::Submit(const CompactionRequest& request) {
  if (request.type > CompactionTaskType::kRecompress) {
    return Status::InvalidArgument(
        fmt::format("CompactionRequest::type is unknown: min=0 max=3 actual={}",
                    static_cast<int>(request.type)));
  }
  if (request.priority > TaskPriority::kCritical) {
    return Status::InvalidArgument(
        fmt::format("CompactionRequest::priority is unknown: min=0 max=3 actual={}",
                    static_cast<int>(request.priority)));
  }
  VIPER_ASSIGN_OR_RETURN(const auto names, engine_.ListCollections());
  if (!std::binary_search(names.begin(), names.end(), request.collection)) {
    return Status::NotFound(fmt::format("there is no such collection: '{}'", request.collection));
  }
  VIPER_ASSIGN_OR_RETURN(const auto added, queue_.Add(request, {}));
  return added.id;
}

Result<std::vector<uint64_t>> CompactionEngine::Impl::Schedule(const std::stop_token& stop) {
  VIPER_ASSIGN_OR_RETURN(const auto names, engine_.ListCollections());
  std::vector<uint64_t> queued;
  Status failed;
  for (const std::string& name : names) {
    if (stop.stop_requested()) return Status::Cancelled("the schedule was asked to stop");
    // Its turn comes when that is done: what there is to do then is another matter.
    const uint64_t turns = queue_.TurnsOf(name);
    if (queue_.IsRunning(name)) continue;
    const auto collection = engine_.OpenCollection(name);
    // One that another process writes, or that was dropped meanwhile, is not ours to look after.
    if (!collection.ok()) {
      const StatusCode code = collection.status().code();
      const bool is_other = code == StatusCode::kBusy || code == StatusCode::kNotFound;
      if (!is_other && failed.ok()) failed = collection.status();
      continue;
    }
    const auto suggested = pipeline::SuggestTasks(**collection, config_);
    if (!suggested.ok()) {
      if (failed.ok()) failed = suggested.status().WithContext(name);
      continue;
    }
    for (const pipeline::SuggestedTask& task : *suggested) {
      // Where a task began or ended meanwhile, this one is about files that are gone.
      const auto added = queue_.Add(task.request, task.reason, turns);
      if (!added.ok() && failed.ok()) failed = added.status();
      if (added.ok() && added->is_new) queued.push_back(added->id);
    }
  }
  VIPER_RETURN_IF_ERROR(failed);
  return queued;
}

Result<CompactionEffect> CompactionEngine::Impl::Run(const pipeline::TaskQueue::Taken& task) {
  VIPER_ASSIGN_OR_RETURN(const auto collection, engine_.OpenCollection(task.request.collection));
  const pipeline::TaskListener listener{
      [&](const CompactionEffect& effect) { queue_.SetPrediction(task.id, effect); },
      [&](double share) { return queue_.Advance(task.id, share); }};
  return pipeline::RunTask(*collection,
                           {.type = task.request.type,
                            .only_what_pays = task.is_scheduled && config_.enable_ml_compaction},
                           config_, listener);
}

bool CompactionEngine::Impl::RunNext() {
  const auto task = queue_.Take();
  if (!task) return false;
  queue_.End(task->id, Run(*task));
  return true;
}

void CompactionEngine::Impl::SetState(size_t worker, ServiceState state) {
  MutexLock lock(health_mutex_);
  workers_[worker].state = state;
}

void CompactionEngine::Impl::Work(size_t worker) {
  SetThreadName(WorkerName(worker));
  while (const auto task = queue_.WaitAndTake()) {
    {
      MutexLock lock(health_mutex_);
      workers_[worker].state = ServiceState::kRunning;
      workers_[worker].last_run = Clock::System().Now();
    }
    const auto outcome = Run(*task);
    {
      MutexLock lock(health_mutex_);
      ServiceHealth& health = workers_[worker];
      health.state = ServiceState::kWaiting;
      ++health.runs;
      // What was asked to stop has not failed.
      health.is_failing = !outcome.ok() && outcome.status().code() != StatusCode::kCancelled;
      if (health.is_failing) {
        ++health.failures;
        health.last_error = outcome.status().ToString();
      }
    }
    queue_.End(task->id, outcome);
  }
  SetState(worker, ServiceState::kStopped);
}

void CompactionEngine::Impl::Start() {
  MutexLock control(control_mutex_);
  if (!threads_.empty() || config_.worker_count == 0) return;
  queue_.Open();
  for (size_t worker = 0; worker < config_.worker_count; ++worker) {
    SetState(worker, ServiceState::kWaiting);
    threads_.emplace_back([this, worker] { Work(worker); });
  }
  schedule_.Start();
}

void CompactionEngine::Impl::Stop() {
  MutexLock control(control_mutex_);
  if (threads_.empty()) return;
  // First the tasks: the schedule may be waiting for one.
  queue_.Close();
  schedule_.Stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  // RunNext works on.
  queue_.Open();
}

bool CompactionEngine::Impl::is_running() const {
  MutexLock control(control_mutex_);
  return !threads_.empty();
}

std::vector<ServiceHealth> CompactionEngine::Impl::Health() const {
  std::vector<ServiceHealth> all = {schedule_.Health()};
  MutexLock lock(health_mutex_);
  all.insert(all.end(), workers_.begin(), workers_.end());
  return all;
}

CompactionEngine::CompactionEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CompactionEngine::~CompactionEngine() = default;

Result<uint64_t> CompactionEngine::Submit(const CompactionRequest& request) {
  return impl_->Submit(request);
}
Result<std::vector<uint64_t>> CompactionEngine::Schedule() { return impl_->Schedule(); }
bool CompactionEngine::RunNext() { return impl_->RunNext(); }
Result<CompactionTaskStatus> CompactionEngine::Wait(uint64_t id, uint64_t timeout_ms) {
  return impl_->queue().Wait(id, timeout_ms);
}
Status CompactionEngine::Cancel(uint64_t id) { return impl_->queue().Cancel(id); }
Result<CompactionTaskStatus> CompactionEngine::TaskStatus(uint64_t id) const {
  return impl_->queue().Find(id);
}
std::vector<CompactionTaskStatus> CompactionEngine::Tasks() const { return impl_->queue().All(); }
void CompactionEngine::Start() { impl_->Start(); }
void CompactionEngine::Stop() { impl_->Stop(); }
bool CompactionEngine::is_running() const { return impl_->is_running(); }
std::vector<ServiceHealth> CompactionEngine::Health() const { return impl_->Health(); }

}  // namespace viper
