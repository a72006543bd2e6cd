#include "platform/periodic_service.h"

#include <algorithm>
#include <utility>

#include "platform/thread_name.h"

namespace viper {

namespace {

/// Of the interval, at most, by which a run comes after its time.
constexpr double kJitterShare = 0.1;

}  // namespace

std::string_view ServiceStateName(ServiceState state) {
  switch (state) {
    case ServiceState::kStopped:
      return "stopped";
    case ServiceState::kWaiting:
      return "waiting";
    case ServiceState::kRunning:
      return "running";
  }
  return "?";
}

PeriodicService::PeriodicService(std::string name, std::chrono::milliseconds interval, Work work,
                                 const Clock& clock)
    : name_(std::move(name)),
      interval_(std::max(interval, std::chrono::milliseconds(1))),
      work_(std::move(work)),
      clock_(clock),
      random_(RandomSeed()) {
  health_.name = name_;
}

void PeriodicService::Start() {
  MutexLock control(control_mutex_);
  if (thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    stopping_ = false;
    notified_ = false;
    health_.state = ServiceState::kWaiting;
    SetSlot(std::chrono::steady_clock::now() + interval_);
  }
  thread_ = std::jthread([this](std::stop_token stop) {
    SetThreadName(name_);
    Run(stop);
  });
}

void PeriodicService::Stop() {
  MutexLock control(control_mutex_);
  if (!thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  thread_.request_stop();
  wake_.NotifyOne();
  thread_.join();
  MutexLock lock(mutex_);
  health_.state = ServiceState::kStopped;
  health_.next_run.reset();
}

void PeriodicService::Notify() {
  {
    MutexLock lock(mutex_);
    notified_ = true;
  }
  wake_.NotifyOne();
}

ServiceHealth PeriodicService::Health() const {
  MutexLock lock(mutex_);
  return health_;
}

void PeriodicService::Run(const std::stop_token& stop) {
  while (WaitUntilDue()) {
    const Status status = work_(stop);
    MutexLock lock(mutex_);
    ++health_.runs;
    health_.state = ServiceState::kWaiting;
    health_.is_failing = !status.ok();
    if (!status.ok()) {
      ++health_.failures;
      health_.last_error = status.ToString();
    }
    const auto now = std::chrono::steady_clock::now();
    if (due_ <= now) SetSlot(slot_ + ((now - slot_) / interval_ + 1) * interval_);
  }
}

bool PeriodicService::WaitUntilDue() {
  MutexLock lock(mutex_);
  while (!stopping_ && !notified_ && wake_.WaitUntil(mutex_, due_)) {
  }
  notified_ = false;
  if (stopping_) return false;
  health_.state = ServiceState::kRunning;
  health_.last_run = clock_.Now();
  return true;
}

void PeriodicService::SetSlot(SteadyTime slot) {
  slot_ = slot;
  due_ = slot + std::chrono::duration_cast<SteadyTime::duration>(interval_ * kJitterShare *
                                                                 random_.UniformDouble());
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
      due_ - std::chrono::steady_clock::now());
  health_.next_run = Timestamp{clock_.Now().micros + left.count()};
}

}  // namespace viper
