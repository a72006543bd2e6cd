#include "pipeline/task_queue.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <tuple>
#include <utility>

#include <fmt/core.h>

#include "base/limits.h"

namespace viper::pipeline {
namespace {

Status NoSuchTask(uint64_t id) {
  return Status::NotFound(fmt::format("there is no such task, or it ended long ago: id={}", id));
}

bool HasEnded(const CompactionTaskStatus& status) { return status.state > TaskState::kRunning; }

/// Before a task is tried again: twice as long each time, up to about a minute.
constexpr std::chrono::seconds kRetryPause(1);
constexpr uint32_t kPauseDoublingsMax = 6;

/// Whether the same again may do better.
bool IsWorthRetrying(StatusCode code) {
  switch (code) {
    case StatusCode::kIoError:
    case StatusCode::kBusy:
    case StatusCode::kConflict:
    case StatusCode::kResourceExhausted:
    case StatusCode::kDeadlineExceeded:
      return true;
    default:
      return false;
  }
}

}  // namespace

uint64_t TaskQueue::TurnsOf(const std::string& collection) const {
  MutexLock lock(mutex_);
  const auto found = turns_.find(collection);
  return found == turns_.end() ? 0 : found->second;
}

Result<TaskQueue::Added> TaskQueue::Add(const CompactionRequest& request, const TaskReason& reason,
                                        std::optional<uint64_t> turns) {
  MutexLock lock(mutex_);
  if (turns && *turns != turns_[request.collection]) return Added{0, false};
  for (auto& [id, task] : tasks_) {
    CompactionRequest& other = task.status.request;
    if (task.status.state != TaskState::kQueued || other.collection != request.collection ||
        other.type != request.type) {
      continue;
    }
    other.priority = std::max(other.priority, request.priority);
    // What a caller asks for is done whole, whatever the schedule wanted of it.
    if (reason.text.empty()) {
      task.status.reason.clear();
      task.status.gain_per_byte.reset();
      task.rank.reset();
    }
    return Added{id, false};
  }
  if (waiting_ == kWaitingTasksMax) {
    return Status::ResourceExhausted(
        fmt::format("too many compaction tasks wait: max={}", kWaitingTasksMax));
  }
  const uint64_t id = next_id_++;
  Task& task = tasks_[id];
  task.status.id = id;
  task.status.request = request;
  task.status.reason = reason.text;
  task.status.gain_per_byte = reason.gain_per_byte;
  task.rank = reason.rank;
  ++waiting_;
  ++counts_.queued;
  changed_.NotifyAll();
  return Added{id, true};
}

std::optional<TaskQueue::Taken> TaskQueue::TakeLocked(std::chrono::steady_clock::time_point now) {
  const auto order = [](const Task& task) {
    return std::tuple(task.status.request.priority,
                      task.rank.value_or(std::numeric_limits<double>::infinity()));
  };
  Task* next = nullptr;
  for (auto& [id, task] : tasks_) {
    if (task.status.state != TaskState::kQueued) continue;
    if (busy_.contains(task.status.request.collection) || task.not_before > now) continue;
    if (next == nullptr || order(task) > order(*next)) next = &task;
  }
  if (next == nullptr) return std::nullopt;
  next->status.state = TaskState::kRunning;
  next->status.progress = 0;
  next->status.prediction.reset();
  next->is_to_stop = false;
  if (++next->status.attempts > 1) ++counts_.retries;
  busy_.insert(next->status.request.collection);
  ++turns_[next->status.request.collection];
  --waiting_;
  return Taken{next->status.id, next->status.request, !next->status.reason.empty()};
}

std::optional<TaskQueue::Taken> TaskQueue::Take() {
  MutexLock lock(mutex_);
  return TakeLocked(std::chrono::steady_clock::time_point::max());
}

std::optional<std::chrono::steady_clock::time_point> TaskQueue::NextRetry(
    std::chrono::steady_clock::time_point now) const {
  std::optional<std::chrono::steady_clock::time_point> next;
  for (const auto& [id, task] : tasks_) {
    if (task.status.state != TaskState::kQueued || task.not_before <= now) continue;
    if (!next || task.not_before < *next) next = task.not_before;
  }
  return next;
}

std::optional<TaskQueue::Taken> TaskQueue::WaitAndTake() {
  MutexLock lock(mutex_);
  while (!is_closed_) {
    const auto now = std::chrono::steady_clock::now();
    if (auto taken = TakeLocked(now)) return taken;
    if (const auto retry = NextRetry(now)) {
      changed_.WaitUntil(mutex_, *retry);
    } else {
      changed_.Wait(mutex_);
    }
  }
  return std::nullopt;
}

void TaskQueue::Close() {
  MutexLock lock(mutex_);
  is_closed_ = true;
  changed_.NotifyAll();
}

void TaskQueue::Open() {
  MutexLock lock(mutex_);
  is_closed_ = false;
}

bool TaskQueue::Advance(uint64_t id, double share) {
  MutexLock lock(mutex_);
  const auto found = tasks_.find(id);
  if (found == tasks_.end()) return false;
  double& progress = found->second.status.progress;
  progress = std::clamp(std::max(progress, share), 0.0, 1.0);
  return !is_closed_ && !found->second.is_to_stop;
}

void TaskQueue::SetPrediction(uint64_t id, const CompactionEffect& effect) {
  MutexLock lock(mutex_);
  const auto found = tasks_.find(id);
  if (found != tasks_.end()) found->second.status.prediction = effect;
}

void TaskQueue::Finish(Task& task, TaskState state) {
  task.status.state = state;
  switch (state) {
    case TaskState::kDone:
      ++counts_.done;
      break;
    case TaskState::kFailed:
      ++counts_.failed;
      break;
    default:
      ++counts_.cancelled;
      break;
  }
  ended_.push_back(task.status.id);
  if (ended_.size() <= kEndedTasksMax) return;
  tasks_.erase(ended_.front());
  ended_.erase(ended_.begin());
}

void TaskQueue::End(uint64_t id, const Result<CompactionEffect>& outcome) {
  MutexLock lock(mutex_);
  const auto found = tasks_.find(id);
  if (found == tasks_.end()) return;
  Task& task = found->second;
  busy_.erase(task.status.request.collection);
  ++turns_[task.status.request.collection];
  changed_.NotifyAll();
  if (outcome.ok()) {
    task.status.outcome = *outcome;
    task.status.progress = 1;
    task.status.error.reset();
    return Finish(task, TaskState::kDone);
  }
  const bool was_stopped = outcome.status().code() == StatusCode::kCancelled;
  if (!was_stopped) task.status.error = outcome.status().ToString();
  if (task.is_to_stop) return Finish(task, TaskState::kCancelled);
  const bool is_again =
      was_stopped || (IsWorthRetrying(outcome.status().code()) && task.status.attempts <= retries_);
  if (!is_again) return Finish(task, TaskState::kFailed);
  // What was interrupted from outside has not failed.
  if (was_stopped) {
    --task.status.attempts;
  } else {
    const auto doublings = std::min<uint32_t>(task.status.attempts - 1, kPauseDoublingsMax);
    task.not_before = std::chrono::steady_clock::now() + kRetryPause * (1 << doublings);
  }
  task.status.state = TaskState::kQueued;
  ++waiting_;
}

Status TaskQueue::Cancel(uint64_t id) {
  MutexLock lock(mutex_);
  const auto found = tasks_.find(id);
  if (found == tasks_.end()) return NoSuchTask(id);
  Task& task = found->second;
  if (HasEnded(task.status)) {
    return Status::FailedPrecondition(fmt::format("the task has ended already: id={} state={}", id,
                                                  TaskStateName(task.status.state)));
  }
  if (task.status.state == TaskState::kRunning) {
    task.is_to_stop = true;
    return {};
  }
  --waiting_;
  Finish(task, TaskState::kCancelled);
  changed_.NotifyAll();
  return {};
}

Result<CompactionTaskStatus> TaskQueue::Find(uint64_t id) const {
  MutexLock lock(mutex_);
  const auto found = tasks_.find(id);
  if (found == tasks_.end()) return NoSuchTask(id);
  return found->second.status;
}

Result<CompactionTaskStatus> TaskQueue::Wait(uint64_t id, uint64_t timeout_ms) const {
  constexpr uint64_t kLongest = uint64_t{365} * 24 * 3600 * 1000;
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(std::min(timeout_ms, kLongest));
  MutexLock lock(mutex_);
  for (;;) {
    const auto found = tasks_.find(id);
    if (found == tasks_.end()) return NoSuchTask(id);
    if (HasEnded(found->second.status)) return found->second.status;
    if (!changed_.WaitUntil(mutex_, deadline) && std::chrono::steady_clock::now() >= deadline) {
      return Status::DeadlineExceeded(
          fmt::format("the task has not ended in time: id={} state={} timeout_ms={}", id,
                      TaskStateName(found->second.status.state), timeout_ms));
    }
  }
}

std::vector<CompactionTaskStatus> TaskQueue::All() const {
  MutexLock lock(mutex_);
  std::vector<CompactionTaskStatus> all;
  for (const auto& [id, task] : tasks_) all.push_back(task.status);
  return all;
}

bool TaskQueue::IsRunning(const std::string& collection) const {
  MutexLock lock(mutex_);
  return busy_.contains(collection);
}

TaskCounts TaskQueue::Counts() const {
  MutexLock lock(mutex_);
  return counts_;
}

}  // namespace viper::pipeline
